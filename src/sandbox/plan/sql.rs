//! SQL text under construction, with its parameters.
//!
//! Text enters only as literals of this program and as names of the catalog; everything a client sent goes through
//! [`Sql::bind`] and [`Sql::bind_list`].

use std::{
    fmt::{self, Display, Write},
    rc::Rc,
};

use rusqlite::{
    ToSql,
    types::{ToSqlOutput, Value},
};

/// A statement or a part of one.
#[derive(Debug, Default)]
pub struct Sql {
    text: String,
    parameters: Vec<Parameter>,
    aliases: u32,
}

/// A bound value.
#[derive(Debug, Clone)]
pub enum Parameter {
    /// A single value.
    Value(Value),
    /// A list, bound as one parameter, so that its length does not change the statement.
    List(Rc<Vec<Value>>),
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Value(value) => value.to_sql(),
            Self::List(values) => values.to_sql(),
        }
    }
}

/// The name of a table within a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias(u32);

impl Alias {
    /// The alias of the table that a query searches.
    pub const ROOT: Self = Self(0);
}

impl Display for Alias {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "t{}", self.0)
    }
}

impl Sql {
    /// Starts a statement whose root table is [`Alias::ROOT`].
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            parameters: Vec::new(),
            aliases: 1,
        }
    }

    /// Appends a literal of this program.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a column of a table of the catalog.
    pub fn column(&mut self, alias: Alias, column: &str) -> &mut Self {
        self.push(&column_of(alias, column))
    }

    /// Appends a table of the catalog with its alias.
    pub fn table(&mut self, table: &str, alias: Alias) -> &mut Self {
        self.push(&format!("\"{table}\" {alias}"))
    }

    /// Binds a value and appends its placeholder.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.parameters.push(Parameter::Value(value.into()));
        self.placeholder("?", "")
    }

    /// Binds a list and appends it as a table of one column, for use after `in`.
    pub fn bind_list(&mut self, values: Vec<Value>) -> &mut Self {
        self.parameters.push(Parameter::List(Rc::new(values)));
        self.placeholder("rarray(?", ")")
    }

    /// Returns an alias that the statement does not use yet.
    pub fn alias(&mut self) -> Alias {
        self.aliases += 1;
        Alias(self.aliases - 1)
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the parameters, in the order of their numbers.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    fn placeholder(&mut self, before: &str, after: &str) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{before}{}{after}", self.parameters.len());
        self
    }
}

/// Returns a column of the catalog, quoted: some are called `group` or `default`.
pub fn column_of(alias: Alias, column: &str) -> String {
    format!("{alias}.\"{column}\"")
}
