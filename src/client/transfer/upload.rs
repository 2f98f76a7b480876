//! Uploads many files to ftrack.server.
//!
//! All files are checked first. Then small ones are sent whole ([`whole`](super::whole)) and, at the same time, large ones in parts
//! ([`multipart`](super::multipart)).

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::journal::{FileState, Journal, Recalled};
use super::limit::Limiter;
use super::put::Sender;
use super::seen::SeenFile;
use super::source::SourceFile;
use super::stored::{Stored, stored};
use super::tally::{Fault, Tally, all, blocking};
use super::ticket::{Content, TicketRequest};
use super::{
    Api, BatchError, Control, ItemRef, MULTIPART_THRESHOLD, Progress, TransferError,
    TransferOptions, multipart, whole,
};
use crate::checksum::{Digest, SharedLanes};

/// Files that have arrived before and are asked for at the same time; each is one small request.
const ASKED_AT_ONCE: usize = 16;

/// A file that becomes the content of a component. The component need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadItem {
    /// The component.
    pub component_id: String,
    /// The file.
    pub path: PathBuf,
    /// The name under which the file is downloaded later.
    pub file_name: String,
    /// What was found when the file was looked at before; it has to be in the same state still, and is not hashed again.
    pub seen: Option<SeenFile>,
}

/// A file that arrived on ftrack.server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The component.
    pub component_id: String,
    /// The size of the file in bytes.
    pub size: u64,
    /// The MD5 of the file, which the storage was asked to check; `None` if it was sent in parts, each of which was checked.
    pub md5: Option<Digest>,
}

/// Uploads the files and returns what arrived, in the order of the items.
///
/// All files are checked before anything is sent. The first failure ends the transfer. Nothing is registered in a location here: that is for the caller,
/// when everything arrived.
pub async fn upload(
    api: &dyn Api,
    items: Vec<UploadItem>,
    options: &TransferOptions,
    progress: &Progress,
    control: &Control,
) -> Result<Vec<Uploaded>, BatchError> {
    let tally = Tally::new(
        items
            .iter()
            .enumerate()
            .map(|(index, item)| item.reference(index))
            .collect(),
    );
    let sender = Sender {
        client: api.http().clone(),
        options: options.clone(),
        progress: progress.of(items.iter().map(|item| item.path.as_path())),
        control: control.clone(),
        lanes: SharedLanes::default(),
    };
    let run = Run {
        api,
        items: &items,
        sender: &sender,
        limiter: &options.concurrency.limiter(),
        tally: &tally,
    };
    // On the heap, as it would make the futures of all callers large.
    tally
        .settle(control, options.total, Box::pin(run.run()))
        .await
}

/// Returns how many calls an upload of files of these sizes makes, if no more than one completes what is sent in parts.
pub(crate) fn upload_calls(sizes: impl Iterator<Item = u64>) -> usize {
    let (small, large): (Vec<_>, Vec<_>) = sizes.partition(|size| *size <= MULTIPART_THRESHOLD);
    let completing = usize::from(!large.is_empty());
    whole::batches(&small).len() + multipart::batches(large) + completing
}

impl UploadItem {
    fn reference(&self, index: usize) -> ItemRef {
        ItemRef {
            index,
            component_id: Some(self.component_id.clone()),
            path: self.path.clone(),
        }
    }

    /// Looks at the file, or makes sure that it is as it was seen before. Blocks.
    fn look(&self) -> Result<SeenFile, TransferError> {
        let Some(seen) = &self.seen else {
            return SeenFile::look_at(&self.path);
        };
        seen.check_unchanged()?;
        Ok(seen.clone())
    }
}

/// One upload of many files.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) api: &'a dyn Api,
    items: &'a [UploadItem],
    pub(super) sender: &'a Sender,
    pub(super) limiter: &'a Limiter,
    tally: &'a Tally,
}

/// A file that was checked.
#[derive(Clone)]
pub(super) struct Checked {
    /// Its position among the items.
    pub(super) index: usize,
    pub(super) source: Arc<SourceFile>,
    /// Its MD5, if it was hashed before.
    pub(super) md5: Option<Digest>,
}

