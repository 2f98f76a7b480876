//! Why an expression cannot be parsed, and where.

use std::ops::Range;

use super::parser::{MAX_DEPTH, MAX_PATH_SEGMENTS};

/// An expression that is not a query, with the place where it stops being one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (line {}, column {})", self.position().0, self.position().1)]
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
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What may stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// A quoted text has no end.
    #[error("the text that begins with {quote} is never closed")]
    UnterminatedText {
        /// The quotation mark.
        quote: char,
    },
    /// A clause is written twice.
    #[error("`{clause}` is given twice")]
    RepeatedClause {
        /// The keyword of the clause.
        clause: &'static str,
    },
    /// Parentheses, `not` and subqueries lie too deep inside each other.
    #[error("conditions are nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// A dotted path has too many parts.
    #[error("a path has more than {MAX_PATH_SEGMENTS} parts")]
    PathTooLong,
}

impl ParseError {
    /// Returns the line of the error and a second line with carets below the offending characters.
    pub fn render(&self) -> String {
        let start = self.span.start;
        let line_start = self.expression[..start]
            .rfind('\n')
            .map_or(0, |index| index + 1);
        let line_end = self.expression[start..]
            .find('\n')
            .map_or(self.expression.len(), |index| start + index);
        let before = self.expression[line_start..start].chars();
        let marked = self.expression[start..self.span.end.min(line_end)]
            .chars()
            .count()
            .max(1);
        let indent: String = before
            .map(|character| if character == '\t' { '\t' } else { ' ' })
            .collect();
        format!(
            "{}\n{indent}{}",
            &self.expression[line_start..line_end],
            "^".repeat(marked)
        )
    }

    /// Returns the line and the column in characters, both counted from 1.
    pub fn position(&self) -> (usize, usize) {
        let before = &self.expression[..self.span.start];
        let line_start = before.rfind('\n').map_or(0, |index| index + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }
}
