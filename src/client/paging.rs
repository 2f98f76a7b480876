//! The pages of a query, each asked for while the one before it is taken in.
//!
//! Where the next page starts is only known from the answer. Servers say it after the rows, so it is read from the end of the answer before the rows are decoded; where that does
//! not work, the next page is asked for after decoding. Either way a page is asked for only if there is one, and never before the answer to the one before it is here.

use std::sync::Arc;

use bytes::Bytes;
use ftrack_protocol::Operation;
use tokio::task::JoinHandle;

use crate::error::Result;
use crate::identity_map::IdentityMap;
use crate::merge::{QueryPage, merge_query_answer, next_offset};
use crate::query::Pager;
use crate::runtime;
use crate::transport::{Idempotency, Transport, encode_batch};

/// Reads the pages of one query into an identity map.
#[derive(Debug)]
pub struct PageReader {
    transport: Arc<Transport>,
    map: Arc<IdentityMap>,
    pager: Pager,
    ahead: Option<PageRequest>,
}

impl PageReader {
    /// Prepares to read; nothing is asked yet.
    pub fn new(transport: Arc<Transport>, map: Arc<IdentityMap>, pager: Pager) -> Self {
        Self {
            transport,
            map,
            pager,
            ahead: None,
        }
    }

    /// Asks for the next page, unless it was asked for already; none when everything was read.
    ///
    /// The bytes of the answer are for [`take_in`](Self::take_in).
    pub fn request(&mut self) -> Result<Option<PageRequest>> {
        let Some(expression) = self.pager.next_page() else {
            return Ok(None);
        };
        match self.ahead.take() {
            Some(request) if request.expression == expression => Ok(Some(request)),
            _ => self.ask(expression).map(Some),
        }
    }

    /// Merges the answer to the last request, and asks for the page after it if there is one.
    ///
    /// Returns the entities that belong to the result, and the offset of the next page.
    pub fn take_in(&mut self, answer: &[u8]) -> Result<QueryPage> {
        if let Some(offset) = next_offset(answer) {
            self.ask_ahead(self.pager.page_after_full_one(offset))?;
        }
        let mut page = merge_query_answer(&self.map, answer)?;
        let taken = self.pager.advance(page.entities.len(), page.next_offset);
        page.entities.truncate(taken);
        self.ask_ahead(self.pager.next_page())?;
        Ok(page)
    }

    fn ask_ahead(&mut self, expression: Option<String>) -> Result<()> {
        let is_asked = |request: &PageRequest| Some(&request.expression) == expression.as_ref();
        if !self.ahead.as_ref().is_some_and(is_asked) {
            self.ahead = expression.map(|it| self.ask(it)).transpose()?;
        }
        Ok(())
    }

    fn ask(&self, expression: String) -> Result<PageRequest> {
        let query = Operation::Query {
            expression: expression.clone(),
        };
        let body = encode_batch(&[query])?;
        let transport = self.transport.clone();
        let answer =
            runtime::handle()?.spawn(async move { transport.call(body, Idempotency::Read).await });
        Ok(PageRequest { expression, answer })
    }
}

/// A page on its way; dropping it gives it up.
#[derive(Debug)]
pub struct PageRequest {
    expression: String,
    answer: JoinHandle<Result<Bytes>>,
}

impl PageRequest {
    /// Waits for the answer.
    pub async fn answer(mut self) -> Result<Bytes> {
        match (&mut self.answer).await {
            Ok(answer) => answer,
            // Nobody but the one who drops it ends the task, so this is a panic of its own.
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        }
    }
}

impl Drop for PageRequest {
    fn drop(&mut self) {
        self.answer.abort();
    }
}
