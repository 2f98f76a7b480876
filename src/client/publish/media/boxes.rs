//! The boxes of which MP4 and MOV files consist: a length, four letters, and content that may be boxes again.

use std::io::{self, Read, Seek, SeekFrom};

use super::{u32_at, u64_at};
use crate::fill::fill;

/// The most boxes that are looked at on one level of a file. Real files have fewer than ten.
const MAX_BOXES: usize = 10_000;

/// Longest `moov` that is read: an hour of variable frame rate takes less.
pub(super) const MAX_INDEX: u64 = 32 * 1024 * 1024;

/// A box on the outermost level of a file.
pub(super) struct TopBox {
    pub(super) kind: [u8; 4],
    /// Where the content starts in the file.
    pub(super) start: u64,
    /// Bytes of content.
    pub(super) size: u64,
}

/// Lists the boxes of a file without reading what is in them.
pub(super) fn top_boxes(file: &mut (impl Read + Seek), size: u64) -> io::Result<Vec<TopBox>> {
    let mut boxes = Vec::new();
    let mut at = 0_u64;
    while boxes.len() < MAX_BOXES && at < size {
        let mut header = [0; 16];
        file.seek(SeekFrom::Start(at))?;
        let read = fill(file, &mut header)?;
        let Some((kind, header_size, whole)) = header_of(&header[..read], size - at) else {
            break;
        };
        boxes.push(TopBox {
            kind,
            start: at + header_size,
            size: whole - header_size,
        });
        at += whole;
    }
    Ok(boxes)
}

/// The boxes inside the content of another.
pub(super) fn boxes(content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = content;
    std::iter::from_fn(move || {
        let (kind, header, whole) = header_of(rest, rest.len() as u64)?;
        // Both are at most the length of `rest`, which `header_of` has checked.
        let (header, whole) = (usize::try_from(header).ok()?, usize::try_from(whole).ok()?);
        let inner = rest.get(header..whole)?;
        rest = rest.get(whole..)?;
        Some((kind, inner))
    })
}

/// Finds the first box along a path of names.
pub(super) fn find<'a>(content: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    let Some((first, rest)) = path.split_first() else {
        return Some(content);
    };
    let (_, inner) = boxes(content).find(|(kind, _)| kind == *first)?;
    find(inner, rest)
}

/// Reads name, length of the header and length of the whole box, of which `available` bytes can be there.
fn header_of(bytes: &[u8], available: u64) -> Option<([u8; 4], u64, u64)> {
    let kind = bytes.get(4..8)?.try_into().ok()?;
    let (header, whole) = match u32_at(bytes, 0)? {
        // Up to the end of the file.
        0 => (8, available),
        1 => (16, u64_at(bytes, 8)?),
        size => (8, u64::from(size)),
    };
    (whole >= header && whole <= available).then_some((kind, header, whole))
}
