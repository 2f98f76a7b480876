//! What can go wrong, as one enum that callers branch on by [`Error::kind`].
//!
//! Texts name the entity, file, host and action; they never hold an API key, the query of a URL or a signed URL.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Returns the text of an error with those of its causes.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// A failure.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server answered with an error object.
    #[error("server reported error: {exception}({content})")]
    Server {
        /// Class of the failure, such as `ParseError`.
        exception: String,
        /// The server's sentence.
        content: String,
        /// Machine-readable code, where the server gives one.
        error_code: Option<String>,
    },
    /// The server refused the user or the key.
    #[error("{host} refused the credentials of user {user:?}: {content}")]
    Auth {
        /// Host that was asked.
        host: String,
        /// User name that was sent.
        user: String,
        /// Class of the failure as the server names it.
        exception: String,
        /// The server's sentence.
        content: String,
    },
    /// No connection to the server, or it broke.
    #[error("could not reach {host} to {action}: {reason}")]
    Connection {
        /// Host that was asked.
        host: String,
        /// What was attempted, such as `call the API`.
        action: String,
        /// Cause, without addresses.
        reason: String,
    },
    /// The server did not answer in time.
    #[error("{host} timed out after {} s without data ({action})", .after.as_secs_f64())]
    Timeout {
        /// Host that was asked.
        host: String,
        /// What was attempted.
        action: String,
        /// How long the connection was silent.
        after: Duration,
    },
    /// Changes were sent, and the server's answer never arrived or made no sense.
    #[error("{cause}; {}", .outcome.map_or("nobody can tell whether the changes were made", Outcome::as_str))]
    AnswerLost {
        /// What became of the changes, if that is known.
        outcome: Option<Outcome>,
        /// How the answer was lost.
        cause: Box<Error>,
    },
    /// The connection could not be secured.
    #[error("no secure connection to {host}: {reason}")]
    Tls {
        /// Host that was asked.
        host: String,
        /// Cause.
        reason: String,
    },
    /// The server answered something that is not its protocol.
    #[error("{host} answered with status {status} and not as the API does: {excerpt}")]
    UnexpectedAnswer {
        /// Host that was asked.
        host: String,
        /// HTTP status.
        status: u16,
        /// The first characters of the body.
        excerpt: String,
    },
    /// The server answered with more than any answer needs.
    #[error("{host} answered with more than {most} bytes")]
    AnswerTooLarge {
        /// Host that was asked.
        host: String,
        /// The most that is read.
        most: usize,
    },
    /// JSON that cannot be understood.
    #[error("could not understand {what}: {reason}")]
    Decode {
        /// What was read, such as `the answer to a query`.
        what: String,
        /// Cause.
        reason: String,
    },
    /// The schema has no such type.
    #[error("entity type {name:?} is not known to the server")]
    UnknownEntityType {
        /// Name that was asked for.
        name: String,
    },
    /// The type has no such attribute.
    #[error("{entity_type} has no attribute {name:?}")]
    UnknownAttribute {
        /// Type that was looked at.
        entity_type: String,
        /// Name that was asked for.
        name: String,
    },
    /// An argument that makes no sense.
    #[error("{message}")]
    InvalidArgument {
        /// Sentence that names the argument.
        message: String,
    },
    /// A query that must find one entity found none.
    #[error("expected one result, but nothing matches {expression:?}")]
    NoResult {
        /// Query that was asked.
        expression: String,
    },
    /// A query that must find one entity found several.
    #[error("expected one result, but several match {expression:?}")]
    MultipleResults {
        /// Query that was asked.
        expression: String,
    },
    /// A file or folder that cannot be read or written.
    #[error("could not {action} {}: {source}", .path.display())]
    Io {
        /// Verb, such as `read`.
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: Arc<io::Error>,
    },
}

/// What became of changes whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server holds them.
    Made,
    /// The server does not hold them.
    NotMade,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Made => "the changes were made",
            Self::NotMade => "the changes were not made",
        }
    }
}

/// Kinds of failures, for branching: whoever translates them is to think about a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// See [`Error::Server`].
    Server,
    /// See [`Error::Auth`].
    Auth,
    /// See [`Error::Connection`].
    Connection,
    /// See [`Error::Timeout`].
    Timeout,
    /// See [`Error::Tls`].
    Tls,
    /// See [`Error::UnexpectedAnswer`], [`Error::AnswerTooLarge`] and [`Error::Decode`].
    Decode,
    /// See [`Error::UnknownEntityType`].
    UnknownEntityType,
    /// See [`Error::UnknownAttribute`].
    UnknownAttribute,
    /// See [`Error::InvalidArgument`].
    InvalidArgument,
    /// See [`Error::NoResult`].
    NoResult,
    /// See [`Error::MultipleResults`].
    MultipleResults,
    /// See [`Error::Io`].
    Io,
}

impl Error {
    /// Returns what kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Server { .. } => ErrorKind::Server,
            Self::Auth { .. } => ErrorKind::Auth,
            Self::Connection { .. } => ErrorKind::Connection,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::AnswerLost { cause, .. } => cause.kind(),
            Self::Tls { .. } => ErrorKind::Tls,
            Self::UnexpectedAnswer { .. } | Self::AnswerTooLarge { .. } | Self::Decode { .. } => {
                ErrorKind::Decode
            }
            Self::UnknownEntityType { .. } => ErrorKind::UnknownEntityType,
            Self::UnknownAttribute { .. } => ErrorKind::UnknownAttribute,
            Self::InvalidArgument { .. } => ErrorKind::InvalidArgument,
            Self::NoResult { .. } => ErrorKind::NoResult,
            Self::MultipleResults { .. } => ErrorKind::MultipleResults,
            Self::Io { .. } => ErrorKind::Io,
        }
    }

    /// Tells whether this leaves open what became of the changes that were sent.
    pub fn is_answer_lost(&self) -> bool {
        matches!(self, Self::AnswerLost { .. })
    }

    /// Makes an [`Error::AnswerLost`] of what broke the answer.
    pub(crate) fn lost(self) -> Self {
        Self::AnswerLost {
            outcome: None,
            cause: Box::new(self),
        }
    }

    /// Adds what became of the changes, if the answer was lost.
    pub(crate) fn with_outcome(self, outcome: Option<Outcome>) -> Self {
        match self {
            Self::AnswerLost { cause, .. } => Self::AnswerLost { outcome, cause },
            answered => answered,
        }
    }

    /// Makes an [`Error::InvalidArgument`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidArgument {
            message: message.into(),
        }
    }

    /// Makes an [`Error::Io`].
    pub fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.into(),
            source: Arc::new(source),
        }
    }

    /// Makes an [`Error::Decode`].
    pub(crate) fn decode(what: impl Into<String>, reason: &dyn std::fmt::Display) -> Self {
        Self::Decode {
            what: what.into(),
            reason: reason.to_string(),
        }
    }
}
