//! Why a publish ended before its end, and how far each part of it came.

use std::fmt;
use std::path::PathBuf;

use super::plan::Conflict;
use super::watch::NodeReport;
use crate::transfer::{ApiError, BatchError};

/// Why nothing was published. Texts never hold a key or a signed URL.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The plan has conflicts.
    #[error("the publish cannot be done: {}", sentences(.conflicts))]
    Conflicts {
        /// All of them.
        conflicts: Vec<Conflict>,
    },
    /// A query of the caller is none.
    #[error("{expression:?} is no query: {reason}")]
    InvalidQuery {
        /// What was given.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server was not reached, or refused.
    #[error("could not {action}")]
    Api {
        /// What was to be done.
        action: &'static str,
        /// The error of the transport or the server.
        source: ApiError,
    },
    /// The answer to the last call was lost, and so was the way to find out what became of it.
    #[error("nobody knows whether the publish is there; run it again, which finds out")]
    Unknown {
        /// Why the server could not be asked.
        source: ApiError,
    },
    /// Everything is published, but the server does not make media playable.
    #[error("everything is published, but not encoded: {reason}; run it again to have that done")]
    NotEncoded {
        /// What went wrong.
        reason: String,
    },
    /// Files were not sent.
    #[error(transparent)]
    Transfer(#[from] BatchError),
    /// A file cannot be hashed.
    #[error("file '{}' cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// Somebody wrote to a file after it was looked at.
    #[error("file '{}' was changed while it was being published", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A part of the byte work was not done, or done for another plan.
    #[error("the results are not those of this publish: {reason}")]
    Results {
        /// What does not fit.
        reason: String,
    },
    /// The caller gave it up, because of what it had to do itself.
    #[error("the publish was given up: {reason}")]
    Abandoned {
        /// Why.
        reason: String,
    },
    /// The caller stopped it.
    #[error("the publish was cancelled")]
    Cancelled,
    /// A worker thread ended without a result.
    #[error("a worker of the publish broke down")]
    WorkerLost,
}

/// A failed publish.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: PublishError,
    /// How far each node came.
    pub nodes: Vec<NodeReport>,
    /// Whether it was published all the same; nothing if nobody knows. Only what is known not to be published leaves data in other locations to be removed.
    pub is_published: Option<bool>,
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.error)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

fn sentences(conflicts: &[Conflict]) -> String {
    let texts: Vec<_> = conflicts.iter().map(Conflict::to_string).collect();
    texts.join("; ")
}
