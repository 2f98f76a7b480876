//! What is seen of a sequence before it is published.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use ftrack_client::transfer::preflight::{Defect, Finding, RECENT, inspect};
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(3600);

/// Writes a frame of each size, an hour ago.
fn frames(folder: &TempDir, sizes: &[u64]) -> Vec<PathBuf> {
    let written = SystemTime::now() - HOUR;
    sizes
        .iter()
        .enumerate()
        .map(|(index, size)| {
            let path = folder.path().join(format!("render.{index:04}.exr"));
            let file = File::create(&path).unwrap();
            file.set_len(*size).unwrap();
            file.set_modified(written).unwrap();
            path
        })
        .collect()
}

fn defects(paths: &[PathBuf]) -> Vec<(usize, Defect)> {
    let findings = inspect(paths, RECENT).findings;
    findings
        .iter()
        .map(|Finding { index, defect }| (*index, *defect))
        .collect()
}

#[test]
fn whole_frames_have_sizes_and_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    let sizes: Vec<_> = (0..200).map(|index| 1000 + index).collect();
    let seen = inspect(&frames(&folder, &sizes), RECENT);
    assert_eq!((seen.sizes, seen.findings), (sizes, Vec::new()));
    assert_eq!(inspect(&[], RECENT).findings, []);
}

#[test]
fn missing_empty_and_unreadable_frames_are_all_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = frames(&folder, &[10, 0, 10, 10, 10, 10, 0]);
    fs::remove_file(&paths[2]).unwrap();
    paths[4] = folder.path().to_owned();
    assert_eq!(
        defects(&paths),
        [
            (1, Defect::Empty),
            (2, Defect::Missing),
            (4, Defect::Unreadable),
            (6, Defect::Empty)
        ]
    );
    let fatal = [Defect::Missing, Defect::Empty].map(Defect::is_fatal);
    assert_eq!(fatal, [true, true]);
    assert!(!Defect::Unreadable.is_fatal() && !Defect::Growing.is_fatal());
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("render.0001.exr");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert_eq!(defects(&[pipe]), [(0, Defect::Unreadable)]);
}

#[test]
fn sizes_far_from_the_median_are_odd() {
    let folder = tempfile::tempdir().unwrap();
    let odd = |size| Defect::OddSize { size, median: 1000 };
    let paths = frames(&folder, &[1000, 900, 249, 4003, 4004, 250, 1100]);
    assert_eq!(defects(&paths), [(2, odd(249)), (4, odd(4004))]);
    let few = frames(&folder, &[1000, 1, 1_000_000, 1000]);
    assert_eq!(defects(&few), []);
}

#[test]
fn a_frame_that_is_being_written_grows() {
    let folder = tempfile::tempdir().unwrap();
    let paths = frames(&folder, &[1000, 1000, 1000]);
    assert_eq!(
        while_growing(&paths[1], || defects(&paths)),
        [(1, Defect::Growing)]
    );
    // Who sees it afterwards sees a frame that was written lately, and is whole.
    assert_eq!(defects(&paths[1..2]), []);
}

#[test]
fn only_what_was_written_lately_is_looked_at_twice() {
    let folder = tempfile::tempdir().unwrap();
    let paths = frames(&folder, &[1000; 3]);
    let started = Instant::now();
    inspect(&paths, 2 * HOUR);
    assert!(started.elapsed() >= Duration::from_millis(19));
    let growing = while_growing(&paths[0], || inspect(&paths, Duration::ZERO).findings);
    assert_eq!(growing, []);
}

/// Runs `work` while another thread adds to the file without a pause.
fn while_growing<T>(path: &Path, work: impl FnOnce() -> T) -> T {
    let (started, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = File::options().append(true).open(path).unwrap();
            while !stop.load(Ordering::Relaxed) {
                file.write_all(b"more").unwrap();
                started.store(true, Ordering::Relaxed);
            }
        });
        while !started.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        let result = work();
        stop.store(true, Ordering::Relaxed);
        result
    })
}
