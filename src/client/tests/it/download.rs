//! Downloads: a target is either complete and verified or as it was before.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ftrack_client::checksum::Digest;
use ftrack_client::transfer::{
    Api as _, BatchError, Concurrency, Control, DownloadItem, Downloaded, Progress, TransferError,
    TransferErrorKind, TransferOptions, download,
};

use crate::upload_storage::{Reply, SECRET, Server, options};

fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at / 5 % 253).to_le_bytes()[0])
        .collect()
}

fn md5(bytes: &[u8]) -> Digest {
    Digest::of(bytes)
}

/// Stores the content as `name` and returns the item that fetches and verifies it.
fn stored(server: &Server, folder: &Path, name: &str, content: &[u8]) -> DownloadItem {
    server
        .storage
        .contents
        .lock()
        .insert(name.to_owned(), content.to_vec().into());
    DownloadItem {
        component_id: Some(name.to_owned()),
        url: server.url(name),
        target: folder.join(name),
        size: Some(content.len() as u64),
        md5: Some(md5(content)),
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into())
        .collect();
    names.sort();
    names
}

async fn run(
    server: &Server,
    items: Vec<DownloadItem>,
    progress: &Progress,
) -> Result<Vec<Downloaded>, BatchError> {
    download(server.http(), items, &options(), progress, &Control::new()).await
}

#[tokio::test]
async fn files_are_written_and_verified() {
    let (server, folder, progress) = (
        Server::start().await,
        tempfile::tempdir().unwrap(),
        Progress::new(),
    );
    let lengths = [0, 1, 70_000, 1_500_000];
    let items = lengths.map(|length| {
        stored(
            &server,
            folder.path(),
            &format!("c{length}"),
            &content(length),
        )
    });
    let downloaded = run(&server, items.to_vec(), &progress).await.unwrap();
    for (downloaded, length) in downloaded.iter().zip(lengths) {
        let bytes = content(length);
        assert_eq!(
            (downloaded.size, downloaded.md5),
            (length as u64, Some(md5(&bytes)))
        );
        assert_eq!(std::fs::read(&downloaded.target).unwrap(), bytes);
    }
    assert_eq!(names(folder.path()).len(), lengths.len());
    let snapshot = progress.snapshot();
    assert_eq!(
        (snapshot.finished_files, snapshot.transferred_bytes),
        (4, snapshot.total_bytes)
    );
}

#[tokio::test]
async fn a_wrong_md5_leaves_the_old_target() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let item = DownloadItem {
        md5: Some(md5(b"other")),
        ..stored(&server, folder.path(), "c", b"new")
    };
    std::fs::write(&item.target, "old").unwrap();
    let error = run(&server, vec![item.clone()], &Progress::new())
        .await
        .unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::ChecksumMismatch { .. }),
        "{error}"
    );
    assert_eq!(std::fs::read(&item.target).unwrap(), b"old");
    assert_eq!(names(folder.path()).len(), 1);
    assert!(!format!("{error} {error:?} {item:?}").contains(SECRET));
}

#[tokio::test]
async fn content_that_does_not_end_is_an_error_as_soon_as_it_is_too_long() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let item = stored(&server, folder.path(), "c", b"new");
    server.script("c", [Reply::Endless]);
    let options = TransferOptions {
        total: Some(Duration::from_secs(20)),
        ..options()
    };
    let (progress, control) = (Progress::new(), Control::new());
    let downloading = download(server.http(), vec![item], &options, &progress, &control);
    let error = downloading.await.unwrap_err();
    assert!(
        matches!(
            &*error.cause,
            TransferError::SizeMismatch { expected: 3, .. }
        ),
        "{error}"
    );
    assert_eq!(names(folder.path()).len(), 0);
}

