//! MP4 and MOV: the index of a movie, its first picture track, and the codecs of its sound.

use std::io::{self, Read, Seek, SeekFrom};

use super::boxes::{MAX_INDEX, TopBox, boxes, find, top_boxes};
use super::{Format, MediaInfo, MovieInfo, u32_at};

/// Reads the index of a movie; none if the file is no movie or has no pictures.
pub(super) fn read(file: &mut (impl Read + Seek), size: u64) -> io::Result<Option<MediaInfo>> {
    let tops = top_boxes(file, size)?;
    let place = |kind: &[u8; 4]| tops.iter().position(|top| top.kind == *kind);
    let Some(index) = place(b"moov") else {
        return Ok(None);
    };
    let is_fast_start = place(b"mdat").is_none_or(|data| index < data);
    let moov = content(file, &tops[index])?;
    let brand = match place(b"ftyp") {
        Some(at) => content(file, &tops[at])?,
        // Old QuickTime files start without.
        None => b"qt  ".to_vec(),
    };
    let format = if brand.starts_with(b"qt  ") {
        Format::Mov
    } else {
        Format::Mp4
    };
    Ok(describe(&moov, format, is_fast_start))
}

/// Returns the content of a box, empty if it is larger than any real one.
fn content(file: &mut (impl Read + Seek), top: &TopBox) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if top.size <= MAX_INDEX {
        file.seek(SeekFrom::Start(top.start))?;
        file.take(top.size).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn describe(moov: &[u8], format: Format, is_fast_start: bool) -> Option<MediaInfo> {
    let tracks = || boxes(moov).filter(|(kind, _)| kind == b"trak");
    let (_, video) = tracks().find(|(_, track)| handler(track) == Some(b"vide"))?;
    let (width, height) = picture_size(video)?;
    let (frames, frame_rate) = timing(video)?;
    let (codec, entry) = sample_entry(video)?;
    let audio = tracks()
        .filter(|(_, track)| handler(track) == Some(b"soun"))
        .filter_map(|(_, track)| sample_entry(track))
        .map(|(codec, _)| text(codec))
        .collect();
    Some(MediaInfo {
        format,
        width,
        height,
        movie: Some(MovieInfo {
            frame_rate,
            frames,
            codec: text(codec),
            is_plain_yuv: is_plain_yuv(entry),
            audio,
            is_fast_start,
        }),
    })
}

fn handler(track: &[u8]) -> Option<&[u8; 4]> {
    find(track, &[b"mdia", b"hdlr"])?
        .get(8..12)?
        .try_into()
        .ok()
}

/// The size on screen, in 16.16 fixed point at the end of the track header; rotations are not undone.
fn picture_size(track: &[u8]) -> Option<(u32, u32)> {
    let header = find(track, &[b"tkhd"])?;
    let end = header.len();
    let size = |at: usize| Some(u32_at(header, at)? >> 16);
    let (width, height) = (size(end.checked_sub(8)?)?, size(end.checked_sub(4)?)?);
    (width > 0 && height > 0).then_some((width, height))
}

/// Number of frames, and frames a second over the whole length.
fn timing(track: &[u8]) -> Option<(u64, f64)> {
    let media = find(track, &[b"mdia", b"mdhd"])?;
    let timescale = match media.first()? {
        1 => u32_at(media, 20)?,
        _ => u32_at(media, 12)?,
    };
    let times = find(track, &[b"mdia", b"minf", b"stbl", b"stts"])?;
    let entries = times.get(8..)?.chunks_exact(8);
    let (mut frames, mut ticks) = (0_u64, 0_u64);
    for entry in entries.take(usize::try_from(u32_at(times, 4)?).ok()?) {
        let (count, duration) = (u64::from(u32_at(entry, 0)?), u64::from(u32_at(entry, 4)?));
        frames = frames.checked_add(count)?;
        ticks = ticks.checked_add(count.checked_mul(duration)?)?;
    }
    if frames == 0 || ticks == 0 || timescale == 0 {
        return None;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate needs six digits, not sixteen"
    )]
    let rate = frames as f64 * f64::from(timescale) / ticks as f64;
    Some((frames, (rate * 1000.0).round() / 1000.0))
}

/// The codec of a track, and the whole description of its samples.
fn sample_entry(track: &[u8]) -> Option<([u8; 4], &[u8])> {
    let descriptions = find(track, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
    boxes(descriptions.get(8..)?).next()
}

/// Looks into the configuration of H.264: profiles above High, which is 100, hold more than 8 bits or other colours.
fn is_plain_yuv(entry: &[u8]) -> bool {
    /// Fixed fields of a description of pictures, before the boxes in it.
    const FIELDS: usize = 78;
    let configuration = entry.get(FIELDS..).and_then(|rest| find(rest, &[b"avcC"]));
    configuration
        .and_then(|configuration| configuration.get(1))
        .is_some_and(|profile| *profile <= 100)
}

fn text(codec: [u8; 4]) -> String {
    String::from_utf8_lossy(&codec).trim().to_owned()
}
