//! Hashes files in bounded chunks, many at a time.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ftrack_md5::{Kernel, Md5, update_many_by};

use super::Digest;
use crate::fill::fill;
use crate::transfer::Cancel;

/// How much memory and how many threads hashing takes.
#[derive(Clone, Copy, Debug)]
pub struct HashOptions {
    /// Which code computes the MD5.
    pub kernel: Kernel,
    /// Files hashed side by side by one thread.
    pub lanes: usize,
    /// Bytes read from each file in one step; one thread holds `lanes * chunk` bytes.
    pub chunk: usize,
    /// Most threads to use. Fewer run when there are too few files to fill their lanes.
    pub threads: usize,
}

impl Default for HashOptions {
    fn default() -> Self {
        let kernel = Kernel::best();
        Self {
            kernel,
            lanes: kernel.best_width(),
            // Large enough that a read is not dominated by the system call, small enough that the chunks of all lanes fit the L2 cache (benches/checksum.rs).
            chunk: 32 * 1024,
            // Reading and hashing take turns within a thread; four keep a fast disk and the vector units busy without taking over the machine.
            threads: thread::available_parallelism()
                .map_or(1, usize::from)
                .min(4),
        }
    }
}

impl HashOptions {
    /// Returns how many bytes of buffers the hashing of `files` files holds at most.
    pub fn memory(&self, files: usize) -> usize {
        self.workers(files) * self.lanes.min(files) * self.chunk
    }

    /// Returns the options cut down to at most `bytes` of buffers, but at least one lane.
    #[must_use]
    pub fn within(mut self, bytes: usize) -> Self {
        let chunks = (bytes / self.chunk.max(1)).max(1);
        self.lanes = self.lanes.clamp(1, chunks);
        self.threads = self.threads.clamp(1, (chunks / self.lanes).max(1));
        self
    }

    fn workers(&self, files: usize) -> usize {
        files.div_ceil(self.lanes.max(1)).min(self.threads).max(1)
    }
}

/// The MD5 of a file and how many bytes were hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileDigest {
    /// The MD5 of the bytes.
    pub md5: Digest,
    /// How many bytes the file had when it was read.
    pub size: u64,
}

/// Returns the MD5 of each file, in the order given. Blocks; call it from a thread that may.
///
/// `advanced` is called with the position of a file and the bytes that were hashed of it since the last call, from any of the threads.
/// When `cancel` is pulled, the files that are not done answer an error of kind [`io::ErrorKind::Interrupted`].
pub fn md5_files(
    paths: &[PathBuf],
    options: &HashOptions,
    cancel: &Cancel,
    advanced: &(dyn Fn(usize, u64) + Sync),
) -> Vec<io::Result<FileDigest>> {
    let queue = Queue {
        paths,
        next: AtomicUsize::new(0),
    };
    let work = || Worker::new(&queue, options, advanced).run(cancel);
    let mut results: Vec<Option<io::Result<FileDigest>>> = paths.iter().map(|_| None).collect();
    let mut keep = |found: Vec<(usize, io::Result<FileDigest>)>| {
        for (index, result) in found {
            results[index] = Some(result);
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..options.workers(paths.len()))
            .map(|_| scope.spawn(work))
            .collect();
        keep(work());
        for other in others {
            keep(
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
    });
    results
        .into_iter()
        .map(|result| result.unwrap_or_else(|| Err(io::ErrorKind::Interrupted.into())))
        .collect()
}

/// The files that no thread has taken yet.
struct Queue<'a> {
    paths: &'a [PathBuf],
    next: AtomicUsize,
}

impl<'a> Queue<'a> {
    fn take(&self) -> Option<(usize, &'a PathBuf)> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        self.paths.get(index).map(|path| (index, path))
    }
}

/// One thread: a row of lanes, each with an open file and a buffer. Lane `n` of `streams`, `files` and `buffers` belong together.
struct Worker<'a> {
    queue: &'a Queue<'a>,
    kernel: Kernel,
    width: usize,
    streams: Vec<Md5>,
    files: Vec<OpenFile>,
    buffers: Buffers,
    advanced: &'a (dyn Fn(usize, u64) + Sync),
    results: Vec<(usize, io::Result<FileDigest>)>,
}

struct OpenFile {
    index: usize,
    file: File,
    size: u64,
    /// Bytes of the buffer that the last read filled.
    filled: usize,
}

