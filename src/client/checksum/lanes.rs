//! Independent MD5 streams that advance together.

use md5::{Digest as _, Md5};
use md5_many::{Md5Many, Md5State};

use super::Digest;

/// Bytes of a block, the step in which MD5 works.
const BLOCK: usize = 64;

/// Lanes of half a row of AVX-512, which has a kernel of its own; shorter rows have none.
const HALF_ROW: usize = 8;

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
            Self::Vector { engine, streams } => update_streams(*engine, streams, inputs),
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

/// Feeds `inputs[n]`, of any length, to stream `n`.
///
/// The kernels are fast for whole blocks of full rows only: with five to seven streams md5-many 0.1.0-alpha.4 leaves its vector code, and is slower than one stream
/// after the other. So blocks that streams have in common are hashed side by side, and lanes without a stream hash those of the first once more, for nothing.
pub(super) fn update_streams(engine: Md5Many, streams: &mut [Md5State], inputs: &[&[u8]]) {
    let mut rest: Vec<_> = streams.iter_mut().zip(inputs.iter().copied()).collect();
    for row in rest.chunks_mut(2 * engine.lanes()) {
        for (stream, input) in &mut *row {
            *input = complete_block(stream, input);
        }
        while update_side_by_side(engine, row) {}
    }
    for (stream, input) in rest {
        stream.update(input);
    }
}

/// Hashes what is missing of the last block of a stream, and returns the rest.
fn complete_block<'a>(stream: &mut Md5State, input: &'a [u8]) -> &'a [u8] {
    let missing = match stream.bytes_hashed() % BLOCK as u64 {
        0 => 0,
        // Less than a block.
        used => BLOCK - usize::try_from(used).unwrap_or(0),
    };
    let (start, rest) = input.split_at(missing.min(input.len()));
    stream.update(start);
    rest
}

/// Hashes the blocks that all unfinished streams of a row still have in common; answers whether there were any worth it.
fn update_side_by_side(engine: Md5Many, row: &mut [(&mut Md5State, &[u8])]) -> bool {
    let mut active: Vec<_> = row
        .iter_mut()
        .filter(|(_, input)| input.len() >= BLOCK)
        .collect();
    let shortest = active.iter().map(|(_, input)| input.len()).min();
    // The vector unit gains nothing with one stream.
    let (Some(shortest), true) = (shortest, active.len() > 1) else {
        return false;
    };
    let common = shortest - shortest % BLOCK;
    let width = row_width(engine, active.len());
    let mut states: Vec<Md5State> = Vec::with_capacity(width);
    let mut inputs: Vec<&[u8]> = Vec::with_capacity(width);
    for (stream, input) in &mut active {
        let (start, rest) = input.split_at(common);
        states.push(std::mem::take(*stream));
        inputs.push(start);
        *input = rest;
    }
    states.resize_with(width, Md5State::new);
    inputs.resize(width, inputs[0]);
    engine.update_many(&mut states, &inputs);
    for ((stream, _), state) in active.into_iter().zip(states) {
        **stream = state;
    }
    true
}

/// Returns how many lanes to fill for so many streams: full rows, or half of one where that is enough.
pub(super) fn row_width(engine: Md5Many, streams: usize) -> usize {
    let half = engine.lanes() / 2;
    if streams <= half && half >= HALF_ROW {
        half
    } else {
        streams.next_multiple_of(engine.lanes())
    }
}

/// Returns the vector engine, unless it is not wanted or this CPU has none.
fn vector_engine(kernel: Kernel) -> Option<Md5Many> {
    let engine = Md5Many::new();
    (kernel == Kernel::Auto && engine.lanes() > 1).then_some(engine)
}
