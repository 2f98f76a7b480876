//! Sends files of which the MD5 is wanted, each read twice at most.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::checksum::{Digest, FileDigest};
use crate::transfer::{
    Api, BatchError, Control, Progress, SeenFile, TransferError, TransferOptions, UploadItem, hash,
    upload,
};

/// A file that was seen, and the component that it becomes.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) component_id: String,
    pub(super) file_name: String,
    pub(super) seen: SeenFile,
}

/// How far sending is: what is sent, and what is hashed besides.
pub(super) struct Counters<'a> {
    pub(super) sent: &'a Progress,
    pub(super) hashed: &'a Progress,
}

/// Sends files and returns the digest of each.
///
/// What is sent whole is hashed for that anyway; what is sent in parts is hashed at the same time.
pub(super) async fn send(
    api: &dyn Api,
    files: &[Outgoing],
    options: &TransferOptions,
    counters: Counters<'_>,
    control: &Control,
) -> Result<Vec<FileDigest>, BatchError> {
    let items = files.iter().map(Outgoing::item).collect();
    let unknown: HashMap<PathBuf, SeenFile> = files
        .iter()
        .map(|file| &file.seen)
        .filter(|seen| seen.md5().is_none() && seen.size() > options.multipart_threshold)
        .map(|seen| (seen.path().to_owned(), seen.clone()))
        .collect();
    let unknown = unknown.into_values().collect();
    // On the heap: they are large, and would make every future around them so.
    let sending = Box::pin(upload(api, items, options, counters.sent, control));
    let hashing = Box::pin(hash(unknown, options, counters.hashed, control));
    let (uploaded, found) = tokio::try_join!(sending, hashing)?;
    let found: HashMap<_, Option<Digest>> =
        found.iter().map(|seen| (seen.path(), seen.md5())).collect();
    let digests = files.iter().zip(uploaded).map(|(file, uploaded)| {
        let known = uploaded.md5.or(file.seen.md5());
        let md5 = known.or_else(|| *found.get(file.seen.path())?)?;
        let size = uploaded.size;
        Some(FileDigest { md5, size })
    });
    digests.collect::<Option<_>>().ok_or_else(|| BatchError {
        cause: Arc::new(TransferError::WorkerLost),
        failed: Vec::new(),
        transferred: Vec::new(),
        total: files.len(),
    })
}

impl Outgoing {
    fn item(&self) -> UploadItem {
        UploadItem {
            component_id: self.component_id.clone(),
            path: self.seen.path().to_owned(),
            file_name: self.file_name.clone(),
            seen: Some(self.seen.clone()),
        }
    }
}
