//! Continues a run that was killed, with the ids that a journal has kept.

use super::Run;
use crate::publish::error::PublishError;
use crate::publish::lookup::{call, id_list, query_operation};
use crate::publish::plan::PlannedVersion;
use crate::publish::rows::found;

/// What a journal has kept of a publish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// The component of each file that is sent, in the order of [`Plan::sent_files`](crate::publish::Plan::sent_files).
    pub file_ids: Vec<String>,
    /// Whether an earlier run has had these ids as well.
    pub is_continued: bool,
}

impl Run {
    /// Takes the ids that were noted, unless an earlier run has come to its end with them: what is published must never be written to again.
    pub(super) async fn take_noted(&mut self) -> Result<(), PublishError> {
        let Some(noted) = self.options.noted.take() else {
            return Ok(());
        };
        if noted.is_continued && self.are_used(&noted.file_ids).await? {
            self.options.transfer.journal = None;
            return Ok(());
        }
        let mut ids = noted.file_ids.into_iter();
        for (planned, parts) in self.plan.versions.iter().zip(&mut self.parts) {
            for (of, id) in planned.sent_files().zip(&mut ids) {
                parts.choose(&of.key, id);
            }
        }
        Ok(())
    }

    /// Asks whether components of these ids exist. All of a version come in one transaction, so one of each tells.
    async fn are_used(&self, file_ids: &[String]) -> Result<bool, PublishError> {
        let counts = self.plan.versions.iter().map(count);
        let firsts = counts.scan(0, |next, count| {
            let first = (count > 0).then_some(*next);
            *next += count;
            Some(first)
        });
        let firsts = firsts.flatten().filter_map(|first| file_ids.get(first));
        let ids = id_list(firsts.map(String::as_str));
        let expression = format!("select id from Component where id in ({ids})");
        let operations = vec![query_operation(&expression)];
        let answers = call(&*self.api, "look for components", operations).await?;
        Ok(answers.iter().any(|answer| !found(answer).is_empty()))
    }
}

fn count(planned: &PlannedVersion) -> usize {
    planned.sent_files().count()
}
