//! Content as a stream: only what is read is fetched, and never of two versions.

use std::path::Path;

use ftrack_client::transfer::{Control, Reader, TransferErrorKind};

use crate::ranged_content::{Fault, RangedContent};
use crate::upload_storage::options;

const SIZE: usize = 300_000;
const TAG: Option<&str> = Some("\"version-1\"");

fn content() -> Vec<u8> {
    (0..SIZE)
        .map(|at| (at / 7 % 255).to_le_bytes()[0])
        .collect()
}

fn reader(server: &RangedContent) -> Reader {
    let name = Path::new("component");
    Reader::new(
        &server.client,
        &server.url,
        name,
        &options(),
        &Control::new(),
    )
    .unwrap()
}

#[tokio::test]
async fn content_is_read_in_pieces_with_one_request() {
    let server = RangedContent::start(content(), TAG).await;
    let mut reader = reader(&server);
    assert!(server.asked().is_empty());
    let mut read = Vec::new();
    loop {
        let piece = reader.read(70_000).await.unwrap();
        if piece.is_empty() {
            break;
        }
        assert!(piece.len() == 70_000 || read.len() + piece.len() == SIZE);
        read.extend(piece);
    }
    assert!(read == content());
    assert_eq!(server.asked(), [None]);
    assert!(reader.read(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn any_part_can_be_read() {
    for tag in [TAG, None] {
        let (server, content) = (RangedContent::start(content(), tag).await, content());
        let mut reader = reader(&server);
        for (start, length) in [
            (250_000, 100),
            (10, 20),
            (30, 5),
            (SIZE - 3, 9),
            (SIZE + 9, 9),
        ] {
            reader.seek(start as u64);
            let end = (start + length).min(SIZE);
            let expected = content.get(start..end).unwrap_or_default();
            assert!(reader.read(length).await.unwrap() == expected, "{start}");
        }
        assert_eq!(reader.size().await.unwrap(), SIZE as u64);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again_where_it_broke() {
    let server = RangedContent::start(content(), TAG).await;
    server.on_request(|number, _| {
        if number < 3 {
            Fault::Break
        } else {
            Fault::None
        }
    });
    assert!(reader(&server).read(SIZE).await.unwrap() == content());
    let starts: Vec<_> = server
        .asked()
        .into_iter()
        .flatten()
        .map(|range| range.start)
        .collect();
    assert_eq!(starts, [SIZE / 2, SIZE / 4 * 3, SIZE / 8 * 7]);
}

#[tokio::test]
async fn other_content_behind_a_break_is_an_error() {
    for tag in [TAG, None] {
        let server = RangedContent::start(content(), tag).await;
        server.on_request(|number, content| {
            if number == 0 {
                return Fault::Break;
            }
            content.tag = Some("\"version-2\"".to_owned());
            Fault::None
        });
        let mut reader = reader(&server);
        assert_eq!(reader.read(10).await.unwrap().len(), 10);
        let error = reader.read(SIZE).await.map(|read| read.len()).unwrap_err();
        let expected = match tag {
            Some(_) => TransferErrorKind::Integrity,
            None => TransferErrorKind::Connection,
        };
        assert_eq!(error.kind(), expected, "{error}");
    }
}
