//! The files of the server's own location, on disk.
//!
//! One file a component, `files/<first two characters>/<component id>`. A file is written beside the others under a
//! temporary name and renamed into place when it is whole, so that a reader never sees half of one. What comes in parts is
//! put together in a folder of its upload, see [`parts`](super::parts).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::RwLock;
use tempfile::{NamedTempFile, TempDir, TempPath};

use super::file_id::FileId;
use super::parts::Placements;

/// The id of the location whose files these are, `ftrack.server`: the same on every server.
pub const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";

/// Folders of files that do not have their place yet: a folder lets in one new file at a time, which may take a disk long.
const INCOMING_FOLDERS: usize = 16;

/// The folder of the server's files.
#[derive(Debug, Clone)]
pub struct FileStore {
    files: PathBuf,
    incoming: Arc<[PathBuf]>,
    /// Counts incoming files, so that each goes to the folder after that of the last.
    received: Arc<AtomicUsize>,
    pub(super) uploads: PathBuf,
    thumbnails: PathBuf,
    pub(super) placements: Placements,
    /// How often all files were replaced. What gives a file its place holds it, so that the folders stay meanwhile.
    pub(super) era: Arc<RwLock<u64>>,
}

impl FileStore {
    /// Opens the folder, creating it when it is new and removing what an interrupted server left half written.
    pub fn open(root: &Path) -> io::Result<Self> {
        let incoming = root.join("incoming");
        let store = Self {
            files: root.join("files"),
            incoming: (0..INCOMING_FOLDERS)
                .map(|number| incoming.join(number.to_string()))
                .collect(),
            received: Arc::default(),
            uploads: root.join("uploads"),
            thumbnails: root.join("thumbnails"),
            placements: Placements::default(),
            era: Arc::default(),
        };
        if incoming.exists() {
            fs::remove_dir_all(&incoming)?;
        }
        let others = [&store.files, &store.uploads, &store.thumbnails];
        for folder in store.incoming.iter().chain(others) {
            fs::create_dir_all(folder)?;
        }
        Ok(store)
    }

    /// Returns the folder of the files that have their place.
    pub fn folder(&self) -> &Path {
        &self.files
    }

    /// Makes a folder for files that do not have their place yet; it is removed if it is dropped.
    pub fn stage(&self) -> io::Result<TempDir> {
        TempDir::new_in(&self.incoming[0])
    }

    /// Puts other files, which a stage holds in `files`, in the place of all, and forgets thumbnails and uploads.
    ///
    /// What was there goes with the stage. What is being received still belongs to it, and gets no place any more.
    pub fn replace_all(&self, stage: &Path) -> io::Result<()> {
        let mut era = self.era.write();
        *era += 1;
        self.placements.forget_all();
        let retired = stage.join("retired");
        fs::create_dir(&retired)?;
        for (name, folder) in [
            ("files", &self.files),
            ("uploads", &self.uploads),
            ("thumbnails", &self.thumbnails),
        ] {
            let staged = stage.join(name);
            fs::create_dir_all(&staged)?;
            fs::rename(folder, retired.join(name))?;
            fs::rename(staged, folder)?;
        }
        Ok(())
    }

    /// Returns where the file of a component is, whether there is one or not.
    pub fn path(&self, component: &FileId) -> PathBuf {
        self.files.join(component.shard()).join(component.as_str())
    }

    /// Starts a file that does not have its place yet; it is removed if it is dropped.
    pub fn receive(&self) -> io::Result<Incoming> {
        let number = self.received.fetch_add(1, Ordering::Relaxed);
        let file = NamedTempFile::new_in(&self.incoming[number % self.incoming.len()])?;
        Ok(Incoming {
            file,
            size: 0,
            era: *self.era.read(),
        })
    }

