//! Why an expression cannot be parsed, and where.

use std::ops::Range;

use super::parser::MAX_DEPTH;

/// A text that is not an expression, with the place where it stops being one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (column {} of `{expression}`)", self.column())]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// The expression.
    pub expression: String,
    /// The offending bytes of the expression; empty at its end.
    pub span: Range<usize>,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Something else was expected.
    #[error("expected {expected}")]
    Expected {
        /// What may stand here.
        expected: &'static str,
    },
    /// A quoted text has no end on its line.
    #[error("the text that begins with {quote} is never closed")]
    UnterminatedText {
        /// The quotation mark.
        quote: char,
    },
    /// Parentheses and `not` lie too deep inside each other.
    #[error("conditions are nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
}

impl ParseError {
    /// Returns the column of the error in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.expression[..self.span.start].chars().count() + 1
    }
}
