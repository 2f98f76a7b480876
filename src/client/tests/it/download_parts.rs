//! Large downloads: parts of one version side by side, and never of two.

use std::path::Path;

use ftrack_client::checksum::Digest;
use ftrack_client::transfer::{
    BatchError, Concurrency, Control, DownloadItem, Downloaded, Progress, TransferError,
    TransferOptions, download,
};

use crate::ranged_content::{Fault, RangedContent};
use crate::upload_storage::options;

const PART: usize = 1000;
const TAG: Option<&str> = Some("\"version-1\"");

fn content(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|at| seed ^ (at / 3 % 251).to_le_bytes()[0])
        .collect()
}

fn md5(bytes: &[u8]) -> Digest {
    Digest::of(bytes)
}

struct Fetched {
    outcome: Result<Vec<Downloaded>, BatchError>,
    progress: Progress,
    folder: tempfile::TempDir,
}

impl Fetched {
    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("a")).unwrap()
    }

    fn names(&self) -> usize {
        std::fs::read_dir(self.folder.path()).unwrap().count()
    }
}

async fn fetch(server: &RangedContent, md5: Option<Digest>) -> Fetched {
    fetch_by(server, md5, 3).await
}

/// Fetches with so many requests at the same time.
async fn fetch_by(server: &RangedContent, md5: Option<Digest>, places: usize) -> Fetched {
    let (folder, progress) = (tempfile::tempdir().unwrap(), Progress::new());
    let item = item(server, folder.path(), md5);
    let options = TransferOptions {
        range: PART as u64,
        concurrency: Concurrency::Fixed(places),
        ..options()
    };
    let control = Control::new();
    let outcome = download(&server.client, vec![item], &options, &progress, &control).await;
    Fetched {
        outcome,
        progress,
        folder,
    }
}

fn item(server: &RangedContent, folder: &Path, md5: Option<Digest>) -> DownloadItem {
    DownloadItem {
        component_id: None,
        url: server.url.clone(),
        target: folder.join("a"),
        size: None,
        md5,
    }
}

#[tokio::test]
async fn files_of_any_size_arrive_whole() {
    for length in [0, 1, PART - 1, PART, PART + 1, 2 * PART, 10 * PART + 7] {
        let bytes = content(length, 0);
        let server = RangedContent::start(bytes.clone(), TAG).await;
        let fetched = fetch(&server, Some(md5(&bytes))).await;
        let arrived = &fetched.outcome.as_ref().unwrap()[0];
        assert_eq!(
            (arrived.size, arrived.md5),
            (length as u64, Some(md5(&bytes)))
        );
        assert!(fetched.bytes() == bytes, "{length}");
        assert_eq!(fetched.names(), 1);
        assert_eq!(server.asked().len(), length.div_ceil(PART).max(1));
        let snapshot = fetched.progress.snapshot();
        assert_eq!(snapshot.transferred_bytes, length as u64);
    }
}

#[tokio::test]
async fn a_part_that_breaks_is_fetched_again_by_itself() {
    let bytes = content(5 * PART, 0);
    let server = RangedContent::start(bytes.clone(), TAG).await;
    server.on_request(|number, _| {
        if number == 2 {
            Fault::Break
        } else {
            Fault::None
        }
    });
    let fetched = fetch(&server, None).await;
    assert!(fetched.outcome.is_ok() && fetched.bytes() == bytes);
    assert_eq!(server.asked().len(), 6);
    assert_eq!(
        fetched.progress.snapshot().transferred_bytes,
        5 * PART as u64
    );
}

