//! Files have the MD5 that md-5 computes, whatever their lengths and however they share the lanes.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use ftrack_client::checksum::{Digest, HashOptions, md5_files};
use ftrack_client::transfer::Cancel;
use ftrack_md5::Kernel;
use md5::Digest as _;
use proptest::prelude::*;

fn reference(bytes: &[u8]) -> Digest {
    Digest(md5::Md5::digest(bytes).into())
}

/// Bytes that differ from block to block, so that a swapped or repeated block changes the digest.
fn content(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| ((at * 31) >> 3).to_le_bytes()[0] ^ seed)
        .collect()
}

/// Lengths around the borders of MD5's padding (55, 56) and blocks (64), and of the chunks used below.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    let border = prop::sample::select(vec![
        0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 191, 192, 1000, 1024, 4096, 4097,
    ]);
    prop::collection::vec(prop_oneof![3 => border, 1 => 0_usize..20_000], 0..70)
}

fn kernels() -> impl Strategy<Value = Kernel> {
    prop::sample::select(Kernel::all())
}

fn write_files(folder: &tempfile::TempDir, contents: &[Vec<u8>]) -> Vec<PathBuf> {
    let paths: Vec<_> = (0..contents.len())
        .map(|index| folder.path().join(index.to_string()))
        .collect();
    for (path, content) in paths.iter().zip(contents) {
        std::fs::write(path, content).unwrap();
    }
    paths
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn files_hash_as_with_md5(lengths in lengths(), kernel in kernels(), lanes in 1_usize..50, chunk in prop::sample::select(vec![1, 64, 100, 1024]), threads in 1_usize..4) {
        let contents: Vec<_> = lengths.iter().zip(0..).map(|(length, seed)| content(seed, *length)).collect();
        let folder = tempfile::tempdir().unwrap();
        let paths = write_files(&folder, &contents);
        let advanced = Mutex::new(vec![0; paths.len()]);
        let options = HashOptions { kernel, lanes, chunk, threads };
        let results = md5_files(&paths, &options, &Cancel::new(), &|index, bytes| advanced.lock().unwrap()[index] += bytes);
        for ((result, content), advanced) in results.into_iter().zip(&contents).zip(advanced.into_inner().unwrap()) {
            let found = result.unwrap();
            prop_assert_eq!(found.md5, reference(content));
            prop_assert_eq!(found.size, content.len() as u64);
            prop_assert_eq!(advanced, found.size);
        }
    }
}

#[test]
fn default_options_hash_files_larger_than_a_chunk() {
    let contents: Vec<_> = [300_000, 65_536, 65_537, 0, 131_072]
        .into_iter()
        .zip(0..)
        .map(|(length, seed)| content(seed, length))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let paths = write_files(&folder, &contents);
    let results = md5_files(&paths, &HashOptions::default(), &Cancel::new(), &|_, _| ());
    let found: Vec<_> = results
        .into_iter()
        .map(|result| result.unwrap().md5)
        .collect();
    assert_eq!(
        found,
        contents
            .iter()
            .map(|content| reference(content))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_file_that_cannot_be_read_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = write_files(&folder, &[content(1, 70), content(2, 80)]);
    paths.insert(1, folder.path().join("missing"));
    paths.push(folder.path().to_path_buf());
    let results = md5_files(&paths, &HashOptions::default(), &Cancel::new(), &|_, _| ());
    assert_eq!(results[0].as_ref().unwrap().md5, reference(&content(1, 70)));
    assert_eq!(
        results[1].as_ref().unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
    assert_eq!(results[2].as_ref().unwrap().md5, reference(&content(2, 80)));
    assert!(results[3].is_err());
}

#[test]
fn cancelling_leaves_the_unfinished_files_without_a_digest() {
    let folder = tempfile::tempdir().unwrap();
    let paths = write_files(&folder, &[content(1, 10_000), content(2, 10_000)]);
    let cancel = Cancel::new();
    let options = HashOptions {
        chunk: 64,
        ..HashOptions::default()
    };
    let results = md5_files(&paths, &options, &cancel, &|_, _| cancel.cancel());
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().unwrap_err().kind() == io::ErrorKind::Interrupted)
    );
}