    /// Puts a whole file in its place, replacing an earlier one and its thumbnails.
    pub fn keep(&self, incoming: Incoming, component: &FileId) -> io::Result<()> {
        let era = self.era.read();
        if *era != incoming.era {
            return Err(io::Error::other("all files were replaced meanwhile"));
        }
        let path = self.path(component);
        fs::create_dir_all(self.files.join(component.shard()))?;
        self.remove_thumbnails(component)?;
        // The system's own time of change is only as fine as a timer tick; this one tells two quick uploads apart.
        incoming.file.as_file().set_modified(SystemTime::now())?;
        incoming.file.persist(path)?;
        Ok(())
    }

    /// Removes the file and the thumbnails of a component; answers whether there was a file.
    pub fn remove(&self, component: &FileId) -> io::Result<bool> {
        self.remove_thumbnails(component)?;
        match fs::remove_file(self.path(component)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns where the cached thumbnail of a component's present file is, as PNG.
    ///
    /// The name tells files apart: a thumbnail that is made while its file is replaced is not taken for one of the new file.
    pub fn thumbnail(&self, component: &FileId, size: u32) -> io::Result<PathBuf> {
        let file = fs::metadata(self.path(component))?;
        let modified = file.modified()?.duration_since(UNIX_EPOCH);
        let modified = modified.unwrap_or_default().as_nanos();
        let name = format!("{size}-{modified:x}-{:x}.png", file.len());
        Ok(self.thumbnails.join(component.as_str()).join(name))
    }

    /// Puts a thumbnail in its place.
    pub fn keep_thumbnail(&self, incoming: Incoming, path: &Path) -> io::Result<()> {
        let _era = self.era.read();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        incoming.file.persist(path)?;
        Ok(())
    }

    fn remove_thumbnails(&self, component: &FileId) -> io::Result<()> {
        match fs::remove_dir_all(self.thumbnails.join(component.as_str())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A file that is being written and does not have its place yet.
#[derive(Debug)]
pub struct Incoming {
    file: NamedTempFile,
    size: u64,
    /// The era of the store in which it was begun.
    era: u64,
}

impl Incoming {
    /// Appends bytes; blocks on the disk.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Appends bytes of a file from where it is read: the system copies or shares its blocks.
    pub(super) fn append_file(&mut self, file: &mut io::Take<File>) -> io::Result<()> {
        self.size += io::copy(file, self.file.as_file_mut())?;
        Ok(())
    }

    /// Takes a file that is complete; it is removed if this is dropped.
    pub(super) fn of(file: File, path: &Path, era: u64) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let file = NamedTempFile::from_parts(file, TempPath::try_from_path(path)?);
        Ok(Self { file, size, era })
    }

    /// Returns the number of bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Gives the file a name, replacing what had it.
    pub(super) fn persist(self, path: &Path) -> io::Result<()> {
        self.file.persist(path)?;
        Ok(())
    }

    /// Returns where the file is now.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(store: &FileStore, bytes: &[u8]) -> Incoming {
        let mut incoming = store.receive().unwrap();
        incoming.append(bytes).unwrap();
        incoming
    }

    #[test]
    fn a_file_appears_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        let id = FileId::unique();
        let file = incoming(&store, b"pixels");
        assert!(!store.path(&id).exists());
        store.keep(file, &id).unwrap();
        assert_eq!(fs::read(store.path(&id)).unwrap(), b"pixels");
        assert!(store.remove(&id).unwrap());
        assert!(!store.remove(&id).unwrap());
    }

    #[test]
    fn what_is_received_while_all_files_are_replaced_gets_no_place() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        let (before, after) = (FileId::unique(), FileId::unique());
        let late = incoming(&store, b"late");
        store.keep(incoming(&store, b"old"), &before).unwrap();
        let stage = store.stage().unwrap();
        store.replace_all(stage.path()).unwrap();
        drop(stage);
        assert!(!store.path(&before).exists());
        assert!(store.keep(late, &after).is_err());
        store.keep(incoming(&store, b"new"), &after).unwrap();
        assert_eq!(fs::read(store.path(&after)).unwrap(), b"new");
    }

    #[test]
    fn opening_removes_what_was_left_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        let left = store.incoming[3].join("left");
        fs::write(&left, b"half").unwrap();
        FileStore::open(folder.path()).unwrap();
        assert!(!left.exists());
    }
}
