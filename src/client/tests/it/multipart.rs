//! Uploads in parts to a storage on a real socket.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ftrack_client::checksum::Digest;
use ftrack_client::transfer::journal::{AcceptedPart, FileState, Journal, PartsUpload, Recalled};
use ftrack_client::transfer::{
    BatchError, Concurrency, Control, Progress, ProgressSnapshot, TransferError, TransferErrorKind,
    TransferOptions, UploadItem, Uploaded, upload,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::upload_storage::{Reply, SECRET, Server, options};

/// Three parts of which the last is short.
const SIZE: usize = 2 * PART + 1;
const PART: usize = 8 << 20;

fn content() -> Vec<u8> {
    (0..=250)
        .flat_map(|byte| [byte; 7])
        .cycle()
        .take(SIZE)
        .collect()
}

/// Writes `name` with [`SIZE`] bytes and returns the item that uploads it as component `name`.
fn file(folder: &Path, name: &str) -> UploadItem {
    let path = folder.join(name);
    std::fs::write(&path, content()).unwrap();
    UploadItem {
        component_id: name.to_owned(),
        path,
        file_name: format!("{name}.mov"),
        seen: None,
    }
}

fn md5(bytes: &[u8]) -> Digest {
    Digest::of(bytes)
}

async fn run(
    server: &Server,
    items: Vec<UploadItem>,
    options: &TransferOptions,
) -> (Result<Vec<Uploaded>, BatchError>, ProgressSnapshot) {
    let progress = Progress::new();
    let result = upload(server, items, options, &progress, &Control::new()).await;
    (result, progress.snapshot())
}

/// Returns how often each part of the component `name` arrived.
fn arrivals(server: &Server, name: &str) -> [usize; 3] {
    [1, 2, 3].map(|part| server.bodies(&format!("{name}.{part}")).len())
}

/// Returns the operations of all calls with an action.
fn operations(server: &Server, action: &str) -> Vec<Vec<Value>> {
    let calls = server.calls.lock();
    let of_action = |call: &&Vec<Value>| call[0]["action"] == action;
    calls.iter().filter(of_action).cloned().collect()
}

#[tokio::test]
async fn a_large_file_arrives_in_parts_that_make_the_whole() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let (result, progress) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    let expected = Uploaded {
        component_id: String::from("c"),
        size: SIZE as u64,
        md5: None,
    };
    assert_eq!(result.unwrap(), [expected]);
    let parts = [1, 2, 3].map(|part| server.bodies(&format!("c.{part}")).concat());
    assert_eq!(parts.each_ref().map(Vec::len), [PART, PART, 1]);
    assert!(parts.concat() == content());
    assert_eq!(
        operations(&server, "get_upload_metadata"),
        [[
            json!({"action": "get_upload_metadata", "component_id": "c", "file_name": "c.mov", "file_size": SIZE, "parts": 3})
        ]]
    );
    let e_tags = parts.map(|part| md5(&part).to_string());
    assert_eq!(
        operations(&server, "complete_multipart_upload"),
        [[
            json!({"action": "complete_multipart_upload", "component_id": "c", "upload_id": "upload-0", "parts": [
                {"part_number": 1, "e_tag": e_tags[0]},
                {"part_number": 2, "e_tag": e_tags[1]},
                {"part_number": 3, "e_tag": e_tags[2]},
            ]})
        ]]
    );
    assert_eq!(progress.transferred_bytes, SIZE as u64);
    assert_eq!((progress.files, progress.finished_files), (1, 1));
}

#[tokio::test]
async fn many_files_need_one_call_for_their_urls_and_small_ones_go_whole() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| file(folder.path(), name))
        .into();
    std::fs::write(&items[2].path, b"small").unwrap();
    let options = TransferOptions {
        multipart_threshold: 5,
        ..options()
    };
    let (result, _) = run(&server, items, &options).await;
    let ids: Vec<_> = result
        .unwrap()
        .into_iter()
        .map(|file| (file.component_id, file.md5))
        .collect();
    let expected = [
        ("a", None),
        ("b", None),
        ("c", Some(md5(b"small"))),
        ("d", None),
    ];
    assert_eq!(ids, expected.map(|(id, md5)| (id.to_owned(), md5)));
    let mut asked = operations(&server, "get_upload_metadata")
        .iter()
        .map(Vec::len)
        .collect::<Vec<_>>();
    asked.sort_unstable();
    assert_eq!(asked, [1, 3]);
    let completed = operations(&server, "complete_multipart_upload");
    assert_eq!(completed.iter().map(Vec::len).sum::<usize>(), 3);
}

