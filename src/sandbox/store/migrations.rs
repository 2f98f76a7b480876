//! Lays out a new database: the tables and indexes of the catalog, and those that no entity type shows.
//!
//! The database itself checks value types and primary keys only. Whether references hold is a matter of a whole batch,
//! and a column such as `parent_id` may refer to rows of several tables, so foreign keys are left to the operations.

use std::fmt::Write as _;

use rusqlite::{Connection, ffi};

use crate::schema::{Catalog, Column, DataType, Table};

/// What no entity type shows: the keys by which users sign in and what they are good for, the second factors, the
/// sessions in which somebody acts as another, and the mails that were not sent.
///
/// A key without a user is good for all of them.
const PRIVATE_TABLES: &str = "\
CREATE TABLE private_api_key (
  key TEXT NOT NULL,
  api_key_id TEXT NOT NULL,
  user_id TEXT,
  PRIMARY KEY (key)
) STRICT, WITHOUT ROWID;
CREATE INDEX private_api_key_by_user_id ON private_api_key (user_id);
CREATE TABLE private_api_key_role (
  api_key_id TEXT NOT NULL,
  security_role_id TEXT NOT NULL,
  PRIMARY KEY (api_key_id, security_role_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE private_api_key_project (
  api_key_id TEXT NOT NULL,
  project_id TEXT NOT NULL,
  PRIMARY KEY (api_key_id, project_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE private_totp (
  user_id TEXT NOT NULL,
  secret TEXT NOT NULL,
  PRIMARY KEY (user_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE private_session (
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  assumed_id TEXT NOT NULL,
  is_read_only INTEGER NOT NULL,
  PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE TABLE private_outbox (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  recipient_id TEXT NOT NULL,
  address TEXT,
  sender_id TEXT NOT NULL,
  sent_at TEXT NOT NULL
) STRICT;
";

/// Creates all tables and indexes, unless the database has them.
///
/// Refuses a database that another program, or another version of this one, has laid out.
pub fn create_schema(connection: &Connection) -> rusqlite::Result<()> {
    let statements = statements();
    let version = layout_version(&statements);
    let found: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found == version {
        return Ok(());
    }
    if found != 0 || has_tables(connection)? {
        return Err(foreign_layout());
    }
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(&statements)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

fn has_tables(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| {
        row.get(0)
    })
}

fn foreign_layout() -> rusqlite::Error {
    let message = "the tables are those of another version or program";
    rusqlite::Error::SqliteFailure(
        ffi::Error::new(ffi::SQLITE_SCHEMA),
        Some(message.to_owned()),
    )
}

/// Derives `user_version` from the statements, so that no change of the tables can go unnoticed.
fn layout_version(statements: &str) -> i32 {
    let digest = ftrack_md5::digest(statements.as_bytes());
    // Positive and never zero, which is the version of an empty file.
    i32::from_be_bytes([digest[0] & 0x7f, digest[1], digest[2], digest[3] | 1])
}

fn statements() -> String {
    let mut sql = PRIVATE_TABLES.to_owned();
    for table in Catalog::get().tables() {
        create_table(table, &mut sql);
        for index in &table.indexes {
            create_index(table, index, &mut sql);
        }
    }
    sql
}

fn create_table(table: &Table, sql: &mut String) {
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(sql, "CREATE TABLE \"{}\" (", table.name);
    for column in &table.columns {
        let _ = write!(sql, "  \"{}\" {}", column.name, column_type(column));
        if table.primary_key.contains(&column.name) {
            sql.push_str(" NOT NULL");
        }
        sql.push_str(",\n");
    }
    let _ = write!(
        sql,
        "  PRIMARY KEY ({})\n) STRICT",
        quoted(&table.primary_key)
    );
    if table.primary_key.len() > 1 {
        // Rows of pairs are small: stored in the key's own tree, they are found with one search instead of two.
        sql.push_str(", WITHOUT ROWID");
    }
    sql.push_str(";\n");
}

/// Creates an index that also holds the primary key, by which pages are ordered: a page of what one project or parent has
/// is then read in order instead of sorted.
///
/// An index of one column leaves out the rows that have nothing there: most of the references of a context are none, and
/// each entry costs a write. Nothing equals none, so a search for a value never needs them.
fn create_index(table: &Table, columns: &[String], sql: &mut String) {
    let name = format!("{}_by_{}", table.name, columns.join("_and_"));
    let condition = match columns {
        [column] => format!(" WHERE \"{column}\" IS NOT NULL"),
        _ => String::new(),
    };
    let mut columns = columns.to_vec();
    for key in &table.primary_key {
        if !columns.contains(key) {
            columns.push(key.clone());
        }
    }
    let _ = writeln!(
        sql,
        "CREATE INDEX \"{name}\" ON \"{}\" ({}){condition};",
        table.name,
        quoted(&columns)
    );
}

/// Returns the type of the column and how its texts compare.
///
/// ftrack compares texts without case.
fn column_type(column: &Column) -> &'static str {
    match column.data_type {
        DataType::Text if column.is_identifier => "TEXT",
        DataType::Text => "TEXT COLLATE NOCASE",
        DataType::Integer | DataType::Boolean => "INTEGER",
        DataType::Float => "REAL",
        DataType::DateTime | DataType::Json | DataType::Object | DataType::Array => "TEXT",
        DataType::Variable => "ANY COLLATE NOCASE",
    }
}

fn quoted(columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    columns.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        create_schema(&connection).unwrap();
        connection
    }

    fn plan(connection: &Connection, query: &str) -> String {
        let sql = format!("EXPLAIN QUERY PLAN {query}");
        connection
            .query_row(&sql, [], |row| row.get("detail"))
            .unwrap()
    }

    #[test]
    fn a_database_is_laid_out_once() {
        let connection = laid_out();
        connection
            .execute_batch("INSERT INTO status (id) VALUES ('a')")
            .unwrap();
        create_schema(&connection).unwrap();
        let rows: i64 = connection
            .query_row("SELECT count(*) FROM status", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_database_of_another_version_or_program_is_refused() {
        for layout in ["PRAGMA user_version = 1", "CREATE TABLE context (a)"] {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(layout).unwrap();
            let error = create_schema(&connection).unwrap_err();
            assert!(error.to_string().contains("another version"), "{error}");
        }
    }

    #[test]
    fn names_compare_without_case_and_ids_with_it() {
        let connection = laid_out();
        connection
            .execute_batch("INSERT INTO status (id, name) VALUES ('a', 'Done')")
            .unwrap();
        let count = |condition: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM status WHERE {condition}");
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(count("name = 'dONE'"), 1);
        assert_eq!(count("id = 'A'"), 0);
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        laid_out()
            .execute_batch("INSERT INTO timelog (id, duration) VALUES ('a', 'long')")
            .unwrap_err();
    }

    #[test]
    fn relations_are_searched_not_scanned() {
        let connection = laid_out();
        for query in [
            "SELECT * FROM context WHERE parent_id = '1'",
            "SELECT * FROM context WHERE project_id = '1'",
            "SELECT * FROM metadata WHERE parent_id = '1'",
            "SELECT * FROM note WHERE parent_id = '1'",
            "SELECT * FROM asset_version WHERE asset_id = '1'",
            "SELECT * FROM component_location WHERE component_id = '1'",
            "SELECT * FROM context_scope WHERE scope_id = '1'",
            "SELECT * FROM custom_attribute_value WHERE entity_id = '1'",
            "SELECT * FROM appointment WHERE context_id = '1' AND type = 'assignment'",
            "SELECT * FROM resource WHERE username = 'jane'",
        ] {
            let plan = plan(&connection, query);
            assert!(plan.starts_with("SEARCH"), "{query}: {plan}");
        }
    }

    #[test]
    fn a_small_table_looks_like_this() {
        let mut sql = String::new();
        let catalog = Catalog::get();
        let table = catalog.tables().find(|table| table.name == "recipient");
        create_table(table.unwrap(), &mut sql);
        insta::assert_snapshot!(sql, @r#"
        CREATE TABLE "recipient" (
          "note_id" TEXT NOT NULL,
          "resource_id" TEXT NOT NULL,
          "text_mentioned" TEXT COLLATE NOCASE,
          PRIMARY KEY ("note_id", "resource_id")
        ) STRICT, WITHOUT ROWID;
        "#);
    }
}
