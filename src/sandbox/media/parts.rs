//! Files that arrive in parts.
//!
//! The parts of an upload come side by side and in any order. Clients cut files into parts of one length, and where the first
//! one that comes fits such a cut, each is written where it belongs in the whole, so that nothing is left to be copied when
//! the upload is complete. A part that does not fit, that is sent once more, or that comes after a restart of the server is
//! kept in a file of its own; S3 too keeps what an earlier try has sent until a later one is complete.
//!
//! In the folder of an upload are `manifest.json`, `content`, and for each part that has arrived a file named by its number.
//! That holds the MD5 of the part and, if its bytes are in the content, where they begin and how many they are; else they
//! are in a file named by number and MD5.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::file_id::FileId;
use super::files::{FileStore, Incoming, hex};

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

/// A part that has arrived.
#[derive(Debug)]
pub struct Part {
    /// Its MD5, in hexadecimal digits.
    pub md5: String,
    /// Its size in bytes.
    pub size: u64,
    /// The file that holds it, and where in that it begins.
    file: PathBuf,
    offset: u64,
    /// Whether that is where it begins in the whole.
    is_placed: bool,
}

/// The whole of an upload.
#[derive(Debug)]
pub enum Joined {
    /// All parts are where they belong.
    InPlace,
    /// They have been copied.
    Copied(Incoming),
}

/// Where parts are being written into the whole, by upload.
#[derive(Debug, Clone, Default)]
pub(super) struct Placements(Arc<Mutex<HashMap<FileId, Placement>>>);

#[derive(Debug)]
struct Placement {
    /// The length of all parts but the last.
    length: u64,
    /// The parts that are being written.
    busy: HashSet<u32>,
}

/// A part that is being written.
#[derive(Debug)]
pub enum IncomingPart {
    /// To a file of its own.
    Apart(Incoming),
    /// To its place in the whole.
    Placed(PlacedPart),
}

/// A part that is being written to its place in the whole.
#[derive(Debug)]
pub struct PlacedPart {
    file: File,
    offset: u64,
    length: u64,
    size: u64,
    _claim: Claim,
}

/// The right to write one part of an upload, given back when it is dropped.
#[derive(Debug)]
struct Claim {
    placements: Placements,
    upload: FileId,
    part: u32,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(placement) = self.placements.0.lock().get_mut(&self.upload) {
            placement.busy.remove(&self.part);
        }
    }
}

impl Placements {
    pub(super) fn forget_all(&self) {
        self.0.lock().clear();
    }
}

impl UploadManifest {
    /// Returns whether the file has as many parts as it has when all but the last have this length.
    fn is_cut_by(&self, length: u64) -> bool {
        length > 0 && self.file_size.div_ceil(length) == u64::from(self.parts)
    }

    /// Returns where a part begins and ends if all but the last have this length.
    fn place(&self, part: u32, length: u64) -> (u64, u64) {
        let offset = u64::from(part.saturating_sub(1)) * length;
        (offset, (offset + length).min(self.file_size))
    }
}

impl FileStore {
    /// Begins an upload in parts.
    pub fn begin_upload(&self, upload: &FileId, manifest: &UploadManifest) -> io::Result<()> {
        let _era = self.era.read();
        let folder = self.folder_of(upload);
        fs::create_dir(&folder)?;
        fs::write(folder.join("manifest.json"), serde_json::to_vec(manifest)?)
    }

    /// Returns what an upload in parts is for; not found when it never began or is complete.
    pub fn upload(&self, upload: &FileId) -> io::Result<UploadManifest> {
        let text = fs::read(self.folder_of(upload).join("manifest.json"))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Starts a part, of which so many bytes are announced.
    pub fn receive_part(
        &self,
        upload: &FileId,
        part: u32,
        announced: Option<u64>,
    ) -> io::Result<IncomingPart> {
        let placed = match announced {
            Some(length) => self.place(upload, part, length)?,
            None => None,
        };
        placed.map_or_else(
            || self.receive().map(IncomingPart::Apart),
            |placed| Ok(IncomingPart::Placed(placed)),
        )
    }

    fn place(&self, upload: &FileId, part: u32, length: u64) -> io::Result<Option<PlacedPart>> {
        let manifest = self.upload(upload)?;
        let content = self.content(upload);
        let mut placements = self.placements.0.lock();
        if !placements.contains_key(upload) {
            // Of the last part alone, or after a restart, nobody knows how the file is cut.
            let is_known = part < manifest.parts && manifest.is_cut_by(length) && !content.exists();
            if !is_known {
                return Ok(None);
            }
            File::create_new(&content)?;
            let busy = HashSet::new();
            placements.insert(upload.clone(), Placement { length, busy });
        }
        let Some(placement) = placements.get_mut(upload) else {
            return Ok(None);
        };
        let (offset, end) = manifest.place(part, placement.length);
        if end - offset.min(end) != length || !placement.busy.insert(part) {
            return Ok(None);
        }
        let claim = Claim {
            placements: self.placements.clone(),
            upload: upload.clone(),
            part,
        };
        drop(placements);
        // Not before it is claimed: a try that ends in between has arrived, and is not to be written over.
        if self.part(upload, part)?.is_some() {
            return Ok(None);
        }
        let mut file = OpenOptions::new().write(true).open(content)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Some(PlacedPart {
            file,
            offset,
            length,
            size: 0,
            _claim: claim,
        }))
    }