#[tokio::test]
async fn only_the_part_that_failed_is_sent_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    server.script("c.2", [Reply::Status(503, ""), Reply::EarlyStatus(500)]);
    let (result, progress) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    result.unwrap();
    // What is answered early has not arrived.
    assert_eq!(arrivals(&server, "c"), [1, 2, 1]);
    assert_eq!(progress.transferred_bytes, SIZE as u64);
}

#[tokio::test]
async fn a_name_that_is_no_md5_where_others_are_means_that_the_part_is_sent_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    server.script("c.1", [Reply::Name("\"d41d8cd98f00b204e9800998ecf8427e\"")]);
    let (result, progress) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    result.unwrap();
    assert_eq!(arrivals(&server, "c"), [2, 1, 1]);
    assert_eq!(progress.transferred_bytes, SIZE as u64);
}

#[tokio::test]
async fn a_part_that_is_always_named_wrongly_is_an_error() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    server.script(
        "c.3",
        vec![Reply::Name("\"d41d8cd98f00b204e9800998ecf8427e\""); 9],
    );
    let (result, _) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    let error = result.unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::PartUnproven { number: 3, .. }),
        "{error}"
    );
    assert_eq!(arrivals(&server, "c"), [1, 1, 3]);
    assert!(operations(&server, "complete_multipart_upload").is_empty());
    assert!(!format!("{error} {error:?}").contains(SECRET));
}

#[tokio::test]
async fn names_that_are_no_md5_at_all_are_in_order() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    for part in ["c.1", "c.2", "c.3"] {
        server.script(part, [Reply::Name("\"opaque\"")]);
    }
    let (result, _) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    result.unwrap();
    let completed = &operations(&server, "complete_multipart_upload")[0][0];
    assert_eq!(
        completed["parts"][0],
        json!({"part_number": 1, "e_tag": "opaque"})
    );
}

#[tokio::test]
async fn where_no_part_is_named_by_its_md5_the_size_of_the_whole_has_to_be_right() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    for part in ["c.1", "c.2", "c.3"] {
        server.script(part, vec![Reply::Name("\"opaque\""); 9]);
    }
    server.hold("c", SIZE);
    let (result, _) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    result.unwrap();
    server.hold("c", SIZE - 1);
    let (result, _) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    let error = result.unwrap_err();
    assert_eq!(error.cause.kind(), TransferErrorKind::Integrity);
    assert!(
        error
            .to_string()
            .contains(&format!("holds {} bytes", SIZE - 1)),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains(SECRET));
}

#[tokio::test]
async fn parts_that_are_right_do_not_prove_that_the_whole_is() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    server.hold("c", SIZE - 1);
    let (result, _) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    let error = result.unwrap_err();
    assert_eq!(error.cause.kind(), TransferErrorKind::Integrity);
    assert_eq!(arrivals(&server, "c"), [3, 3, 3]);

    // The storage itself, to which the server leads, has no such file.
    let elsewhere = format!("http://localhost:{}/get/none", server.address.port());
    server.script("d", vec![Reply::RedirectTo(elsewhere); 9]);
    let (result, _) = run(&server, vec![file(folder.path(), "d")], &options()).await;
    let error = result.unwrap_err();
    assert!(error.to_string().contains("holds 0 bytes"), "{error}");
}

#[tokio::test]
async fn a_completion_without_an_answer_is_none() {
    let (mut server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    server.answers_nothing = true;
    let (result, _) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    let error = result.unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::Incomplete { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_part_without_a_name_is_sent_again_and_then_an_error() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    server.script("c.2", vec![Reply::Name(""); 9]);
    let (result, _) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    let error = result.unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::PartUnproven { number: 2, .. }),
        "{error}"
    );
    assert_eq!(error.cause.kind(), TransferErrorKind::Integrity);
    assert_eq!(arrivals(&server, "c"), [1, 3, 1]);
}

#[tokio::test]
async fn urls_that_expired_are_asked_for_again_and_all_parts_sent_to_them() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    server.script("c.2", [Reply::Status(403, "<Code>AccessDenied</Code>")]);
    let options = TransferOptions {
        concurrency: Concurrency::Fixed(1),
        ..options()
    };
    let (result, progress) = run(&server, vec![file(folder.path(), "c")], &options).await;
    result.unwrap();
    assert_eq!(arrivals(&server, "c"), [2, 2, 1]);
    assert_eq!(operations(&server, "get_upload_metadata").len(), 2);
    assert_eq!(
        operations(&server, "complete_multipart_upload")[0][0]["upload_id"],
        "upload-1"
    );
    assert_eq!(progress.transferred_bytes, SIZE as u64);
}

