//! What is to be published: pure data, as the caller wrote it down.
//!
//! It can be written as JSON and read back, so that it may travel to other machines; nothing in it depends on the machine but the paths.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The versions of one publish, and what must come before what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The versions.
    pub versions: Vec<VersionSpec>,
    /// Pairs of versions, by position: the first comes after the second.
    #[serde(default)]
    pub depends: Vec<(usize, usize)>,
}

/// One version and all that belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionSpec {
    /// Where the version goes.
    pub target: Target,
    /// The task that it was made for.
    #[serde(default)]
    pub task: Option<Reference>,
    /// What the artist says about it.
    #[serde(default)]
    pub comment: String,
    /// Further attributes, such as `status_id`.
    #[serde(default)]
    pub data: Map<String, Value>,
    /// Metadata of the version.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Values of its custom attributes by their keys.
    #[serde(default)]
    pub custom_attributes: BTreeMap<String, Value>,
    /// Its components.
    #[serde(default)]
    pub components: Vec<ComponentSpec>,
    /// The file that the web player shows.
    #[serde(default)]
    pub reviewable: Option<PathBuf>,
    /// The picture that stands for it.
    #[serde(default)]
    pub thumbnail: Option<PathBuf>,
    /// The versions that it was made with.
    #[serde(default)]
    pub uses: Vec<Used>,
}

/// Where a version goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The next version of the asset of a name, which is made if there is none.
    Asset {
        /// Name of the asset.
        name: String,
        /// Name or short name of its type; if none is given any type that an asset of the name has, or else `Upload`.
        #[serde(rename = "type")]
        asset_type: Option<String>,
        /// What the asset belongs to; the parent of the task if none is given.
        parent: Option<Reference>,
    },
    /// The next version of an asset.
    ExistingAsset(Reference),
    /// A version that is there already, which gets more components.
    ExistingVersion(Reference),
}

/// An entity, by its id or by a query that finds just one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// By id.
    Id(String),
    /// By query, such as `Shot where name is "sh010"`.
    Query(String),
}

/// A version that another one was made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Used {
    /// One of the same publish, by position.
    Version(usize),
    /// One that is there already.
    Existing(Reference),
}

/// A file, a sequence of files, or a container of components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentSpec {
    /// Its name, unique in its version or container.
    pub name: String,
    /// Its content.
    pub source: Source,
    /// Further attributes.
    #[serde(default)]
    pub data: Map<String, Value>,
    /// Metadata of the component.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// The locations that it goes to, by id; ftrack.server if there are none. Members of a container go where it goes.
    #[serde(default)]
    pub locations: Vec<String>,
}

/// The content of a component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A file, or a sequence such as `/a.%04d.exr [1-10]`.
    Path(String),
    /// Other components.
    Members(Vec<ComponentSpec>),
}

impl Description {
    /// Returns a name for each version that no other has: that of its asset, with a number if it is not the first.
    pub fn labels(&self) -> Vec<String> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        self.versions
            .iter()
            .map(|version| {
                let name = version.target.name();
                let count = counts.entry(name.to_owned()).or_default();
                *count += 1;
                match *count {
                    1 => name.to_owned(),
                    count => format!("{name}#{count}"),
                }
            })
            .collect()
    }

    /// Returns the pairs (later, earlier) of versions that follow from links and from what the caller said.
    pub fn edges(&self) -> Vec<(usize, usize)> {
        let mut edges = self.depends.clone();
        for (later, version) in self.versions.iter().enumerate() {
            edges.extend(version.uses.iter().filter_map(|used| match used {
                Used::Version(earlier) => Some((later, *earlier)),
                Used::Existing(_) => None,
            }));
        }
        edges
    }

    /// Returns every entity that is referred to, each once.
    pub fn references(&self) -> Vec<&Reference> {
        let mut found: Vec<_> = self
            .versions
            .iter()
            .flat_map(VersionSpec::references)
            .collect();
        found.sort();
        found.dedup();
        found
    }
}

impl VersionSpec {
    fn references(&self) -> impl Iterator<Item = &Reference> {
        let target = match &self.target {
            Target::Asset { parent, .. } => parent.as_ref(),
            Target::ExistingAsset(reference) | Target::ExistingVersion(reference) => {
                Some(reference)
            }
        };
        let used = self.uses.iter().filter_map(|used| match used {
            Used::Existing(reference) => Some(reference),
            Used::Version(_) => None,
        });
        target.into_iter().chain(&self.task).chain(used)
    }
}

impl Target {
    /// Returns what a version that goes there is called.
    fn name(&self) -> &str {
        match self {
            Self::Asset { name, .. } => name,
            Self::ExistingAsset(_) => "asset",
            Self::ExistingVersion(_) => "version",
        }
    }
}
