//! MD5 of 48 frames of 1 MiB: md-5 one after the other, md5-many in lanes, and files streamed in chunks.
#![expect(
    clippy::expect_used,
    reason = "without its files a benchmark has nothing to measure"
)]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ftrack_client::checksum::{HashOptions, Kernel, md5_buffers, md5_files};
use ftrack_client::transfer::Cancel;

const FRAMES: usize = 48;
const FRAME_SIZE: usize = 1 << 20;

fn buffers(criterion: &mut Criterion) {
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(frame).collect();
    let mut group = criterion.benchmark_group("buffers");
    for count in [1, 8, 16, 32, FRAMES] {
        let inputs: Vec<&[u8]> = frames[..count].iter().map(Vec::as_slice).collect();
        group.throughput(Throughput::Bytes((count * FRAME_SIZE) as u64));
        for (name, kernel) in [("md-5", Kernel::Scalar), ("md5-many", Kernel::Auto)] {
            let hash = || md5_buffers(black_box(&inputs), kernel);
            group.bench_function(BenchmarkId::new(name, count), |bencher| bencher.iter(hash));
        }
    }
    group.finish();
}

fn files(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a benchmark needs a temporary folder");
    let paths: Vec<PathBuf> = (0..FRAMES)
        .map(|index| write_frame(folder.path(), index))
        .collect();
    let one_thread = HashOptions {
        threads: 1,
        ..HashOptions::default()
    };
    let mut group = criterion.benchmark_group("files");
    group.throughput(Throughput::Bytes((FRAMES * FRAME_SIZE) as u64));
    let mut bench = |name: String, options: HashOptions| {
        let hash = || md5_files(black_box(&paths), &options, &Cancel::new(), &|_, _| ());
        group.bench_function(name, |bencher| bencher.iter(hash));
    };
    let native = one_thread.lanes / 2;
    for lanes in [native, 2 * native, 3 * native] {
        for kilobytes in [32, 64, 128, 256] {
            bench(
                format!("{lanes} lanes of {kilobytes} KiB"),
                HashOptions {
                    lanes,
                    chunk: kilobytes * 1024,
                    ..one_thread
                },
            );
        }
    }
    bench(
        "scalar".to_owned(),
        HashOptions {
            kernel: Kernel::Scalar,
            lanes: 1,
            ..one_thread
        },
    );
    bench("default".to_owned(), HashOptions::default());
    group.finish();
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

criterion_group!(benches, buffers, files);
criterion_main!(benches);
