//! Eight lanes with the instructions of AVX-512 on the 256-bit vectors of x86-64, for rows that would leave half of its larger vectors empty.
//!
//! They take two thirds of the time of sixteen lanes.

use std::arch::x86_64::{_mm256_rol_epi32, _mm256_ternarylogic_epi32};

use super::avx2::{Vector, add, from_lanes, load_words, splat, to_lanes};
use super::avx512::{MIX_F, MIX_G, MIX_H, MIX_I};
use super::rounds::define_compress;
use super::{Block, State};

pub(super) use super::avx2::LANES;

define_compress! {
    #[target_feature(enable = "avx512vl")]
}

#[inline]
#[target_feature(enable = "avx512vl")]
fn rotate<const BITS: i32>(value: Vector) -> Vector {
    _mm256_rol_epi32::<BITS>(value)
}

#[inline]
#[target_feature(enable = "avx512vl")]
fn f(b: Vector, c: Vector, d: Vector) -> Vector {
    _mm256_ternarylogic_epi32::<MIX_F>(b, c, d)
}

#[inline]
#[target_feature(enable = "avx512vl")]
fn g(b: Vector, c: Vector, d: Vector) -> Vector {
    _mm256_ternarylogic_epi32::<MIX_G>(b, c, d)
}

#[inline]
#[target_feature(enable = "avx512vl")]
fn h(b: Vector, c: Vector, d: Vector) -> Vector {
    _mm256_ternarylogic_epi32::<MIX_H>(b, c, d)
}

#[inline]
#[target_feature(enable = "avx512vl")]
fn i(b: Vector, c: Vector, d: Vector) -> Vector {
    _mm256_ternarylogic_epi32::<MIX_I>(b, c, d)
}
