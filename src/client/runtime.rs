//! The tokio runtime of the process: made on first use, and made anew in a forked child.
//!
//! A forked child inherits the memory of the runtime, but none of its threads. Everything bound to it (connections too, see `transport::pool`) is therefore kept by process id.

use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Result};

const MIN_WORKERS: usize = 2;
/// Work on the runtime is waiting for sockets; hashing has threads of its own.
const MAX_WORKERS: usize = 4;

static RUNTIME: ProcessLocal<Runtime> = ProcessLocal::new();

/// Returns a handle to the runtime of this process.
pub fn handle() -> Result<Handle> {
    Ok(RUNTIME.get_or_try_init(start)?.handle().clone())
}

fn start() -> Result<Runtime> {
    let cpus = std::thread::available_parallelism().map_or(MIN_WORKERS, usize::from);
    Builder::new_multi_thread()
        .worker_threads(cpus.clamp(MIN_WORKERS, MAX_WORKERS))
        .thread_name("ftrack-io")
        .enable_all()
        .build()
        .map_err(|source| Error::io("start", "the network threads", source))
}

/// A value that belongs to one process and is made anew after a fork.
pub(crate) struct ProcessLocal<T> {
    slot: Mutex<Option<(u32, Arc<T>)>>,
}

impl<T> ProcessLocal<T> {
    pub(crate) const fn new() -> Self {
        Self {
            slot: Mutex::new(None),
        }
    }

    /// Returns the value of this process, made by `init` if there is none.
    pub(crate) fn get_or_try_init(&self, init: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
        let pid = std::process::id();
        let mut slot = self.slot.lock();
        if let Some((owner, value)) = &*slot
            && *owner == pid
        {
            return Ok(value.clone());
        }
        let value = Arc::new(init()?);
        // Dropping the parent's value would wait for threads that do not exist here.
        mem::forget(slot.replace((pid, value.clone())));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_is_made_once_and_runs() {
        let first = handle().unwrap();
        let second = handle().unwrap();
        assert_eq!(first.id(), second.id());
        assert_eq!(first.block_on(async { 7 }), 7);
    }

    #[test]
    fn a_value_is_kept_until_the_process_changes() {
        let local = ProcessLocal::new();
        assert_eq!(*local.get_or_try_init(|| Ok(1)).unwrap(), 1);
        assert_eq!(*local.get_or_try_init(|| Ok(2)).unwrap(), 1);
    }
}
