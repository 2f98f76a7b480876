//! Uploads to a storage on a real socket: what arrives there, and what is reported when it does not.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ftrack_client::checksum::Digest;
use ftrack_client::transfer::{
    BatchError, ByteBudget, Concurrency, Control, Phase, Progress, TransferError,
    TransferErrorKind, TransferOptions, UploadItem, Uploaded, hash, look_at, upload,
};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::upload_storage::{Reply, SECRET, Server, append, options};

/// Writes `name` with the content and returns the item that uploads it as component `name`.
fn file(folder: &Path, name: &str, content: &[u8]) -> UploadItem {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    UploadItem {
        component_id: name.to_owned(),
        path,
        file_name: format!("{name}.exr"),
        seen: None,
    }
}

fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at / 7 % 251).to_le_bytes()[0])
        .collect()
}

async fn run(
    server: &Server,
    items: Vec<UploadItem>,
    options: &TransferOptions,
) -> Result<Vec<Uploaded>, BatchError> {
    upload(server, items, options, &Progress::new(), &Control::new()).await
}

/// Checks that no form of an error shows the signed URL.
fn assert_no_secret(error: &BatchError) {
    let mut seen = vec![error.to_string(), format!("{error:?}")];
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        seen.extend([error.to_string(), format!("{error:?}")]);
        source = error.source();
    }
    for text in seen {
        assert!(!text.contains(SECRET) && !text.contains("/put/"), "{text}");
    }
}

#[tokio::test]
async fn files_arrive_with_their_bytes_and_headers() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let lengths = [0, 1, 63, 70_000, 1_500_000];
    let items: Vec<_> = lengths
        .iter()
        .map(|length| file(folder.path(), &format!("c{length}"), &content(*length)))
        .collect();
    let options = options();
    let progress = Progress::new();
    let uploaded = upload(&server, items, &options, &progress, &Control::new())
        .await
        .unwrap();
    for (uploaded, length) in uploaded.iter().zip(lengths) {
        let md5 = Digest::of(&content(length));
        assert_eq!(
            *uploaded,
            Uploaded {
                component_id: format!("c{length}"),
                size: length as u64,
                md5: Some(md5)
            }
        );
        assert_eq!(server.bodies(&uploaded.component_id), [content(length)]);
    }
    for request in server.storage.received.lock().iter() {
        assert_eq!(request.headers["content-type"], "application/octet-stream");
        assert_eq!(
            request.headers["content-disposition"],
            format!("attachment; filename=\"{}.exr\"", request.name)
        );
        assert_eq!(
            request
                .headers
                .get_all("content-length")
                .iter()
                .collect::<Vec<_>>(),
            [&request.body.len().to_string()]
        );
        assert!(!request.headers.contains_key("transfer-encoding"));
    }
    let (snapshot, total) = (progress.snapshot(), lengths.iter().sum::<usize>() as u64);
    assert_eq!((snapshot.files, snapshot.finished_files), (5, 5));
    assert_eq!(
        (
            snapshot.total_bytes,
            snapshot.hashed_bytes,
            snapshot.transferred_bytes
        ),
        (total, total, total)
    );
}

#[tokio::test]
async fn fifty_files_need_one_call() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items: Vec<_> = (0..50)
        .map(|index| file(folder.path(), &format!("c{index:02}"), &content(index)))
        .collect();
    let uploaded = run(&server, items, &options()).await.unwrap();
    assert_eq!(uploaded.len(), 50);
    assert!(uploaded.is_sorted_by_key(|uploaded| &uploaded.component_id));
    let calls = server.calls.lock();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].len(), 50);
    assert_eq!(
        calls[0][1],
        serde_json::json!({"action": "get_upload_metadata", "component_id": "c01", "file_name": "c01.exr", "file_size": 1, "checksum": "k7iFrf4NoInN9jSQT9WfcQ=="})
    );
}

#[tokio::test]
async fn more_than_500_files_are_asked_for_in_several_calls() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items: Vec<_> = (0..501)
        .map(|index| file(folder.path(), &format!("c{index}"), b"x"))
        .collect();
    assert_eq!(run(&server, items, &options()).await.unwrap().len(), 501);
    assert_eq!(
        server.calls.lock().iter().map(Vec::len).collect::<Vec<_>>(),
        [500, 1]
    );
}

