//! MD5 of 48 frames of 1 MiB: md-5 one after the other, md5-many in lanes, and files streamed in chunks.

use std::hint::black_box;
use std::path::PathBuf;

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
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| md5_buffers(black_box(&inputs), kernel))
            });
        }
    }
    group.finish();
}

fn files(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("ftrack-checksum-{}", std::process::id()));
    let paths = write_frames(&folder);
    let mut group = criterion.benchmark_group("files");
    group.throughput(Throughput::Bytes((FRAMES * FRAME_SIZE) as u64));
    let one_thread = HashOptions {
        threads: 1,
        ..HashOptions::default()
    };
    let native = one_thread.lanes / 2;
    for lanes in [native, 2 * native, 3 * native] {
        for kilobytes in [32, 64, 128, 256] {
            let options = HashOptions {
                lanes,
                chunk: kilobytes * 1024,
                ..one_thread
            };
            group.bench_function(format!("{lanes} lanes, {kilobytes} KiB"), |bencher| {
                bencher.iter(|| hash(&paths, &options))
            });
        }
    }
    group.bench_function("scalar", |bencher| {
        bencher.iter(|| {
            hash(
                &paths,
                &HashOptions {
                    kernel: Kernel::Scalar,
                    lanes: 1,
                    ..one_thread
                },
            )
        })
    });
    group.bench_function("default", |bencher| {
        bencher.iter(|| hash(&paths, &HashOptions::default()))
    });
    group.finish();
    std::fs::remove_dir_all(folder).expect("the folder was made above");
}

fn hash(paths: &[PathBuf], options: &HashOptions) {
    black_box(md5_files(paths, options, &Cancel::new(), &|_, _| ()));
}

fn write_frames(folder: &std::path::Path) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).expect("the temporary folder is writable");
    let write = |index| {
        let path = folder.join(format!("{index:04}.raw"));
        std::fs::write(&path, frame(index)).expect("the temporary folder is writable");
        path
    };
    (0..FRAMES).map(write).collect()
}

fn frame(seed: usize) -> Vec<u8> {
    (0..FRAME_SIZE)
        .map(|at| (at.wrapping_mul(31).wrapping_add(seed) >> 3) as u8)
        .collect()
}

criterion_group!(benches, buffers, files);
criterion_main!(benches);
