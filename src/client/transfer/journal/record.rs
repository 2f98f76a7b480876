//! What the engine tells of a transfer while bytes move, and what an earlier process told.

use std::collections::HashMap;
use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::fingerprint::Fingerprint;
use super::store::Store;
use super::{AcceptedPart, FileState, Journal, JournalError, PartsUpload, Recalled, rows};
use crate::checksum::Digest;
use crate::transfer::Uploaded;

/// Steps are collected for so long and then written together, as each writing waits for the disk. What a crash loses of them is sent again, which takes no longer than that.
const BATCH: Duration = Duration::from_millis(250);

/// What is known of a file when a transfer begins.
#[derive(Clone, Debug)]
pub(super) struct KnownFile {
    pub(super) fingerprint: Fingerprint,
    /// Whether it arrived.
    pub(super) is_finished: bool,
    /// Its MD5, if that is known.
    pub(super) md5: Option<Digest>,
    /// The parts of it that arrived.
    pub(super) parts: Option<(PartsUpload, Vec<AcceptedPart>)>,
}

/// Something that happened to the file of a component.
pub(super) struct Step {
    pub(super) component_id: String,
    pub(super) event: Event,
}

/// What happened to a file.
pub(super) enum Event {
    PartsOpened(PartsUpload),
    PartAccepted(AcceptedPart),
    Finished(Option<Digest>),
}

/// The record of one transfer.
pub struct Record {
    known: HashMap<String, KnownFile>,
    writer: Mutex<Option<Writer>>,
}

struct Writer {
    steps: Sender<Step>,
    thread: JoinHandle<()>,
}

impl Record {
    /// Starts to write to the database on a thread of its own.
    pub(super) fn start(
        store: Store,
        known: HashMap<String, KnownFile>,
    ) -> Result<Self, JournalError> {
        let folder = store.folder().to_owned();
        let (steps, received) = channel();
        let thread = thread::Builder::new()
            .name("ftrack-journal".to_owned())
            .spawn(move || write(store, &received))
            .map_err(|source| JournalError::Io {
                path: folder,
                source,
            })?;
        Ok(Self {
            known,
            writer: Mutex::new(Some(Writer { steps, thread })),
        })
    }

    /// Waits until everything that was told is written; what is told later is not.
    pub(super) fn close(&self) {
        let writer = self.writer.lock().take();
        if let Some(Writer { steps, thread }) = writer {
            drop(steps);
            // A thread that broke down has nothing more to write.
            let _ = thread.join();
        }
    }

    fn note(&self, file: &FileState<'_>, event: Event) {
        if let Some(writer) = &*self.writer.lock() {
            // Nobody receives any more only if the thread broke down.
            let _ = writer.steps.send(Step {
                component_id: file.component_id.to_owned(),
                event,
            });
        }
    }
}

impl Journal for Record {
    fn recall(&self, file: &FileState<'_>) -> Recalled {
        match self.known.get(file.component_id) {
            Some(known) if known.fingerprint != Fingerprint::from(file) => Recalled::Nothing,
            Some(known) if known.is_finished => Recalled::Finished(known.md5),
            Some(known) => known
                .parts
                .clone()
                .map_or(Recalled::Nothing, |(upload, accepted)| {
                    Recalled::Parts(upload, accepted)
                }),
            None => Recalled::Nothing,
        }
    }

    fn parts_opened(&self, file: &FileState<'_>, upload: &PartsUpload) {
        self.note(file, Event::PartsOpened(upload.clone()));
    }

    fn part_accepted(&self, file: &FileState<'_>, _upload: &PartsUpload, part: &AcceptedPart) {
        self.note(file, Event::PartAccepted(part.clone()));
    }

    fn file_finished(&self, file: &FileState<'_>, uploaded: &Uploaded) {
        self.note(file, Event::Finished(uploaded.md5));
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Record")
            .field("files", &self.known.len())
            .finish_non_exhaustive()
    }
}

/// Writes what is received until nobody sends any more. What cannot be written, as others hold the database, is written with what comes after it.
fn write(mut store: Store, received: &Receiver<Step>) {
    let mut steps = Vec::new();
    let mut is_open = true;
    while is_open {
        is_open = collect(received, &mut steps);
        if steps.is_empty() {
            // Nobody sends any more, and nothing is left for which to wait for the database.
            return;
        }
        match store.run(|transaction| rows::write(transaction, &steps)) {
            Ok(()) => steps.clear(),
            Err(error) => {
                tracing::warn!(%error, "what was moved could not be noted, and may be moved again should the transfer break off");
            }
        }
    }
}

/// Adds what is received within the time of a batch; returns whether there may be more.
fn collect(received: &Receiver<Step>, steps: &mut Vec<Step>) -> bool {
    if steps.is_empty() {
        match received.recv() {
            Ok(first) => steps.push(first),
            Err(_) => return false,
        }
    }
    let until = Instant::now() + BATCH;
    loop {
        match received.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(step) => steps.push(step),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}
