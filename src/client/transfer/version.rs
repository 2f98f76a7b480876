//! What the head of an answer says about the content behind a URL: which version it is, and which bytes of it follow.
//!
//! Bytes of two versions must never meet in one file, so content is fetched in parts only if a strong `ETag` tells its versions apart.

use std::ops::Range;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap};

use crate::checksum::Digest;

/// One version of the content at a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// The `ETag`, if it changes with every byte.
    pub(super) tag: Option<String>,
    /// The size in bytes, where the server tells.
    pub(super) size: Option<u64>,
    /// The MD5, where the tag is one.
    pub(super) md5: Option<Digest>,
}

/// The content, or the part of it, that an answer brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
}

/// Reads the head of an answer; `None` if it contradicts itself or brings no content.
pub(super) fn read(status: StatusCode, headers: &HeaderMap) -> Option<(Version, Extent)> {
    let (size, extent) = match status {
        StatusCode::PARTIAL_CONTENT => {
            let (range, size) = content_range(headers)?;
            (Some(size), Extent::Part(range))
        }
        // There is no first byte of an empty file.
        StatusCode::RANGE_NOT_SATISFIABLE if is_empty(headers) => (Some(0), Extent::Part(0..0)),
        StatusCode::OK => (content_length(headers), Extent::Whole),
        _ => return None,
    };
    let tag = strong_tag(headers);
    let md5 = tag.as_deref().and_then(|tag| md5_of(tag, headers));
    Some((Version { tag, size, md5 }, extent))
}

fn text(headers: &HeaderMap, name: impl reqwest::header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH)?.parse().ok()
}

/// Reads `bytes <first>-<last>/<size>`.
fn content_range(headers: &HeaderMap) -> Option<(Range<u64>, u64)> {
    let (range, size) = text(headers, CONTENT_RANGE)?
        .strip_prefix("bytes ")?
        .split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, size): (u64, u64, u64) =
        (first.parse().ok()?, last.parse().ok()?, size.parse().ok()?);
    (first <= last && last < size).then_some((first..last + 1, size))
}

fn is_empty(headers: &HeaderMap) -> bool {
    text(headers, CONTENT_RANGE) == Some("bytes */0")
}

/// A weak tag may stay the same while bytes change.
fn strong_tag(headers: &HeaderMap) -> Option<String> {
    let tag = text(headers, ETAG)?;
    (tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"')).then(|| tag.to_owned())
}

/// S3's tag of an object that was sent in one piece is its MD5, unless it is encrypted with a key of the customer or of the key service.
/// See <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>.
fn md5_of(tag: &str, headers: &HeaderMap) -> Option<Digest> {
    let is_encrypted = headers.contains_key("x-amz-server-side-encryption-customer-algorithm")
        || text(headers, "x-amz-server-side-encryption")
            .is_some_and(|method| method.starts_with("aws:kms"));
    if is_encrypted {
        return None;
    }
    Digest::from_hex(tag.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    const MD5: &str = "\"d41d8cd98f00b204e9800998ecf8427e\"";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn part(range: &'static str) -> Option<(Option<u64>, Extent)> {
        let head = headers(&[("content-range", range)]);
        read(StatusCode::PARTIAL_CONTENT, &head).map(|(version, extent)| (version.size, extent))
    }

    fn version(pairs: &[(&'static str, &'static str)]) -> Version {
        read(StatusCode::OK, &headers(pairs)).unwrap().0
    }

    #[test]
    fn parts_say_where_they_belong() {
        assert_eq!(part("bytes 0-3/10"), Some((Some(10), Extent::Part(0..4))));
        assert_eq!(part("bytes 9-9/10"), Some((Some(10), Extent::Part(9..10))));
        for wrong in [
            "bytes 0-10/10",
            "bytes 3-2/10",
            "bytes 0-3/*",
            "0-3/10",
            "bytes */0",
        ] {
            assert_eq!(part(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_empty_file_has_no_part() {
        let answer = |range| {
            let head = headers(&[("content-range", range)]);
            read(StatusCode::RANGE_NOT_SATISFIABLE, &head).map(|(_, extent)| extent)
        };
        assert_eq!(answer("bytes */0"), Some(Extent::Part(0..0)));
        assert_eq!(answer("bytes */7"), None);
    }

    #[test]
    fn only_strong_tags_tell_versions_apart() {
        assert_eq!(
            version(&[("etag", "\"abc\"")]).tag.as_deref(),
            Some("\"abc\"")
        );
        for weak in ["W/\"abc\"", "abc", "\"", "\"\""] {
            assert_eq!(version(&[("etag", weak)]).tag, None, "{weak}");
        }
    }

    #[test]
    fn a_tag_may_be_an_md5() {
        assert!(version(&[("etag", MD5)]).md5.is_some());
        assert!(
            version(&[("etag", MD5), ("x-amz-server-side-encryption", "AES256")])
                .md5
                .is_some()
        );
        for other in [
            [("etag", MD5), ("x-amz-server-side-encryption", "aws:kms")],
            [
                ("etag", MD5),
                ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
            ],
            [
                ("etag", "\"d41d8cd98f00b204e9800998ecf8427e-2\""),
                ("content-length", "7"),
            ],
        ] {
            assert_eq!(version(&other).md5, None);
        }
    }
}
