//! Hashes the files of versions, from which the ids of all that is made follow.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::error::PublishError;
use super::identity;
use super::plan::{FileOf, Plan, PlannedVersion, THUMBNAIL};
use crate::checksum::{Digest, FileDigest};

/// A version whose ids are known.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    /// Its id; of an existing version, that of what is added to it.
    pub(super) id: Uuid,
    /// What the ids of its parts follow from.
    parts: Uuid,
    /// The thumbnail, by id.
    pub(super) thumbnail: Option<String>,
    /// The MD5 of each of its files, in their order.
    pub(super) digests: Vec<Digest>,
}

impl Sealed {
    /// Makes the ids of parts that are sent before the digests of their files are known; the version has none yet.
    pub(super) fn early(planned: &PlannedVersion, position: usize, salt: Uuid) -> Self {
        let parts = identity::early_parts(salt, position);
        let thumbnail = identity::part(parts, "component", THUMBNAIL);
        Self {
            id: Uuid::nil(),
            parts,
            thumbnail: planned.thumbnail.is_some().then_some(thumbnail),
            digests: Vec::new(),
        }
    }

    /// Returns the id of the component that has a name within the version.
    pub(super) fn component(&self, key: &str) -> String {
        identity::part(self.parts, "component", key)
    }

    /// Returns the id of the registration of a component in a location.
    pub(super) fn registration(&self, component: &str, location: &str) -> String {
        identity::part(self.parts, location, component)
    }

    /// Returns the id of the link to a version that was used.
    pub(super) fn link(&self, used: &str) -> String {
        identity::part(self.parts, "uses", used)
    }

    /// Returns the id of the component that holds a file.
    pub(super) fn holder(&self, of: &FileOf<'_>) -> String {
        match &self.thumbnail {
            Some(thumbnail) if of.part == THUMBNAIL => thumbnail.clone(),
            _ => self.component(&of.key),
        }
    }
}

/// How the ids of a publish are made its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Salt {
    /// Makes versions differ from those of an earlier run of the same publish.
    pub(super) version: Option<String>,
    /// Makes parts differ that are sent before their digests are known.
    pub(super) parts: Option<Uuid>,
}

/// Seals versions in an order in which each comes after what it uses. `earlier` holds what was sealed before.
pub(super) fn seal(
    plan: &Plan,
    versions: &[usize],
    digests: &HashMap<PathBuf, FileDigest>,
    earlier: &[Option<Sealed>],
    salt: &Salt,
) -> Result<Vec<(usize, Sealed)>, PublishError> {
    let mut sealed: Vec<(usize, Sealed)> = Vec::with_capacity(versions.len());
    for position in versions {
        let planned = &plan.versions[*position];
        let id_of = |used: &usize| {
            let here = sealed.iter().find(|(position, _)| position == used);
            let found = here.map(|(_, sealed)| sealed).or(earlier[*used].as_ref());
            found.map(|sealed| sealed.id)
        };
        let uses: Vec<_> = planned.uses.iter().filter_map(id_of).collect();
        let version = seal_one(planned, *position, digests, &uses, salt)?;
        sealed.push((*position, version));
    }
    Ok(sealed)
}

fn seal_one(
    planned: &PlannedVersion,
    position: usize,
    digests: &HashMap<PathBuf, FileDigest>,
    uses: &[Uuid],
    salt: &Salt,
) -> Result<Sealed, PublishError> {
    let files = planned.files();
    let digests: Vec<_> = files
        .iter()
        .map(|of| digest_of(&of.file.path, of.file.size, digests))
        .collect::<Result<_, _>>()?;
    let version_salt = salt.version.as_deref();
    let id = identity::version(planned, &digests, uses, version_salt);
    if let Some(parts) = salt.parts {
        let early = Sealed::early(planned, position, parts);
        return Ok(Sealed {
            id,
            digests,
            ..early
        });
    }
    // The file of the thumbnail is the last.
    let picture = planned.thumbnail.as_ref().and(digests.last());
    Ok(Sealed {
        id,
        parts: id,
        thumbnail: picture.map(|digest| identity::thumbnail(*digest, version_salt)),
        digests,
    })
}

fn digest_of(
    path: &Path,
    size: u64,
    digests: &HashMap<PathBuf, FileDigest>,
) -> Result<Digest, PublishError> {
    match digests.get(path) {
        Some(found) if found.size == size => Ok(found.md5),
        _ => Err(PublishError::Changed {
            path: path.to_owned(),
        }),
    }
}
