//! Writes single values as JSON.

use std::io::Write;

use serde::Serialize;

use super::{Cell, Rows};
use crate::schema::DataType;

/// Writes a value of the store as the API shows it.
pub(super) fn value(rows: &Rows, cell: Cell, data_type: DataType, out: &mut Vec<u8>) {
    match (cell, data_type) {
        (Cell::Null, _) => out.extend_from_slice(b"null"),
        (Cell::Integer(number), DataType::Boolean) => boolean(number != 0, out),
        (Cell::Integer(number), _) => number_of(number, out),
        (Cell::Real(number), _) => serialize(&number, out),
        (Cell::Text { .. }, _) => {
            let stored = rows.text(cell).unwrap_or_default();
            match data_type {
                DataType::DateTime => moment(stored, out),
                DataType::Object | DataType::Array => out.extend_from_slice(stored.as_bytes()),
                _ => text(stored, out),
            }
        }
    }
}

/// Writes a value or a default of a custom attribute, as its type wants it.
///
/// Dates are typed objects when they were set, and plain texts as defaults: both as ftrack answers them.
pub(super) fn variable(
    rows: &Rows,
    cell: Cell,
    type_id: Option<&str>,
    is_default: bool,
    out: &mut Vec<u8>,
) {
    match (type_id, cell) {
        (Some(BOOLEAN), Cell::Integer(number)) => boolean(number != 0, out),
        (Some(DATE), Cell::Text { .. }) if !is_default => {
            moment(rows.text(cell).unwrap_or_default(), out);
        }
        (Some(ENUMERATOR | DYNAMIC_ENUMERATOR), Cell::Text { .. }) => {
            list(rows.text(cell).unwrap_or_default(), out);
        }
        _ => value(rows, cell, DataType::Variable, out),
    }
}

const BOOLEAN: &str = "ad1034d8-15e2-11e1-b21a-0019bb4983d8";
const DATE: &str = "79968e9e-381c-11e0-acff-0019bb49847a";
const ENUMERATOR: &str = "6ff9c812-ead3-11e2-846c-f23c91dfaa16";
const DYNAMIC_ENUMERATOR: &str = "882e4aee-fae6-11e3-b623-20c9d0831e59";

/// Writes the choices of an enumerator, which are stored as JSON; a bare text is a single choice.
fn list(stored: &str, out: &mut Vec<u8>) {
    if serde_json::from_str::<Vec<serde_json::Value>>(stored).is_ok() {
        out.extend_from_slice(stored.as_bytes());
    } else if stored.is_empty() {
        out.extend_from_slice(b"[]");
    } else {
        out.push(b'[');
        text(stored, out);
        out.push(b']');
    }
}

fn moment(stored: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"__type__":"datetime","value":"#);
    text(stored, out);
    out.push(b'}');
}

/// Writes a text.
pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    serialize(text, out);
}

/// Writes anything that is JSON.
pub(super) fn serialize<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Neither writing to memory nor serialising texts, numbers and JSON values can fail.
    let _ = serde_json::to_writer(out, value);
}

fn boolean(flag: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if flag { b"true" } else { b"false" });
}

fn number_of(number: i64, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{number}");
}