#[tokio::test]
async fn a_retry_sends_the_whole_file_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let bytes = content(1_300_000);
    let items = vec![file(folder.path(), "c", &bytes)];
    server.script(
        "c",
        [
            Reply::Status(503, ""),
            Reply::Status(400, "<Error><Code>RequestTimeout</Code></Error>"),
            Reply::Status(429, ""),
        ],
    );
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let progress = Progress::with_report(move |event| seen.lock().push(event));
    upload(&server, items, &options(), &progress, &Control::new())
        .await
        .unwrap();
    assert_eq!(server.bodies("c"), [&bytes[..], &bytes, &bytes, &bytes]);
    let sent: Vec<_> = events
        .lock()
        .iter()
        .filter(|event| event.phase == Phase::Transfer)
        .map(|event| event.bytes)
        .collect();
    assert_eq!(sent.iter().filter(|bytes| **bytes == -1_300_000).count(), 3);
    assert_eq!(sent.iter().sum::<i64>(), 1_300_000);
    assert_eq!(progress.snapshot().transferred_bytes, 1_300_000);
}

#[tokio::test]
async fn an_answer_before_the_content_was_read_is_tried_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let bytes = content(9_000_000);
    let items = vec![file(folder.path(), "c", &bytes)];
    server.script("c", [Reply::EarlyStatus(503), Reply::EarlyStatus(500)]);
    let progress = Progress::new();
    upload(&server, items, &options(), &progress, &Control::new())
        .await
        .unwrap();
    assert!(server.bodies("c") == [&bytes[..]]);
    assert_eq!(progress.snapshot().transferred_bytes, 9_000_000);
}

#[tokio::test]
async fn retries_end_and_name_the_file_and_the_host() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    server.script("c", vec![Reply::Status(502, "<Code>Slow Down</Code>"); 9]);
    let error = run(&server, items, &options()).await.unwrap_err();
    assert_eq!(server.bodies("c").len(), 4);
    assert_eq!(error.cause.kind(), TransferErrorKind::Rejected);
    let path = folder.path().join("c");
    assert_eq!(
        error.to_string(),
        format!(
            "127.0.0.1 answered 502 (SlowDown) for file '{}'; 0 of 1 files were transferred",
            path.display()
        )
    );
    assert_no_secret(&error);
}

#[tokio::test]
async fn a_wrong_md5_is_not_tried_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    server.script("c", [Reply::Status(400, "<Code>BadDigest</Code>")]);
    let error = run(&server, items, &options()).await.unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::ChecksumRejected { path, .. } if path.ends_with("c")),
        "{error}"
    );
    assert_eq!(server.bodies("c").len(), 1);
    assert_no_secret(&error);
}

#[tokio::test]
async fn a_failure_lists_what_was_transferred_and_what_failed() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| file(folder.path(), name, name.as_bytes()))
        .into();
    server.script(
        "c",
        vec![Reply::Status(403, "<Code>AccessDenied</Code>"); 3],
    );
    let error = run(
        &server,
        items,
        &TransferOptions {
            concurrency: Concurrency::Fixed(1),
            ..options()
        },
    )
    .await
    .unwrap_err();
    let transferred: Vec<_> = error
        .transferred
        .iter()
        .map(|item| item.component_id.as_deref().unwrap())
        .collect();
    assert_eq!(transferred, ["a", "b"]);
    let [(item, reason)] = &error.failed[..] else {
        panic!("{error:?}")
    };
    assert_eq!(
        (item.index, item.path.as_path()),
        (2, folder.path().join("c").as_path())
    );
    assert!(
        matches!(&**reason, TransferError::Rejected { status: 403, code: Some(code), .. } if code == "AccessDenied")
    );
    assert_eq!(server.bodies("c").len(), 3);
}

#[tokio::test]
async fn a_url_that_expired_is_asked_for_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = ["a", "b"].map(|name| file(folder.path(), name, name.as_bytes()));
    server.script("b", [Reply::Status(403, "<Code>AccessDenied</Code>")]);
    assert_eq!(
        run(&server, items.into(), &options()).await.unwrap().len(),
        2
    );
    assert_eq!(server.bodies("b"), ["b", "b"]);
    let calls = server.calls.lock();
    assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(calls[0][1], calls[1][0]);
}

#[tokio::test]
async fn an_error_under_status_200_is_tried_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    server.script(
        "c",
        [Reply::Status(
            200,
            "<Error><Code>InternalError</Code></Error>",
        )],
    );
    run(&server, items, &options()).await.unwrap();
    assert_eq!(server.bodies("c"), ["abc", "abc"]);
}

#[tokio::test]
async fn cancelling_settles_at_once_and_says_what_arrived() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items: Vec<_> = ["a", "b"]
        .map(|name| file(folder.path(), name, name.as_bytes()))
        .into();
    server.script("b", [Reply::Hang]);
    let (control, options, progress) = (
        Control::new(),
        TransferOptions {
            concurrency: Concurrency::Fixed(1),
            ..options()
        },
        Progress::new(),
    );
    let stop = async {
        server.hanging().await;
        control.cancel();
        Instant::now()
    };
    let (result, stopped) =
        tokio::join!(upload(&server, items, &options, &progress, &control), stop);
    assert!(stopped.elapsed() < Duration::from_secs(1));
    let error = result.unwrap_err();
    assert_eq!(error.cause.kind(), TransferErrorKind::Cancelled);
    assert_eq!(error.transferred.len(), 1);
    assert_eq!(
        error.to_string(),
        "the transfer was cancelled; 1 of 2 files were transferred"
    );
}

