//! What a publish will do, decided before anything is done.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::media::MediaInfo;

/// The location on the ftrack server; its id is the same on every server.
pub const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";

/// Everything that a publish will do. It can be written as JSON, which holds no secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The versions, in the order of the description.
    pub versions: Vec<PlannedVersion>,
    /// Positions of the versions, each after what it needs. Empty if there is a cycle.
    pub order: Vec<usize>,
    /// What is drawn and watched: versions and what belongs to them.
    pub nodes: Vec<Node>,
    /// Pairs of nodes, by position: the first needs the second.
    pub edges: Vec<(usize, usize)>,
    /// Why it cannot be done; empty if it can.
    pub conflicts: Vec<Conflict>,
    /// What may be wrong, and does not keep it from being done.
    pub warnings: Vec<Warning>,
    /// What it takes, step by step.
    pub steps: Vec<Step>,
}

/// A thing whose progress can be watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, such as `lighting` or `lighting/main`.
    pub label: String,
    /// What it is.
    pub kind: NodeKind,
    /// A few words for people.
    pub detail: String,
    /// The version that it belongs to, by position.
    pub version: usize,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A version.
    Version,
    /// A file, sequence or container of a version.
    Component,
    /// A file that the server makes playable.
    Reviewable,
    /// The picture of a version.
    Thumbnail,
    /// A version that is there already and is used.
    Used,
}

/// A version that will be made, or one that gets more components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedVersion {
    /// Its name in this publish.
    pub label: String,
    /// The asset that it is a version of.
    pub asset: PlannedAsset,
    /// Its id if it is there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<String>,
    /// Its number, as far as nobody else publishes meanwhile.
    pub number: i64,
    /// Whether an earlier run of this publish may have made it: then its files are hashed, and it is looked for, before anything is sent.
    #[serde(default)]
    pub may_be_published: bool,
    /// The task, by id.
    pub task_id: Option<String>,
    /// What the artist says about it.
    pub comment: String,
    /// Further attributes.
    pub data: Map<String, Value>,
    /// Metadata of the version.
    pub metadata: BTreeMap<String, String>,
    /// Values of its custom attributes by the ids of their configurations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_attributes: BTreeMap<String, Value>,
    /// Its components, the directly playable one among them.
    pub components: Vec<PlannedComponent>,
    /// What the server shall make playable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode: Option<EncodeSource>,
    /// The picture that stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<PlannedFile>,
    /// Versions of this publish that it was made with, by position.
    pub uses: Vec<usize>,
    /// Versions that are there already that it was made with, by id.
    pub uses_existing: Vec<String>,
}

/// An asset that is there, or will be made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlannedAsset {
    /// Its id.
    pub id: String,
    /// Whether it is there already.
    pub exists: bool,
    /// Its name.
    pub name: String,
    /// The id of its type.
    pub type_id: Option<String>,
    /// The id of what it belongs to.
    pub parent_id: String,
    /// The names from the project down to what it belongs to.
    pub parent: String,
}

/// A component that will be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedComponent {
    /// Its name.
    pub name: String,
    /// Its content.
    pub content: Content,
    /// Its extension, dot included.
    pub file_type: String,
    /// Further attributes.
    pub data: Map<String, Value>,
    /// Metadata of the component.
    pub metadata: BTreeMap<String, String>,
    /// The locations that it goes to, by id.
    pub locations: Vec<String>,
    /// What its first file says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaInfo>,
    /// The component that has its name already, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_by: Option<String>,
}

/// The content of a component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// One file.
    File(PlannedFile),
    /// Numbered files.
    Sequence {
        /// Digits of the numbers; 0 for no padding.
        padding: usize,
        /// The files, by the numbers as they stand in their names.
        members: Vec<(String, PlannedFile)>,
    },
    /// Other components.
    Container(Vec<PlannedComponent>),
}

/// A file that will be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes when it was looked at.
    pub size: u64,
}

/// What the server makes playable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncodeSource {
    /// A component of the version, which goes to the server anyway.
    Component(String),
    /// A file that is sent for this only.
    File(PlannedFile),
}

/// Why a publish cannot be done as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What sort of conflict it is.
    pub kind: ConflictKind,
    /// The node that has it.
    pub node: String,
    /// One sentence for people.
    pub message: String,
    /// All files that it is about, of which the sentence may name a few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
}

/// What may be wrong with a publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The node that it is about.
    pub node: String,
    /// One sentence for people.
    pub message: String,
}

/// The sort of a [`Conflict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// Another component or asset has the name.
    NameTaken,
    /// The component is in the location already.
    AlreadyInLocation,
    /// The server has no such asset type.
    UnknownType,
    /// The user may not publish.
    NoPermission,
    /// Versions need each other.
    Cycle,
    /// An entity was not found, or several were.
    NotFound,
    /// An asset cannot belong there.
    WrongParent,
    /// A file is missing, empty or cannot be read.
    File,
}

/// One step of a publish, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What is done.
    pub name: String,
    /// Calls to the API, at most.
    pub calls: usize,
    /// Files that are read or sent.
    pub files: usize,
    /// Bytes of them.
    pub bytes: u64,
}

