//! Independent MD5 streams that advance together.

use md5::{Digest as _, Md5};
use md5_many::{Md5Many, Md5State};

use super::Digest;

/// Which code computes the MD5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kernel {
    /// The vector unit where the CPU has one, else [`Kernel::Scalar`].
    #[default]
    Auto,
    /// One stream after the other, on any CPU.
    Scalar,
}

/// Returns the MD5 of each buffer, in the order given.
pub fn md5_buffers(buffers: &[&[u8]], kernel: Kernel) -> Vec<Digest> {
    let Some(engine) = vector_engine(kernel) else {
        return buffers
            .iter()
            .map(|buffer| Digest(Md5::digest(buffer).into()))
            .collect();
    };
    let mut digests = vec![[0; 16]; buffers.len()];
    let row = Lanes::best_count(kernel);
    for (buffers, digests) in buffers.chunks(row).zip(digests.chunks_mut(row)) {
        engine.hash_many(buffers, digests);
    }
    digests.into_iter().map(Digest).collect()
}

/// A row of MD5 streams.
pub(super) enum Lanes {
    /// Streams that share the vector unit.
    Vector {
        engine: Md5Many,
        streams: Vec<Md5State>,
    },
    /// Streams hashed one after the other.
    Scalar(Vec<Md5>),
}

impl Lanes {
    /// Makes a row without streams.
    pub(super) fn new(kernel: Kernel) -> Self {
        match vector_engine(kernel) {
            Some(engine) => Self::Vector {
                engine,
                streams: Vec::new(),
            },
            None => Self::Scalar(Vec::new()),
        }
    }

    /// Returns how many streams keep the kernel fully busy.
    ///
    /// Twice the width of the vector unit: interleaved, two rows hide the latency of its instructions, while three no longer fit the caches
    /// (benches/checksum.rs).
    pub(super) fn best_count(kernel: Kernel) -> usize {
        vector_engine(kernel).map_or(1, |engine| 2 * engine.lanes())
    }

    /// Adds an empty stream at the end of the row.
    pub(super) fn push(&mut self) {
        match self {
            Self::Vector { streams, .. } => streams.push(Md5State::new()),
            Self::Scalar(streams) => streams.push(Md5::new()),
        }
    }

    /// Feeds `inputs[n]` to stream `n`, for all streams of the row.
    pub(super) fn update(&mut self, inputs: &[&[u8]]) {
        match self {
            Self::Vector { engine, streams } => match (streams.as_mut_slice(), inputs) {
                // The vector unit gains nothing with one stream.
                ([stream], [input]) => stream.update(input),
                (streams, inputs) => engine.update_many(streams, inputs),
            },
            Self::Scalar(streams) => streams
                .iter_mut()
                .zip(inputs)
                .for_each(|(stream, input)| stream.update(input)),
        }
    }

    /// Ends stream `lane`; the last stream of the row takes its place.
    pub(super) fn swap_remove(&mut self, lane: usize) -> Digest {
        match self {
            Self::Vector { streams, .. } => Digest(streams.swap_remove(lane).finalize()),
            Self::Scalar(streams) => Digest(streams.swap_remove(lane).finalize().into()),
        }
    }
}

/// Returns the vector engine, unless it is not wanted or this CPU has none.
fn vector_engine(kernel: Kernel) -> Option<Md5Many> {
    let engine = Md5Many::new();
    (kernel == Kernel::Auto && engine.lanes() > 1).then_some(engine)
}