impl Run<'_> {
    async fn run(self) -> Result<Vec<Uploaded>, Fault> {
        let files = self.asked(self.inspect().await?).await?;
        for (file, _) in &files {
            self.sender.progress.sized(file.index, file.source.size);
        }
        let (mut uploaded, mut small, mut large) = (Vec::new(), Vec::new(), Vec::new());
        for (file, recalled) in files {
            match recalled {
                Recalled::Finished(md5) => uploaded.push(self.found(&file, md5)),
                _ if file.source.size <= self.sender.options.multipart_threshold => {
                    small.push(file);
                }
                Recalled::Parts(upload, accepted) if upload.fits(file.source.size) => {
                    large.push((file, Some((upload, accepted))));
                }
                Recalled::Parts(..) | Recalled::Nothing => large.push((file, None)),
            }
        }
        let (whole, parts) =
            tokio::try_join!(whole::send(self, small), multipart::send(self, large))?;
        uploaded.extend(whole);
        uploaded.extend(parts);
        uploaded.sort_unstable_by_key(|(index, _)| *index);
        Ok(uploaded.into_iter().map(|(_, uploaded)| uploaded).collect())
    }

    /// Checks all files and reports all that cannot be sent, not only the first.
    async fn inspect(self) -> Result<Vec<(Checked, Recalled)>, Fault> {
        let (items, journal) = (self.items.to_vec(), self.sender.options.journal.clone());
        let inspect = move |(index, item): (usize, &UploadItem)| {
            let SeenFile { source, md5 } = item.look()?;
            let recalled = journal.as_ref().map_or(Recalled::Nothing, |journal| {
                journal.recall(&source.state(&item.component_id))
            });
            Ok((Checked { index, source, md5 }, recalled))
        };
        let inspect_all = move || items.iter().enumerate().map(inspect).collect();
        all(blocking(inspect_all).await?)
    }

    /// Asks for each file that has arrived before, side by side, and forgets that it has where the storage does not hold it: a journal outlives what others remove.
    async fn asked(
        self,
        files: Vec<(Checked, Recalled)>,
    ) -> Result<Vec<(Checked, Recalled)>, Fault> {
        let asking = stream::iter(files).map(async |(file, recalled)| {
            if !matches!(recalled, Recalled::Finished(_)) {
                return Ok((file, recalled));
            }
            let found = stored(self, &file).await.map_err(|e| (file.index, e))?;
            let is_there = matches!(found, Stored::Bytes(_, size) if size == file.source.size);
            let recalled = if is_there {
                recalled
            } else {
                Recalled::Nothing
            };
            Ok((file, recalled))
        });
        asking.buffered(ASKED_AT_ONCE).try_collect().await
    }

    /// Returns the question for the URLs of a file.
    pub(super) fn request(&self, file: &Checked, content: Content) -> TicketRequest<'_> {
        TicketRequest {
            item: &self.items[file.index],
            size: file.source.size,
            content,
        }
    }

    pub(super) fn component_id(&self, file: &Checked) -> &str {
        &self.items[file.index].component_id
    }

    /// Notes that a file has arrived.
    pub(super) fn arrived(self, file: &Checked, md5: Option<Digest>) -> (usize, Uploaded) {
        let (index, uploaded) = self.counted(file, md5);
        self.note(file, |journal, state| {
            journal.file_finished(state, &uploaded);
        });
        (index, uploaded)
    }

    /// Notes that a file was there before.
    fn found(self, file: &Checked, md5: Option<Digest>) -> (usize, Uploaded) {
        self.sender
            .progress
            .transferred(file.index, file.source.size);
        self.counted(file, md5)
    }

    fn counted(self, file: &Checked, md5: Option<Digest>) -> (usize, Uploaded) {
        self.tally.arrived(file.index, &self.sender.progress);
        let uploaded = Uploaded {
            component_id: self.component_id(file).to_owned(),
            size: file.source.size,
            md5,
        };
        (file.index, uploaded)
    }

    /// Lets the journal, if there is one, take note of a file.
    pub(super) fn note(self, file: &Checked, note: impl FnOnce(&dyn Journal, &FileState<'_>)) {
        if let Some(journal) = &self.sender.options.journal {
            note(&**journal, &file.source.state(self.component_id(file)));
        }
    }
}
