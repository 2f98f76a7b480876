//! The store: isolation, rollback, durability.

use std::path::Path;

use ftrack_sandbox::error::{ApiError, ErrorKind};
use ftrack_sandbox::store::{Durability, Store};
use rusqlite::Connection;

fn open(folder: &Path) -> Store {
    Store::open(&folder.join("sandbox.db"), Durability::Durable).unwrap()
}

async fn with_numbers(store: &Store) {
    store
        .write(|transaction| Ok(transaction.execute_batch("create table number (value integer)")?))
        .await
        .unwrap();
}

async fn insert(store: &Store, value: i64) -> Result<usize, ApiError> {
    store
        .write(move |transaction| {
            Ok(transaction.execute("insert into number values (?1)", [value])?)
        })
        .await
}

fn sum(connection: &Connection) -> Result<i64, ApiError> {
    let sql = "select coalesce(sum(value), 0) from number";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

#[tokio::test]
async fn keeps_what_was_written_for_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    with_numbers(&store).await;
    insert(&store, 7).await.unwrap();
    drop(store);
    assert_eq!(open(folder.path()).read(sum).await, Ok(7));
}

#[tokio::test]
async fn an_error_undoes_the_whole_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    with_numbers(&store).await;
    let result: Result<(), _> = store
        .write(|transaction| {
            transaction.execute("insert into number values (1)", [])?;
            Err(ApiError::validation("No."))
        })
        .await;
    assert_eq!(result, Err(ApiError::validation("No.")));
    assert_eq!(store.read(sum).await, Ok(0));
}

#[tokio::test]
async fn a_panic_undoes_the_write_and_the_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    with_numbers(&store).await;
    let result: Result<(), _> = store
        .write(|transaction| {
            transaction.execute("insert into number values (1)", [])?;
            panic!("a fault in the server");
        })
        .await;
    assert_eq!(result.unwrap_err().kind, ErrorKind::Internal);
    insert(&store, 2).await.unwrap();
    assert_eq!(store.read(sum).await, Ok(2));
}

#[tokio::test]
async fn readers_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    with_numbers(&store).await;
    let result = store
        .read(|connection| Ok(connection.execute("insert into number values (1)", [])?))
        .await;
    assert!(result.is_err());
    assert_eq!(store.read(sum).await, Ok(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_and_readers_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    with_numbers(&store).await;
    let writes = (1..=50).map(|value| {
        let store = store.clone();
        tokio::spawn(async move {
            insert(&store, value).await.unwrap();
            store.read(sum).await.unwrap()
        })
    });
    for write in writes.collect::<Vec<_>>() {
        assert!(write.await.unwrap() > 0);
    }
    assert_eq!(store.read(sum).await, Ok(50 * 51 / 2));
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(
        &path,
        "certainly no database, but long enough to be read as one".repeat(40),
    )
    .unwrap();
    let error = Store::open(&path, Durability::Durable).unwrap_err();
    assert!(error.to_string().contains("notes.txt"), "{error}");
}
