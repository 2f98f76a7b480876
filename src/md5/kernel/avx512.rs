//! Sixteen lanes: the 512-bit vectors of x86-64.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_loadu_si512, _mm512_rol_epi32, _mm512_set1_epi32,
    _mm512_shuffle_i32x4, _mm512_storeu_si512, _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::rounds::define_compress;
use super::{Block, State};

pub(super) const LANES: usize = 16;

type Vector = __m512i;

define_compress! {
    #[target_feature(enable = "avx512f")]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(value: u32) -> Vector {
    _mm512_set1_epi32(value.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn from_lanes(lanes: [u32; LANES]) -> Vector {
    // SAFETY: reads 64 bytes of any alignment, the size of the array.
    unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn to_lanes(vector: Vector) -> [u32; LANES] {
    let mut lanes = [0; LANES];
    // SAFETY: writes 64 bytes of any alignment, the size of the array.
    unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), vector) };
    lanes
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &Block) -> Vector {
    // SAFETY: reads 64 bytes of any alignment, the size of a block.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(left: Vector, right: Vector) -> Vector {
    _mm512_add_epi32(left, right)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn rotate<const BITS: i32>(value: Vector) -> Vector {
    _mm512_rol_epi32::<BITS>(value)
}

// The mixing functions as truth tables: bit `4 * b + 2 * c + d` is the result for these three bits.
pub(super) const MIX_F: i32 = 0b1100_1010;
pub(super) const MIX_G: i32 = 0b1110_0100;
pub(super) const MIX_H: i32 = 0b1001_0110;
pub(super) const MIX_I: i32 = 0b0011_1001;

#[inline]
#[target_feature(enable = "avx512f")]
fn f(b: Vector, c: Vector, d: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<MIX_F>(b, c, d)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn g(b: Vector, c: Vector, d: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<MIX_G>(b, c, d)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn h(b: Vector, c: Vector, d: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<MIX_H>(b, c, d)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn i(b: Vector, c: Vector, d: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<MIX_I>(b, c, d)
}

/// Returns the sixteen words of a block of each input; lane `n` of word `w` is word `w` of input `n`.
///
/// A transposition of 16 x 16 words in four steps of 16 shuffles: pairs of rows interleave by words, then by pairs of words, then by quarters of vectors, twice.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_words(inputs: &[&[Block]], block: usize) -> [Vector; 16] {
    let mut rows = [splat(0); 16];
    for (row, input) in rows.iter_mut().zip(inputs) {
        *row = load(&input[block]);
    }
    let mut pairs = rows;
    for at in (0..16).step_by(2) {
        pairs[at] = _mm512_unpacklo_epi32(rows[at], rows[at + 1]);
        pairs[at + 1] = _mm512_unpackhi_epi32(rows[at], rows[at + 1]);
    }
    // `fours[4 * n + w]` has, in its quarter `q`, word `4 * q + w` of the inputs `4 * n` to `4 * n + 3`.
    let mut fours = rows;
    for at in (0..16).step_by(4) {
        fours[at] = _mm512_unpacklo_epi64(pairs[at], pairs[at + 2]);
        fours[at + 1] = _mm512_unpackhi_epi64(pairs[at], pairs[at + 2]);
        fours[at + 2] = _mm512_unpacklo_epi64(pairs[at + 1], pairs[at + 3]);
        fours[at + 3] = _mm512_unpackhi_epi64(pairs[at + 1], pairs[at + 3]);
    }
    let mut words = rows;
    for word in 0..4 {
        // Quarters 0 and 2, and quarters 1 and 3, of the first eight inputs and of the others.
        let even = _mm512_shuffle_i32x4::<0b10_00_10_00>(fours[word], fours[word + 4]);
        let odd = _mm512_shuffle_i32x4::<0b11_01_11_01>(fours[word], fours[word + 4]);
        let even_high = _mm512_shuffle_i32x4::<0b10_00_10_00>(fours[word + 8], fours[word + 12]);
        let odd_high = _mm512_shuffle_i32x4::<0b11_01_11_01>(fours[word + 8], fours[word + 12]);
        words[word] = _mm512_shuffle_i32x4::<0b10_00_10_00>(even, even_high);
        words[word + 8] = _mm512_shuffle_i32x4::<0b11_01_11_01>(even, even_high);
        words[word + 4] = _mm512_shuffle_i32x4::<0b10_00_10_00>(odd, odd_high);
        words[word + 12] = _mm512_shuffle_i32x4::<0b11_01_11_01>(odd, odd_high);
    }
    words
}
