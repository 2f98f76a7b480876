//! What can be wrong with the schema source.

use thiserror::Error;

use super::tokens::Token;

/// A mistake in the schema source, and where it is.
#[derive(Debug, Error)]
#[error("{file}:{line}: {problem}")]
pub(super) struct SourceError {
    pub file: &'static str,
    pub line: usize,
    pub problem: Problem,
}

#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum Problem {
    #[error("expected {wanted}, found {found}")]
    Expected { wanted: &'static str, found: String },
    #[error("`{word}` means nothing here")]
    UnknownWord { word: String },
    #[error("`{delimiter}` is not closed")]
    Unclosed { delimiter: char },
    #[error("the line belongs to no type")]
    OutsideType,
    #[error("`{name}` is declared twice")]
    Duplicate { name: String },
    #[error("no entity type `{name}` is declared")]
    UnknownType { name: String },
    #[error("no base type `{name}` is declared above")]
    UnknownBase { name: String },
    #[error("`{owner}` has no attribute `{name}`")]
    UnknownAttribute { owner: String, name: String },
    #[error("no table `{name}` exists")]
    UnknownTable { name: String },
    #[error("table `{table}` has no column `{column}`")]
    UnknownColumn { table: String, column: String },
    #[error("column `{column}` has two types")]
    ConflictingColumn { column: String },
    #[error("a relation by one column needs a key of one column, not that of `{name}`")]
    CompositeKey { name: String },
}

impl Problem {
    pub(super) fn expected(wanted: &'static str, found: Option<Token>) -> Self {
        let found = match found {
            None => "the end of the line".to_owned(),
            Some(Token::Word(word)) => format!("`{word}`"),
            Some(Token::Text(text)) => format!("{text:?}"),
            Some(Token::Group(items)) => format!("({})", items.join(", ")),
        };
        Self::Expected { wanted, found }
    }
}
