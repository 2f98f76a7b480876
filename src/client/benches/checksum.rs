//! MD5 of 48 files of 1 MiB, read in chunks of several sizes and hashed side by side. Hashing alone is measured by `ftrack-md5`.
#![expect(
    clippy::expect_used,
    reason = "without its files a benchmark has nothing to measure"
)]

use std::path::{Path, PathBuf};

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use ftrack_client::checksum::{HashOptions, md5_files};
use ftrack_client::transfer::Cancel;
use ftrack_md5::Kernel;

const FRAMES: usize = 48;
const FRAME_SIZE: usize = 1 << 20;

fn main() {
    divan::main();
}

#[divan::bench(args = [8, 16, 32, 64, 128], consts = [1, 2])]
fn files_by_chunks_of_kib<const ROWS: usize>(bencher: Bencher<'_, '_>, kib: usize) {
    let one_thread = one_thread();
    let options = HashOptions {
        lanes: ROWS * one_thread.lanes,
        chunk: kib * 1024,
        ..one_thread
    };
    files(bencher, options);
}

#[divan::bench]
fn files_one_after_the_other(bencher: Bencher<'_, '_>) {
    let options = HashOptions {
        kernel: Kernel::PORTABLE,
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
