//! Inserts many rows of one shape.

use rusqlite::{CachedStatement, Connection, Params};

use crate::error::ApiError;

/// An insert into some columns of a table.
pub(super) struct Rows<'c> {
    statement: CachedStatement<'c>,
}

impl<'c> Rows<'c> {
    /// Prepares the insert.
    pub fn of(connection: &'c Connection, table: &str, columns: &[&str]) -> Result<Self, ApiError> {
        let marks = vec!["?"; columns.len()].join(", ");
        let columns = columns.join("\", \"");
        let sql = format!("insert into \"{table}\" (\"{columns}\") values ({marks})");
        let statement = connection.prepare_cached(&sql)?;
        Ok(Self { statement })
    }

    /// Inserts one row, with the values in the order of the columns.
    pub fn add(&mut self, values: impl Params) -> Result<(), ApiError> {
        self.statement.execute(values)?;
        Ok(())
    }
}
