//! The operations that make what was planned, all of one transaction.
//!
//! Everything is created whole, and nothing is updated that this batch creates: servers are known to update before they create. A version names its thumbnail, so the
//! thumbnail comes before it, and belongs to no version itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::plan::{
    Content, EncodeSource, PlannedAsset, PlannedComponent, PlannedFile, PlannedVersion, REVIEWABLE,
    SERVER_LOCATION, THUMBNAIL, file_extension,
};
use super::seal::{Parts, Sealed};

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

/// A version with the ids of everything that belongs to it.
#[derive(Clone, Copy)]
pub(super) struct Made<'a> {
    pub(super) planned: &'a PlannedVersion,
    pub(super) sealed: &'a Sealed,
    pub(super) parts: &'a Parts,
    /// Whether the version is there already, and becomes published.
    pub(super) is_reserved: bool,
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

    /// Creates an entity, unless this batch does already; returns whether it did not.
    fn create(&mut self, entity_type: &str, id: &str, mut data: Map<String, Value>) -> bool {
        let is_new = self.made.insert(id.to_owned());
        if is_new {
            data.insert("id".to_owned(), id.into());
            self.write("create", entity_type, &json!([id]), data);
        }
        is_new
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

    /// Registers a component in a location, under an id that follows from the version.
    fn register(&mut self, sealed: &Sealed, key: &str, placement: &Placement) {
        let Placement {
            component_id,
            location_id,
            resource_identifier,
        } = placement;
        let data = json!({
            "component_id": component_id, "location_id": location_id,
            "resource_identifier": resource_identifier,
        });
        let id = sealed.registration(key, location_id);
        self.create("ComponentLocation", &id, members(data));
    }

    /// Registers a component on the ftrack server, which calls data by its component.
    fn register_on_server(&mut self, sealed: &Sealed, key: &str, id: &str) {
        let placement = Placement {
            component_id: id.to_owned(),
            location_id: SERVER_LOCATION.to_owned(),
            resource_identifier: id.to_owned(),
        };
        self.register(sealed, key, &placement);
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

    /// Makes a version with everything that belongs to it. `uses` holds the ids of the versions that it was made with.
    pub(super) fn publish(&mut self, made: Made<'_>, uses: &[String]) {
        let Made {
            planned, sealed, ..
        } = made;
        if let Some(file) = &planned.thumbnail {
            self.lone_file(made, THUMBNAIL, THUMBNAIL, file);
        }
        let id = self.version(made);
        self.metadata("AssetVersion", &id, &planned.metadata);
        for (configuration, value) in &planned.custom_attributes {
            let data = json!({"configuration_id": configuration, "entity_id": id, "value": value});
            let key = json!([configuration, id]);
            self.write("create", "CustomAttributeValue", &key, members(data));
        }
        for component in &planned.components {
            self.component(made, component, &component.name, &Owner::Version(&id));
        }
        if let Some(EncodeSource::File(file)) = &planned.encode {
            self.lone_file(made, REVIEWABLE, &file_stem(file), file);
        }
        for used in uses {
            let data = json!({"from_id": used, "to_id": id});
            self.create("AssetVersionLink", &sealed.link(used), members(data));
        }
    }

    /// Registers components in locations that others put them into. `keys` holds their names within the version, by their ids.
    pub(super) fn place(
        &mut self,
        sealed: &Sealed,
        keys: &HashMap<String, String>,
        placements: &[Placement],
    ) {
        for placement in placements {
            if let Some(key) = keys.get(&placement.component_id) {
                self.register(sealed, key, placement);
            }
        }
    }

    /// Makes the version, or changes the one that is there, and returns its id.
    fn version(&mut self, made: Made<'_>) -> String {
        let Made {
            planned, sealed, ..
        } = made;
        let mut data = Map::new();
        if planned.thumbnail.is_some() {
            data.insert("thumbnail_id".to_owned(), made.parts.id(THUMBNAIL).into());
        }
        if let Some(existing) = &planned.existing {
            if !data.is_empty() {
                self.write("update", "AssetVersion", &json!([existing]), data);
            }
            return existing.clone();
        }
        let id = sealed.id.to_string();
        data.insert("is_published".to_owned(), true.into());
        if made.is_reserved {
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
        made: Made<'_>,
        planned: &PlannedComponent,
        key: &str,
        owner: &Owner<'_>,
    ) {
        let id = made.parts.id(key);
        let mut data = planned.data.clone();
        data.entry("file_type")
            .or_insert_with(|| planned.file_type.as_str().into());
        data.extend(members(
            json!({"name": planned.name, "size": planned.size()}),
        ));
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
                    let member_key = format!("{key}/{name}");
                    let member_id = made.parts.id(&member_key);
                    self.frame(&member_id, name, file.size, &planned.file_type, &inside);
                    if is_on_server {
                        self.register_on_server(made.sealed, &member_key, &member_id);
                    }
                }
            }
            Content::Container(inner) => {
                for member in inner {
                    let member_key = format!("{key}/{}", member.name);
                    self.component(made, member, &member_key, &inside);
                }
            }
        }
        if is_on_server {
            self.register_on_server(made.sealed, key, &id);
        }
    }

    /// Makes a member of a sequence.
    fn frame(&mut self, id: &str, name: &str, size: u64, file_type: &str, sequence: &Owner<'_>) {
        let mut data = members(json!({"name": name, "size": size, "file_type": file_type}));
        sequence.write_into(&mut data);
        self.create("FileComponent", id, data);
    }

    /// Makes a component on the server that belongs to no version; versions may share it.
    fn lone_file(&mut self, made: Made<'_>, key: &str, name: &str, file: &PlannedFile) {
        let data = json!({
            "name": name, "size": file.size, "file_type": file_extension(&file.name()),
        });
        let id = made.parts.id(key);
        if self.create("FileComponent", &id, members(data)) {
            self.register_on_server(made.sealed, key, &id);
        }
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
