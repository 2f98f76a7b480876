//! Splits an expression into tokens.

use std::ops::Range;

use super::error::{ParseError, ParseErrorKind};

/// A token and the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub span: Range<usize>,
}

/// What a token is. The text of a word is found through its span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword, a name, a dotted path or a bare value.
    Word,
    /// A quoted text, with the escapes resolved.
    Text(String),
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    Comma,
    /// The end of the expression; always the last token.
    End,
}

/// Returns the tokens of an expression, the last of which is [`TokenKind::End`].
pub(super) fn tokenize(expression: &str) -> Result<Vec<Token>, ParseError> {
    let mut tokens = Vec::new();
    let mut position = 0;
    while let Some(first) = expression[position..].chars().next() {
        if first.is_whitespace() {
            position += first.len_utf8();
            continue;
        }
        let (kind, length) = next_token(expression, position, first)?;
        tokens.push(Token {
            kind,
            span: position..position + length,
        });
        position += length;
    }
    tokens.push(Token {
        kind: TokenKind::End,
        span: position..position,
    });
    Ok(tokens)
}

/// Returns true for the characters that need no quotes. Others, such as `@`, must be quoted, as ftrack demands.
fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ':')
}

fn next_token(
    expression: &str,
    position: usize,
    first: char,
) -> Result<(TokenKind, usize), ParseError> {
    let rest = &expression[position..];
    if is_word_character(first) {
        let length = rest
            .find(|character| !is_word_character(character))
            .unwrap_or(rest.len());
        return Ok((TokenKind::Word, length));
    }
    if matches!(first, '"' | '\'') {
        return text(rest, first).ok_or_else(|| ParseError {
            kind: ParseErrorKind::UnterminatedText { quote: first },
            expression: expression.to_owned(),
            span: position..expression.len(),
        });
    }
    symbol(rest).ok_or_else(|| ParseError {
        kind: ParseErrorKind::Unexpected {
            expected: "a name, a value or an operator",
            found: format!("`{first}`, which needs quotes around it"),
        },
        expression: expression.to_owned(),
        span: position..position + first.len_utf8(),
    })
}

fn symbol(rest: &str) -> Option<(TokenKind, usize)> {
    let mut bytes = rest.bytes();
    let (first, second) = (bytes.next()?, bytes.next());
    let followed_by_equal = second == Some(b'=');
    Some(match first {
        b'!' if followed_by_equal => (TokenKind::NotEqual, 2),
        b'>' if followed_by_equal => (TokenKind::GreaterOrEqual, 2),
        b'<' if followed_by_equal => (TokenKind::LessOrEqual, 2),
        b'>' => (TokenKind::Greater, 1),
        b'<' => (TokenKind::Less, 1),
        b'=' => (TokenKind::Equal, 1),
        b'(' => (TokenKind::OpenParenthesis, 1),
        b')' => (TokenKind::CloseParenthesis, 1),
        b'[' => (TokenKind::OpenBracket, 1),
        b']' => (TokenKind::CloseBracket, 1),
        b',' => (TokenKind::Comma, 1),
        _ => return None,
    })
}

/// Reads a quoted text; `None` when it has no end.
///
/// Backslashes are literal (`\%` belongs to `like`, `\\server\share` to paths) unless they run up to a quotation mark of
/// either kind: there, two stand for one and a single one takes the mark literally. Guess: only `\"` and `\'` are known
/// from clients; the rest of the rule is what makes every text expressible.
fn text(rest: &str, quote: char) -> Option<(TokenKind, usize)> {
    let mut value = String::new();
    let mut backslashes = 0;
    for (index, character) in rest.char_indices().skip(1) {
        if character == '\\' {
            backslashes += 1;
            continue;
        }
        let is_mark = matches!(character, '"' | '\'');
        let literal = if is_mark {
            backslashes / 2
        } else {
            backslashes
        };
        value.extend(std::iter::repeat_n('\\', literal));
        if character == quote && backslashes % 2 == 0 {
            return Some((TokenKind::Text(value), index + quote.len_utf8()));
        }
        value.push(character);
        backslashes = 0;
    }
    None
}
