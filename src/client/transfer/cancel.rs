//! A switch that stops a transfer from any thread.

use tokio_util::sync::{CancellationToken, DropGuard};

/// A cheap clone of one shared switch; every clone sees [`Cancel::cancel`].
///
/// A cancelled transfer settles within a second: whatever waits, waits for the switch as well.
#[derive(Clone, Debug, Default)]
pub struct Cancel(CancellationToken);

impl Cancel {
    /// Makes a switch that nobody has pulled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops everything that was given a clone of this switch. Pulling it twice changes nothing.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Returns whether the switch was pulled.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Runs `work` until it ends or the switch is pulled, which drops the work and returns `None`.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.0.run_until_cancelled(work).await
    }

    /// Returns a switch for work on a blocking thread, which is pulled with this one, and also when the guard is dropped because nobody waits for the work any longer.
    pub(super) fn guarded(&self) -> (Self, DropGuard) {
        let child = self.0.child_token();
        (Self(child.clone()), child.drop_guard())
    }
}
