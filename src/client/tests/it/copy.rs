//! Copies: a target is either complete or as it was before.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use ftrack_client::transfer::{
    BatchError, Control, Copied, CopyItem, Fsync, Progress, TransferError, TransferErrorKind,
    TransferOptions, copy,
};

use crate::upload_storage::{append, options};

/// More than is copied at once.
const LARGE: usize = 20_000_000;

fn copy_item(folder: &Path, name: &str, content: &[u8]) -> CopyItem {
    let source = folder.join(name);
    std::fs::write(&source, content).unwrap();
    CopyItem {
        component_id: Some(name.to_owned()),
        target: folder.join(format!("{name}.copy")),
        source,
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into())
        .collect();
    names.sort();
    names
}

async fn run(
    items: Vec<CopyItem>,
    options: &TransferOptions,
    progress: &Progress,
) -> Result<Vec<Copied>, BatchError> {
    copy(items, options, progress, &Control::new()).await
}

#[tokio::test]
async fn copies_are_new_files_with_the_bytes_of_their_sources() {
    let (folder, progress) = (tempfile::tempdir().unwrap(), Progress::new());
    let items: Vec<_> = [0, 1, 100_000, LARGE]
        .map(|length| copy_item(folder.path(), &length.to_string(), &vec![7; length]))
        .into();
    let usual = std::fs::metadata(&items[0].source).unwrap().permissions();
    let source = std::fs::File::open(&items[1].source).unwrap();
    let mut permissions = usual.clone();
    permissions.set_readonly(true);
    source.set_permissions(permissions).unwrap();
    let before = SystemTime::now() - Duration::from_secs(5);
    source
        .set_modified(before - Duration::from_secs(1_000))
        .unwrap();
    let copied = run(items.clone(), &options(), &progress).await.unwrap();
    for (item, copied) in items.iter().zip(&copied) {
        assert_eq!(copied.target, item.target);
        let bytes = |path| std::fs::read(path).unwrap();
        assert!(bytes(&item.target) == bytes(&item.source));
        let metadata = std::fs::metadata(&item.target).unwrap();
        assert_eq!(metadata.permissions(), usual);
        assert!(metadata.modified().unwrap() > before);
    }
    assert_eq!(
        progress.snapshot().transferred_bytes,
        100_001 + LARGE as u64
    );
    assert_eq!(names(folder.path()).len(), 8);
}

#[tokio::test]
async fn copies_can_be_verified_and_forced_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    for fsync in [Fsync::File, Fsync::FileAndFolder] {
        let item = copy_item(folder.path(), "a", b"new");
        let options = TransferOptions {
            verify: true,
            fsync,
            ..options()
        };
        run(vec![item.clone()], &options, &Progress::new())
            .await
            .unwrap();
        assert_eq!(std::fs::read(&item.target).unwrap(), b"new");
    }
}

#[tokio::test]
async fn a_copy_of_a_missing_file_leaves_the_old_target() {
    let folder = tempfile::tempdir().unwrap();
    let item = copy_item(folder.path(), "a", b"new");
    std::fs::remove_file(&item.source).unwrap();
    std::fs::write(&item.target, b"old").unwrap();
    let error = run(vec![item.clone()], &options(), &Progress::new())
        .await
        .unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::Missing { path } if *path == item.source),
        "{error}"
    );
    assert_eq!(error.failed[0].0.component_id.as_deref(), Some("a"));
    assert_eq!(std::fs::read(&item.target).unwrap(), b"old");
}

#[tokio::test]
async fn a_source_that_changes_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let item = copy_item(folder.path(), "a", &vec![7; LARGE]);
    let source = item.source.clone();
    let progress = Progress::with_report(move |_| append(&source));
    let error = run(vec![item], &options(), &progress).await.unwrap_err();
    assert_eq!(error.cause.kind(), TransferErrorKind::SourceChanged);
    assert_eq!(names(folder.path()), [Path::new("a")]);
}

#[tokio::test]
async fn a_cancelled_copy_copies_nothing() {
    let (folder, control) = (tempfile::tempdir().unwrap(), Control::new());
    let item = copy_item(folder.path(), "a", b"new");
    control.cancel();
    let error = copy(vec![item], &options(), &Progress::new(), &control)
        .await
        .unwrap_err();
    assert_eq!(error.cause.kind(), TransferErrorKind::Cancelled);
    assert_eq!(names(folder.path()), [Path::new("a")]);
}

#[tokio::test]
async fn a_copy_that_is_cancelled_halfway_leaves_nothing() {
    let (folder, control) = (tempfile::tempdir().unwrap(), Control::new());
    control.limit_bandwidth(NonZeroU64::new(1));
    let items = vec![
        copy_item(folder.path(), "a", &vec![7; LARGE]),
        copy_item(folder.path(), "b", &vec![7; LARGE]),
    ];
    let cancel = control.clone();
    let progress = Progress::with_report(move |_| cancel.cancel());
    let started = Instant::now();
    let error = copy(items, &options(), &progress, &control)
        .await
        .unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(error.cause.kind(), TransferErrorKind::Cancelled);
    assert_eq!(names(folder.path()), [Path::new("a"), Path::new("b")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_can_run_as_tasks_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let item = copy_item(folder.path(), "a", b"new");
    let task = tokio::spawn(async move { run(vec![item], &options(), &Progress::new()).await });
    assert_eq!(task.await.unwrap().unwrap().len(), 1);
}