#[tokio::test]
async fn a_connection_on_which_nothing_moves_is_given_up() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    server.script("c", [Reply::Hang, Reply::Hang, Reply::Hang, Reply::Hang]);
    let options = TransferOptions {
        stall: Duration::from_millis(250),
        ..options()
    };
    let error = run(&server, items, &options).await.unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::Stalled { .. }),
        "{error}"
    );
    assert_eq!(server.bodies("c").len(), 4);
}

#[tokio::test]
async fn a_file_changed_before_it_is_sent_is_an_error() {
    let (mut server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    server.changed_by_call = Some(items[0].path.clone());
    let error = run(&server, items, &options()).await.unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::SourceChanged { path } if path.ends_with("c")),
        "{error}"
    );
    assert!(server.bodies("c").is_empty());
}

#[tokio::test]
async fn a_file_changed_while_it_is_sent_is_an_error() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    server.script("c", [Reply::Append(items[0].path.clone())]);
    let error = run(&server, items, &options()).await.unwrap_err();
    assert_eq!(error.cause.kind(), TransferErrorKind::SourceChanged);
    assert!(error.transferred.is_empty());
}

#[tokio::test]
async fn all_files_that_cannot_be_sent_are_named_before_anything_is_sent() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let mut items: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| file(folder.path(), name, b"x"))
        .into();
    std::fs::remove_file(&items[1].path).unwrap();
    items[3].path = folder.path().to_path_buf();
    let error = run(&server, items, &options()).await.unwrap_err();
    assert_eq!(
        error
            .failed
            .iter()
            .map(|(item, _)| item.index)
            .collect::<Vec<_>>(),
        [1, 3]
    );
    assert!(matches!(&*error.failed[0].1, TransferError::Missing { .. }));
    assert!(matches!(
        &*error.failed[1].1,
        TransferError::NotAFile { .. }
    ));
    assert!(server.calls.lock().is_empty() && server.storage.received.lock().is_empty());
}

#[tokio::test]
async fn a_request_that_is_repeated_in_place_of_a_code_is_not_shown() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    let echo = "<Code>Denied /put/c?signature=S3CR3T</Code>";
    server.script("c", [Reply::Status(404, echo)]);
    let error = run(&server, items, &options()).await.unwrap_err();
    assert!(error.to_string().contains("404 (Denied)"), "{error}");
    assert_no_secret(&error);
}

#[tokio::test]
async fn redirects_of_a_put_are_not_followed() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    server.script(
        "c",
        [Reply::RedirectTo(format!(
            "http://{}/put/elsewhere",
            server.address
        ))],
    );
    let error = run(&server, items, &options()).await.unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::Redirected { .. }),
        "{error}"
    );
    assert!(server.bodies("elsewhere").is_empty());
}

