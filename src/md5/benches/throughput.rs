//! MD5 of buffers of 1 MiB in memory: md-5, and all kernels that this CPU can run.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use ftrack_md5::{Kernel, Md5, update_many_by};
use md5::Digest as _;

const SIZE: usize = 1 << 20;

fn main() {
    divan::main();
}

#[divan::bench]
fn one_by_md_5(bencher: Bencher<'_, '_>) {
    let buffer = buffer(0);
    bencher
        .counter(BytesCount::new(SIZE))
        .bench(|| md5::Md5::digest(black_box(&buffer)));
}

#[divan::bench(args = cases())]
fn many_by(bencher: Bencher<'_, '_>, (kernel, streams): &(Kernel, usize)) {
    let buffers: Vec<Vec<u8>> = (0..*streams).map(buffer).collect();
    bencher
        .counter(BytesCount::new(streams * SIZE))
        .bench(|| hash(*kernel, black_box(&buffers)));
}

fn cases() -> Vec<(Kernel, usize)> {
    let with_streams = |kernel: Kernel| [1, 2, 8, 16, 32].map(|streams| (kernel, streams));
    Kernel::all().into_iter().flat_map(with_streams).collect()
}

fn hash(kernel: Kernel, buffers: &[Vec<u8>]) -> Vec<[u8; 16]> {
    let mut streams = vec![Md5::new(); buffers.len()];
    let mut pairs: Vec<_> = streams
        .iter_mut()
        .zip(buffers.iter().map(Vec::as_slice))
        .collect();
    update_many_by(kernel, &mut pairs);
    streams.iter().map(Md5::digest).collect()
}

/// Returns bytes of which no two neighbours, blocks or buffers are alike.
fn buffer(seed: usize) -> Vec<u8> {
    (seed..seed + SIZE)
        .map(|at| at.wrapping_mul(31).to_le_bytes()[1])
        .collect()
}
