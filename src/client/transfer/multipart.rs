//! Files that are sent in parts: from several places at the same time, each byte read once, and kept part by part.
//!
//! The parts of one file ask for their places one after the other, so that large files take turns with each other and with small ones. Parts are hashed while
//! they are sent. S3 names a part by its MD5, unless it encrypts with certain keys; so where any name proves to be an MD5, all have to be. The size of the whole is compared as well.
//!
//! An upload that is given up leaves its parts to the server, which removes them after a time; ftrack has no call for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use parking_lot::Mutex;
use reqwest::Url;
use reqwest::header::HeaderMap;
use tokio::sync::mpsc;

use super::complete::{Completer, complete_all};
use super::journal::{AcceptedPart, PartsUpload};
use super::limit::Permit;
use super::link::{Failure, Link};
use super::parts::{Part, PartSize};
use super::put::{Accepted, Put, check_unchanged};
use super::stored::{Stored, stored};
use super::tally::{Fault, admitted};
use super::ticket::{Content, RENEWALS, ask_for_parts, read_url};
use super::upload::{Checked, Run};
use super::{TransferError, Uploaded};

/// Large files under way at the same time; more would only let their URLs age.
const FILES_AT_ONCE: usize = 16;

/// The most URLs that are asked for in one call, unless one file has more parts.
const CALL_URLS: u32 = 500;

/// How often parts are sent that the storage does not name, or names so that other bytes must have arrived.
const ROUNDS: u32 = 3;

/// What was begun before, and the parts that arrived then.
pub(super) type Begun = (PartsUpload, Vec<AcceptedPart>);

/// Sends the files and returns what arrived, with the index of each.
pub(super) async fn send(
    run: Run<'_>,
    files: Vec<(Checked, Option<Begun>)>,
) -> Result<Vec<(usize, Uploaded)>, Fault> {
    let (ready, mut jobs) = mpsc::channel(1);
    let jobs = stream::poll_fn(move |context| jobs.poll_recv(context));
    let (completer, completions) = Completer::new();
    let sending = jobs
        .map(move |(file, begun)| send_file(run, file, begun, completer.clone()).boxed())
        .buffer_unordered(FILES_AT_ONCE)
        .try_collect();
    let completing = async {
        complete_all(run.api, completions).await;
        Ok(())
    };
    let ((), uploaded, ()) = tokio::try_join!(prepare(run, files, ready), sending, completing)?;
    Ok(uploaded)
}

/// Gets the URLs of the files, as many as fit into a call at a time.
async fn prepare(
    run: Run<'_>,
    files: Vec<(Checked, Option<Begun>)>,
    ready: mpsc::Sender<(Checked, Begun)>,
) -> Result<(), Fault> {
    let (begun, new): (Vec<_>, Vec<_>) = files.into_iter().partition(|(_, begun)| begun.is_some());
    for (file, begun) in begun {
        if let Some(begun) = begun {
            // A job is not taken only when another one has failed; that one is reported.
            let _ = ready.send((file, begun)).await;
        }
    }
    let mut new: Vec<_> = new.into_iter().map(|(file, _)| file).collect();
    while !new.is_empty() {
        let rest = new.split_off(fitting(new.iter().map(|file| file.source.size)));
        for (file, upload) in begin(run, std::mem::replace(&mut new, rest)).await? {
            let _ = ready.send((file, (upload, Vec::new()))).await;
        }
    }
    Ok(())
}

/// Returns how many files of these sizes fit into one call, at least one.
fn fitting(sizes: impl Iterator<Item = u64>) -> usize {
    let mut urls = 0;
    let fits = |size: &u64| {
        urls += PartSize::of(*size).count(*size);
        urls <= CALL_URLS
    };
    sizes.take_while(fits).count().max(1)
}

/// Returns in how many calls the URLs of files of these sizes are asked for.
pub(super) fn batches(mut sizes: Vec<u64>) -> usize {
    let mut calls = 0;
    while !sizes.is_empty() {
        sizes.drain(..fitting(sizes.iter().copied()));
        calls += 1;
    }
    calls
}

async fn begin(
    run: Run<'_>,
    files: Vec<Checked>,
) -> Result<Vec<(Checked, PartsUpload)>, TransferError> {
    let content = |file: &Checked| Content::Parts(PartSize::of(file.source.size));
    let requests: Vec<_> = files
        .iter()
        .map(|file| run.request(file, content(file)))
        .collect();
    let uploads = ask_for_parts(run.api, &requests).await?;
    for (file, upload) in files.iter().zip(&uploads) {
        run.note(file, |journal, state| journal.parts_opened(state, upload));
    }
    Ok(files.into_iter().zip(uploads).collect())
}

/// Sends one file, from its start by other URLs if the first have expired or nothing can be made of what was sent by them.
async fn send_file(
    run: Run<'_>,
    file: Checked,
    begun: Begun,
    completer: Completer,
) -> Result<(usize, Uploaded), Fault> {
    let mut upload = FileUpload::new(run, &file, begun);
    let mut renewals = RENEWALS;
    loop {
        match upload.attempt(&completer).await {
            Ok(()) => return Ok(run.arrived(&file, None)),
            Err(failure) if failure.wants_new_url() && renewals > 0 => renewals -= 1,
            Err(failure) => return Err((file.index, failure.into()).into()),
        }
        upload.give_up();
        let begun = begin(run, vec![file.clone()]).await;
        let mut begun = begun.map_err(|error| (file.index, error))?;
        // There is one for each file.
        upload = FileUpload::new(run, &file, (begun.remove(0).1, Vec::new()));
    }
}