#[tokio::test]
async fn an_upload_that_is_not_completed_is_made_anew_a_few_times() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    *server.refused_completions.lock() = 1;
    let (result, _) = run(&server, vec![file(folder.path(), "c")], &options()).await;
    result.unwrap();
    assert_eq!(arrivals(&server, "c"), [2, 2, 2]);
    *server.refused_completions.lock() = 9;
    let (result, _) = run(&server, vec![file(folder.path(), "d")], &options()).await;
    let error = result.unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::Incomplete { .. }),
        "{error}"
    );
    assert_eq!(arrivals(&server, "d"), [3, 3, 3]);
}

#[tokio::test]
async fn a_file_changed_between_its_parts_is_an_error() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c")];
    server.script("c.1", [Reply::Append(items[0].path.clone())]);
    let (result, _) = run(&server, items, &options()).await;
    assert_eq!(
        result.unwrap_err().cause.kind(),
        TransferErrorKind::SourceChanged
    );
    assert!(operations(&server, "complete_multipart_upload").is_empty());
}

/// A journal of one file in memory.
#[derive(Default)]
struct Memory {
    upload: Mutex<Option<PartsUpload>>,
    accepted: Mutex<Vec<AcceptedPart>>,
    finished: Mutex<bool>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Memory")
    }
}

impl Journal for Memory {
    fn recall(&self, _: &FileState<'_>) -> Recalled {
        match self.upload.lock().clone() {
            _ if *self.finished.lock() => Recalled::Finished(None),
            Some(upload) => Recalled::Parts(upload, self.accepted.lock().clone()),
            None => Recalled::Nothing,
        }
    }

    fn parts_opened(&self, _: &FileState<'_>, upload: &PartsUpload) {
        *self.upload.lock() = Some(upload.clone());
        self.accepted.lock().clear();
    }

    fn part_accepted(&self, _: &FileState<'_>, upload: &PartsUpload, part: &AcceptedPart) {
        assert_eq!(self.upload.lock().as_ref(), Some(upload));
        self.accepted.lock().push(part.clone());
    }

    fn file_finished(&self, file: &FileState<'_>, uploaded: &Uploaded) {
        assert_eq!(
            (file.component_id, file.size),
            (&*uploaded.component_id, uploaded.size)
        );
        *self.finished.lock() = true;
    }
}

#[tokio::test]
async fn what_a_journal_knows_is_not_sent_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let (items, journal) = (vec![file(folder.path(), "c")], Arc::new(Memory::default()));
    let options = TransferOptions {
        concurrency: Concurrency::Fixed(1),
        journal: Some(Arc::clone(&journal) as Arc<dyn Journal>),
        ..options()
    };
    server.script("c.3", [Reply::Status(404, "<Code>NoSuchKey</Code>")]);
    run(&server, items.clone(), &options).await.0.unwrap_err();
    assert_eq!(arrivals(&server, "c"), [1, 1, 1]);

    let (result, progress) = run(&server, items.clone(), &options).await;
    result.unwrap();
    assert_eq!(arrivals(&server, "c"), [1, 1, 2]);
    assert_eq!(progress.transferred_bytes, SIZE as u64);
    assert_eq!(operations(&server, "get_upload_metadata").len(), 1);

    server.hold("c", SIZE);
    let (result, progress) = run(&server, items, &options).await;
    assert_eq!(result.unwrap().len(), 1);
    assert_eq!(
        (progress.finished_files, progress.transferred_bytes),
        (1, SIZE as u64)
    );
    assert_eq!(arrivals(&server, "c"), [1, 1, 2]);
    assert_eq!(operations(&server, "complete_multipart_upload").len(), 1);
}

#[tokio::test]
async fn what_a_journal_knows_and_the_storage_does_not_hold_is_sent_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let journal = Memory::default();
    *journal.finished.lock() = true;
    let options = TransferOptions {
        journal: Some(Arc::new(journal)),
        ..options()
    };
    let items = vec![file(folder.path(), "c")];
    let (result, progress) = run(&server, items.clone(), &options).await;
    result.unwrap();
    assert_eq!(arrivals(&server, "c"), [1, 1, 1]);
    assert_eq!(progress.transferred_bytes, SIZE as u64);

    // What is there is the file of somebody else, or the beginning of this one.
    server.hold("c", 1);
    run(&server, items.clone(), &options).await.0.unwrap_err();
    assert_eq!(arrivals(&server, "c"), [4, 4, 4]);

    server.hold("c", SIZE);
    run(&server, items, &options).await.0.unwrap();
    assert_eq!(arrivals(&server, "c"), [4, 4, 4]);
}
