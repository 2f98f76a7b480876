//! Why a query cannot be answered.

use ftrack_protocol::query::ParseError;

use crate::error::ApiError;

/// A query that cannot be answered. All but [`QueryError::Database`] are the caller's to correct.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The expression is not a query. The text begins as ftrack's does.
    #[error("Failed to parse: {}: {source}", source.expression)]
    Syntax {
        /// What is wrong with it, and where.
        #[from]
        source: ParseError,
    },
    /// There is no entity type of this name. Guess: the text.
    #[error("No schema '{name}' exists.")]
    UnknownType {
        /// The name in the expression.
        name: String,
    },
    /// The entity type has no attribute of this name. The text is ftrack's.
    #[error("No attribute '{attribute}' exists for schema '{entity_type}'.")]
    UnknownAttribute {
        /// The name in the expression.
        attribute: String,
        /// The entity type that was searched for it.
        entity_type: String,
    },
    /// Something was looked for beyond an attribute that leads to no other entity.
    #[error("Attribute '{attribute}' of schema '{entity_type}' does not lead to other entities.")]
    NotARelation {
        /// The attribute.
        attribute: String,
        /// Its entity type.
        entity_type: String,
    },
    /// The type in brackets is not one that the attribute can refer to.
    #[error("Attribute '{attribute}' refers to '{target}', which is never a '{cast}'.")]
    ImpossibleCast {
        /// The attribute.
        attribute: String,
        /// What the attribute refers to.
        target: String,
        /// The type in brackets.
        cast: String,
    },
    /// The attribute exists, but cannot be used this way.
    #[error("Attribute '{attribute}' of schema '{entity_type}' {problem}.")]
    Unsupported {
        /// The attribute.
        attribute: String,
        /// Its entity type.
        entity_type: String,
        /// What cannot be done with it, as the rest of a sentence.
        problem: &'static str,
    },
    /// The value does not fit the attribute.
    #[error(
        "Attribute '{attribute}' of schema '{entity_type}' is compared with {value}, which is not {expected}."
    )]
    UnfitValue {
        /// The attribute.
        attribute: String,
        /// Its entity type.
        entity_type: String,
        /// The value as written.
        value: String,
        /// What would fit.
        expected: &'static str,
    },
    /// Aggregates and `group by` are not possible here.
    #[error("Cannot group '{entity_type}': {reason}.")]
    Grouping {
        /// The entity type of the query.
        entity_type: String,
        /// Why not.
        reason: &'static str,
    },
    /// There is no entity with this key.
    #[error("No '{entity_type}' exists with the key {key}.")]
    Missing {
        /// The entity type.
        entity_type: String,
        /// The parts of the key, separated by commas.
        key: String,
    },
    /// The query nests deeper, or has more values, than the database follows.
    #[error("The query is too complex for the server.")]
    TooComplex,
    /// There is more to answer than the server holds.
    #[error(
        "The answer to the query would have more than {limit} bytes; select less of it, or in pages."
    )]
    TooLarge {
        /// How many bytes it may have.
        limit: usize,
    },
    /// The database failed.
    #[error("the database cannot answer a query")]
    Database {
        /// What it says.
        source: rusqlite::Error,
    },
}

impl From<rusqlite::Error> for QueryError {
    fn from(source: rusqlite::Error) -> Self {
        if exceeds_limit(&source) {
            Self::TooComplex
        } else {
            Self::Database { source }
        }
    }
}

/// Returns true for the limits of SQLite that a correct query can exceed; only the text tells them from other errors.
fn exceeds_limit(error: &rusqlite::Error) -> bool {
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        _ => return false,
    };
    [
        "Expression tree is too large",
        "parser stack overflow",
        "too many SQL variables",
        "too many FROM clause terms",
        "too many terms in",
        "tables in a join",
        "variable number must be between",
        "the pattern is longer than",
    ]
    .iter()
    .any(|limit| message.contains(limit))
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Database { source } => source.into(),
            QueryError::Missing { .. } => Self::not_found(error.to_string()),
            QueryError::TooLarge { .. } => Self::validation(error.to_string()),
            _ => Self::parse(error.to_string()),
        }
    }
}
