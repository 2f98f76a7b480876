//! How texts compare: as in ftrack's database, in place of `SQLite`'s own rules, which know the case of ASCII letters only.
//!
//! Equality, order, `like` and `lower` ignore the case of letters of every script, and spaces at the end of what is
//! compared as a whole. Guess: that of the spaces, and that accents count.

use std::cmp::Ordering;

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;

/// The longest pattern of `like`, in bytes, as in `SQLite`: the time it takes grows with pattern and text.
const LONGEST_PATTERN: usize = 50_000;

/// Teaches a connection to compare texts.
pub(super) fn install(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_collation("NOCASE", compare)?;
    connection.create_scalar_function("lower", 1, flags, |context| {
        Ok(text(context.get_raw(0))?.map(|text| folded(&text)))
    })?;
    connection.create_scalar_function("like", 2, flags, like)?;
    connection.create_scalar_function("like", 3, flags, like)
}

/// Returns a text in the case in which texts are compared.
pub fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_end_matches(' '), right.trim_end_matches(' '));
    if left.is_ascii() && right.is_ascii() {
        let left = left.bytes().map(|byte| byte.to_ascii_lowercase());
        return left.cmp(right.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    left.chars().map(fold).cmp(right.chars().map(fold))
}

/// Returns the lower case of a letter, where that is one letter.
fn fold(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => letter,
    }
}

/// `text like pattern escape '\'` calls this with the pattern first.
fn like(context: &Context<'_>) -> rusqlite::Result<Option<bool>> {
    let Some(text) = text(context.get_raw(1))? else {
        return Ok(None);
    };
    if context.get_raw(0) == ValueRef::Null {
        return Ok(None);
    }
    // The pattern of a statement is read once.
    let pattern = context.get_or_create_aux(0, |pattern| -> Result<Pattern, LikeError> {
        let pattern = pattern.as_str().map_err(|_| LikeError::NoText)?;
        let escape = match context.len() {
            2 => None,
            _ => context.get_raw(2).as_str().ok(),
        };
        Pattern::read(pattern, escape.and_then(|escape| escape.chars().next()))
    })?;
    Ok(Some(pattern.matches(&text)))
}

/// Returns a value as text; none for null.
fn text(value: ValueRef<'_>) -> rusqlite::Result<Option<std::borrow::Cow<'_, str>>> {
    Ok(match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string().into()),
        ValueRef::Real(number) => Some(format!("{number:?}").into()),
        ValueRef::Text(_) | ValueRef::Blob(_) => {
            let text = value.as_str();
            Some(text.map_err(|_| LikeError::NoText).map_err(failure)?.into())
        }
    })
}

fn failure(error: LikeError) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(Box::new(error))
}

#[derive(Debug, thiserror::Error)]
enum LikeError {
    #[error("only texts can be compared to a pattern")]
    NoText,
    #[error("the pattern is longer than {LONGEST_PATTERN} bytes")]
    TooLong,
}

/// The right side of `like`.
#[derive(Debug, PartialEq)]
struct Pattern(Vec<Token>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    /// `%`
    Run,
    /// `_`
    One,
    Letter(char),
}

impl Pattern {
    fn read(pattern: &str, escape: Option<char>) -> Result<Self, LikeError> {
        if pattern.len() > LONGEST_PATTERN {
            return Err(LikeError::TooLong);
        }
        let mut letters = pattern.chars();
        let mut tokens = Vec::with_capacity(pattern.len());
        while let Some(letter) = letters.next() {
            tokens.push(match letter {
                _ if Some(letter) == escape => match letters.next() {
                    Some(escaped) => Token::Letter(fold(escaped)),
                    None => break,
                },
                '%' => Token::Run,
                '_' => Token::One,
                _ => Token::Letter(fold(letter)),
            });
        }
        Ok(Self(tokens))
    }

    fn matches(&self, text: &str) -> bool {
        let mut tokens = self.0.as_slice();
        let mut rest = text.chars();
        // Where to go on when the latest run has to be longer.
        let mut longer: Option<(&[Token], std::str::Chars<'_>)> = None;
        loop {
            let fits = match tokens.split_first() {
                Some((Token::Run, after)) => {
                    longer = Some((after, rest.clone()));
                    tokens = after;
                    continue;
                }
                Some((token, after)) => {
                    tokens = after;
                    match rest.next() {
                        Some(letter) => {
                            *token == Token::One || *token == Token::Letter(fold(letter))
                        }
                        None => return false,
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => false,
            };
            if fits {
                continue;
            }
            let Some((after, start)) = &mut longer else {
                return false;
            };
            if start.next().is_none() {
                return false;
            }
            (tokens, rest) = (after, start.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_equal_whatever_their_case() {
        for (left, right) in [
            ("Shot", "sHOT  "),
            ("ÅNGSTRÖM", "ångström"),
            ("СЦЕНА 10", "сцена 10"),
            ("ΔΕΛΤΑ", "δελτα"),
        ] {
            assert_eq!(compare(left, right), Ordering::Equal, "{left} {right}");
            assert_eq!(folded(left), folded(right.trim_end()));
        }
        assert_ne!(compare("a", "ä"), Ordering::Equal);
        assert_eq!(compare("b", "Ä"), Ordering::Less);
        assert_eq!(compare("B", "a"), Ordering::Greater);
    }

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        let pattern = Pattern::read(pattern, Some('\\')).unwrap();
        assert_eq!(pattern.matches(text), expected, "{pattern:?} {text}");
    }

    #[test]
    fn patterns_match() {
        for (pattern, text) in [
            ("", ""),
            ("%", ""),
            ("%ngstr%", "ÅNGSTRÖM"),
            ("å%m", "Ångström"),
            ("sh_10", "SHÖ10"),
            ("%10%20", "a10b10c20"),
            (r"100\%", "100%"),
            (r"a\\b", r"a\b"),
            ("%%_", "x"),
        ] {
            check(pattern, text, true);
        }
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("_", ""),
            ("a%b", "abc"),
            ("%10%20", "a20b10"),
            (r"100\%", "1000"),
        ] {
            check(pattern, text, false);
        }
    }

    #[test]
    fn queries_compare_so() {
        let connection = Connection::open_in_memory().unwrap();
        install(&connection).unwrap();
        for (expression, expected) in [
            ("'Ä' = 'ä' collate nocase", Some(true)),
            ("'Äx' like 'ä%'", Some(true)),
            (r"'Ä%' like '_\%' escape '\'", Some(true)),
            ("lower('ÄX') = 'äx'", Some(true)),
            ("12 like '1%'", Some(true)),
            ("null like '%'", None),
            ("'a' like null", None),
        ] {
            let sql = format!("select {expression}");
            let answer: Option<bool> = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(answer, expected, "{expression}");
        }
        let pattern = "%a".repeat(LONGEST_PATTERN);
        let refused =
            connection.query_row("select 'b' like ?1", [pattern], |row| row.get::<_, bool>(0));
        assert!(refused.unwrap_err().to_string().contains("longer than"));
    }
}
