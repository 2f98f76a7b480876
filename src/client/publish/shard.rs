//! Parts of the byte work of a publish, for other processes and machines.
//!
//! A shard says which files to send and as which components; it is plain data and holds no key. What it answers, the digests of what it has sent, goes back to the publish,
//! which registers everything when nothing is missing. The ids of components follow from a number that is new for each split.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::PublishError;
use super::plan::Plan;
use super::seal::Parts;
use super::sending::{Counters, Outgoing, send};
use crate::checksum::{Digest, FileDigest};
use crate::transfer::{Api, Control, Progress, TransferOptions, look_at};

/// Files of one publish that are sent together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// The split that it belongs to.
    pub split: String,
    /// The files.
    pub files: Vec<ShardFile>,
}

/// A file of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardFile {
    /// The component that it becomes.
    pub component_id: String,
    /// The file.
    pub path: PathBuf,
    /// The name under which it is downloaded later.
    pub file_name: String,
    /// Its size in bytes when the publish was planned.
    pub size: u64,
}

/// What a shard has sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardResult {
    /// The split that the shard belongs to.
    pub split: String,
    /// The files.
    pub sent: Vec<SentFile>,
}

/// A file that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentFile {
    /// The component that it became.
    pub component_id: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its MD5, as ftrack writes it.
    pub md5: String,
}

/// Splits what goes to the ftrack server into `count` shards of about the same size, fewer if there are fewer files. Other locations are known only to the machine of the caller.
///
/// Fails if there are conflicts.
pub fn split(plan: &Plan, count: usize) -> Result<Vec<Shard>, PublishError> {
    if !plan.conflicts.is_empty() {
        return Err(PublishError::Conflicts {
            conflicts: plan.conflicts.clone(),
        });
    }
    let salt = Uuid::new_v4();
    let mut files: Vec<_> = files_of(plan, salt)
        .into_iter()
        .map(|(_, file)| file)
        .collect();
    // The largest first, each to whom has least.
    files.sort_by_key(|file| std::cmp::Reverse(file.size));
    let mut shards: Vec<(u64, Vec<ShardFile>)> =
        vec![(0, Vec::new()); count.clamp(1, files.len().max(1))];
    for file in files {
        let least = shards
            .iter_mut()
            .min_by_key(|(bytes, files)| (*bytes, files.len()));
        if let Some((bytes, files)) = least {
            *bytes += file.size;
            files.push(file);
        }
    }
    Ok(shards
        .into_iter()
        .map(|(_, files)| Shard {
            split: salt.to_string(),
            files,
        })
        .collect())
}

/// Lists the files of a plan that are sent, with the position of their version.
fn files_of(plan: &Plan, salt: Uuid) -> Vec<(usize, ShardFile)> {
    let mut files = Vec::new();
    for (position, planned) in plan.versions.iter().enumerate() {
        let parts = Parts::new(salt, position);
        files.extend(planned.sent_files().map(|of| {
            let file = ShardFile {
                component_id: parts.id(&of.key),
                path: of.file.path.clone(),
                file_name: of.file.name(),
                size: of.file.size,
            };
            (position, file)
        }));
    }
    files
}

impl Shard {
    /// Sends the files.
    pub async fn run(
        &self,
        api: &dyn Api,
        options: &TransferOptions,
        progress: &Progress,
        control: &Control,
    ) -> Result<ShardResult, PublishError> {
        let paths = self.files.iter().map(|file| file.path.clone());
        let seen = look_at(paths.collect(), control).await?;
        let files = self.files.iter().zip(seen);
        let files: Vec<_> = files
            .map(|(file, seen)| Outgoing {
                component_id: file.component_id.clone(),
                file_name: file.file_name.clone(),
                seen,
            })
            .collect();
        let counters = Counters {
            sent: progress,
            hashed: progress,
        };
        let digests = send(api, &files, options, counters, control).await?;
        let sent = self.files.iter().zip(digests);
        let sent = sent.map(|(file, FileDigest { md5, size })| {
            if size != file.size {
                let path = file.path.clone();
                return Err(PublishError::Changed { path });
            }
            Ok(SentFile {
                component_id: file.component_id.clone(),
                size,
                md5: md5.to_base64(),
            })
        });
        Ok(ShardResult {
            split: self.split.clone(),
            sent: sent.collect::<Result<_, _>>()?,
        })
    }
}

/// Returns the number of the split, and the digest of every file.
pub(super) fn collect(
    plan: &Plan,
    results: &[ShardResult],
) -> Result<(Uuid, HashMap<PathBuf, FileDigest>), PublishError> {
    let wrong = |reason: String| PublishError::Results { reason };
    let split = results.first().map(|result| result.split.as_str());
    let salt = split
        .and_then(|split| Uuid::parse_str(split).ok())
        .ok_or_else(|| wrong("there are none".to_owned()))?;
    if results
        .iter()
        .any(|result| Some(result.split.as_str()) != split)
    {
        return Err(wrong("they are of several splits".to_owned()));
    }
    let sent: HashMap<_, _> = results
        .iter()
        .flat_map(|result| &result.sent)
        .map(|sent| (sent.component_id.as_str(), sent))
        .collect();
    let mut digests: HashMap<PathBuf, FileDigest> = HashMap::new();
    for (_, file) in files_of(plan, salt) {
        let path = file.path.display();
        let Some(sent) = sent.get(file.component_id.as_str()) else {
            return Err(wrong(format!("file '{path}' was not sent")));
        };
        let md5 = Digest::from_base64(&sent.md5)
            .ok_or_else(|| wrong(format!("file '{path}' has no MD5")))?;
        let digest = FileDigest {
            md5,
            size: sent.size,
        };
        if sent.size != file.size
            || digests
                .insert(file.path.clone(), digest)
                .is_some_and(|d| d != digest)
        {
            return Err(PublishError::Changed { path: file.path });
        }
    }
    Ok((salt, digests))
}
