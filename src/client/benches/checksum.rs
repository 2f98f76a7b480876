//! MD5 of 48 frames of 1 MiB: md-5 one after the other, md5-many in lanes, and files streamed in chunks.
#![expect(
    clippy::expect_used,
    reason = "without its files a benchmark has nothing to measure"
)]

use std::path::{Path, PathBuf};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use ftrack_client::checksum::{HashOptions, Kernel, md5_buffers, md5_files};
use ftrack_client::transfer::Cancel;

const FRAMES: usize = 48;
const FRAME_SIZE: usize = 1 << 20;

fn main() {
    divan::main();
}

#[divan::bench(args = [1, 8, 16, 32, FRAMES])]
fn buffers_by_md5(bencher: Bencher<'_, '_>, count: usize) {
    buffers(bencher, count, Kernel::Scalar);
}

#[divan::bench(args = [1, 8, 16, 32, FRAMES])]
fn buffers_by_md5_many(bencher: Bencher<'_, '_>, count: usize) {
    buffers(bencher, count, Kernel::Auto);
}

fn buffers(bencher: Bencher<'_, '_>, count: usize, kernel: Kernel) {
    let frames: Vec<Vec<u8>> = (0..count).map(frame).collect();
    let inputs: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    bencher
        .counter(BytesCount::new(count * FRAME_SIZE))
        .bench(|| md5_buffers(black_box(&inputs), kernel));
}

#[divan::bench(args = [32, 64, 128, 256], consts = [1, 2, 3])]
fn files_by_chunks_of_kib<const ROWS: usize>(bencher: Bencher<'_, '_>, kib: usize) {
    let one_thread = one_thread();
    let options = HashOptions {
        lanes: ROWS * one_thread.lanes / 2,
        chunk: kib * 1024,
        ..one_thread
    };
    files(bencher, options);
}

#[divan::bench]
fn files_by_md5(bencher: Bencher<'_, '_>) {
    let options = HashOptions {
        kernel: Kernel::Scalar,
        lanes: 1,
        ..one_thread()
    };
    files(bencher, options);
}

#[divan::bench]
fn files_by_default(bencher: Bencher<'_, '_>) {
    files(bencher, HashOptions::default());
}

fn one_thread() -> HashOptions {
    HashOptions {
        threads: 1,
        ..HashOptions::default()
    }
}

fn files(bencher: Bencher<'_, '_>, options: HashOptions) {
    let folder = tempfile::tempdir().expect("a benchmark needs a temporary folder");
    let paths: Vec<PathBuf> = (0..FRAMES)
        .map(|index| write_frame(folder.path(), index))
        .collect();
    bencher
        .counter(BytesCount::new(FRAMES * FRAME_SIZE))
        .bench(|| md5_files(black_box(&paths), &options, &Cancel::new(), &|_, _| ()));
}

fn write_frame(folder: &Path, index: usize) -> PathBuf {
    let path = folder.join(format!("{index:04}.raw"));
    std::fs::write(&path, frame(index)).expect("the temporary folder is writable");
    path
}

/// Returns bytes of which no two neighbours, blocks or frames are alike.
fn frame(seed: usize) -> Vec<u8> {
    (seed..seed + FRAME_SIZE)
        .map(|at| at.wrapping_mul(31).to_le_bytes()[1])
        .collect()
}
