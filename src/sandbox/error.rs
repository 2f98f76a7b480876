//! The one error of the server: what a failed operation answers.
//!
//! ftrack answers a failed batch with one object instead of the array of results, `{"exception", "content",
//! "error_code"}`; clients branch on the exception's name. Handlers return [`ApiError`] and nothing else; errors of
//! libraries become [`ErrorKind::Internal`] at the place where they happen, with a text that holds no values.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refused or failed request, in the terms of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {content}", kind.exception())]
pub struct ApiError {
    /// What went wrong, as callers branch on it.
    pub kind: ErrorKind,
    /// One sentence for people; names the entity, attribute or file, and never holds a key or a signed URL.
    pub content: String,
    /// A stable machine-readable code, where ftrack has one.
    pub error_code: Option<String>,
}

/// The reasons a request fails, each with the exception name that clients see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// An expression or request body that cannot be read, or that names what does not exist.
    Parse,
    /// A value that its attribute does not accept.
    Validation,
    /// An unknown user, an inactive one, or a key that is not theirs.
    InvalidCredentials,
    /// A second one of what must be unique.
    DuplicateEntry,
    /// A row that the database's constraints refuse.
    Integrity,
    /// A user that may not do this.
    Permission,
    /// An entity, a file or a page that is not there.
    NotFound,
    /// An operation the server does not know or cannot do.
    Action,
    /// A fault of the server.
    Internal,
}

impl ErrorKind {
    /// The name in the answer's `exception`.
    ///
    /// The first six are ftrack's own. Guess: the names of the other three.
    pub const fn exception(self) -> &'static str {
        match self {
            Self::Parse => "ParseError",
            Self::Validation => "ValidationError",
            Self::InvalidCredentials => "InvalidCredentialsError",
            Self::DuplicateEntry => "DuplicateEntryError",
            Self::Integrity => "IntegrityError",
            Self::Permission => "PermissionError",
            Self::NotFound => "NotFoundError",
            Self::Action => "ActionError",
            Self::Internal => "InternalError",
        }
    }

    /// The HTTP status of a client that asked for a strict API, and of the plain GET and PUT endpoints.
    ///
    /// Guess: ftrack does not document which exception comes with which status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Parse | Self::Action => StatusCode::BAD_REQUEST,
            Self::Validation => StatusCode::UNPROCESSABLE_ENTITY,
            Self::InvalidCredentials => StatusCode::UNAUTHORIZED,
            Self::DuplicateEntry | Self::Integrity => StatusCode::CONFLICT,
            Self::Permission => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl ApiError {
    /// Creates an error without an error code.
    pub fn new(kind: ErrorKind, content: impl Into<String>) -> Self {
        Self {
            kind,
            content: content.into(),
            error_code: None,
        }
    }

    /// An expression or body that cannot be read.
    pub fn parse(content: impl Into<String>) -> Self {
        Self::new(ErrorKind::Parse, content)
    }

    /// A value that is not accepted.
    pub fn validation(content: impl Into<String>) -> Self {
        Self::new(ErrorKind::Validation, content)
    }

    /// A wrong key, or a user that is unknown or inactive; the text is ftrack's.
    pub fn invalid_credentials() -> Self {
        let content = "The supplied API key is not valid. API keys are created from Settings under the page API keys. \
                       The api key should be passed in the request header \"ftrack-api-key\".";
        Self {
            error_code: Some("api_credentials_invalid".to_owned()),
            ..Self::new(ErrorKind::InvalidCredentials, content)
        }
    }

    /// A second one of what must be unique.
    pub fn duplicate(content: impl Into<String>) -> Self {
        Self::new(ErrorKind::DuplicateEntry, content)
    }

    /// A row that the database's constraints refuse.
    pub fn integrity(content: impl Into<String>) -> Self {
        Self::new(ErrorKind::Integrity, content)
    }

    /// A user that may not do this.
    pub fn permission(content: impl Into<String>) -> Self {
        Self::new(ErrorKind::Permission, content)
    }

    /// Something that is not there.
    pub fn not_found(content: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, content)
    }

    /// An action the server does not know.
    ///
    /// Clients look for this very text, Python 2 prefix included, to tell an old server from a failure.
    pub fn unknown_action(action: &str) -> Self {
        Self::new(ErrorKind::Action, format!("Invalid action u'{action}'"))
    }

    /// A fault of the server.
    pub fn internal(content: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, content)
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Value {
        json!({
            "exception": self.kind.exception(),
            "content": self.content,
            "error_code": self.error_code,
        })
    }

    /// The HTTP status: 200 unless the client asked for a strict API.
    pub fn status(&self, strict: bool) -> StatusCode {
        if strict {
            self.kind.status()
        } else {
            StatusCode::OK
        }
    }
}

/// Answers as the plain endpoints do: the error object with a true HTTP status.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status(true), Json(self.to_json())).into_response()
    }
}

/// Keeps SQL and values out of the text: SQLite's own messages name tables and columns only.
impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(failure, message) => {
                let text = message.unwrap_or_else(|| failure.to_string());
                if failure.code == rusqlite::ErrorCode::ConstraintViolation {
                    Self::integrity(text)
                } else {
                    Self::internal(format!("database: {text}"))
                }
            }
            rusqlite::Error::QueryReturnedNoRows => Self::not_found("no such row"),
            rusqlite::Error::SqlInputError { msg, .. } => {
                Self::internal(format!("database: {msg}"))
            }
            _ => Self::internal("database: a statement or a value was not understood"),
        }
    }
}

impl From<std::io::Error> for ApiError {
    fn from(error: std::io::Error) -> Self {
        Self::internal(format!("storage: {}", error.kind()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_the_object_that_clients_look_for() {
        let body = ApiError::validation("Too long.").to_json();
        assert_eq!(
            body,
            json!({"exception": "ValidationError", "content": "Too long.", "error_code": null})
        );
    }

    #[test]
    fn uses_http_status_only_for_strict_clients() {
        let error = ApiError::invalid_credentials();
        assert_eq!(error.status(false), StatusCode::OK);
        assert_eq!(error.status(true), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn keeps_sql_out_of_database_errors() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        let error = database
            .execute("insert into nowhere values ('secret')", [])
            .unwrap_err();
        let text = ApiError::from(error).to_string();
        assert!(text.contains("no such table"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}
