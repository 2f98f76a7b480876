//! Eight lanes: the 256-bit vectors of x86-64.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_andnot_si256, _mm256_loadu_si256,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi32, _mm256_slli_epi32,
    _mm256_srlv_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::rounds::define_compress;
use super::{Block, State};

pub(super) const LANES: usize = 8;

pub(super) type Vector = __m256i;

define_compress! {
    #[target_feature(enable = "avx2")]
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn splat(value: u32) -> Vector {
    _mm256_set1_epi32(value.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn from_lanes(lanes: [u32; LANES]) -> Vector {
    // SAFETY: reads 32 bytes of any alignment, the size of the array.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn to_lanes(vector: Vector) -> [u32; LANES] {
    let mut lanes = [0; LANES];
    // SAFETY: writes 32 bytes of any alignment, the size of the array.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), vector) };
    lanes
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(half: &[u8; 32]) -> Vector {
    // SAFETY: reads 32 bytes of any alignment, the size of the array.
    unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn add(left: Vector, right: Vector) -> Vector {
    _mm256_add_epi32(left, right)
}

#[inline]
#[target_feature(enable = "avx2")]
fn rotate<const BITS: i32>(value: Vector) -> Vector {
    let left = _mm256_slli_epi32::<BITS>(value);
    // Of a constant, which compiles to a shift by an immediate; `32 - BITS` cannot be an argument of a constant function yet.
    let right = _mm256_srlv_epi32(value, _mm256_set1_epi32(32 - BITS));
    _mm256_or_si256(left, right)
}

#[inline]
#[target_feature(enable = "avx2")]
fn f(b: Vector, c: Vector, d: Vector) -> Vector {
    _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn g(b: Vector, c: Vector, d: Vector) -> Vector {
    // Both sides have no bit in common; added, what does not need `b` is ready before it.
    _mm256_add_epi32(_mm256_andnot_si256(d, c), _mm256_and_si256(b, d))
}

#[inline]
#[target_feature(enable = "avx2")]
fn h(b: Vector, c: Vector, d: Vector) -> Vector {
    _mm256_xor_si256(b, _mm256_xor_si256(c, d))
}

#[inline]
#[target_feature(enable = "avx2")]
fn i(b: Vector, c: Vector, d: Vector) -> Vector {
    let not_d = _mm256_xor_si256(d, splat(u32::MAX));
    _mm256_xor_si256(c, _mm256_or_si256(b, not_d))
}

/// Returns the sixteen words of a block of each input; lane `n` of word `w` is word `w` of input `n`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load_words(inputs: &[&[Block]], block: usize) -> [Vector; 16] {
    let mut words = [splat(0); 16];
    for (half, words) in words.chunks_exact_mut(8).enumerate() {
        let mut rows = [splat(0); 8];
        for (row, input) in rows.iter_mut().zip(inputs) {
            let (halves, _) = input[block].as_chunks();
            *row = load(&halves[half]);
        }
        words.copy_from_slice(&transpose(rows));
    }
    words
}

/// Swaps rows and columns of 8 x 8 words: pairs of rows interleave by words, then by pairs of words, then by halves of vectors.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [Vector; 8]) -> [Vector; 8] {
    let mut pairs = rows;
    for at in (0..8).step_by(2) {
        pairs[at] = _mm256_unpacklo_epi32(rows[at], rows[at + 1]);
        pairs[at + 1] = _mm256_unpackhi_epi32(rows[at], rows[at + 1]);
    }
    let mut fours = rows;
    for at in (0..8).step_by(4) {
        fours[at] = _mm256_unpacklo_epi64(pairs[at], pairs[at + 2]);
        fours[at + 1] = _mm256_unpackhi_epi64(pairs[at], pairs[at + 2]);
        fours[at + 2] = _mm256_unpacklo_epi64(pairs[at + 1], pairs[at + 3]);
        fours[at + 3] = _mm256_unpackhi_epi64(pairs[at + 1], pairs[at + 3]);
    }
    let mut columns = rows;
    for column in 0..4 {
        columns[column] = _mm256_permute2x128_si256::<0x20>(fours[column], fours[column + 4]);
        columns[column + 4] = _mm256_permute2x128_si256::<0x31>(fours[column], fours[column + 4]);
    }
    columns
}
