//! Threads that own database connections and run closures on them.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::ApiError;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A queue of work, and the threads that take from it.
pub struct Worker {
    /// Empty only while the worker is being dropped.
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Worker {
    /// Starts one thread for each connection.
    pub fn start(name: &str, connections: Vec<Connection>) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel();
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = connections
            .into_iter()
            .map(|connection| {
                let jobs = Arc::clone(&jobs);
                thread::Builder::new()
                    .name(name.to_owned())
                    .spawn(move || serve(connection, &jobs))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self {
            queue: Some(queue),
            threads,
        })
    }

    /// Runs `f` on the first thread that is free; it also runs when the caller stops waiting.
    pub async fn run<T, F>(&self, f: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, ApiError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Unwinding rolls back the transaction inside, and that is all the state a connection has.
            let result = catch_unwind(AssertUnwindSafe(|| f(connection)));
            let result = result
                .unwrap_or_else(|_| Err(ApiError::internal("the server failed on this operation")));
            // Nobody waits any more: the result is of no use.
            let _ = answer.send(result);
        });
        let closed = || ApiError::internal("the database is closed");
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        queue.send(job).map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

fn serve(mut connection: Connection, jobs: &Mutex<Receiver<Job>>) {
    loop {
        // The lock lasts for this statement only: one thread waits for work, the others for the lock.
        let job = jobs.lock().recv();
        match job {
            Ok(job) => job(&mut connection),
            Err(_) => return,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A job may hold the last handle; its thread ends by itself right after.
            if thread.thread().id() != thread::current().id() {
                // A thread that panicked has nothing left to close.
                let _ = thread.join();
            }
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}
