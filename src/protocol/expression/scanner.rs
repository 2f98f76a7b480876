//! Reads an expression piece by piece. Which characters make a word depends on where it stands, so the parser asks.

use std::ops::Range;

use super::{
    ast::Operator,
    error::{ParseError, ParseErrorKind},
};

/// A place in an expression.
pub(super) struct Scanner<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    /// Returns whether nothing but space is left.
    pub(super) fn at_end(&mut self) -> bool {
        self.rest().is_empty()
    }

    /// Reads `character`, if it comes next.
    pub(super) fn character(&mut self, character: char) -> bool {
        let found = self.rest().starts_with(character);
        if found {
            self.position += character.len_utf8();
        }
        found
    }

    /// Reads `keyword` in any case, if it comes next as a whole word.
    pub(super) fn keyword(&mut self, keyword: &str) -> bool {
        let rest = self.rest();
        let found = rest
            .split_at_checked(keyword.len())
            .is_some_and(|(word, after)| {
                word.eq_ignore_ascii_case(keyword) && !after.starts_with(is_keyword_character)
            });
        if found {
            self.position += keyword.len();
        }
        found
    }

    /// Reads `not`, unless it is the key of a condition.
    pub(super) fn negation(&mut self) -> bool {
        let before = self.position;
        let found = self.keyword("not");
        if found && self.peek_operator().is_some() {
            self.position = before;
            return false;
        }
        found
    }

    /// Reads the key of a condition.
    pub(super) fn key(&mut self) -> Option<&'a str> {
        self.word(is_key_character)
    }

    /// Reads an operator.
    pub(super) fn operator(&mut self) -> Option<Operator> {
        let operator = self.peek_operator()?;
        self.position += operator.symbol().len();
        Some(operator)
    }

    /// Reads a value in quotes or without; `None` when neither comes next.
    pub(super) fn value(&mut self) -> Result<Option<&'a str>, ParseError> {
        let rest = self.rest();
        let Some(quote) = rest
            .chars()
            .next()
            .filter(|first| matches!(first, '"' | '\''))
        else {
            return Ok(self.word(is_value_character));
        };
        let Some(length) = quoted_length(&rest[1..], quote) else {
            let kind = ParseErrorKind::UnterminatedText { quote };
            return Err(self.error(kind, self.position..self.text.len()));
        };
        self.position += length + 2;
        Ok(Some(&rest[1..=length]))
    }

    /// Returns the error that `expected` does not come next.
    pub(super) fn expected(&mut self, expected: &'static str) -> ParseError {
        let length = self.rest().chars().next().map_or(0, char::len_utf8);
        let span = self.position..self.position + length;
        self.error(ParseErrorKind::Expected { expected }, span)
    }

    /// Returns the error that the expression is nested too deep from here on.
    pub(super) fn too_deep(&self) -> ParseError {
        self.error(ParseErrorKind::TooDeep, self.position..self.text.len())
    }

    fn word(&mut self, is_part: fn(char) -> bool) -> Option<&'a str> {
        let rest = self.rest();
        let length = word_length(rest, is_part);
        self.position += length;
        (length > 0).then(|| &rest[..length])
    }

    fn peek_operator(&mut self) -> Option<Operator> {
        let rest = self.rest();
        Operator::ALL
            .into_iter()
            .find(|operator| rest.starts_with(operator.symbol()))
    }

    /// Skips space and returns what is left.
    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.position..].trim_start();
        self.position = self.text.len() - rest.len();
        rest
    }

    fn error(&self, kind: ParseErrorKind, span: Range<usize>) -> ParseError {
        ParseError {
            kind,
            expression: self.text.to_owned(),
            span,
        }
    }
}

fn word_length(text: &str, is_part: fn(char) -> bool) -> usize {
    text.find(|character| !is_part(character))
        .unwrap_or(text.len())
}

fn is_key_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.')
}

/// Returns whether a word that goes on with `character` is no keyword; one may end at a dot, where a key would not.
fn is_keyword_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '$')
}

/// Returns whether a value may hold `character` without quotes.
pub(super) fn is_value_character(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, '-' | '_' | ',' | '.' | '/' | '*' | '@' | '+')
}

/// Returns the number of bytes before the closing quotation mark; `None` when there is none on the line.
pub(super) fn quoted_length(text: &str, quote: char) -> Option<usize> {
    let mut characters = text.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        match character {
            '\n' | '\r' => return None,
            '\\' => {
                characters.next()?;
            }
            // Doubled, it belongs to the text.
            _ if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() => {
                return Some(index);
            }
            _ => {}
        }
    }
    None
}