impl<'a> Worker<'a> {
    fn new(
        queue: &'a Queue<'a>,
        options: &HashOptions,
        advanced: &'a (dyn Fn(usize, u64) + Sync),
    ) -> Self {
        Self {
            queue,
            kernel: options.kernel,
            width: options.lanes.max(1),
            streams: Vec::new(),
            files: Vec::new(),
            buffers: Buffers::new(options.chunk.max(1)),
            advanced,
            results: Vec::new(),
        }
    }

    fn run(mut self, cancel: &Cancel) -> Vec<(usize, io::Result<FileDigest>)> {
        while !cancel.is_cancelled() {
            self.open_files();
            if self.files.is_empty() {
                break;
            }
            if self.read_chunks(cancel).is_break() {
                break;
            }
            self.hash_chunks();
            self.close_ended_files();
        }
        self.results
    }

    /// Gives every free lane a file.
    fn open_files(&mut self) {
        while self.files.len() < self.width {
            let Some((index, path)) = self.queue.take() else {
                break;
            };
            match File::open(path) {
                Ok(file) => {
                    self.files.push(OpenFile {
                        index,
                        file,
                        size: 0,
                        filled: 0,
                    });
                    self.streams.push(Md5::new());
                }
                Err(error) => self.results.push((index, Err(error))),
            }
        }
        self.buffers.provide(self.files.len());
    }

    /// Reads the next chunk of every file; a file that cannot be read leaves its lane.
    fn read_chunks(&mut self, cancel: &Cancel) -> ControlFlow<()> {
        for lane in (0..self.files.len()).rev() {
            if cancel.is_cancelled() {
                return ControlFlow::Break(());
            }
            let open = &mut self.files[lane];
            match fill(&mut open.file, self.buffers.get_mut(lane)) {
                Ok(filled) => open.filled = filled,
                Err(error) => {
                    let index = self.remove(lane).0.index;
                    self.results.push((index, Err(error)));
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn hash_chunks(&mut self) {
        let mut row: Vec<_> = self
            .streams
            .iter_mut()
            .zip(self.files.iter().zip(self.buffers.iter()))
            .map(|(stream, (open, buffer))| (stream, &buffer[..open.filled]))
            .collect();
        update_many_by(self.kernel, &mut row);
        for open in &mut self.files {
            open.size += open.filled as u64;
            (self.advanced)(open.index, open.filled as u64);
        }
    }

    /// Takes the digests of the files whose last chunk was short, which is how a file ends.
    fn close_ended_files(&mut self) {
        for lane in (0..self.files.len()).rev() {
            if self.files[lane].filled < self.buffers.chunk {
                let (OpenFile { index, size, .. }, md5) = self.remove(lane);
                self.results.push((index, Ok(FileDigest { md5, size })));
            }
        }
    }

    /// Frees a lane; the last lane takes its place.
    fn remove(&mut self, lane: usize) -> (OpenFile, Digest) {
        let last = self.files.len() - 1;
        self.buffers.order.swap(lane, last);
        let digest = Digest(self.streams.swap_remove(lane).digest());
        (self.files.swap_remove(lane), digest)
    }
}

/// A buffer for each lane, in one piece of memory.
///
/// All lanes are read at the same place of their buffers. They begin at multiples of a cache line that are not multiples of a page, since caches keep few lines
/// whose addresses differ by pages; `ftrack_md5::best_start` does the same for buffers that do not lie side by side.
struct Buffers {
    chunk: usize,
    memory: Vec<u8>,
    /// Which buffer a lane has.
    order: Vec<usize>,
}

/// Bytes of a line of the caches.
const CACHE_LINE: usize = 64;

impl Buffers {
    fn new(chunk: usize) -> Self {
        Self {
            chunk,
            memory: Vec::new(),
            order: Vec::new(),
        }
    }

    /// Makes buffers for so many lanes, unless there are.
    fn provide(&mut self, lanes: usize) {
        if self.order.len() < lanes {
            self.order = (0..lanes).collect();
            self.memory = vec![0; CACHE_LINE + lanes * self.stride()];
        }
    }

    fn get_mut(&mut self, lane: usize) -> &mut [u8] {
        let start = self.start(lane);
        &mut self.memory[start..start + self.chunk]
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.order.len()).map(|lane| &self.memory[self.start(lane)..][..self.chunk])
    }

    fn start(&self, lane: usize) -> usize {
        self.memory.as_ptr().align_offset(CACHE_LINE) + self.order[lane] * self.stride()
    }

    fn stride(&self) -> usize {
        self.chunk.next_multiple_of(CACHE_LINE) + CACHE_LINE
    }
}
