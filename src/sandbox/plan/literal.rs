//! Turns literals of an expression into values of the database.

use std::str::FromStr;

use ftrack_protocol::{DateTime, query::Value as Literal};
use rusqlite::types::Value;

use crate::schema::DataType;

/// Returns what a literal is for an attribute of this type; when it fits none, the words for what would.
///
/// `None` never comes here: it is a matter of `is null`.
pub fn to_sql(literal: &Literal, data_type: DataType) -> Result<Value, &'static str> {
    let text = text_of(literal);
    match data_type {
        // Custom attributes store values of several types: `comparison` knows all that a literal may be of them.
        DataType::Text
        | DataType::Json
        | DataType::Object
        | DataType::Array
        | DataType::Variable => Ok(Value::Text(text)),
        DataType::Integer | DataType::Float => match literal {
            Literal::Boolean(flag) => Ok(Value::Integer(i64::from(*flag))),
            _ => number(&text).ok_or("a number"),
        },
        DataType::Boolean => boolean(&text).map(Value::from).ok_or("True or False"),
        DataType::DateTime => moment(&text)
            .map(Value::Text)
            .ok_or("a date or a datetime in ISO 8601 form"),
    }
}

/// Returns the text of a literal, whatever it was meant to be.
pub fn text_of(literal: &Literal) -> String {
    match literal {
        Literal::None => "None".to_owned(),
        Literal::Boolean(true) => "True".to_owned(),
        Literal::Boolean(false) => "False".to_owned(),
        Literal::Word(text) | Literal::Text(text) => text.clone(),
    }
}

/// Returns the number that a text is.
pub fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(Value::Integer(number));
    }
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .map(Value::Real)
}

/// Returns the stored form of a point in time: seconds in UTC.
pub fn moment(text: &str) -> Option<String> {
    DateTime::from_str(text)
        .ok()
        .map(DateTime::to_naive_seconds)
}

/// Returns the flag that a text is, as the database stores it.
pub fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") || text == "1" {
        return Some(true);
    }
    (text.eq_ignore_ascii_case("false") || text == "0").then_some(false)
}

/// Returns a pattern of the query language as one for `like ... escape '\'`.
///
/// Backslashes are ordinary characters unless they run up to a wildcard: there, two stand for one and a single one takes
/// the wildcard literally. Guess: the two, as ftrack's database has it.
pub fn like_pattern(pattern: &str) -> String {
    let mut escaped = String::with_capacity(pattern.len());
    let mut backslashes = 0;
    for character in pattern.chars() {
        if character == '\\' {
            backslashes += 1;
            continue;
        }
        let runs_up = matches!(character, '%' | '_');
        let written = if runs_up {
            backslashes
        } else {
            2 * backslashes
        };
        escaped.extend(std::iter::repeat_n('\\', written));
        escaped.push(character);
        backslashes = 0;
    }
    escaped.extend(std::iter::repeat_n('\\', 2 * backslashes));
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(literal: &str, data_type: DataType, expected: Value) {
        let literal = Literal::Word(literal.to_owned());
        assert_eq!(to_sql(&literal, data_type), Ok(expected));
    }

    #[test]
    fn literals_become_what_the_attribute_stores() {
        check("7", DataType::Integer, Value::Integer(7));
        check("7.5", DataType::Float, Value::Real(7.5));
        check("-1e3", DataType::Float, Value::Real(-1000.0));
        check("TRUE", DataType::Boolean, Value::Integer(1));
        check("0", DataType::Boolean, Value::Integer(0));
        check("007", DataType::Text, Value::Text("007".into()));
    }

    #[test]
    fn moments_are_compared_to_the_second_in_utc() {
        for (literal, stored) in [
            ("2015-06-01", "2015-06-01T00:00:00"),
            ("2015-11-18T15:24:09", "2015-11-18T15:24:09"),
            ("2015-11-18 15:24:09", "2015-11-18T15:24:09"),
            ("2015-11-18T15:24:09Z", "2015-11-18T15:24:09"),
            ("2015-11-18T15:24:09.999999+02:00", "2015-11-18T13:24:09"),
        ] {
            check(literal, DataType::DateTime, Value::Text(stored.into()));
        }
    }

    #[test]
    fn unfit_literals_are_refused() {
        let word = Literal::Word("soon".to_owned());
        assert_eq!(to_sql(&word, DataType::Integer), Err("a number"));
        assert_eq!(to_sql(&word, DataType::Boolean), Err("True or False"));
        assert!(to_sql(&word, DataType::DateTime).is_err());
        assert_eq!(number("inf"), None);
    }

    #[test]
    fn only_wildcards_can_be_escaped() {
        assert_eq!(like_pattern(r"100\%_\_%"), r"100\%_\_%");
        assert_eq!(like_pattern(r"C:\shots\%"), r"C:\\shots\%");
        assert_eq!(like_pattern("a\\"), r"a\\");
        assert_eq!(like_pattern(r"\\server\\%"), r"\\\\server\\%");
        assert_eq!(like_pattern(r"a\\\%"), r"a\\\%");
    }
}
