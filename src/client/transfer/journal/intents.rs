//! Calls that move files, from their first byte to their end.
//!
//! - [`Intents::begin`] finds the transfer that an earlier process did not bring to its end, or notes a new one. The ids of components are made here, so that both processes
//!   mean the same components.
//! - [`Intent`] is a transfer that this process is responsible for. An OS lock says so to others, and ends with the process however that ends.
//! - [`Record`] is what the engine tells and asks. Telling costs it nothing: a thread of its own writes, many steps at a time.
//!
//! Upload URLs are secrets. They stand in the database because nothing else lets a half-sent file continue, only as long as they can be of use, in a file that only its owner
//! can read. API keys never stand there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::JournalError;
use super::fingerprint::Fingerprint;
use super::lock::Lock;
use super::record::Record;
use super::rows::{self, Noted};
use super::state_folder::state_folder;
use super::store::Store;

/// How long somebody may hold a lock only to see whether it can be had.
const A_MOMENT: Duration = Duration::from_millis(20);

/// A call that moves files, by all that makes it the same call when it is made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Address of the server.
    pub server: String,
    /// Name of the user.
    pub user: String,
    /// The location that files go to.
    pub location_id: String,
    /// The file or sequence as it was given.
    pub path: String,
    /// The values of the component, in a form that is the same for the same values.
    pub data: String,
}

/// The transfers of this user, finished ones aside.
#[derive(Clone, Debug)]
pub struct Intents {
    folder: PathBuf,
}

impl Intents {
    /// Uses the database in `folder`, which is made on demand.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Uses the database in the [`state_folder`] of the user.
    pub fn of_user() -> Result<Self, JournalError> {
        state_folder()
            .map(Self::in_folder)
            .ok_or(JournalError::NoFolder)
    }

    /// Returns the folder of the database.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes over the transfer of the same call and files that nobody works on, or notes a new one.
    ///
    /// Files that were changed since are to be sent again. Blocks, for milliseconds if nobody else uses the database.
    pub fn begin(
        &self,
        call: &Call,
        files: &[PathBuf],
        has_container: bool,
    ) -> Result<Intent, JournalError> {
        let files = fingerprints(files)?;
        let mut store = self.open()?;
        let ids = store.run(|transaction| rows::matching(transaction, call, &files))?;
        for id in ids {
            let Some(lock) = self.lock(&id)? else {
                continue;
            };
            // Its process may have brought it to its end meanwhile.
            if let Some(found) =
                store.run(|transaction| rows::take_over(transaction, id, &files))?
            {
                return Intent::new(store, lock, found);
            }
            lock.release();
        }
        let (id, lock) = Lock::of_new_transfer(&self.folder)?;
        let noted =
            store.run(|transaction| rows::insert(transaction, id, call, &files, has_container))?;
        Intent::new(store, lock, noted)
    }

    /// Returns the transfers that did not come to their end, the latest first.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>, JournalError> {
        let mut found = self.open()?.run(rows::unfinished)?;
        for transfer in &mut found {
            transfer.is_running = Lock::try_acquire(&self.folder, &transfer.id)?.is_none();
        }
        Ok(found)
    }

    /// Forgets a transfer unless a process works on it; returns whether it did.
    pub fn forget(&self, id: &str) -> Result<bool, JournalError> {
        let mut store = self.open()?;
        let Some(lock) = Lock::try_acquire(&self.folder, id)? else {
            return Ok(false);
        };
        let was_there = store.run(|transaction| rows::remove(transaction, id))?;
        lock.release();
        Ok(was_there)
    }

    fn open(&self) -> Result<Store, JournalError> {
        let mut store = Store::open(&self.folder)?;
        for forgotten in store.run(rows::forget_old)? {
            if let Some(lock) = Lock::try_acquire(&self.folder, &forgotten)? {
                lock.release();
            }
        }
        Ok(store)
    }

    /// Takes the lock of a transfer that nobody works on. Blocks for milliseconds.
    fn lock(&self, id: &str) -> Result<Option<Lock>, JournalError> {
        if let Some(lock) = Lock::try_acquire(&self.folder, id)? {
            return Ok(Some(lock));
        }
        // Who lists the transfers holds each lock for a moment.
        thread::sleep(A_MOMENT);
        Lock::try_acquire(&self.folder, id)
    }
}

fn fingerprints(files: &[PathBuf]) -> Result<Vec<(PathBuf, Fingerprint)>, JournalError> {
    let of = |path: &PathBuf| match Fingerprint::of(path) {
        Ok(fingerprint) => Ok((path.clone(), fingerprint)),
        Err(source) => Err(JournalError::Io {
            path: path.clone(),
            source,
        }),
    };
    files.iter().map(of).collect()
}

/// A transfer that did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Its name in this journal.
    pub id: String,
    /// The call.
    pub call: Call,
    /// When something was noted of it last, in seconds since 1970.
    pub touched_at: i64,
    /// How many files it is to move.
    pub files: u64,
    /// How many of them arrived.
    pub finished_files: u64,
    /// The bytes of all files.
    pub bytes: u64,
    /// The bytes that arrived, parts of files included.
    pub finished_bytes: u64,
    /// Whether a process works on it.
    pub is_running: bool,
}

/// A transfer that this process is responsible for until the value is dropped, which leaves it to whoever makes the same call again.
#[derive(Debug)]
pub struct Intent {
    id: String,
    container_id: Option<String>,
    file_ids: Vec<String>,
    state: State,
    folder: PathBuf,
    record: Writing,
    // Fields are dropped in this order: others may have the transfer once everything has been written.
    lock: Lock,
}

/// What an earlier process left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing: the call is made for the first time.
    New,
    /// A transfer of files of which some were changed since.
    Changed,
    /// A transfer of these very files.
    Unchanged,
}

/// A record that is written to; when this is dropped, everything has been written and nothing will be any more.
#[derive(Debug)]
struct Writing(Arc<Record>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Intent {
    fn new(store: Store, lock: Lock, noted: Noted) -> Result<Self, JournalError> {
        Ok(Self {
            id: noted.id,
            container_id: noted.container_id,
            file_ids: noted.file_ids,
            state: noted.state,
            folder: store.folder().to_owned(),
            record: Writing(Arc::new(Record::start(store, noted.files)?)),
            lock,
        })
    }

    /// Returns the component of the container, if there is one.
    pub fn container_id(&self) -> Option<&str> {
        self.container_id.as_deref()
    }

    /// Returns the component of each file.
    pub fn file_ids(&self) -> &[String] {
        &self.file_ids
    }

    /// Returns what an earlier process left.
    pub fn state(&self) -> State {
        self.state
    }

    /// Returns what the engine tells and asks.
    pub fn record(&self) -> &Arc<Record> {
        &self.record.0
    }

    /// Forgets the transfer, which has come to its end.
    pub fn finish(self) -> Result<(), JournalError> {
        drop(self.record);
        Store::open(&self.folder)?.run(|transaction| rows::remove(transaction, &self.id))?;
        self.lock.release();
        Ok(())
    }
}
