//! The query language of ftrack: `select name from Task where status.name is "Done" order by name limit 5`.
//!
//! [`parse`] turns an expression into a [`Query`]; printing a [`Query`] gives its canonical text, which parses to the same
//! tree. No grammar is published: the one here is gathered from the documentation of ftrack and from the expressions that
//! its clients send.
//!
//! ```text
//! query     := [ "select" projection ("," projection)* "from" ] Type clause*
//! clause    := "where" criterion | "group by" path ("," path)* | "order by" key ("," key)* | "offset" N | "limit" N
//! criterion := criterion "and" criterion | criterion "or" criterion | "not" criterion | "(" criterion ")" | condition
//! condition := path operator value | path ("in" | "not_in") "(" values | query ")" | path ("any" | "has") "(" [criterion] ")"
//! path      := attribute [ "[" Type "]" ] ( "." attribute [ "[" Type "]" ] )*
//! ```
//!
//! Keywords may be written in any case, and are keywords only where the grammar expects them: an attribute may be called
//! `group` or `default`.

mod ast;
mod error;
mod lexer;
mod parser;
mod print;

pub use ast::{
    Criterion, Direction, Function, Members, Operator, OrderKey, Path, Projection, Quantifier,
    Query, Segment, Value,
};
pub use error::{ParseError, ParseErrorKind};
pub use parser::{MAX_DEPTH, MAX_PATH_SEGMENTS, parse};
pub use print::quoted;
