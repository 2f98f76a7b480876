//! The 64 steps of MD5 (RFC 1321, section 3.4), written once for all widths of vectors.

/// The constants of the steps, in rounds of sixteen: `2^32 * abs(sin(n))` of `n` in radians, from 1 on.
#[rustfmt::skip]
pub(super) const CONSTANTS: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

/// Defines `compress` of the vector operations that are in scope where it is used: `Vector`, `LANES`, `load_words`, `splat`, `add`, `rotate` and the functions
/// `f`, `g`, `h` and `i` of the RFC.
///
/// `compress` advances `ROWS * LANES` streams by the same number of blocks each. The rows do not depend on each other, so that the instructions of one fill the
/// latency of those of another.
macro_rules! define_compress {
    ($(#[$feature:meta])*) => {
        $(#[$feature])*
        pub(super) fn compress<const ROWS: usize>(states: &mut [State], inputs: &[&[Block]]) {
            assert!(states.len() == ROWS * LANES && inputs.len() == ROWS * LANES);
            let blocks = inputs.iter().map(|input| input.len()).min().unwrap_or(0);
            let mut state: [[Vector; 4]; ROWS] = [[splat(0); 4]; ROWS];
            for (row, states) in state.iter_mut().zip(states.chunks(LANES)) {
                for (word, vector) in row.iter_mut().enumerate() {
                    let mut lanes = [0; LANES];
                    for (lane, state) in lanes.iter_mut().zip(states) {
                        *lane = state[word];
                    }
                    *vector = from_lanes(lanes);
                }
            }
            for block in 0..blocks {
                let mut words: [[Vector; 16]; ROWS] = [[splat(0); 16]; ROWS];
                for (words, inputs) in words.iter_mut().zip(inputs.chunks(LANES)) {
                    *words = load_words(inputs, block);
                }
                let before = state;
                // Hidden from the compiler, which would add a constant last of all; but what does not need the step before must not wait for it.
                let constants = std::hint::black_box(&$crate::kernel::rounds::CONSTANTS);
                let rounds = constants.as_chunks().0;
                $crate::kernel::rounds::round!(f, state, words, rounds[0], 7 12 17 22, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
                $crate::kernel::rounds::round!(g, state, words, rounds[1], 5 9 14 20, 1 6 11 0 5 10 15 4 9 14 3 8 13 2 7 12);
                $crate::kernel::rounds::round!(h, state, words, rounds[2], 4 11 16 23, 5 8 11 14 1 4 7 10 13 0 3 6 9 12 15 2);
                $crate::kernel::rounds::round!(i, state, words, rounds[3], 6 10 15 21, 0 7 14 5 12 3 10 1 8 15 6 13 4 11 2 9);
                for (row, before) in state.iter_mut().zip(before) {
                    for (now, before) in row.iter_mut().zip(before) {
                        *now = add(*now, before);
                    }
                }
            }
            for (row, states) in state.iter().zip(states.chunks_mut(LANES)) {
                for (word, vector) in row.iter().enumerate() {
                    for (lane, state) in to_lanes(*vector).into_iter().zip(&mut *states) {
                        state[word] = lane;
                    }
                }
            }
        }
    };
}

/// One round: sixteen steps, four of which bring the four words of the state back to their places.
macro_rules! round {
    ($mix:ident, $state:ident, $words:ident, $constants:expr, $s0:literal $s1:literal $s2:literal $s3:literal,
        $m0:literal $m1:literal $m2:literal $m3:literal $m4:literal $m5:literal $m6:literal $m7:literal
        $m8:literal $m9:literal $m10:literal $m11:literal $m12:literal $m13:literal $m14:literal $m15:literal) => {
        let constants: &[u32; 16] = &$constants;
        $crate::kernel::rounds::four_steps!($mix, $state, $words, constants, $s0 $s1 $s2 $s3, 0 $m0, 1 $m1, 2 $m2, 3 $m3);
        $crate::kernel::rounds::four_steps!($mix, $state, $words, constants, $s0 $s1 $s2 $s3, 4 $m4, 5 $m5, 6 $m6, 7 $m7);
        $crate::kernel::rounds::four_steps!($mix, $state, $words, constants, $s0 $s1 $s2 $s3, 8 $m8, 9 $m9, 10 $m10, 11 $m11);
        $crate::kernel::rounds::four_steps!($mix, $state, $words, constants, $s0 $s1 $s2 $s3, 12 $m12, 13 $m13, 14 $m14, 15 $m15);
    };
}

/// Four steps, in all rows, each with the number of its constant and that of its word.
macro_rules! four_steps {
    ($mix:ident, $state:ident, $words:ident, $constants:ident, $s0:literal $s1:literal $s2:literal $s3:literal,
        $k0:literal $m0:literal, $k1:literal $m1:literal, $k2:literal $m2:literal, $k3:literal $m3:literal) => {
        $crate::kernel::rounds::step!($mix, $state, $words, 0 1 2 3, $s0, $constants[$k0], $m0);
        $crate::kernel::rounds::step!($mix, $state, $words, 3 0 1 2, $s1, $constants[$k1], $m1);
        $crate::kernel::rounds::step!($mix, $state, $words, 2 3 0 1, $s2, $constants[$k2], $m2);
        $crate::kernel::rounds::step!($mix, $state, $words, 1 2 3 0, $s3, $constants[$k3], $m3);
    };
}

/// One step, in all rows: `a = b + rotate(a + mix(b, c, d) + word + constant)`.
macro_rules! step {
    ($mix:ident, $state:ident, $words:ident, $a:literal $b:literal $c:literal $d:literal, $shift:literal, $constant:expr, $word:literal) => {
        for (state, words) in $state.iter_mut().zip(&$words) {
            let early = add(add(words[$word], splat($constant)), state[$a]);
            let mixed = add(early, $mix(state[$b], state[$c], state[$d]));
            state[$a] = add(state[$b], rotate::<$shift>(mixed));
        }
    };
}

pub(super) use {define_compress, four_steps, round, step};
