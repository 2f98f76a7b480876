//! Plain words, on any CPU: one stream, or two whose steps fill each other's latency.

use super::rounds::define_compress;
use super::{Block, State};

pub(super) const LANES: usize = 1;

type Vector = u32;

define_compress! {}

fn splat(value: u32) -> Vector {
    value
}

fn from_lanes([lane]: [u32; LANES]) -> Vector {
    lane
}

fn to_lanes(vector: Vector) -> [u32; LANES] {
    [vector]
}

fn add(left: Vector, right: Vector) -> Vector {
    left.wrapping_add(right)
}

fn rotate<const BITS: u32>(value: Vector) -> Vector {
    value.rotate_left(BITS)
}

fn f(b: Vector, c: Vector, d: Vector) -> Vector {
    d ^ (b & (c ^ d))
}

fn g(b: Vector, c: Vector, d: Vector) -> Vector {
    // Both sides have no bit in common; added, what does not need `b` is ready before it.
    (c & !d).wrapping_add(b & d)
}

fn h(b: Vector, c: Vector, d: Vector) -> Vector {
    b ^ (c ^ d)
}

fn i(b: Vector, c: Vector, d: Vector) -> Vector {
    c ^ (b | !d)
}

fn load_words(inputs: &[&[Block]], block: usize) -> [Vector; 16] {
    let mut words = [0; 16];
    let (bytes, _) = inputs[0][block].as_chunks();
    for (word, bytes) in words.iter_mut().zip(bytes) {
        *word = u32::from_le_bytes(*bytes);
    }
    words
}
