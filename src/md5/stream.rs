//! Streams of any length, cut into the blocks that the kernels take.

use crate::kernel::{Block, INITIAL, Kernel, State};

/// Bytes of a block.
const BLOCK: usize = size_of::<Block>();

/// The MD5 of the bytes so far of one stream.
#[derive(Clone, Debug)]
pub struct Md5 {
    state: State,
    length: u64,
    /// The first bytes of a block that is not complete.
    begun: Block,
}

impl Default for Md5 {
    fn default() -> Self {
        Self::new()
    }
}

impl Md5 {
    /// Begins a stream.
    pub fn new() -> Self {
        Self {
            state: INITIAL,
            length: 0,
            begun: [0; BLOCK],
        }
    }

    /// Returns how many bytes were hashed.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let (blocks, rest) = self.complete_block(bytes).as_chunks();
        if !blocks.is_empty() {
            Kernel::PORTABLE.compress(std::slice::from_mut(&mut self.state), &[blocks]);
            self.length += blocks.as_flattened().len() as u64;
        }
        self.begun[..rest.len()].copy_from_slice(rest);
        self.length += rest.len() as u64;
    }

    /// Returns the MD5 of all bytes so far. The stream may go on.
    pub fn digest(&self) -> [u8; 16] {
        let used = self.used();
        let end = if used < BLOCK - 8 { BLOCK } else { 2 * BLOCK };
        let mut last = [0; 2 * BLOCK];
        last[..used].copy_from_slice(&self.begun[..used]);
        last[used] = 0x80;
        last[end - 8..end].copy_from_slice(&self.length.wrapping_mul(8).to_le_bytes());
        let mut state = [self.state];
        Kernel::PORTABLE.compress(&mut state, &[last[..end].as_chunks().0]);
        let mut digest = [0; 16];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state[0]) {
            *bytes = word.to_le_bytes();
        }
        digest
    }

    /// Returns how many bytes there are of the block that is not complete.
    #[expect(clippy::cast_possible_truncation, reason = "less than a block fits")]
    fn used(&self) -> usize {
        (self.length % BLOCK as u64) as usize
    }

    /// Takes the bytes that the begun block is short of, and returns the others.
    fn complete_block<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let used = self.used();
        if used == 0 {
            return bytes;
        }
        let (start, rest) = bytes.split_at(bytes.len().min(BLOCK - used));
        self.begun[used..used + start.len()].copy_from_slice(start);
        self.length += start.len() as u64;
        if self.used() == 0 {
            let block = [self.begun];
            Kernel::PORTABLE.compress(std::slice::from_mut(&mut self.state), &[&block]);
        }
        rest
    }
}

/// Appends `bytes` to each stream of `(stream, bytes)`, side by side, with the fastest kernel of this CPU.
///
/// Streams whose bytes end go; the others share the lanes to the end of the longest.
pub fn update_many(streams: &mut [(&mut Md5, &[u8])]) {
    update_many_by(Kernel::best(), streams);
}

/// Does what [`update_many`] does with the kernel that is wanted.
pub fn update_many_by(kernel: Kernel, streams: &mut [(&mut Md5, &[u8])]) {
    for row in streams.chunks_mut(kernel.best_width()) {
        for (stream, bytes) in &mut *row {
            *bytes = stream.complete_block(bytes);
        }
        while advance_side_by_side(kernel, row) {}
        for (stream, bytes) in row {
            stream.update(bytes);
            *bytes = &[];
        }
    }
}

/// Hashes the blocks that all streams which have any still have in common; answers whether it was worth it.
///
/// Lanes without a stream compute the first one once more, for nothing.
fn advance_side_by_side(kernel: Kernel, row: &mut [(&mut Md5, &[u8])]) -> bool {
    let mut active: Vec<_> = row
        .iter_mut()
        .filter(|(_, bytes)| bytes.len() >= BLOCK)
        .collect();
    let shortest = active.iter().map(|(_, bytes)| bytes.len()).min();
    let (Some(shortest), true) = (shortest, active.len() > 1) else {
        return false;
    };
    let common = shortest - shortest % BLOCK;
    let width = active.len().next_multiple_of(kernel.lanes());
    let mut states = Vec::with_capacity(width);
    let mut inputs = Vec::with_capacity(width);
    for (stream, bytes) in &mut active {
        let (start, rest) = bytes.split_at(common);
        states.push(stream.state);
        inputs.push(start.as_chunks().0);
        *bytes = rest;
    }
    states.resize(width, INITIAL);
    inputs.resize(width, inputs[0]);
    kernel.compress(&mut states, &inputs);
    for ((stream, _), state) in active.into_iter().zip(states) {
        stream.state = state;
        stream.length += common as u64;
    }
    true
}