#[tokio::test]
async fn an_outage_costs_no_part_that_was_received() {
    let bytes = content(5 * PART, 0);
    let server = RangedContent::start(bytes.clone(), TAG).await;
    let attempts = options().retry.attempts as usize;
    let broken = 3..3 + attempts;
    server.on_request(move |number, _| {
        if broken.contains(&number) {
            Fault::Break
        } else {
            Fault::None
        }
    });
    let fetched = fetch_by(&server, None, 1).await;
    assert!(fetched.outcome.is_ok() && fetched.bytes() == bytes);
    assert_eq!(fetched.names(), 1);
    let part = |index| Some(index * PART..(index + 1) * PART);
    // The beginning of the file, which tells the version, is asked for again with the next attempt.
    let again = [part(0), part(3), part(4)];
    let mut expected = vec![part(0), part(1), part(2)];
    expected.extend(vec![part(3); attempts]);
    expected.extend(again);
    assert_eq!(server.asked(), expected);
    assert_eq!(
        fetched.progress.snapshot().transferred_bytes,
        5 * PART as u64
    );
}

#[tokio::test]
async fn content_that_is_replaced_meanwhile_arrives_in_one_version() {
    let (old, new) = (content(5 * PART, 0), content(6 * PART, 99));
    let server = RangedContent::start(old, TAG).await;
    let replacement = new.clone();
    server.on_request(move |number, content| {
        if number == 3 {
            content.bytes = replacement.clone().into();
            content.tag = Some("\"version-2\"".to_owned());
        }
        Fault::None
    });
    let fetched = fetch(&server, None).await;
    assert!(fetched.outcome.is_ok() && fetched.bytes() == new);
    assert_eq!(
        fetched.progress.snapshot().transferred_bytes,
        6 * PART as u64
    );
}

#[tokio::test]
async fn content_whose_tag_never_stays_the_same_comes_in_one_piece() {
    let bytes = content(5 * PART, 0);
    let server = RangedContent::start(bytes.clone(), TAG).await;
    server.on_request(|number, content| {
        content.tag = Some(format!("\"{number}\""));
        Fault::None
    });
    let fetched = fetch(&server, None).await;
    assert!(fetched.outcome.is_ok() && fetched.bytes() == bytes);
    assert_eq!(server.asked().last(), Some(&None));
    assert_eq!(
        fetched.progress.snapshot().transferred_bytes,
        5 * PART as u64
    );
}

#[tokio::test]
async fn versions_that_cannot_be_told_apart_come_in_one_piece() {
    for tag in [None, Some("W/\"weak\"")] {
        let bytes = content(5 * PART, 0);
        let server = RangedContent::start(bytes.clone(), tag).await;
        let fetched = fetch(&server, None).await;
        assert!(fetched.outcome.is_ok() && fetched.bytes() == bytes);
        assert_eq!(server.asked(), [Some(0..PART), None]);
    }
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_tag_are_fetched_again() {
    for length in [PART / 2, 3 * PART] {
        let bytes = content(length, 0);
        let tag = format!("\"{}\"", md5(&bytes));
        let server = RangedContent::start(bytes.clone(), Some(&tag)).await;
        server.on_request(|number, _| {
            if number == 0 {
                Fault::Damage
            } else {
                Fault::None
            }
        });
        let fetched = fetch(&server, None).await;
        assert!(
            fetched.outcome.is_ok() && fetched.bytes() == bytes,
            "{length}"
        );
    }
}

#[tokio::test]
async fn tags_that_only_look_like_md5s_are_believed_after_the_same_bytes_came_twice() {
    let bytes = content(PART / 2, 0);
    let tag = format!("\"{}\"", md5(b"something else"));
    let server = RangedContent::start(bytes.clone(), Some(&tag)).await;
    let fetched = fetch(&server, None).await;
    assert!(fetched.outcome.is_ok() && fetched.bytes() == bytes);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_wrong_md5_of_the_whole_is_an_error() {
    let server = RangedContent::start(content(3 * PART, 0), TAG).await;
    let fetched = fetch(&server, Some(md5(b"other"))).await;
    let error = fetched.outcome.as_ref().unwrap_err();
    assert!(
        matches!(&*error.cause, TransferError::ChecksumMismatch { .. }),
        "{error}"
    );
    assert_eq!(fetched.names(), 0);
}
