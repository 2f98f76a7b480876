//! PNG, JPEG and `OpenEXR`: the size of the picture.

use std::io::{self, Read, Seek, SeekFrom};

use super::{Format, MediaInfo, u16_at, u32_at};
use crate::fill::fill;

/// How much of a file is read: the header of an EXR, with its names and views, and of a JPEG, with a colour profile and a preview, may be long.
const HEAD: usize = 256 * 1024;

/// Reads the size of a picture; none if the file is none, or its header is longer than any real one.
pub(super) fn read(file: &mut (impl Read + Seek)) -> io::Result<Option<MediaInfo>> {
    let mut head = vec![0; 32];
    file.seek(SeekFrom::Start(0))?;
    let read = fill(file, &mut head)?;
    head.truncate(read);
    let parse: fn(&[u8]) -> Option<MediaInfo> = match head.as_slice() {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => png,
        [0xff, 0xd8, 0xff, ..] => jpeg,
        [0x76, 0x2f, 0x31, 0x01, ..] => exr,
        _ => return Ok(None),
    };
    file.take((HEAD - read) as u64).read_to_end(&mut head)?;
    Ok(parse(&head))
}

fn picture(format: Format, width: u32, height: u32) -> Option<MediaInfo> {
    (width > 0 && height > 0).then_some(MediaInfo {
        format,
        width,
        height,
        movie: None,
    })
}

/// The first chunk holds the size.
fn png(head: &[u8]) -> Option<MediaInfo> {
    (head.get(12..16)? == b"IHDR").then_some(())?;
    picture(Format::Png, u32_at(head, 16)?, u32_at(head, 20)?)
}

/// Segments follow each other until the one that starts a frame.
fn jpeg(head: &[u8]) -> Option<MediaInfo> {
    let mut at = 2;
    loop {
        let [0xff, marker] = head.get(at..at + 2)? else {
            return None;
        };
        match marker {
            // Filling before a marker, and markers that stand alone.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            // Frames; the numbers between them are tables.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let (height, width) = (u16_at(head, at + 5)?, u16_at(head, at + 7)?);
                return picture(Format::Jpeg, width.into(), height.into());
            }
            _ => at += 2 + usize::from(u16_at(head, at + 2)?.max(2)),
        }
    }
}

/// Attributes follow each other: name, type, size, value. The window that is displayed is the picture; it is there in every file.
fn exr(head: &[u8]) -> Option<MediaInfo> {
    let mut rest = head.get(8..)?;
    loop {
        let (name, after) = zero_ended(rest)?;
        if name.is_empty() {
            return None;
        }
        let (_, after) = zero_ended(after)?;
        let size = usize::try_from(i32_at(after, 0)?).ok()?;
        let value = after.get(4..4_usize.checked_add(size)?)?;
        if name == b"displayWindow" {
            let length = |low, high| {
                let pixels = i64::from(i32_at(value, high)?) - i64::from(i32_at(value, low)?) + 1;
                u32::try_from(pixels).ok()
            };
            return picture(Format::Exr, length(0, 8)?, length(4, 12)?);
        }
        rest = after.get(4 + size..)?;
    }
}

fn zero_ended(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// EXR is little-endian, unlike the others.
fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(i32::from_le_bytes(bytes.try_into().ok()?))
}
