//! ffmpeg as a child process: finding it, probing files, making browser movies and frames of them.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::config::EncodingOptions;

/// The largest height of a browser movie; larger sources are shrunk to it.
const MAX_HEIGHT: u32 = 1080;

/// An ffmpeg that can be run.
#[derive(Debug, Clone)]
pub struct Ffmpeg {
    program: PathBuf,
    time_limit: Duration,
}

/// What a movie file holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MovieInfo {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames a second.
    pub frame_rate: f64,
    /// Length in seconds, if the file tells.
    pub seconds: Option<f64>,
}

/// A run of ffmpeg that did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum FfmpegError {
    /// There is none to run.
    #[error(
        "ffmpeg was not found: put it in PATH, set IMAGEIO_FFMPEG_EXE, or install ftrack-rs with the [sandbox] extra"
    )]
    Missing,
    /// The program cannot be started.
    #[error("ffmpeg could not be started")]
    Start(#[source] io::Error),
    /// The run took longer than the server allows.
    #[error("ffmpeg took longer than {limit:?}")]
    TimeLimit {
        /// The limit.
        limit: Duration,
    },
    /// ffmpeg refused the file.
    #[error("ffmpeg failed: {reason}")]
    Failed {
        /// The last line it wrote.
        reason: String,
    },
}

impl Ffmpeg {
    /// Finds ffmpeg: the one configured, that of `IMAGEIO_FFMPEG_EXE`, or the first in `PATH`.
    pub fn find(options: &EncodingOptions) -> Result<Self, FfmpegError> {
        let named = options
            .ffmpeg
            .clone()
            .or_else(|| env::var_os("IMAGEIO_FFMPEG_EXE").map(PathBuf::from));
        let program = match named {
            Some(path) => Some(path).filter(|path| path.is_file()),
            None => find_in_path(),
        };
        let program = program.ok_or(FfmpegError::Missing)?;
        Ok(Self {
            program,
            time_limit: options.time_limit,
        })
    }

    /// Returns what the first video stream of a file is.
    pub async fn probe(&self, file: &Path) -> Result<MovieInfo, FfmpegError> {
        // Without an output ffmpeg describes the input and reports failure.
        let output = self.run(&[OsStr::new("-i"), file.as_os_str()]).await?;
        let text = String::from_utf8_lossy(&output.stderr);
        movie_info(&text).ok_or_else(|| FfmpegError::Failed {
            reason: last_line(&text),
        })
    }

