//! Writes JSON as Python's `json.dumps(value, sort_keys=True)` does.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::de::Error as _;
use serde_json::value::RawValue;

/// The limit of `serde_json`, which reading level by level would escape.
const MAX_DEPTH: usize = 128;

/// Rewrites a JSON text in canonical form: keys sorted, one space after commas and colons, everything but ASCII escaped.
pub(super) fn dumps_sorted(json: &[u8]) -> serde_json::Result<String> {
    let mut text = String::with_capacity(json.len() + json.len() / 8);
    write_value(serde_json::from_slice(json)?, &mut text, MAX_DEPTH)?;
    Ok(text)
}

fn write_value(raw: &RawValue, out: &mut String, depth: usize) -> serde_json::Result<()> {
    let text = raw.get();
    let inner = depth
        .checked_sub(1)
        .ok_or_else(|| serde_json::Error::custom("values are nested too deeply"))?;
    match text.as_bytes().first() {
        Some(b'{') => write_object(text, out, inner),
        Some(b'[') => write_list(text, out, inner),
        Some(b'"') => {
            write_string(&serde_json::from_str::<String>(text)?, out);
            Ok(())
        }
        Some(b'-' | b'0'..=b'9') => {
            write_number(text, out);
            Ok(())
        }
        _ => {
            out.push_str(text);
            Ok(())
        }
    }
}

fn write_object(text: &str, out: &mut String, depth: usize) -> serde_json::Result<()> {
    // Python compares code points and Rust bytes of UTF-8: the same order.
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    out.push('{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_string(&name, out);
        out.push_str(": ");
        write_value(value, out, depth)?;
    }
    out.push('}');
    Ok(())
}

fn write_list(text: &str, out: &mut String, depth: usize) -> serde_json::Result<()> {
    let items: Vec<&RawValue> = serde_json::from_str(text)?;
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_value(item, out, depth)?;
    }
    out.push(']');
    Ok(())
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// Integers are written as they are; others in the shortest form that reads back the same, as Python does.
fn write_number(text: &str, out: &mut String) {
    let is_integer = !text.contains(['.', 'e', 'E']);
    match text.parse::<f64>() {
        Ok(number) if !is_integer => out.push_str(&python_float(number)),
        _ => out.push_str(text),
    }
}

fn python_float(number: f64) -> String {
    // Python switches to an exponent at 1e16 and below 1e-4.
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{number:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        assert_eq!(dumps_sorted(json.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn writes_what_python_writes() {
        check(
            r#"{"b":1,"a":[true,null,{}]}"#,
            r#"{"a": [true, null, {}], "b": 1}"#,
        );
        check(
            r#""aä\u20ac😀\u0007/\/\n""#,
            r#""a\u00e4\u20ac\ud83d\ude00\u0007//\n""#,
        );
        check(
            "[1.0, 1.50, 1e3, 1e16, 1e22, 1.5e-7, 0.0001, -0.0]",
            "[1.0, 1.5, 1000.0, 1e+16, 1e+22, 1.5e-07, 0.0001, -0.0]",
        );
        check("[12345678901234567890, -3]", "[12345678901234567890, -3]");
        check("\"\u{7f}\"", r#""\u007f""#);
    }

    #[test]
    fn repeated_keys_keep_the_last_value() {
        check(r#"{"a":1,"a":2}"#, r#"{"a": 2}"#);
    }

    #[test]
    fn damaged_texts_are_errors() {
        let endless = "[".repeat(10_000) + &"]".repeat(10_000);
        for json in ["", "[", "{\"a\":}", "[1] 2", &endless] {
            assert!(dumps_sorted(json.as_bytes()).is_err(), "{json}");
        }
    }
}
