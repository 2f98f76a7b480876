//! The ids of what a publish makes.
//!
//! The id of a version follows from what is published: the description without the folders of its files, and the digests of the files. The same publish run again, from any
//! machine, therefore has the same ids of versions; the server refuses to create them twice. So nothing has to be remembered anywhere to know that a publish was finished, or
//! to find out what became of a call whose answer was lost: the ids are asked for. Registrations and links follow from the version.
//!
//! The ids of components say nothing of content. Files are sent before all of their version are hashed, and no other run may ever write to the same component; so they are
//! new for each run, unless a journal has kept those of a run that was killed.

use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use super::plan::{Content, EncodeSource, PlannedComponent, PlannedFile, PlannedVersion};
use crate::checksum::Digest;

/// Changed whenever the form of what is hashed is.
const SCHEME: &str = "ftrack-rs publish 1";

/// Returns the id of a new asset: the same for all who make the asset of this name at this place at the same time.
pub(super) fn asset(parent_id: &str, name: &str, type_id: Option<&str>) -> String {
    derived(&json!([
        SCHEME,
        "asset",
        parent_id,
        name.to_lowercase(),
        type_id
    ]))
    .to_string()
}

/// Returns the id of something that belongs to a version, or to its components.
pub(super) fn part(whole: Uuid, kind: &str, name: &str) -> String {
    derived(&json!([whole.to_string(), kind, name])).to_string()
}

/// Returns what the ids of the components of a version follow from in one run.
pub(super) fn components(salt: Uuid, position: usize) -> Uuid {
    derived(&json!([SCHEME, "components", salt.to_string(), position]))
}

/// Returns the id of a version, or what the registrations of further components of an existing version follow from.
///
/// `digests` are those of its files, in their order; `uses` the ids of the versions of this publish that it was made with; a `salt` makes it another one.
pub(super) fn version(
    planned: &PlannedVersion,
    digests: &[Digest],
    uses: &[Uuid],
    salt: Option<&str>,
) -> Uuid {
    let asset = &planned.asset;
    let mut uses: Vec<_> = uses.iter().map(Uuid::to_string).collect();
    uses.extend(planned.uses_existing.iter().cloned());
    uses.sort();
    let mut identity = json!({
        "scheme": SCHEME,
        "salt": salt,
        // Not the id of the asset: it may be made by this publish.
        "asset": [asset.parent_id, asset.name.to_lowercase(), asset.type_id],
        "version": planned.existing,
        "task": planned.task_id,
        "comment": planned.comment,
        "data": planned.data,
        "metadata": planned.metadata,
        "uses": uses,
        "components": planned.components.iter().map(component).collect::<Vec<_>>(),
        "encode": planned.encode.as_ref().map(encode),
        "thumbnail": planned.thumbnail.as_ref().map(PlannedFile::name),
        "digests": digests.iter().map(Digest::to_string).collect::<Vec<_>>(),
    });
    // Versions without any keep the ids that they had before these were known.
    if !planned.custom_attributes.is_empty() {
        identity["custom_attributes"] = json!(planned.custom_attributes);
    }
    derived(&identity)
}

fn component(planned: &PlannedComponent) -> Value {
    let content = match &planned.content {
        Content::File(file) => json!(file.name()),
        Content::Sequence { padding, members } => {
            let names: Vec<_> = members.iter().map(|(_, file)| file.name()).collect();
            json!({"padding": padding, "members": names})
        }
        Content::Container(members) => members.iter().map(component).collect(),
    };
    json!({
        "name": planned.name,
        "content": content,
        "data": planned.data,
        "metadata": planned.metadata,
        "locations": planned.locations,
    })
}

fn encode(source: &EncodeSource) -> Value {
    match source {
        EncodeSource::Component(name) => json!(name),
        EncodeSource::File(file) => json!([file.name()]),
    }
}

/// Makes a UUID of a value, whose members are written in the order of their names.
fn derived(value: &Value) -> Uuid {
    let digest = ftrack_md5::digest(value.to_string().as_bytes());
    Builder::from_md5_bytes(digest).into_uuid()
}
