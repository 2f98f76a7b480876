//! Which items of a transfer are done, for the error that ends it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use parking_lot::Mutex;
use tokio::time::timeout;

use super::limit::{Limiter, Permit};
use super::{BatchError, Control, ItemRef, Progress, TransferError};

/// The items of a transfer and those of them that arrived.
pub(super) struct Tally {
    items: Vec<ItemRef>,
    arrived: Mutex<Vec<usize>>,
}

/// What ended a transfer: errors with the index of their item, if it was one item that failed.
pub(super) struct Fault(pub(super) Vec<(Option<usize>, TransferError)>);

impl From<TransferError> for Fault {
    fn from(error: TransferError) -> Self {
        Self(vec![(None, error)])
    }
}

impl From<(usize, TransferError)> for Fault {
    fn from((index, error): (usize, TransferError)) -> Self {
        Self(vec![(Some(index), error)])
    }
}

impl Tally {
    pub(super) fn new(items: Vec<ItemRef>) -> Self {
        Self {
            items,
            arrived: Mutex::default(),
        }
    }

    /// Notes that an item arrived.
    pub(super) fn arrived(&self, index: usize, progress: &Progress) {
        self.arrived.lock().push(index);
        progress.finished_file(index);
    }

    /// Runs the work of a transfer until it ends, is cancelled, or has taken longer than `total`.
    pub(super) async fn settle<T>(
        &self,
        control: &Control,
        total: Option<Duration>,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, BatchError> {
        let outcome = bounded(control, total, work).await;
        outcome.map_err(|fault| self.error(fault))
    }

    /// Returns the error of a transfer that was ended by `fault`, with what arrived until now.
    pub(super) fn error(&self, Fault(faults): Fault) -> BatchError {
        let mut failed = Vec::new();
        let mut cause = None;
        for (index, error) in faults {
            let error = Arc::new(error);
            cause.get_or_insert_with(|| Arc::clone(&error));
            failed.extend(index.map(|index| (self.items[index].clone(), error)));
        }
        BatchError {
            cause: cause.unwrap_or_else(|| Arc::new(TransferError::WorkerLost)),
            failed,
            transferred: self
                .arrived
                .lock()
                .iter()
                .map(|index| self.items[*index].clone())
                .collect(),
            total: self.items.len(),
        }
    }
}

/// Runs work until it ends, is cancelled, or has taken longer than `total`.
pub(super) async fn bounded<T>(
    control: &Control,
    total: Option<Duration>,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let after = total.unwrap_or(Duration::MAX);
    control
        .run(timeout(after, work))
        .await
        .unwrap_or_else(|| Ok(Err(TransferError::Cancelled.into())))
        .unwrap_or_else(|_| Err(TransferError::TimedOut { after }.into()))
}

/// Gives each item a place, one after the other: places are what bounds how many are under way.
pub(super) fn admitted<'a, I: Send + 'a>(
    items: impl Stream<Item = I> + Send + 'a,
    limiter: &Limiter,
    control: &Control,
) -> BoxStream<'a, (I, Permit)> {
    let (limiter, control) = (limiter.clone(), control.clone());
    items
        .then(move |item| {
            let (limiter, control) = (limiter.clone(), control.clone());
            async move { (item, limiter.place(&control).await) }
        })
        .boxed()
}

/// Runs all work at the same time and returns the results in the order of the items. The first failure drops the rest.
pub(super) async fn concurrently<T, W>(work: impl Stream<Item = W>) -> Result<Vec<T>, Fault>
where
    W: Future<Output = Result<(usize, T), Fault>>,
{
    let mut results: Vec<_> = work.buffer_unordered(usize::MAX).try_collect().await?;
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Runs blocking work on a thread for it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TransferError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| TransferError::WorkerLost)
}

/// Returns all values, or all failures with the positions of their files.
pub(super) fn all<T>(results: Vec<Result<T, TransferError>>) -> Result<Vec<T>, Fault> {
    let (mut values, mut faults) = (Vec::new(), Vec::new());
    for (index, result) in results.into_iter().enumerate() {
        match result {
            Ok(value) => values.push(value),
            Err(error) => faults.push((Some(index), error)),
        }
    }
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(Fault(faults))
    }
}
