//! Versions whose files are hashed, and the ids that follow from that.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::error::PublishError;
use super::identity;
use super::plan::{Plan, PlannedVersion};
use crate::checksum::{Digest, FileDigest};

/// The ids of the components of a version, by their names within it: `main`, or `main/0001` for a member.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// What the ids follow from that were not chosen.
    namespace: Uuid,
    chosen: HashMap<String, String>,
}

impl Parts {
    /// Makes the ids of a version in the run that the salt belongs to.
    pub(super) fn new(salt: Uuid, position: usize) -> Self {
        Self {
            namespace: identity::components(salt, position),
            chosen: HashMap::new(),
        }
    }

    /// Returns the id of a component.
    pub(super) fn id(&self, key: &str) -> String {
        let chosen = self.chosen.get(key).cloned();
        chosen.unwrap_or_else(|| identity::part(self.namespace, "component", key))
    }

    /// Gives a component an id that it has already, or shares with another version.
    pub(super) fn choose(&mut self, key: &str, id: String) {
        self.chosen.insert(key.to_owned(), id);
    }
}

/// A version whose id is known.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    /// Its id; of an existing version, that of what is added to it.
    pub(super) id: Uuid,
}

impl Sealed {
    /// Returns the id of the registration of a component in a location.
    pub(super) fn registration(&self, key: &str, location: &str) -> String {
        identity::part(self.id, location, key)
    }

    /// Returns the id of the link to a version that was used.
    pub(super) fn link(&self, used: &str) -> String {
        identity::part(self.id, "uses", used)
    }
}

/// Seals versions in an order in which each comes after what it uses. `earlier` holds what was sealed before; a `salt` makes all of them others than those of an earlier run.
pub(super) fn seal(
    plan: &Plan,
    versions: &[usize],
    digests: &HashMap<PathBuf, FileDigest>,
    earlier: &[Option<Sealed>],
    salt: Option<&str>,
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
        let digests = digests_of(planned, digests)?;
        let id = identity::version(planned, &digests, &uses, salt);
        sealed.push((*position, Sealed { id }));
    }
    Ok(sealed)
}

/// Returns the MD5 of each file of a version, in their order.
fn digests_of(
    planned: &PlannedVersion,
    digests: &HashMap<PathBuf, FileDigest>,
) -> Result<Vec<Digest>, PublishError> {
    let files = planned.files();
    let digests = files
        .iter()
        .map(|of| digest_of(&of.file.path, of.file.size, digests));
    digests.collect()
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
