//! The files of the server's own location, on disk.
//!
//! One file a component, `files/<first two characters>/<component id>`. A file is written beside the others under a
//! temporary name and renamed into place when it is whole, so that a reader never sees half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::file_id::FileId;

/// The folder of the server's files.
#[derive(Debug, Clone)]
pub struct FileStore {
    files: PathBuf,
    incoming: PathBuf,
    uploads: PathBuf,
    thumbnails: PathBuf,
}

impl FileStore {
    /// Opens the folder, creating it when it is new and removing what an interrupted server left half written.
    pub fn open(root: &Path) -> io::Result<Self> {
        let store = Self {
            files: root.join("files"),
            incoming: root.join("incoming"),
            uploads: root.join("uploads"),
            thumbnails: root.join("thumbnails"),
        };
        if store.incoming.exists() {
            fs::remove_dir_all(&store.incoming)?;
        }
        for folder in [
            &store.files,
            &store.incoming,
            &store.uploads,
            &store.thumbnails,
        ] {
            fs::create_dir_all(folder)?;
        }
        Ok(store)
    }

    /// Returns the folder of the files that have their place.
    pub fn folder(&self) -> &Path {
        &self.files
    }

    /// Forgets all files, thumbnails and uploads.
    pub fn clear(&self) -> io::Result<()> {
        for folder in [&self.files, &self.uploads, &self.thumbnails] {
            fs::remove_dir_all(folder)?;
            fs::create_dir(folder)?;
        }
        Ok(())
    }

    /// Returns where the file of a component is, whether there is one or not.
    pub fn path(&self, component: &FileId) -> PathBuf {
        self.files.join(component.shard()).join(component.as_str())
    }

    /// Starts a file that does not have its place yet; it is removed if it is dropped.
    pub fn receive(&self) -> io::Result<Incoming> {
        let file = NamedTempFile::new_in(&self.incoming)?;
        Ok(Incoming { file, size: 0 })
    }

    /// Puts a whole file in its place, replacing an earlier one and its thumbnails.
    pub fn keep(&self, incoming: Incoming, component: &FileId) -> io::Result<()> {
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

    /// Returns where the cached thumbnail of a component is, as PNG.
    pub fn thumbnail(&self, component: &FileId, size: u32) -> PathBuf {
        self.thumbnails
            .join(component.as_str())
            .join(format!("{size}.png"))
    }

    /// Puts a thumbnail in its place.
    pub fn keep_thumbnail(&self, incoming: Incoming, path: &Path) -> io::Result<()> {
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

    /// Begins an upload in parts.
    pub fn begin_upload(&self, manifest: &UploadManifest) -> io::Result<FileId> {
        let upload = FileId::unique();
        let folder = self.uploads.join(upload.as_str());
        fs::create_dir(&folder)?;
        fs::write(folder.join("manifest.json"), serde_json::to_vec(manifest)?)?;
        Ok(upload)
    }

    /// Returns what an upload in parts is for; not found when it never began or is complete.
    pub fn upload(&self, upload: &FileId) -> io::Result<UploadManifest> {
        let text = fs::read(self.uploads.join(upload.as_str()).join("manifest.json"))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Keeps one part of an upload, replacing an earlier try of the same part.
    ///
    /// The MD5 is part of the name, so that completion can compare it without reading the bytes again.
    pub fn keep_part(
        &self,
        incoming: Incoming,
        md5: [u8; 16],
        upload: &FileId,
        part: u32,
    ) -> io::Result<()> {
        let folder = self.uploads.join(upload.as_str());
        let md5 = hex(&md5);
        if let Some((path, _)) = find_part(&folder, part)? {
            fs::remove_file(path)?;
        }
        incoming
            .file
            .persist(folder.join(format!("{part}.{md5}")))?;
        Ok(())
    }

    /// Returns the file and the hexadecimal MD5 of one part, if it has arrived.
    pub fn part(&self, upload: &FileId, part: u32) -> io::Result<Option<(PathBuf, String)>> {
        find_part(&self.uploads.join(upload.as_str()), part)
    }

    /// Forgets the uploads to which nothing has come for as long as their URLs are valid.
    pub fn end_abandoned_uploads(&self, validity: Duration) -> io::Result<()> {
        for upload in fs::read_dir(&self.uploads)? {
            let upload = upload?;
            // Keeping a part changes the folder it is kept in.
            let last = upload.metadata()?.modified()?;
            if last.elapsed().is_ok_and(|silent| silent > validity) {
                fs::remove_dir_all(upload.path())?;
            }
        }
        Ok(())
    }

    /// Forgets an upload and its parts.
    pub fn end_upload(&self, upload: &FileId) -> io::Result<()> {
        fs::remove_dir_all(self.uploads.join(upload.as_str()))
    }
}

/// What an upload in parts is to become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadManifest {
    /// The component the file is for.
    pub component_id: String,
    /// The size of the whole file in bytes.
    pub file_size: u64,
    /// How many parts there are, numbered from 1.
    pub parts: u32,
}

/// A file that is being written and does not have its place yet.
#[derive(Debug)]
pub struct Incoming {
    file: NamedTempFile,
    size: u64,
}

impl Incoming {
    /// Appends bytes; blocks on the disk.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Appends a whole file: the system copies or shares its blocks.
    pub fn append_file(&mut self, path: &Path) -> io::Result<()> {
        self.size += io::copy(&mut File::open(path)?, self.file.as_file_mut())?;
        Ok(())
    }

    /// Returns the number of bytes so far.
    pub fn size(&self) -> u64 {
        self.size
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

fn find_part(folder: &Path, part: u32) -> io::Result<Option<(PathBuf, String)>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let found = name.to_str().and_then(|name| name.split_once('.'));
        if let Some((number, md5)) = found
            && number.parse() == Ok(part)
        {
            return Ok(Some((entry.path(), md5.to_owned())));
        }
    }
    Ok(None)
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
    fn opening_removes_what_was_left_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        let left = store.incoming.join("left");
        fs::write(&left, b"half").unwrap();
        FileStore::open(folder.path()).unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn a_part_sent_again_replaces_the_first_try() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        let manifest = UploadManifest {
            component_id: "a".to_owned(),
            file_size: 3,
            parts: 1,
        };
        let upload = store.begin_upload(&manifest).unwrap();
        assert_eq!(store.upload(&upload).unwrap(), manifest);
        store
            .keep_part(incoming(&store, b"old"), [1; 16], &upload, 1)
            .unwrap();
        store
            .keep_part(incoming(&store, b"new"), [2; 16], &upload, 1)
            .unwrap();
        let (path, md5) = store.part(&upload, 1).unwrap().unwrap();
        assert_eq!(fs::read(path).unwrap(), b"new");
        assert_eq!(md5, "02".repeat(16));
        store.end_upload(&upload).unwrap();
        assert!(store.upload(&upload).is_err());
    }
}
