//! The expressions of events: which events a subscriber wants, and which subscribers an event is for.
//!
//! `topic=ftrack.update and source.user.username!="jane"` is a subscription and is tested against events;
//! `id=6faf7bdc` is a target and is tested against what subscribers say of themselves. [`parse`] reads both, and a
//! [`Candidate`] is whatever they are tested against.
//!
//! ```text
//! expression := conjunction ("or" conjunction)*
//! conjunction := negation ("and" negation)*
//! negation   := "not" negation | "(" expression ")" | condition
//! condition  := key ("=" | "!=" | ">=" | "<=" | ">" | "<") value
//! key        := letters, digits, "_" and ".", which leads into nested values
//! value      := letters, digits and "-_,./*@+" | a text in double or single quotes
//! ```
//!
//! Keywords may be written in any case. The grammar is that of ftrack's Python client: between quotes a backslash and
//! the character after it, and a doubled quotation mark, stand for themselves. After `=`, a value that ends with `*`
//! asks for texts that contain the rest of it, wherever they do.

mod ast;
mod error;
mod evaluate;
mod index;
mod json;
mod parser;
mod plan;
mod print;
mod scanner;

pub use ast::{Condition, Expression, Operator};
pub use error::{ParseError, ParseErrorKind};
pub use evaluate::Candidate;
pub use index::{ExpressionIndex, Held};
pub use json::compare_json;
pub use parser::{MAX_DEPTH, parse};
pub use plan::{ConditionId, PathId, Plan};
