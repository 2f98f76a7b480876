//! A look at the frames of a sequence before any byte of it moves.
//!
//! A renderer that died leaves frames missing or empty, and one that still runs leaves frames that grow. Both are seen for the whole sequence at once here, when nothing has
//! been created yet, rather than one frame at a time in the middle of a transfer.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long ago a file must have been modified to be taken for finished, unless the caller knows better.
pub const RECENT: Duration = Duration::from_secs(3);

/// The time between the two looks at files that were modified lately. Who writes a frame adds to it many times meanwhile; who publishes does not notice the wait.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A frame is odd when it is so many times smaller or larger than the median. Compressed frames of one shot do differ, but rarely by that much.
const ODD_FACTOR: u64 = 4;

/// With fewer frames than this the median says nothing.
const MEANINGFUL_FRAMES: usize = 5;

/// A thread of its own for fewer files costs more than it saves, even where each look is a round trip to a file server.
const FILES_PER_THREAD: usize = 32;

/// More threads than these gain little, and file servers serve others too.
const MAX_THREADS: usize = 8;

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// There is no such file.
    Missing,
    /// It has no content.
    Empty,
    /// It is no file, or may not be read.
    Unreadable,
    /// It was modified lately, and again while it was looked at.
    Growing,
    /// Its size is far from that of the others.
    OddSize {
        /// The size of the frame in bytes.
        size: u64,
        /// The size in the middle of all frames, in bytes.
        median: u64,
    },
}

impl Defect {
    /// Returns whether the sequence is certainly not what somebody means to publish.
    pub fn is_fatal(self) -> bool {
        matches!(self, Self::Missing | Self::Empty)
    }

    /// Returns whether the frame cannot be sent as it is.
    pub fn is_obstacle(self) -> bool {
        self.is_fatal() || self == Self::Unreadable
    }
}

/// A frame with a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The position of the frame among those that were looked at.
    pub index: usize,
    /// What is wrong with it.
    pub defect: Defect,
}

/// What was seen of a sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// The size of each frame in bytes; 0 for one that cannot be looked at.
    pub sizes: Vec<u64>,
    /// The frames with a defect, in the order of the frames, each with the worst it has.
    pub findings: Vec<Finding>,
}

/// Looks at all frames of one sequence. Blocks; nothing is read and nothing is changed.
///
/// Only frames that were modified within the last `recent` are looked at twice, which takes [`BETWEEN_LOOKS`] for all of them together.
pub fn inspect(frames: &[PathBuf], recent: Duration) -> Preflight {
    let started = Instant::now();
    let looks = look_at_all(frames);
    let mut defects: Vec<_> = looks.iter().map(Look::defect).collect();
    note_odd_sizes(&looks, &mut defects);
    note_growing(frames, &looks, recent, started, &mut defects);
    Preflight {
        sizes: looks.iter().map(Look::size).collect(),
        findings: defects
            .into_iter()
            .enumerate()
            .filter_map(|(index, defect)| defect.map(|defect| Finding { index, defect }))
            .collect(),
    }
}

/// The state of a file at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Missing,
    Unreadable,
    Readable {
        size: u64,
        modified: Option<SystemTime>,
    },
}

impl Look {
    fn at(path: &Path) -> Self {
        let looked = fs::metadata(path).and_then(|metadata| {
            // Opening what is no file could wait forever, for the writer of a pipe.
            if !metadata.is_file() {
                return Ok(Self::Unreadable);
            }
            // Only opening tells whether the file may be read.
            File::open(path)?;
            Ok(Self::Readable {
                size: metadata.len(),
                modified: metadata.modified().ok(),
            })
        });
        looked.unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Unreadable,
        })
    }

    fn size(&self) -> u64 {
        match self {
            Self::Readable { size, .. } => *size,
            Self::Missing | Self::Unreadable => 0,
        }
    }

    fn defect(&self) -> Option<Defect> {
        match self {
            Self::Missing => Some(Defect::Missing),
            Self::Unreadable => Some(Defect::Unreadable),
            Self::Readable { size: 0, .. } => Some(Defect::Empty),
            Self::Readable { .. } => None,
        }
    }

    /// Returns whether the file was modified within the last `recent`, or in what this machine takes for the future.
    fn is_recent(&self, recent: Duration) -> bool {
        match self {
            Self::Readable {
                modified: Some(modified),
                ..
            } => modified.elapsed().map_or(true, |age| age <= recent),
            Self::Readable { modified: None, .. } | Self::Missing | Self::Unreadable => false,
        }
    }
}

fn look_at_all(paths: &[PathBuf]) -> Vec<Look> {
    let threads = paths.len().div_ceil(FILES_PER_THREAD).clamp(1, MAX_THREADS);
    let (own, others) = paths.split_at(paths.len().div_ceil(threads));
    thread::scope(|scope| {
        let others: Vec<_> = others
            .chunks(own.len().max(1))
            .map(|share| scope.spawn(|| look_at_each(share)))
            .collect();
        let mut looks = look_at_each(own);
        for other in others {
            looks.extend(
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
        looks
    })
}

fn look_at_each(paths: &[PathBuf]) -> Vec<Look> {
    paths.iter().map(|path| Look::at(path)).collect()
}

fn note_odd_sizes(looks: &[Look], defects: &mut [Option<Defect>]) {
    let mut sizes: Vec<_> = looks
        .iter()
        .map(Look::size)
        .filter(|size| *size > 0)
        .collect();
    if sizes.len() < MEANINGFUL_FRAMES {
        return;
    }
    let middle = sizes.len() / 2;
    let median = *sizes.select_nth_unstable(middle).1;
    for (look, defect) in looks.iter().zip(defects) {
        let size = look.size();
        if size < median / ODD_FACTOR || size / ODD_FACTOR > median {
            defect.get_or_insert(Defect::OddSize { size, median });
        }
    }
}

/// Looks again at what was modified lately.
fn note_growing(
    paths: &[PathBuf],
    looks: &[Look],
    recent: Duration,
    started: Instant,
    defects: &mut [Option<Defect>],
) {
    let suspects: Vec<_> = (0..paths.len())
        .filter(|index| looks[*index].is_recent(recent))
        .collect();
    if suspects.is_empty() {
        return;
    }
    thread::sleep(BETWEEN_LOOKS.saturating_sub(started.elapsed()));
    let again: Vec<_> = suspects.iter().map(|index| paths[*index].clone()).collect();
    for (index, look) in suspects.into_iter().zip(look_at_all(&again)) {
        let is_fatal = defects[index].is_some_and(Defect::is_fatal);
        if look != looks[index] && !is_fatal {
            defects[index] = Some(Defect::Growing);
        }
    }
}
