//! The operations that make what was planned, all of one transaction.
//!
//! Everything is created whole, and nothing is updated that this batch creates: servers are known to update before they create. A version names its thumbnail, so the
//! thumbnail comes before it, and belongs to no version itself.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use super::plan::{
    Content, EncodeSource, Plan, PlannedAsset, PlannedComponent, PlannedFile, PlannedVersion,
    REVIEWABLE, SERVER_LOCATION, file_extension,
};
use super::seal::Sealed;

/// A component whose data was put into a location by others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The component.
    pub component_id: String,
    /// The location.
    pub location_id: String,
    /// What the component is called there.
    pub resource_identifier: String,
}

/// Collects the operations of one batch.
#[derive(Default)]
pub(super) struct Batch {
    operations: Vec<Value>,
    made: HashSet<String>,
}

impl Batch {
    /// Returns the operations.
    pub(super) fn into_operations(self) -> Vec<Value> {
        self.operations
    }

    fn create(&mut self, entity_type: &str, id: &str, mut data: Map<String, Value>) {
        if !self.made.insert(id.to_owned()) {
            return;
        }
        data.insert("id".to_owned(), id.into());
        self.write("create", entity_type, &json!([id]), data);
    }

    fn write(
        &mut self,
        action: &str,
        entity_type: &str,
        key: &Value,
        mut data: Map<String, Value>,
    ) {
        data.insert("__entity_type__".to_owned(), entity_type.into());
        self.operations.push(json!({
            "action": action, "entity_type": entity_type, "entity_key": key, "entity_data": data,
        }));
    }

    fn metadata(&mut self, parent_type: &str, parent: &str, values: &BTreeMap<String, String>) {
        for (key, value) in values {
            let data = json!({"parent_id": parent, "parent_type": parent_type, "key": key, "value": value});
            self.write("create", "Metadata", &json!([parent, key]), members(data));
        }
    }

    fn register(&mut self, sealed: &Sealed, component: &str, location: &str, identifier: &str) {
        let data = json!({
            "component_id": component, "location_id": location, "resource_identifier": identifier,
        });
        let id = sealed.registration(component, location);
        self.create("ComponentLocation", &id, members(data));
    }

    /// Makes an asset, unless it is there.
    fn asset(&mut self, asset: &PlannedAsset) {
        if asset.exists {
            return;
        }
        let data = json!({
            "name": asset.name, "context_id": asset.parent_id, "type_id": asset.type_id,
        });
        self.create("Asset", &asset.id, members(data));
    }

    /// Makes a version that nobody sees as published, so that it has a number.
    pub(super) fn reserve(&mut self, planned: &PlannedVersion, sealed: &Sealed) {
        self.asset(&planned.asset);
        let mut data = version_data(planned);
        data.insert("is_published".to_owned(), false.into());
        self.create("AssetVersion", &sealed.id.to_string(), data);
    }

    /// Makes a version with everything that belongs to it. One that was reserved becomes published.
    pub(super) fn publish(
        &mut self,
        plan: &Plan,
        position: usize,
        sealed: &[Option<Sealed>],
        is_reserved: bool,
    ) {
        let planned = &plan.versions[position];
        let Some(own) = &sealed[position] else {
            return;
        };
        self.thumbnail(planned, own);
        let id = self.version(planned, own, is_reserved);
        self.metadata("AssetVersion", &id, &planned.metadata);
        for component in &planned.components {
            self.component(component, &component.name, own, &Owner::Version(&id));
        }
        if let Some(EncodeSource::File(file)) = &planned.encode {
            self.lone_file(&file_stem(file), file, own, &own.component(REVIEWABLE));
        }
        let of_publish = planned.uses.iter().filter_map(|used| {
            let id = sealed[*used].as_ref()?.id.to_string();
            Some(plan.versions[*used].existing.clone().unwrap_or(id))
        });
        for used in of_publish.chain(planned.uses_existing.iter().cloned()) {
            let data = json!({"from_id": used, "to_id": id});
            self.create("AssetVersionLink", &own.link(&used), members(data));
        }
    }

    /// Registers components in locations that others put them into.
    pub(super) fn place(&mut self, sealed: &Sealed, placements: &[Placement]) {
        for placement in placements {
            self.register(
                sealed,
                &placement.component_id,
                &placement.location_id,
                &placement.resource_identifier,
            );
        }
    }

