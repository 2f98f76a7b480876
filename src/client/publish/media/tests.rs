//! Headers are built here byte by byte; real files of ffmpeg are read by the tests of the Python package.

#![expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "byte strings are references"
)]

use std::io::Cursor;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn part(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [&size, kind.as_slice(), content].concat()
}

fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn track(handler: &[u8; 4], entry: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 84];
    header[76..84].copy_from_slice(&words(&[1920 << 16, 1080 << 16]));
    let mut kind = vec![0; 8];
    kind.extend(handler);
    let table = joined(&[
        part(b"stsd", &joined(&[words(&[0, 1]), entry.to_vec()])),
        part(b"stts", &words(&[0, 2, 47, 512, 1, 512])),
    ]);
    let media = joined(&[
        part(b"mdhd", &words(&[0, 0, 0, 12_288, 24_576])),
        part(b"hdlr", &kind),
        part(b"minf", &part(b"stbl", &table)),
    ]);
    part(
        b"trak",
        &joined(&[part(b"tkhd", &header), part(b"mdia", &media)]),
    )
}

fn video(codec: &[u8; 4], profile: u8) -> Vec<u8> {
    let fields = vec![0; 78];
    track(
        b"vide",
        &part(
            codec,
            &joined(&[fields, part(b"avcC", &[1, profile, 0, 40])]),
        ),
    )
}

fn movie(brand: &[u8; 4], tracks: &[Vec<u8>], index_first: bool) -> Vec<u8> {
    let index = part(
        b"moov",
        &joined(&[part(b"mvhd", &[0; 100]), joined(tracks)]),
    );
    let data = part(b"mdat", &[0; 64]);
    let rest = if index_first {
        [index, data]
    } else {
        [data, index]
    };
    joined(&[part(b"ftyp", brand), rest.concat()])
}

fn read_movie(bytes: &[u8]) -> Option<MediaInfo> {
    movie::read(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
}

fn read_still(bytes: &[u8]) -> Option<MediaInfo> {
    still::read(&mut Cursor::new(bytes)).unwrap()
}

#[test]
fn a_movie_says_size_rate_length_and_codec() {
    let sound = track(b"soun", &part(b"mp4a", &[0; 28]));
    let info = read_movie(&movie(b"isom", &[sound, video(b"avc1", 100)], true)).unwrap();
    assert_eq!(
        (info.format, info.width, info.height),
        (Format::Mp4, 1920, 1080)
    );
    assert_eq!(
        info.review_metadata(),
        json!({"frameIn": 0, "frameOut": 48, "frameRate": 24.0, "width": 1920, "height": 1080})
    );
    let movie = info.movie.as_ref().unwrap();
    assert_eq!(
        (movie.codec.as_str(), movie.audio.as_slice()),
        ("avc1", &["mp4a".to_owned()][..])
    );
    assert!(info.is_web_playable());
    assert_eq!(info.review_name(), "ftrackreview-mp4");
}

#[test]
fn what_browsers_do_not_play_is_told_apart() {
    let playable = |brand: &[u8; 4], tracks: &[Vec<u8>], index_first| {
        read_movie(&movie(brand, tracks, index_first))
            .unwrap()
            .is_web_playable()
    };
    let h264 = || video(b"avc1", 77);
    assert!(playable(b"mp42", &[h264()], true));
    assert!(!playable(b"qt  ", &[h264()], true), "QuickTime");
    assert!(!playable(b"mp42", &[h264()], false), "index at the end");
    assert!(!playable(b"mp42", &[video(b"avc1", 122)], true), "4:2:2");
    assert!(!playable(b"mp42", &[video(b"apch", 100)], true), "ProRes");
    let pcm = track(b"soun", &part(b"sowt", &[0; 28]));
    assert!(!playable(b"mp42", &[h264(), pcm], true), "raw sound");
}

#[test]
fn movies_without_pictures_or_index_are_unknown() {
    let sound = track(b"soun", &part(b"mp4a", &[0; 28]));
    assert_eq!(read_movie(&movie(b"isom", &[sound], true)), None);
    assert_eq!(read_movie(&part(b"mdat", &[0; 64])), None);
    assert_eq!(read_movie(b""), None);
}

#[test]
fn stills_say_their_size() {
    let png = joined(&[
        b"\x89PNG\r\n\x1a\n".to_vec(),
        words(&[13]),
        b"IHDR".to_vec(),
        words(&[640, 480]),
    ]);
    let info = read_still(&png).unwrap();
    assert_eq!(
        (info.format, info.width, info.height),
        (Format::Png, 640, 480)
    );
    assert!(info.is_web_playable());
    assert_eq!(info.review_name(), "ftrackreview-image");

    let jpeg = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc2\x00\x11\x08\x01\xe0\x02\x80";
    let info = read_still(jpeg).unwrap();
    assert_eq!(
        (info.format, info.width, info.height),
        (Format::Jpeg, 640, 480)
    );

    let window: Vec<u8> = [-16_i32, 0, 2063, 1079]
        .iter()
        .flat_map(|side| side.to_le_bytes())
        .collect();
    let exr = joined(&[
        b"\x76\x2f\x31\x01\x02\0\0\0".to_vec(),
        b"compression\0compression\0\x01\0\0\0\x03".to_vec(),
        b"displayWindow\0box2i\0\x10\0\0\0".to_vec(),
        window,
    ]);
    let info = read_still(&exr).unwrap();
    assert_eq!(
        (info.format, info.width, info.height),
        (Format::Exr, 2080, 1080)
    );
    assert!(!info.is_web_playable());
}

/// A file that a reader takes for a movie or a still up to a place, and then is anything.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let whole = prop_oneof![
        Just(movie(b"isom", &[video(b"avc1", 100)], true)),
        Just(b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x11\x08\x01\xe0\x02\x80".to_vec()),
        Just(b"\x76\x2f\x31\x01\x02\0\0\0compression\0compression\0\x01\0\0\0\x03".to_vec()),
        Just(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01".to_vec()),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12);
    (whole, changes, any::<prop::sample::Index>()).prop_map(|(mut bytes, changes, end)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let end = end.index(bytes.len()) + 1;
        bytes.truncate(end);
        bytes
    })
}

proptest! {
    #[test]
    fn no_file_breaks_a_reader(bytes in prop_oneof![damaged(), prop::collection::vec(any::<u8>(), 0..512)]) {
        if let Some(info) = read_movie(&bytes).or_else(|| read_still(&bytes)) {
            prop_assert!(info.width > 0 && info.height > 0);
        }
    }
}
