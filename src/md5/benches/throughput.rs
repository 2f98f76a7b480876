//! MD5 of buffers of 1 MiB in memory: md-5, and all kernels that this CPU can run.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use ftrack_md5::{Kernel, MOST_START, Md5, best_start, update_many_by};
use md5::Digest as _;

const SIZE: usize = 1 << 20;

fn main() {
    divan::main();
}

#[divan::bench]
fn one_by_md_5(bencher: Bencher<'_, '_>) {
    let buffer = Buffer::new(0);
    bencher
        .counter(BytesCount::new(SIZE))
        .bench(|| md5::Md5::digest(black_box(buffer.bytes())));
}

#[divan::bench(args = cases())]
fn many_by(bencher: Bencher<'_, '_>, (kernel, streams): &(Kernel, usize)) {
    let buffers: Vec<Buffer> = (0..*streams).map(Buffer::new).collect();
    bencher
        .counter(BytesCount::new(streams * SIZE))
        .bench(|| hash(*kernel, black_box(&buffers)));
}

/// What placing buffers well is compared with.
#[divan::bench]
fn sixteen_as_allocated(bencher: Bencher<'_, '_>) {
    let buffers: Vec<Buffer> = (0..16).map(|number| Buffer::at(number, |_| 0)).collect();
    bencher
        .counter(BytesCount::new(16 * SIZE))
        .bench(|| hash(Kernel::best(), black_box(&buffers)));
}

fn cases() -> Vec<(Kernel, usize)> {
    let with_streams = |kernel: Kernel| [1, 2, 4, 8, 16, 32].map(|streams| (kernel, streams));
    Kernel::all().into_iter().flat_map(with_streams).collect()
}

fn hash(kernel: Kernel, buffers: &[Buffer]) -> Vec<[u8; 16]> {
    let mut streams = vec![Md5::new(); buffers.len()];
    let mut pairs: Vec<_> = streams
        .iter_mut()
        .zip(buffers.iter().map(Buffer::bytes))
        .collect();
    update_many_by(kernel, &mut pairs);
    streams.iter().map(Md5::digest).collect()
}

/// Bytes of which no two neighbours, blocks or buffers are alike.
struct Buffer {
    memory: Vec<u8>,
    start: usize,
}

impl Buffer {
    fn new(number: usize) -> Self {
        Self::at(number, |memory| best_start(memory, number))
    }

    fn at(number: usize, place: impl Fn(*const u8) -> usize) -> Self {
        let mut memory = vec![0; SIZE + MOST_START];
        let start = place(memory.as_ptr());
        for (at, byte) in memory[start..start + SIZE].iter_mut().enumerate() {
            *byte = (number + at).wrapping_mul(31).to_le_bytes()[1];
        }
        Self { memory, start }
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + SIZE]
    }
}