#[tokio::test]
async fn a_wrong_size_is_an_error() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let item = DownloadItem {
        size: Some(4),
        ..stored(&server, folder.path(), "c", b"new")
    };
    let error = run(&server, vec![item], &Progress::new())
        .await
        .unwrap_err();
    assert!(
        matches!(
            &*error.cause,
            TransferError::SizeMismatch {
                expected: 4,
                actual: 3,
                ..
            }
        ),
        "{error}"
    );
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn a_broken_connection_starts_the_file_anew() {
    let (server, folder, progress) = (
        Server::start().await,
        tempfile::tempdir().unwrap(),
        Progress::new(),
    );
    let item = stored(&server, folder.path(), "c", &content(100_000));
    server.script("c", [Reply::Break, Reply::Status(503, "")]);
    run(&server, vec![item.clone()], &progress).await.unwrap();
    assert_eq!(std::fs::read(&item.target).unwrap(), content(100_000));
    assert_eq!(progress.snapshot().transferred_bytes, 100_000);
}

#[tokio::test]
async fn a_connection_that_stalls_starts_the_file_anew() {
    let (server, folder, progress) = (
        Server::start().await,
        tempfile::tempdir().unwrap(),
        Progress::new(),
    );
    let item = stored(&server, folder.path(), "c", &content(100_000));
    server.script("c", [Reply::Stall, Reply::Hang]);
    let options = TransferOptions {
        stall: Duration::from_millis(200),
        ..options()
    };
    download(
        server.http(),
        vec![item.clone()],
        &options,
        &progress,
        &Control::new(),
    )
    .await
    .unwrap();
    assert_eq!(std::fs::read(&item.target).unwrap(), content(100_000));
    assert_eq!(progress.snapshot().transferred_bytes, 100_000);
}

#[tokio::test]
async fn redirects_are_followed_without_the_key() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let item = stored(&server, folder.path(), "c", b"new");
    stored(&server, folder.path(), "elsewhere", b"new");
    server.script("c", [Reply::RedirectTo("/get/elsewhere".to_owned())]);
    run(&server, vec![item.clone()], &Progress::new())
        .await
        .unwrap();
    assert_eq!(std::fs::read(&item.target).unwrap(), b"new");
    let received = server.storage.received.lock();
    assert_eq!(received[1].name, "elsewhere");
    assert!(!format!("{:?}", received[1].headers).contains(SECRET));
}

#[tokio::test]
async fn endless_redirects_are_an_error() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let item = stored(&server, folder.path(), "c", b"new");
    server.script("c", vec![Reply::RedirectTo(server.url("c")); 20]);
    let error = run(&server, vec![item], &Progress::new())
        .await
        .unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::Redirected { .. }),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains(SECRET));
}

#[tokio::test]
async fn cancelling_a_download_leaves_nothing() {
    let (server, folder, control) = (
        Server::start().await,
        tempfile::tempdir().unwrap(),
        Control::new(),
    );
    let item = stored(&server, folder.path(), "c", b"new");
    server.script("c", [Reply::Hang]);
    let (options, progress, items) = (options(), Progress::new(), vec![item]);
    let stop = async {
        server.hanging().await;
        control.cancel();
        Instant::now()
    };
    let (result, stopped) = tokio::join!(
        download(server.http(), items, &options, &progress, &control),
        stop
    );
    assert!(stopped.elapsed() < Duration::from_secs(1));
    assert_eq!(
        result.unwrap_err().cause.kind(),
        TransferErrorKind::Cancelled
    );
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let items = vec![
        stored(&server, folder.path(), "a", b"a"),
        DownloadItem {
            url: server.url("gone"),
            ..stored(&server, folder.path(), "b", b"b")
        },
    ];
    let serial = TransferOptions {
        concurrency: Concurrency::Fixed(1),
        ..options()
    };
    let error = download(
        server.http(),
        items,
        &serial,
        &Progress::new(),
        &Control::new(),
    )
    .await
    .unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::Rejected { status: 404, .. }),
        "{error}"
    );
    assert_eq!(error.transferred[0].component_id.as_deref(), Some("a"));
    assert_eq!(error.failed[0].0.path, folder.path().join("b"));
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let item = stored(&server, &folder.path().join("missing"), "c", b"c");
    let error = run(&server, vec![item], &Progress::new())
        .await
        .unwrap_err();
    assert_eq!(error.cause.kind(), TransferErrorKind::Target);
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn downloads_can_run_as_tasks_of_their_own() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let item = stored(&server, folder.path(), "c", b"new");
    let task = tokio::spawn(async move { run(&server, vec![item], &Progress::new()).await });
    assert_eq!(task.await.unwrap().unwrap().len(), 1);
}