impl ConflictKind {
    /// Returns its name, as it is written everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Self::NameTaken => "name_taken",
            Self::AlreadyInLocation => "already_in_location",
            Self::UnknownType => "unknown_type",
            Self::NoPermission => "no_permission",
            Self::Cycle => "cycle",
            Self::NotFound => "not_found",
            Self::WrongParent => "wrong_parent",
            Self::File => "file",
        }
    }
}

/// A file of a version, and what it is there.
#[derive(Clone, Debug)]
pub(super) struct FileOf<'a> {
    /// The component that holds it, within the version: `main`, or `main/0001` for a member.
    pub(super) key: String,
    /// The part of the version that is watched, such as `main`.
    pub(super) part: &'a str,
    pub(super) file: &'a PlannedFile,
    /// Whether it is sent to the ftrack server.
    pub(super) is_sent: bool,
}

impl Plan {
    /// Returns the conflicts that no look at the content of files can solve.
    ///
    /// A component whose name is taken may be the very one that an earlier run of this publish has made.
    pub fn obstacles(&self) -> Vec<Conflict> {
        let is_open = |conflict: &&Conflict| {
            !matches!(
                conflict.kind,
                ConflictKind::NameTaken | ConflictKind::AlreadyInLocation
            ) || !self.has_existing(&conflict.node)
        };
        self.conflicts.iter().filter(is_open).cloned().collect()
    }

    fn has_existing(&self, node: &str) -> bool {
        self.versions.iter().any(|version| {
            version.existing.is_some()
                && node
                    .strip_prefix(&version.label)
                    .is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// Returns whether something speaks against a node, or a part of it.
    pub(super) fn has_conflict(&self, label: &str) -> bool {
        self.conflicts.iter().any(|conflict| {
            let rest = conflict.node.strip_prefix(label);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Returns whether components go anywhere but to the ftrack server.
    pub fn goes_elsewhere(&self) -> bool {
        self.versions.iter().any(PlannedVersion::goes_elsewhere)
    }

    /// Returns the bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.versions.iter().map(PlannedVersion::bytes).sum()
    }

    /// Returns the files that go to the ftrack server, in the order in which [`Noted`](super::Noted) gives their ids.
    pub fn sent_files(&self) -> Vec<PathBuf> {
        let files = self.versions.iter().flat_map(PlannedVersion::sent_files);
        files.map(|of| of.file.path.clone()).collect()
    }
}

impl PlannedVersion {
    /// Returns whether a component goes anywhere but to the ftrack server.
    pub fn goes_elsewhere(&self) -> bool {
        self.components.iter().any(PlannedComponent::goes_elsewhere)
    }

    /// Returns the bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files().iter().map(|of| of.file.size).sum()
    }

    /// Returns its files that go to the ftrack server.
    pub(super) fn sent_files(&self) -> impl Iterator<Item = FileOf<'_>> {
        self.files().into_iter().filter(|of| of.is_sent)
    }

    /// Returns all its files.
    pub(super) fn files(&self) -> Vec<FileOf<'_>> {
        let mut files = Vec::new();
        for component in &self.components {
            let is_sent = component.locations.iter().any(|l| l == SERVER_LOCATION);
            component.for_each_file(&component.name, &mut |key, file| {
                let part = component.name.as_str();
                files.push(FileOf {
                    key,
                    part,
                    file,
                    is_sent,
                });
            });
        }
        let source = match &self.encode {
            Some(EncodeSource::File(file)) => Some((REVIEWABLE, file)),
            _ => None,
        };
        let thumbnail = self.thumbnail.as_ref().map(|file| (THUMBNAIL, file));
        files.extend(
            source
                .into_iter()
                .chain(thumbnail)
                .map(|(part, file)| FileOf {
                    key: part.to_owned(),
                    part,
                    file,
                    is_sent: true,
                }),
        );
        files
    }
}

/// The name of the component that is sent only to be encoded, and that of a thumbnail. No component of a user may have them.
pub(super) const REVIEWABLE: &str = "reviewable";
pub(super) const THUMBNAIL: &str = "thumbnail";

impl PlannedComponent {
    /// Returns whether it goes anywhere but to the ftrack server.
    pub fn goes_elsewhere(&self) -> bool {
        self.locations.iter().any(|l| l != SERVER_LOCATION)
    }

    /// Returns the bytes of its files.
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::File(file) => file.size,
            Content::Sequence { members, .. } => members.iter().map(|(_, file)| file.size).sum(),
            Content::Container(members) => members.iter().map(Self::size).sum(),
        }
    }

    fn for_each_file<'a>(&'a self, key: &str, visit: &mut impl FnMut(String, &'a PlannedFile)) {
        match &self.content {
            Content::File(file) => visit(key.to_owned(), file),
            Content::Sequence { members, .. } => members
                .iter()
                .for_each(|(name, file)| visit(format!("{key}/{name}"), file)),
            Content::Container(members) => members.iter().for_each(|member| {
                member.for_each_file(&format!("{key}/{}", member.name), visit);
            }),
        }
    }
}

impl PlannedFile {
    /// Returns the name under which the file is downloaded later.
    pub fn name(&self) -> String {
        file_name(&self.path)
    }
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Returns the extension of a path, dot included; a name that only begins with a dot has none.
pub(super) fn file_extension(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    match name.rfind('.') {
        Some(dot) if dot > 0 => &name[dot..],
        _ => "",
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.node, self.message)
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.node, self.message)
    }
}
