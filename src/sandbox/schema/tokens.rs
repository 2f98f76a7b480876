//! Splits a line of the schema source into words, quoted texts and parenthesised lists.

use std::{iter::Peekable, vec};

use serde_json::Value;

use super::error::Problem;

/// One unit of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Anything between spaces: `type`, `->`, `type=leaf`.
    Word(String),
    /// A JSON string: `"New review session"`.
    Text(String),
    /// A list in parentheses: `(queued, done)`.
    Group(Vec<String>),
}

/// The rest of a line.
#[derive(Debug)]
pub(super) struct Tokens {
    rest: Peekable<vec::IntoIter<Token>>,
}

impl Tokens {
    pub(super) fn read(line: &str) -> Result<Self, Problem> {
        let mut tokens = Vec::new();
        let mut rest = line.trim();
        while !rest.is_empty() {
            let (token, length) = read_token(rest)?;
            tokens.push(token);
            rest = rest[length..].trim_start();
        }
        Ok(Self {
            rest: tokens.into_iter().peekable(),
        })
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        self.rest.next()
    }

    /// Takes the next token, which must be a word; `wanted` describes it in the error.
    pub(super) fn word(&mut self, wanted: &'static str) -> Result<String, Problem> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            found => Err(Problem::expected(wanted, found)),
        }
    }

    /// Takes all remaining tokens, which must be one or more words.
    pub(super) fn words(&mut self, wanted: &'static str) -> Result<Vec<String>, Problem> {
        let mut words = vec![self.word(wanted)?];
        while self.rest.peek().is_some() {
            words.push(self.word(wanted)?);
        }
        Ok(words)
    }

    /// Takes the next token, which must be a parenthesised list.
    pub(super) fn group(&mut self, wanted: &'static str) -> Result<Vec<String>, Problem> {
        match self.take_group() {
            Some(items) => Ok(items),
            None => Err(Problem::expected(wanted, self.next())),
        }
    }

    /// Takes the next token as JSON.
    pub(super) fn json(&mut self) -> Result<Value, Problem> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Value::String(text)),
            Some(Token::Word(word)) => serde_json::from_str(&word)
                .map_err(|_| Problem::expected("a JSON value", Some(Token::Word(word)))),
            found => Err(Problem::expected("a JSON value", found)),
        }
    }

    /// Takes the next token if it is this word.
    pub(super) fn take(&mut self, word: &str) -> bool {
        self.rest
            .next_if(|token| matches!(token, Token::Word(found) if found == word))
            .is_some()
    }

    /// Takes the next token if it is a parenthesised list.
    pub(super) fn take_group(&mut self) -> Option<Vec<String>> {
        match self.rest.next_if(|token| matches!(token, Token::Group(_))) {
            Some(Token::Group(items)) => Some(items),
            _ => None,
        }
    }

    /// Takes the next token if it has the form `left=right`.
    pub(super) fn take_equation(&mut self) -> Option<(String, String)> {
        let Some(Token::Word(word)) = self.rest.peek() else {
            return None;
        };
        let (left, right) = word.split_once('=')?;
        if left.is_empty() || right.is_empty() {
            return None;
        }
        let equation = (left.to_owned(), right.to_owned());
        self.rest.next();
        Some(equation)
    }

    /// Checks that nothing is left.
    pub(super) fn end(&mut self) -> Result<(), Problem> {
        match self.next() {
            None => Ok(()),
            found => Err(Problem::expected("the end of the line", found)),
        }
    }
}

/// Reads one token and returns it with its length in bytes.
fn read_token(text: &str) -> Result<(Token, usize), Problem> {
    match text.as_bytes()[0] {
        b'"' => read_text(text),
        b'(' => read_group(text),
        _ => {
            let end = text
                .find(|c: char| c.is_whitespace() || c == '(')
                .unwrap_or(text.len());
            Ok((Token::Word(text[..end].to_owned()), end))
        }
    }
}

fn read_text(text: &str) -> Result<(Token, usize), Problem> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match values.next() {
        Some(Ok(value)) => {
            let end = values.byte_offset();
            Ok((Token::Text(value), end))
        }
        _ => Err(Problem::Unclosed { delimiter: '"' }),
    }
}

fn read_group(text: &str) -> Result<(Token, usize), Problem> {
    let end = text.find(')').ok_or(Problem::Unclosed { delimiter: '(' })?;
    let items = text[1..end]
        .split(',')
        .map(|item| item.trim().to_owned())
        .collect();
    Ok((Token::Group(items), end + 1))
}