    /// Keeps one part of an upload, replacing an earlier try of the same part.
    ///
    /// The MD5 is noted, so that completion can compare it without reading the bytes again.
    pub fn keep_part(
        &self,
        incoming: IncomingPart,
        md5: [u8; 16],
        upload: &FileId,
        part: u32,
    ) -> io::Result<()> {
        let mut record = self.receive()?;
        let earlier = self.part(upload, part)?;
        let md5 = hex(&md5);
        let own_file = self.folder_of(upload).join(format!("{part}.{md5}"));
        // Neither the part nor the record of it may come into a folder that is gone.
        let _era = self.era.read();
        match incoming {
            IncomingPart::Apart(file) => {
                file.persist(&own_file)?;
                record.append(md5.as_bytes())?;
            }
            IncomingPart::Placed(placed) if placed.size == placed.length => {
                let text = format!("{md5} {} {}", placed.offset, placed.length);
                record.append(text.as_bytes())?;
            }
            IncomingPart::Placed(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        record.persist(&self.record_of(upload, part))?;
        match earlier {
            Some(earlier) if !earlier.is_placed && earlier.file != own_file => {
                fs::remove_file(earlier.file)
            }
            _ => Ok(()),
        }
    }

    /// Returns a part, if it has arrived.
    pub fn part(&self, upload: &FileId, part: u32) -> io::Result<Option<Part>> {
        let record = match fs::read_to_string(self.record_of(upload, part)) {
            Ok(record) => record,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some((md5, place)) = record.split_once(' ') else {
            let file = self.folder_of(upload).join(format!("{part}.{record}"));
            return Ok(Some(Part {
                size: file.metadata()?.len(),
                md5: record,
                file,
                offset: 0,
                is_placed: false,
            }));
        };
        let place = place.split_once(' ');
        let place =
            place.and_then(|(offset, size)| Some((offset.parse().ok()?, size.parse().ok()?)));
        let (offset, size) = place.ok_or(io::ErrorKind::InvalidData)?;
        Ok(Some(Part {
            md5: md5.to_owned(),
            size,
            file: self.content(upload),
            offset,
            is_placed: true,
        }))
    }

    /// Makes the whole of all its parts, in their order.
    pub fn join(&self, parts: &[Part]) -> io::Result<Joined> {
        let mut end = 0;
        let is_whole = parts.iter().all(|part| {
            let is_next = part.is_placed && part.offset == end;
            end += part.size;
            is_next
        });
        if is_whole {
            return Ok(Joined::InPlace);
        }
        let mut whole = self.receive()?;
        for part in parts {
            let mut file = File::open(&part.file)?;
            file.seek(SeekFrom::Start(part.offset))?;
            whole.append_file(&mut file.take(part.size))?;
        }
        Ok(Joined::Copied(whole))
    }

    /// Gives the whole of an upload its place as the file of a component, and forgets the upload.
    pub fn complete_upload(
        &self,
        upload: &FileId,
        whole: Joined,
        component: &FileId,
    ) -> io::Result<()> {
        let whole = match whole {
            Joined::Copied(whole) => whole,
            Joined::InPlace => {
                let content = self.content(upload);
                let file = OpenOptions::new().write(true).open(&content)?;
                Incoming::of(file, &content, *self.era.read())?
            }
        };
        self.keep(whole, component)?;
        self.end_upload(upload)
    }

    /// Forgets the uploads to which nothing has come for as long as their URLs are valid.
    pub fn end_abandoned_uploads(&self, validity: Duration) -> io::Result<()> {
        for upload in fs::read_dir(&self.uploads)? {
            let upload = upload?;
            // Keeping a part changes the folder it is kept in.
            let last = upload.metadata()?.modified()?;
            if last.elapsed().is_ok_and(|silent| silent > validity) {
                let id = upload.file_name().to_str().map(FileId::parse);
                if let Some(Ok(id)) = id {
                    self.end_upload(&id)?;
                }
            }
        }
        Ok(())
    }

    /// Forgets an upload and its parts.
    pub fn end_upload(&self, upload: &FileId) -> io::Result<()> {
        self.placements.0.lock().remove(upload);
        fs::remove_dir_all(self.folder_of(upload))
    }

    fn folder_of(&self, upload: &FileId) -> PathBuf {
        self.uploads.join(upload.as_str())
    }

    fn content(&self, upload: &FileId) -> PathBuf {
        self.folder_of(upload).join("content")
    }

    fn record_of(&self, upload: &FileId, part: u32) -> PathBuf {
        self.folder_of(upload).join(part.to_string())
    }
}

impl IncomingPart {
    /// Appends bytes; blocks on the disk.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Apart(file) => file.append(bytes),
            Self::Placed(placed) => placed.append(bytes),
        }
    }

    /// Returns the number of bytes so far.
    pub fn size(&self) -> u64 {
        match self {
            Self::Apart(file) => file.size(),
            Self::Placed(placed) => placed.size,
        }
    }
}

impl PlacedPart {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let size = self.size + bytes.len() as u64;
        if size > self.length {
            // What follows belongs to the next part.
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.file.write_all(bytes)?;
        self.size = size;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sends one part, in two pieces.
    fn send(store: &FileStore, upload: &FileId, part: u32, bytes: &[u8], md5: u8) {
        let mut incoming = store
            .receive_part(upload, part, Some(bytes.len() as u64))
            .unwrap();
        let (start, rest) = bytes.split_at(bytes.len() / 2);
        incoming.append(start).unwrap();
        incoming.append(rest).unwrap();
        store.keep_part(incoming, [md5; 16], upload, part).unwrap();
    }

    fn begin(store: &FileStore, file_size: u64, parts: u32) -> FileId {
        let manifest = UploadManifest {
            component_id: "a".to_owned(),
            file_size,
            parts,
        };
        let upload = FileId::unique();
        store.begin_upload(&upload, &manifest).unwrap();
        assert_eq!(store.upload(&upload).unwrap(), manifest);
        upload
    }

    fn joined(store: &FileStore, upload: &FileId, parts: u32) -> Vec<u8> {
        let parts: Vec<_> = (1..=parts)
            .map(|part| store.part(upload, part).unwrap().unwrap())
            .collect();
        let id = FileId::unique();
        let whole = store.join(&parts).unwrap();
        store.complete_upload(upload, whole, &id).unwrap();
        assert!(store.upload(upload).is_err());
        fs::read(store.path(&id)).unwrap()
    }

    #[test]
    fn a_part_sent_again_replaces_the_first_try() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        let upload = begin(&store, 5, 2);
        send(&store, &upload, 1, b"old", 1);
        send(&store, &upload, 2, b"er", 3);
        send(&store, &upload, 1, b"new", 2);
        let part = store.part(&upload, 1).unwrap().unwrap();
        assert_eq!((part.md5, part.size), ("02".repeat(16), 3));
        assert_eq!(joined(&store, &upload, 2), b"newer");
    }