    /// Writes an MP4 that plays in every browser while it loads; returns the number of frames.
    pub async fn movie(&self, source: &Path, target: &Path) -> Result<u64, FfmpegError> {
        // H.264 in yuv420p needs even sizes.
        let scale = format!("scale=-2:trunc(min({MAX_HEIGHT}\\,ih)/2)*2");
        let arguments = [
            "-map",
            "0:v:0",
            "-map",
            "0:a:0?",
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            "20",
            "-pix_fmt",
            "yuv420p",
            "-vf",
            &scale,
            "-c:a",
            "aac",
            "-movflags",
            "+faststart",
            "-progress",
            "pipe:1",
            "-f",
            "mp4",
        ];
        let output = self.convert(&[], source, &arguments, target).await?;
        Ok(frame_count(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Writes the frame at `seconds` as JPEG.
    pub async fn frame(
        &self,
        source: &Path,
        seconds: f64,
        target: &Path,
    ) -> Result<(), FfmpegError> {
        let position = format!("{seconds:.3}");
        let arguments = [
            "-map",
            "0:v:0",
            "-frames:v",
            "1",
            "-q:v",
            "2",
            "-c:v",
            "mjpeg",
            "-pix_fmt",
            "yuvj420p",
            "-f",
            "image2pipe",
        ];
        self.convert(&["-ss", &position], source, &arguments, target)
            .await?;
        Ok(())
    }

    async fn convert(
        &self,
        input_options: &[&str],
        source: &Path,
        output_options: &[&str],
        target: &Path,
    ) -> Result<Output, FfmpegError> {
        let options = ["-v", "error", "-y"]
            .iter()
            .chain(input_options)
            .chain(&["-i"])
            .map(OsStr::new);
        let output_options = output_options.iter().map(OsStr::new);
        let arguments: Vec<&OsStr> = options
            .chain([source.as_os_str()])
            .chain(output_options)
            .chain([target.as_os_str()])
            .collect();
        let output = self.run(&arguments).await?;
        if output.status.success() {
            return Ok(output);
        }
        Err(FfmpegError::Failed {
            reason: last_line(&String::from_utf8_lossy(&output.stderr)),
        })
    }

    /// Runs to the end or the time limit; a run that nobody waits for any more is killed.
    async fn run(&self, arguments: &[&OsStr]) -> Result<Output, FfmpegError> {
        let child = Command::new(&self.program)
            .args(["-hide_banner", "-nostdin"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(FfmpegError::Start)?;
        let limit = self.time_limit;
        let finished = tokio::time::timeout(limit, child.wait_with_output()).await;
        finished
            .map_err(|_| FfmpegError::TimeLimit { limit })?
            .map_err(FfmpegError::Start)
    }
}

fn find_in_path() -> Option<PathBuf> {
    let name = format!("ffmpeg{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
}

fn last_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or("no reason given")
        .to_owned()
}

/// Reads the description ffmpeg writes of an input file.
fn movie_info(text: &str) -> Option<MovieInfo> {
    let stream = text
        .lines()
        .find(|line| line.contains("Stream #") && line.contains("Video:"))?;
    let fields = || stream.split(',').map(str::trim);
    let (width, height) = fields().find_map(picture_size)?;
    let rate =
        |unit: &str| fields().find_map(|field| field.strip_suffix(unit)?.trim().parse().ok());
    let frame_rate = rate(" fps").or_else(|| rate(" tbr")).unwrap_or(25.0);
    Some(MovieInfo {
        width,
        height,
        frame_rate,
        seconds: text.lines().find_map(duration),
    })
}

/// Reads `1280x720 [SAR 1:1 DAR 16:9]`.
fn picture_size(field: &str) -> Option<(u32, u32)> {
    let (width, height) = field.split_whitespace().next()?.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// Reads `Duration: 00:00:02.50, start: …`.
fn duration(line: &str) -> Option<f64> {
    let clock = line
        .trim()
        .strip_prefix("Duration:")?
        .split(',')
        .next()?
        .trim();
    clock.split(':').try_fold(0.0, |seconds, field| {
        Some(seconds * 60.0 + field.parse::<f64>().ok()?)
    })
}

/// Reads the last `frame=` of a progress report.
fn frame_count(progress: &str) -> u64 {
    let mut counts = progress
        .lines()
        .filter_map(|line| line.strip_prefix("frame=")?.trim().parse().ok());
    counts.next_back().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESCRIPTION: &str = "\
Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'plate.mov':
  Duration: 00:01:02.50, start: 0.000000, bitrate: 1205 kb/s
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709, progressive), 1280x720 [SAR 1:1 DAR 16:9], 1205 kb/s, 23.98 fps, 23.98 tbr, 24k tbn (default)
At least one output file must be specified";

    #[test]
    fn reads_what_ffmpeg_says_of_a_movie() {
        let expect = MovieInfo {
            width: 1280,
            height: 720,
            frame_rate: 23.98,
            seconds: Some(62.5),
        };
        assert_eq!(movie_info(DESCRIPTION), Some(expect));
    }

    #[test]
    fn a_picture_has_no_length() {
        let text = "  Duration: N/A, bitrate: N/A\n  Stream #0:0: Video: tiff, rgb24, 64x48, 25 tbr, 25 tbn";
        let expect = MovieInfo {
            width: 64,
            height: 48,
            frame_rate: 25.0,
            seconds: None,
        };
        assert_eq!(movie_info(text), Some(expect));
    }

    #[test]
    fn a_file_without_pictures_has_no_info() {
        assert_eq!(
            movie_info("  Stream #0:0: Audio: pcm_s16le, 48000 Hz, stereo"),
            None
        );
        assert_eq!(
            movie_info("notes.txt: Invalid data found when processing input"),
            None
        );
    }

    #[test]
    fn counts_the_frames_of_the_last_report() {
        assert_eq!(
            frame_count("frame=10\nfps=0.0\nprogress=continue\nframe=48\nprogress=end\n"),
            48
        );
        assert_eq!(frame_count(""), 0);
    }

    #[test]
    fn an_ffmpeg_that_is_not_there_is_missing() {
        let options = EncodingOptions {
            ffmpeg: Some("/nowhere/ffmpeg".into()),
            ..EncodingOptions::default()
        };
        assert!(matches!(Ffmpeg::find(&options), Err(FfmpegError::Missing)));
    }
}
