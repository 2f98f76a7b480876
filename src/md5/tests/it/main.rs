//! All kernels compute the MD5 that md-5 computes, whatever the lengths and however the streams share the lanes.
#![cfg(test)]

mod shared;

use ftrack_md5::{Kernel, Md5, digest, update_many_by};
use md5::Digest as _;
use proptest::prelude::*;

fn reference(bytes: &[u8]) -> [u8; 16] {
    md5::Md5::digest(bytes).into()
}

/// Bytes that differ from block to block, so that a swapped or repeated block changes the digest.
fn content(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| ((at * 31) >> 3).to_le_bytes()[0] ^ seed)
        .collect()
}

/// Lengths around the borders of MD5's padding (55, 56) and of blocks (64).
fn length() -> impl Strategy<Value = usize> {
    let border = prop::sample::select(vec![
        0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 191, 192, 1000, 1024, 4096, 4097,
    ]);
    prop_oneof![3 => border, 1 => 0_usize..20_000]
}

/// Lengths of the pieces in which a stream comes.
fn pieces() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(length(), 0..5)
}

#[test]
fn the_test_suite_of_the_rfc() {
    // RFC 1321, A.5.
    for (text, expected) in [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        (
            "abcdefghijklmnopqrstuvwxyz",
            "c3fcd3d76192e4007dfb496cca67e13b",
        ),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f",
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a",
        ),
    ] {
        let value = u128::from_str_radix(expected, 16).unwrap();
        assert_eq!(digest(text.as_bytes()), value.to_be_bytes(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn streams_in_pieces_have_their_own_md5(lengths in prop::collection::vec(pieces(), 0..70)) {
        let contents: Vec<Vec<u8>> = lengths.iter().zip(0..).map(|(pieces, seed)| content(seed, pieces.iter().sum())).collect();
        for kernel in Kernel::all() {
            let mut streams = vec![Md5::new(); contents.len()];
            let mut begun = vec![0; contents.len()];
            for piece in 0..5 {
                let pieces = lengths.iter().zip(&contents).zip(&mut begun).map(|((lengths, content), begun)| {
                    let length = lengths.get(piece).copied().unwrap_or(0);
                    *begun += length;
                    &content[*begun - length..*begun]
                });
                let mut row: Vec<_> = streams.iter_mut().zip(pieces).collect();
                update_many_by(kernel, &mut row);
            }
            for (stream, content) in streams.iter().zip(&contents) {
                prop_assert_eq!(stream.digest(), reference(content), "{:?}", kernel);
                prop_assert_eq!(stream.length(), content.len() as u64);
            }
        }
    }

    #[test]
    fn a_digest_does_not_end_a_stream(first in length(), second in length()) {
        let whole = content(7, first + second);
        let mut stream = Md5::new();
        stream.update(&whole[..first]);
        prop_assert_eq!(stream.digest(), reference(&whole[..first]));
        stream.update(&whole[first..]);
        prop_assert_eq!(stream.digest(), reference(&whole));
    }
}