    #[test]
    fn a_try_that_broke_off_leaves_nothing_of_itself() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        let upload = begin(&store, 6, 2);
        let mut broken = store.receive_part(&upload, 1, Some(3)).unwrap();
        broken.append(b"xx").unwrap();
        // Another try while the first still hangs, and one after it.
        send(&store, &upload, 1, b"abc", 1);
        broken.append(b"x").unwrap();
        assert!(broken.append(b"x").is_err(), "that is of another part");
        drop(broken);
        send(&store, &upload, 2, b"def", 2);
        assert_eq!(joined(&store, &upload, 2), b"abcdef");
    }

    #[test]
    fn parts_that_are_whole_are_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        let upload = begin(&store, 8, 3);
        for (part, bytes) in [(2, "def"), (3, "gh"), (1, "abc")] {
            send(&store, &upload, part, bytes.as_bytes(), 0);
        }
        assert!((1..=3).all(|part| store.part(&upload, part).unwrap().unwrap().is_placed));
        assert_eq!(joined(&store, &upload, 3), b"abcdefgh");
    }

    #[test]
    fn parts_survive_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).unwrap();
        let upload = begin(&store, 8, 3);
        send(&store, &upload, 1, b"abc", 0);
        drop(store);
        let store = FileStore::open(folder.path()).unwrap();
        send(&store, &upload, 3, b"gh", 0);
        send(&store, &upload, 2, b"def", 0);
        assert_eq!(joined(&store, &upload, 3), b"abcdefgh");
    }

    proptest! {
        #[test]
        fn parts_of_any_length_in_any_order_make_the_whole(
            lengths in prop::collection::vec(1_usize..6, 1..7),
            is_even in any::<bool>(),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
            order in any::<prop::sample::Index>(),
        ) {
            let lengths: Vec<usize> = lengths.iter().map(|length| if is_even { lengths[0] } else { *length }).collect();
            let mut bytes = b'a'..;
            let parts: Vec<Vec<u8>> = lengths.iter().map(|length| bytes.by_ref().take(*length).collect()).collect();
            let whole = parts.concat();
            let folder = tempfile::tempdir().unwrap();
            let store = FileStore::open(folder.path()).unwrap();
            let count = u32::try_from(parts.len()).unwrap();
            let upload = begin(&store, whole.len() as u64, count);
            let mut numbers: Vec<u32> = (1..=count).collect();
            numbers.rotate_left(order.index(parts.len()));
            let again: Vec<u32> = again.iter().map(|index| *index.get(&numbers)).collect();
            numbers.extend(again);
            for number in numbers {
                send(&store, &upload, number, &parts[number as usize - 1], 0);
            }
            prop_assert_eq!(joined(&store, &upload, count), whole);
        }
    }
}