    fn thumbnail(&mut self, planned: &PlannedVersion, own: &Sealed) {
        if let (Some(file), Some(id)) = (&planned.thumbnail, &own.thumbnail) {
            self.lone_file("thumbnail", file, own, id);
        }
    }

    /// Makes the version, or changes the one that is there, and returns its id.
    fn version(&mut self, planned: &PlannedVersion, own: &Sealed, is_reserved: bool) -> String {
        let mut data = Map::new();
        if let Some(thumbnail) = &own.thumbnail {
            data.insert("thumbnail_id".to_owned(), thumbnail.as_str().into());
        }
        if let Some(existing) = &planned.existing {
            if !data.is_empty() {
                self.write("update", "AssetVersion", &json!([existing]), data);
            }
            return existing.clone();
        }
        let id = own.id.to_string();
        data.insert("is_published".to_owned(), true.into());
        if is_reserved {
            self.write("update", "AssetVersion", &json!([id]), data);
        } else {
            self.asset(&planned.asset);
            data.extend(version_data(planned));
            self.create("AssetVersion", &id, data);
        }
        id
    }

    /// Makes a component, then its members, then its registrations, members first.
    fn component(
        &mut self,
        planned: &PlannedComponent,
        key: &str,
        own: &Sealed,
        owner: &Owner<'_>,
    ) {
        let id = own.component(key);
        let mut data = planned.data.clone();
        data.extend(members(json!({
            "name": planned.name, "size": planned.size(), "file_type": planned.file_type,
        })));
        owner.write_into(&mut data);
        let is_on_server = planned.locations.iter().any(|l| l == SERVER_LOCATION);
        let entity_type = match &planned.content {
            Content::File(_) => "FileComponent",
            Content::Sequence { padding, .. } => {
                data.insert("padding".to_owned(), (*padding).into());
                "SequenceComponent"
            }
            Content::Container(_) => "ContainerComponent",
        };
        self.create(entity_type, &id, data);
        self.metadata(entity_type, &id, &planned.metadata);
        let inside = Owner::Container(&id);
        match &planned.content {
            Content::File(_) => {}
            Content::Sequence { members: files, .. } => {
                for (name, file) in files {
                    let member_id = own.component(&format!("{key}/{name}"));
                    let mut data = members(json!({
                        "name": name, "size": file.size, "file_type": planned.file_type,
                    }));
                    inside.write_into(&mut data);
                    self.create("FileComponent", &member_id, data);
                    if is_on_server {
                        self.register(own, &member_id, SERVER_LOCATION, &member_id);
                    }
                }
            }
            Content::Container(inner) => {
                for member in inner {
                    self.component(member, &format!("{key}/{}", member.name), own, &inside);
                }
            }
        }
        if is_on_server {
            self.register(own, &id, SERVER_LOCATION, &id);
        }
    }

    /// Makes a component on the server that belongs to no version.
    fn lone_file(&mut self, name: &str, file: &PlannedFile, own: &Sealed, id: &str) {
        let data = json!({
            "name": name, "size": file.size, "file_type": file_extension(&file.name()),
        });
        self.create("FileComponent", id, members(data));
        self.register(own, id, SERVER_LOCATION, id);
    }
}

/// What a component belongs to.
enum Owner<'a> {
    Version(&'a str),
    Container(&'a str),
}

impl Owner<'_> {
    fn write_into(&self, data: &mut Map<String, Value>) {
        let (name, id) = match self {
            Self::Version(id) => ("version_id", id),
            Self::Container(id) => ("container_id", id),
        };
        data.insert(name.to_owned(), (*id).into());
    }
}

/// Returns the attributes that a version has from the start.
fn version_data(planned: &PlannedVersion) -> Map<String, Value> {
    let mut data = planned.data.clone();
    data.insert("asset_id".to_owned(), planned.asset.id.as_str().into());
    data.insert("comment".to_owned(), planned.comment.as_str().into());
    if let Some(task) = &planned.task_id {
        data.insert("task_id".to_owned(), task.as_str().into());
    }
    data
}

fn file_stem(file: &PlannedFile) -> String {
    let name = file.name();
    let extension = file_extension(&name);
    name[..name.len() - extension.len()].to_owned()
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