/// A file on its way.
struct FileUpload<'a> {
    run: Run<'a>,
    file: &'a Checked,
    upload: PartsUpload,
    parts: Vec<Part>,
    /// The parts that have arrived, by their numbers.
    accepted: Mutex<BTreeMap<u32, AcceptedPart>>,
}

impl<'a> FileUpload<'a> {
    fn new(run: Run<'a>, file: &'a Checked, (upload, accepted): Begun) -> Self {
        let size = file.source.size;
        let numbered = accepted.into_iter().map(|part| (part.number, part));
        let begun = Self {
            run,
            file,
            upload,
            parts: PartSize::of(size).parts(size).collect(),
            accepted: Mutex::new(numbered.collect()),
        };
        run.sender
            .progress
            .transferred(file.index, begun.accepted_bytes());
        begun
    }

    fn accepted_bytes(&self) -> u64 {
        let accepted = self.accepted.lock();
        let is_accepted = |part: &&Part| accepted.contains_key(&part.number);
        self.parts
            .iter()
            .filter(is_accepted)
            .map(|part| part.length)
            .sum()
    }

    /// Returns the parts that have not arrived.
    fn missing(&self) -> Vec<Part> {
        let accepted = self.accepted.lock();
        let is_missing = |part: &&Part| !accepted.contains_key(&part.number);
        self.parts.iter().filter(is_missing).copied().collect()
    }

    /// Takes the parts that have arrived back from the progress.
    fn give_up(&self) {
        let progress = &self.run.sender.progress;
        progress.rewound(self.file.index, self.accepted_bytes());
    }

    /// Sends all parts that are missing, and makes the file of them.
    async fn attempt(&self, completer: &Completer) -> Result<(), Failure> {
        let mut rounds = 0;
        loop {
            let missing = self.missing();
            let Some(first) = missing.first().copied() else {
                break;
            };
            if rounds == ROUNDS {
                return Err(self.unproven(first).into());
            }
            self.send_parts(missing).await?;
            self.drop_wrong();
            rounds += 1;
        }
        check_unchanged(&self.file.source).await?;
        let parts: Vec<_> = self.accepted.lock().values().cloned().collect();
        let component_id = self.run.component_id(self.file);
        completer
            .complete(self.file, component_id, &self.upload, &parts)
            .await?;
        self.check_stored().await
    }

    /// Compares the file with what the storage has made of it: that the parts are right does not prove that they were put together.
    ///
    /// A server that does not show it yet is believed: it has confirmed each part and the whole.
    async fn check_stored(&self) -> Result<(), Failure> {
        let source = &self.file.source;
        let (host, actual) = match stored(self.run, self.file).await? {
            Stored::Bytes(_, size) if size == source.size => return Ok(()),
            Stored::Bytes(host, size) => (host, size),
            Stored::Nothing(host) => (host, 0),
            Stored::Untold => return Ok(()),
        };
        Err(Failure::by_new_url(TransferError::StoredWrong {
            path: source.path.clone(),
            host,
            expected: source.size,
            actual,
        }))
    }

    async fn send_parts(&self, parts: Vec<Part>) -> Result<(), Failure> {
        admitted(
            stream::iter(parts),
            self.run.limiter,
            &self.run.sender.control,
        )
        .map(|(part, permit)| self.send_part(part, permit).boxed())
        .buffer_unordered(usize::MAX)
        .try_collect()
        .await
    }

    /// Sends a part. One that the storage takes without a name is as good as not sent.
    async fn send_part(&self, part: Part, permit: Permit) -> Result<(), Failure> {
        let put = Put {
            index: self.file.index,
            source: &self.file.source,
            part,
            url: &self.url(part)?,
            headers: HeaderMap::new(),
            lanes: Some(&self.run.sender.lanes),
        };
        let Accepted { etag, md5 } = self.run.sender.put(&put, &Arc::new(permit)).await?;
        let Some((etag, md5)) = etag.zip(md5) else {
            self.run
                .sender
                .progress
                .rewound(self.file.index, part.length);
            return Ok(());
        };
        let number = part.number;
        let accepted = AcceptedPart { number, etag, md5 };
        self.run.note(self.file, |journal, state| {
            journal.part_accepted(state, &self.upload, &accepted);
        });
        self.accepted.lock().insert(number, accepted);
        Ok(())
    }

    /// Forgets the parts whose names show that other bytes arrived.
    ///
    /// A name that is no MD5 of its part is in order as long as no other part has one.
    fn drop_wrong(&self) {
        let before = self.accepted_bytes();
        {
            let mut accepted = self.accepted.lock();
            if accepted.values().any(is_named_by_md5) {
                accepted.retain(|_, part| is_named_by_md5(part));
            }
        }
        let progress = &self.run.sender.progress;
        progress.rewound(self.file.index, before - self.accepted_bytes());
    }

    /// Returns the error for a part that was sent often enough, and never proved to have arrived.
    fn unproven(&self, part: Part) -> TransferError {
        let path = self.file.source.path.clone();
        match self.url(part) {
            Ok(url) => TransferError::PartUnproven {
                host: Link::new(&path, &url).host,
                path,
                number: part.number,
            },
            Err(error) => error,
        }
    }

    fn url(&self, part: Part) -> Result<Url, TransferError> {
        // There is one for each part, see `PartsUpload::fits` and `ticket::read_parts`.
        let url = &self.upload.urls[part.number as usize - 1];
        read_url(url).map_err(|fault| TransferError::InvalidTicket {
            path: self.file.source.path.clone(),
            fault,
        })
    }
}

fn is_named_by_md5(part: &AcceptedPart) -> bool {
    part.etag.eq_ignore_ascii_case(&part.md5.to_string())
}