#[tokio::test]
async fn an_unreachable_storage_is_a_connection_error() {
    let (mut server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.address = unused.local_addr().unwrap();
    drop(unused);
    let error = run(&server, items, &options()).await.unwrap_err();
    assert_eq!(error.cause.kind(), TransferErrorKind::Connection);
    assert_no_secret(&error);
}

#[tokio::test]
async fn a_budget_smaller_than_a_chunk_is_enough_and_is_given_back() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items: Vec<_> = (0..20)
        .map(|index| file(folder.path(), &format!("c{index}"), &content(700_000)))
        .collect();
    let options = TransferOptions {
        budget: ByteBudget::new(100_000),
        ..options()
    };
    assert_eq!(run(&server, items, &options).await.unwrap().len(), 20);
    assert_eq!(options.budget.available(), 100_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_can_run_as_a_task_of_its_own() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    let task = tokio::spawn(async move { run(&server, items, &options()).await });
    assert_eq!(task.await.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_hashed_before_is_not_hashed_again() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let mut item = file(folder.path(), "c1", &content(1_000));
    let (options, control, progress) = (options(), Control::new(), Progress::new());
    let seen = look_at(vec![item.path.clone()], &control).await.unwrap();
    let hashed = hash(seen, &options, &progress, &control).await.unwrap();
    let md5 = Digest::of(&content(1_000));
    assert_eq!(hashed[0].md5(), Some(md5));
    item.seen = Some(hashed[0].clone());
    let uploaded = upload(&server, vec![item.clone()], &options, &progress, &control).await;
    assert_eq!(uploaded.unwrap()[0].md5, Some(md5));
    assert_eq!(progress.snapshot().hashed_bytes, 1_000);

    append(&item.path);
    let changed = run(&server, vec![item], &options).await.unwrap_err();
    assert_eq!(changed.cause.kind(), TransferErrorKind::SourceChanged);
    assert_eq!(server.bodies("c1").len(), 1, "nothing more was sent");
}

#[tokio::test]
async fn files_that_cannot_be_hashed_are_all_named() {
    let folder = tempfile::tempdir().unwrap();
    let (options, control, progress) = (options(), Control::new(), Progress::new());
    let missing = ["a", "b"].map(|name| folder.path().join(name));
    let unseen = look_at(missing.into(), &control).await.unwrap_err();
    assert_eq!(unseen.failed.len(), 2);
    let path = file(folder.path(), "c", b"content").path;
    let seen = look_at(vec![path.clone()], &control).await.unwrap();
    append(&path);
    let changed = hash(seen, &options, &progress, &control).await.unwrap_err();
    assert_eq!(changed.cause.kind(), TransferErrorKind::SourceChanged);
    assert_eq!(changed.failed[0].0.path, path);
}

#[tokio::test]
async fn no_files_are_no_work() {
    let server = Server::start().await;
    assert!(
        run(&server, Vec::new(), &options())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(server.calls.lock().is_empty());
}

#[tokio::test]
async fn a_pause_holds_everything_up() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", &content(1_300_000))];
    let (options, control, progress) = (options(), Control::new(), Progress::new());
    control.pause();
    let mut upload = std::pin::pin!(upload(&server, items, &options, &progress, &control));
    let paused = tokio::time::timeout(Duration::from_millis(200), &mut upload).await;
    assert!(paused.is_err());
    assert!(server.bodies("c").is_empty());
    assert_eq!(progress.snapshot().transferred_bytes, 0);
    control.resume();
    assert_eq!(upload.await.unwrap().len(), 1);
    assert_eq!(server.bodies("c").len(), 1);
}

#[tokio::test]
async fn a_limited_bandwidth_holds_for_all_files_together() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = ["a", "b", "c"].map(|name| file(folder.path(), name, &content(100_000)));
    let control = Control::new();
    control.limit_bandwidth(NonZeroU64::new(1_000_000));
    let started = Instant::now();
    upload(
        &server,
        items.into(),
        &options(),
        &Progress::new(),
        &control,
    )
    .await
    .unwrap();
    // What was sent last need not have leaked, and a little may be made up for.
    assert!(
        started.elapsed() > Duration::from_millis(100),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_transfer_that_takes_too_long_in_total_is_given_up() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![file(folder.path(), "c", b"abc")];
    server.script("c", [Reply::Hang]);
    let options = TransferOptions {
        total: Some(Duration::from_millis(50)),
        ..options()
    };
    let error = run(&server, items, &options).await.unwrap_err();
    assert_eq!(error.cause.kind(), TransferErrorKind::TimedOut);
    assert_eq!(
        error.to_string(),
        "the transfer did not end within 0.05 s; 0 of 1 files were transferred"
    );
}

/// Passes connections on to `target`, and breaks those whose client says nothing for `idle`, as storages do. Counts them.
async fn impatient(target: SocketAddr, idle: Duration) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let storage = TcpStream::connect(target).await.unwrap();
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_storage, mut to_storage) = storage.into_split();
                let answers = tokio::spawn(async move {
                    tokio::io::copy(&mut from_storage, &mut to_client).await
                });
                let mut piece = vec![0; 1 << 16];
                while let Ok(Ok(length @ 1..)) = timeout(idle, from_client.read(&mut piece)).await {
                    to_storage.write_all(&piece[..length]).await.unwrap();
                }
                answers.abort();
            });
        }
    });
    (address, count)
}

#[tokio::test]
async fn a_pause_is_no_failure_of_a_storage_that_closes_what_stands_idle() {
    let (mut server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let (address, connections) = impatient(server.address, Duration::from_millis(50)).await;
    server.address = address;
    let bytes = content(4_000_000);
    let items = vec![file(folder.path(), "c", &bytes)];
    let (progress, control, options) = (Progress::new(), Control::new(), options());
    control.limit_bandwidth(NonZeroU64::new(8_000_000));
    let sending = upload(&server, items, &options, &progress, &control);
    let pausing = async {
        while progress.snapshot().transferred_bytes == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        control.pause();
        // Several times what all attempts take.
        tokio::time::sleep(Duration::from_millis(800)).await;
        control.limit_bandwidth(None);
        control.resume();
    };
    let (sent, ()) = tokio::join!(sending, pausing);
    sent.unwrap();
    assert_eq!(server.bodies("c"), [bytes]);
    assert_eq!(connections.load(Ordering::Relaxed), 2);
}
