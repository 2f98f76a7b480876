//! What is found on disk of the files that are to be published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::description::{ComponentSpec, Description, Source, VersionSpec};
use super::media::MediaInfo;
use crate::sequence::Sequence;
use crate::transfer::preflight::{self, Defect, Finding, Preflight, RECENT};

/// What is known of every file, by its path.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<PathBuf, FileFacts>);

/// One file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FileFacts {
    /// Its size in bytes.
    pub size: u64,
    /// What its header says, for the first file of each component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaInfo>,
    /// What is wrong with it, or may be.
    #[serde(skip)]
    pub defect: Option<Defect>,
}

impl Files {
    /// Looks at all files of a description. Blocks.
    pub fn inspect(description: &Description) -> Self {
        let mut files = Self::default();
        for version in &description.versions {
            version.components.iter().for_each(|c| files.component(c));
            for path in version.reviewable.iter().chain(&version.thumbnail) {
                files.look_at(vec![path.clone()]);
            }
        }
        files
    }

    /// Returns what is known of a file; one that was not looked at is missing.
    pub fn get(&self, path: &Path) -> FileFacts {
        self.0.get(path).cloned().unwrap_or_else(|| FileFacts {
            defect: Some(Defect::Missing),
            ..FileFacts::default()
        })
    }

    /// Makes facts without a disk, for plans of files that are elsewhere.
    pub fn known(facts: impl IntoIterator<Item = (PathBuf, FileFacts)>) -> Self {
        Self(facts.into_iter().collect())
    }

    /// Returns the size of each component of a version, the reviewable among them.
    pub(super) fn component_sizes(&self, version: &VersionSpec) -> Vec<u64> {
        let components = version.components.iter().map(|c| self.size(c));
        let reviewable = version.reviewable.iter().map(|path| self.get(path).size);
        components.chain(reviewable).collect()
    }

    fn size(&self, component: &ComponentSpec) -> u64 {
        match &component.source {
            Source::Members(members) => members.iter().map(|member| self.size(member)).sum(),
            Source::Path(path) => paths(path).iter().map(|path| self.get(path).size).sum(),
        }
    }

    fn component(&mut self, component: &ComponentSpec) {
        match &component.source {
            Source::Members(members) => members.iter().for_each(|member| self.component(member)),
            Source::Path(path) => self.look_at(paths(path)),
        }
    }

    /// Looks at the files of one component; the first of them shows what the others look like.
    fn look_at(&mut self, paths: Vec<PathBuf>) {
        let Preflight { sizes, findings } = preflight::inspect(&paths, RECENT);
        let mut facts: Vec<_> = sizes
            .into_iter()
            .map(|size| FileFacts {
                size,
                ..FileFacts::default()
            })
            .collect();
        for Finding { index, defect } in findings {
            facts[index].defect = Some(defect);
        }
        if let (Some(path), Some(first)) = (paths.first(), facts.first_mut())
            && !first.defect.is_some_and(Defect::is_obstacle)
        {
            // A header that cannot be read is an unknown one.
            first.media = MediaInfo::read(path).ok().flatten();
        }
        for (path, facts) in paths.into_iter().zip(facts) {
            let known = self.0.entry(path).or_default();
            *known = FileFacts {
                media: facts.media.or(known.media.take()),
                ..facts
            };
        }
    }
}

/// Returns the files of a sequence, or the file.
fn paths(text: &str) -> Vec<PathBuf> {
    match Sequence::parse(text) {
        Ok(sequence) => sequence.members().map(|m| m.path.into()).collect(),
        Err(_) => vec![text.into()],
    }
}
