//! What the header of a file says of its picture: size, frame rate, length and codec.
//!
//! Only headers are read, a few kilobytes of files of any size. The readers are small because they are bounded: every length that a file claims is checked against
//! the bytes that are there, and what makes no sense is "unknown", never an error, for a file need not be media to be published.
//!
//! - `boxes`, `movie`: MP4 and MOV;
//! - `still`: PNG, JPEG and `OpenEXR`.

use std::fs::File;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

mod boxes;
mod movie;
mod still;

/// The containers and still formats that are known by their first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// ISO base media, such as `.mp4` and `.m4v`.
    Mp4,
    /// `QuickTime`.
    Mov,
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// `OpenEXR`.
    Exr,
}

/// What is known of a media file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// What kind of file it is.
    pub format: Format,
    /// Columns of pixels.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
    /// Only of movies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub movie: Option<MovieInfo>,
}

/// What a still picture has not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MovieInfo {
    /// Frames a second.
    pub frame_rate: f64,
    /// Number of frames.
    pub frames: u64,
    /// The four letters of the video codec, such as `avc1`.
    pub codec: String,
    /// Whether colours are stored as browsers decode them: 8 bits, 4:2:0.
    pub is_plain_yuv: bool,
    /// The four letters of each codec of sound.
    pub audio: Vec<String>,
    /// Whether the index comes before the pictures, so that playing starts before everything has arrived.
    pub is_fast_start: bool,
}

impl MediaInfo {
    /// Reads the header of the file at `path`; returns none for what is no known media. Blocks.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(match still::read(&mut file)? {
            Some(info) => Some(info),
            None => movie::read(&mut file, size)?,
        })
    }

    /// Returns whether browsers play the file as it is, so that the server need not encode it.
    pub fn is_web_playable(&self) -> bool {
        match (self.format, &self.movie) {
            (Format::Png | Format::Jpeg, _) => true,
            (Format::Mp4, Some(movie)) => movie.is_web_playable(),
            _ => false,
        }
    }

    /// Returns the name that the web player looks for among the components of a version.
    pub fn review_name(&self) -> &'static str {
        if self.movie.is_some() {
            "ftrackreview-mp4"
        } else {
            "ftrackreview-image"
        }
    }

    /// Returns what the web player reads, the metadata `ftr_meta`.
    pub fn review_metadata(&self) -> Value {
        match &self.movie {
            Some(movie) => json!({
                "frameIn": 0,
                "frameOut": movie.frames,
                "frameRate": movie.frame_rate,
                "width": self.width,
                "height": self.height,
            }),
            None => json!({"format": "image", "width": self.width, "height": self.height}),
        }
    }
}

impl MovieInfo {
    fn is_web_playable(&self) -> bool {
        let is_known = |codec: &String| matches!(codec.as_str(), "mp4a");
        self.codec == "avc1"
            && self.is_plain_yuv
            && self.is_fast_start
            && self.frames > 0
            && self.audio.iter().all(is_known)
    }
}

/// Big-endian numbers at a place of a slice, none where it is too short.
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests;
