//! One row of a table: loading, inserting, changing.

use std::{collections::HashMap, fmt::Write as _, sync::LazyLock};

use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value as SqlValue};

use crate::{
    error::ApiError,
    schema::{Catalog, Table, TableId},
};

/// The values of one row, by column.
#[derive(Debug, Clone)]
pub struct Row {
    table: &'static Table,
    values: Vec<SqlValue>,
}

impl Row {
    /// Makes a row of nulls.
    pub fn new(table: &'static Table) -> Self {
        Self {
            table,
            values: vec![SqlValue::Null; table.columns.len()],
        }
    }

    /// Returns the row of `table` whose primary key is `key`.
    pub fn load(
        connection: &Connection,
        table: &'static Table,
        key: &[String],
    ) -> Result<Option<Self>, ApiError> {
        let width = table.columns.len();
        let values = connection
            .prepare_cached(&STATEMENTS[&table.id].load)?
            .query_row(params_from_iter(key), |row| {
                (0..width).map(|index| row.get(index)).collect()
            })
            .optional()?;
        Ok(values.map(|values| Self { table, values }))
    }

    /// Returns the table.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// Returns the value of `column`: null for a column that the table does not have.
    pub fn get(&self, column: &str) -> &SqlValue {
        self.position(column)
            .map_or(&SqlValue::Null, |index| &self.values[index])
    }

    /// Iterates over the columns that have a value.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &SqlValue)> {
        let columns = self.table.columns.iter().zip(&self.values);
        columns
            .filter(|(_, value)| !matches!(value, SqlValue::Null))
            .map(|(column, value)| (column.name.as_str(), value))
    }

    /// Returns the text of `column`, if it holds text.
    pub fn text(&self, column: &str) -> Option<&str> {
        match self.get(column) {
            SqlValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns whether `column` has no value.
    pub fn is_null(&self, column: &str) -> bool {
        matches!(self.get(column), SqlValue::Null)
    }

    /// Returns whether the table has `column` and this row no value in it.
    pub fn lacks(&self, column: &str) -> bool {
        self.position(column)
            .is_some_and(|index| matches!(self.values[index], SqlValue::Null))
    }

    /// Sets `column`, which the table must have.
    pub fn set(&mut self, column: &str, value: impl Into<SqlValue>) {
        let position = self.position(column);
        debug_assert!(
            position.is_some(),
            "the table {} has no column {column}",
            self.table.name
        );
        if let Some(index) = position {
            self.values[index] = value.into();
        }
    }

    /// Sets `column` unless it has a value.
    pub fn set_default(&mut self, column: &str, value: impl Into<SqlValue>) {
        if self.is_null(column) {
            self.set(column, value);
        }
    }

    /// Returns the primary key as text.
    pub fn key(&self) -> Vec<String> {
        let text = |column: &String| match self.get(column) {
            SqlValue::Text(text) => text.clone(),
            SqlValue::Integer(number) => number.to_string(),
            SqlValue::Real(number) => number.to_string(),
            SqlValue::Null | SqlValue::Blob(_) => String::new(),
        };
        self.table.primary_key.iter().map(text).collect()
    }

    /// Inserts the row.
    pub fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection
            .prepare_cached(&STATEMENTS[&self.table.id].insert)?
            .execute(params_from_iter(&self.values))?;
        Ok(())
    }

    /// Writes `columns` of this row to the stored row of the same primary key.
    pub fn update(&self, connection: &Connection, columns: &[&str]) -> Result<(), ApiError> {
        if columns.is_empty() {
            return Ok(());
        }
        let mut sql = format!("update \"{}\" set ", self.table.name);
        push_list(
            &mut sql,
            columns.iter().enumerate(),
            |sql, (index, column)| {
                let _ = write!(sql, "\"{column}\" = ?{}", index + 1);
            },
        );
        push_key_condition(&mut sql, self.table, columns.len() + 1);
        let key = self.table.primary_key.iter().map(String::as_str);
        let values = columns
            .iter()
            .copied()
            .chain(key)
            .map(|column| self.get(column));
        connection
            .prepare_cached(&sql)?
            .execute(params_from_iter(values))?;
        Ok(())
    }

    fn position(&self, column: &str) -> Option<usize> {
        self.table
            .columns
            .iter()
            .position(|candidate| candidate.name == column)
    }
}

/// What loads and inserts rows of a table; batches of thousands would spend their time putting it together.
struct Statements {
    load: String,
    insert: String,
}

static STATEMENTS: LazyLock<HashMap<TableId, Statements>> = LazyLock::new(|| {
    let tables = Catalog::get().tables();
    tables
        .map(|table| (table.id, Statements::of(table)))
        .collect()
});

impl Statements {
    fn of(table: &Table) -> Self {
        let (name, columns) = (&table.name, column_list(table));
        let mut load = format!("select {columns} from \"{name}\"");
        push_key_condition(&mut load, table, 1);
        let mut insert = format!("insert into \"{name}\" ({columns}) values (");
        push_list(&mut insert, 1..=table.columns.len(), |sql, index| {
            let _ = write!(sql, "?{index}");
        });
        insert.push(')');
        Self { load, insert }
    }
}

fn column_list(table: &Table) -> String {
    let mut list = String::new();
    push_list(&mut list, &table.columns, |list, column| {
        let _ = write!(list, "\"{}\"", column.name);
    });
    list
}

fn push_key_condition(sql: &mut String, table: &Table, first: usize) {
    for (index, column) in table.primary_key.iter().enumerate() {
        let word = if index == 0 { "where" } else { "and" };
        let _ = write!(sql, " {word} \"{column}\" = ?{}", first + index);
    }
}

/// Writes items with commas between; writing to a string cannot fail.
fn push_list<T>(
    sql: &mut String,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            sql.push_str(", ");
        }
        write(sql, item);
    }
}
