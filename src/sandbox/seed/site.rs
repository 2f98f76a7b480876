//! What a site has besides its workflow: locations, categories, asset types, roles, settings, custom attributes.

use rusqlite::{Connection, types::Value};

use super::{
    id,
    rows::Rows,
    workflow::{SEQUENCE, SHOT},
};
use crate::error::ApiError;
use crate::media::files::SERVER_LOCATION;

/// The locations that clients know by their id.
const LOCATIONS: &[(&str, &str, &str)] = &[
    (
        "ce9b348f-8809-11e3-821c-20c9d081909b",
        "ftrack.origin",
        "Origin",
    ),
    (
        "cb268ecc-8809-11e3-a7e2-20c9d081909b",
        "ftrack.unmanaged",
        "Unmanaged",
    ),
    (
        "cd41be70-8809-11e3-b98a-20c9d081909b",
        "ftrack.review",
        "Review",
    ),
    (
        "07b82a97-8cf9-11e3-9383-20c9d081909b",
        "ftrack.connect",
        "Connect",
    ),
    (SERVER_LOCATION, "ftrack.server", "Server"),
];

/// Short name, name and, where clients know it, the id.
const ASSET_TYPES: &[(&str, &str, Option<&str>)] = &[
    (
        "upload",
        "Upload",
        Some("8f4144e0-a8e6-11e2-9e96-0800200c9a66"),
    ),
    (
        "geo",
        "Geometry",
        Some("44eb3ca8-4164-11df-9218-0019bb4983d8"),
    ),
    ("anim", "Animation", None),
    ("audio", "Audio", None),
    ("cache", "Cache", None),
    ("cam", "Camera", None),
    ("comp", "Compositing Script", None),
    ("edit", "Edit", None),
    ("img", "Image Sequence", None),
    ("lgt", "Lighting", None),
    ("lookdev", "Lookdev", None),
    ("render", "Render", None),
    ("rig", "Rig", None),
    ("scene", "Scene", None),
];

const LIST_CATEGORIES: &[(&str, &str)] = &[
    ("87d974d2-d6f7-11e1-8930-f23c91df25eb", "Default"),
    ("77b9ab82-07c2-11e4-ba66-04011030cf01", "Dailies"),
    ("712f0fee-ead3-11e2-846c-f23c91dfaa16", "Delivery"),
];

/// The one that clients know is where notes of review sessions go.
const NOTE_CATEGORIES: &[(&str, &str, Option<&str>)] = &[
    ("Internal", "#3498DB", None),
    ("Client feedback", "#9b59b6", None),
    (
        "Review session",
        "#27ae60",
        Some("42983ba0-53b0-11e4-916c-0800200c9a66"),
    ),
];

pub(super) const ADMINISTRATOR: &str = "Administrator";
pub(super) const ARTIST: &str = "User";
/// The role that global API keys can have; users have the others.
const API: &str = "API";
const SECURITY_ROLES: &[&str] = &[ADMINISTRATOR, API, "Project Manager", ARTIST];

pub(super) const FRAME_START: &str = "acd86546-4082-11e2-95b1-0019bb4983d8";
pub(super) const FRAME_END: &str = "432bc746-4087-11e2-8250-0019bb4983d8";

const NUMBER: &str = "92009b00-381c-11e0-acff-0019bb49847a";
const CUSTOM_ATTRIBUTE_TYPES: &[(&str, &str)] = &[
    ("6268aef0-381c-11e0-acff-0019bb49847a", "text"),
    ("79968e9e-381c-11e0-acff-0019bb49847a", "date"),
    (NUMBER, "number"),
    ("ad1034d8-15e2-11e1-b21a-0019bb4983d8", "boolean"),
    ("6ff9c812-ead3-11e2-846c-f23c91dfaa16", "enumerator"),
    ("882e4aee-fae6-11e3-b623-20c9d0831e59", "dynamic enumerator"),
    ("ec616dcd-56e2-4147-99f8-7e4a4f040cf9", "url"),
    ("d2e6a530-357f-11e2-bd73-0019bb4985b8", "expression"),
];

/// Id, key, label, object type (none: projects) and default of the attributes that a new site has.
const CONFIGURATIONS: &[(&str, &str, &str, Option<&str>, i64)] = &[
    (FRAME_START, "fstart", "Frame start", Some(SHOT), 1),
    (FRAME_END, "fend", "Frame end", Some(SHOT), 1),
    (
        "432bdfa6-4087-11e2-8250-0019bb4983d8",
        "handles",
        "Frame handles",
        Some(SHOT),
        0,
    ),
    (
        "d25907a0-acb5-11e1-8668-f23c91df1211",
        "fps",
        "fps",
        Some(SHOT),
        25,
    ),
    (
        "d25532e2-acb5-11e1-8668-f23c91df1211",
        "fps",
        "fps",
        Some(SEQUENCE),
        25,
    ),
    (
        "d25219d6-acb5-11e1-8668-f23c91df1211",
        "fps",
        "fps",
        None,
        24,
    ),
];

/// Inserts all of it.
pub(super) fn insert(connection: &Connection) -> Result<(), ApiError> {
    insert_locations(connection)?;
    insert_categories(connection)?;
    insert_roles(connection)?;
    insert_settings(connection)?;
    insert_custom_attributes(connection)
}

/// Returns the id of a security role.
pub(super) fn role(name: &str) -> String {
    id::of(&["SecurityRole", name])
}

/// Returns the id of an asset type that clients do not know by heart.
pub(super) fn asset_type(short: &str) -> String {
    id::of(&["AssetType", short])
}

/// Returns the id of a note category that clients do not know by heart.
pub(super) fn note_category(name: &str) -> String {
    id::of(&["NoteCategory", name])
}

fn insert_locations(connection: &Connection) -> Result<(), ApiError> {
    let mut rows = Rows::of(connection, "location", &["id", "name", "label"])?;
    LOCATIONS
        .iter()
        .try_for_each(|location| rows.add(*location))?;
    let mut rows = Rows::of(connection, "disk", &["id", "name", "unix", "windows"])?;
    rows.add((
        id::of(&["Disk", "default"]),
        "Default",
        "/mnt/projects",
        "P:\\",
    ))
}

fn insert_categories(connection: &Connection) -> Result<(), ApiError> {
    let mut rows = Rows::of(
        connection,
        "asset_type",
        &["id", "name", "short", "component"],
    )?;
    for (short, name, known) in ASSET_TYPES {
        let id = known.map_or_else(|| asset_type(short), str::to_owned);
        rows.add((id, name, short, "main"))?;
    }
    let mut rows = Rows::of(connection, "list_category", &["id", "name"])?;
    LIST_CATEGORIES
        .iter()
        .try_for_each(|category| rows.add(*category))?;
    let mut rows = Rows::of(connection, "note_label", &["id", "name", "color", "sort"])?;
    for (sort, (name, color, known)) in (0_i64..).zip(NOTE_CATEGORIES) {
        let id = known.map_or_else(|| note_category(name), str::to_owned);
        rows.add((id, name, color, sort))?;
    }
    let mut rows = Rows::of(connection, "manager_type", &["id", "name"])?;
    for name in ["Coordinator", "Producer", "Supervisor"] {
        rows.add((id::of(&["ManagerType", name]), name))?;
    }
    Ok(())
}

fn insert_roles(connection: &Connection) -> Result<(), ApiError> {
    let mut rows = Rows::of(connection, "security_role", &["id", "name", "type"])?;
    SECURITY_ROLES.iter().try_for_each(|name| {
        let role_type = if *name == API { "API" } else { "PROJECT" };
        rows.add((role(name), name, role_type))
    })?;
    let mut rows = Rows::of(connection, "user_type", &["id", "name"])?;
    rows.add((crate::semantics::USER_TYPE, "User"))
}

fn insert_settings(connection: &Connection) -> Result<(), ApiError> {
    let mut rows = Rows::of(connection, "setting", &["group", "name", "value"])?;
    rows.add((
        "STORAGE",
        "storage_scenario",
        r#"{"scenario": "ftrack.automatic", "data": {}}"#,
    ))?;
    rows.add(("TIME", "week_startday", "1"))?;
    rows.add(("TIME", "workday_length", "8"))
}

fn insert_custom_attributes(connection: &Connection) -> Result<(), ApiError> {
    let mut rows = Rows::of(connection, "custom_attribute_type", &["id", "name", "core"])?;
    CUSTOM_ATTRIBUTE_TYPES
        .iter()
        .try_for_each(|(id, name)| rows.add((id, name, true)))?;
    let group = id::of(&["CustomAttributeGroup", "Frames"]);
    let mut rows = Rows::of(connection, "custom_attribute_group", &["id", "name"])?;
    rows.add((&group, "Frames"))?;
    insert_configurations(connection, &group)?;
    insert_configuration_roles(connection)
}

fn insert_configurations(connection: &Connection, group: &str) -> Result<(), ApiError> {
    let columns = [
        "id",
        "configuration_kind",
        "key",
        "label",
        "entity_type",
        "object_type_id",
        "default",
        "sort",
        "type_id",
        "group_id",
        "config",
        "core",
        "is_hierarchical",
    ];
    let mut rows = Rows::of(connection, "custom_attribute_configuration", &columns)?;
    for (sort, (id, key, label, object_type, default)) in (0_i64..).zip(CONFIGURATIONS) {
        let entity_type = if object_type.is_some() {
            "task"
        } else {
            "show"
        };
        let config = r#"{"isdecimal": false}"#;
        let default = Value::Integer(*default);
        rows.add((
            id,
            "value",
            key,
            label,
            entity_type,
            object_type,
            default,
            sort,
            NUMBER,
            group,
            config,
            false,
            false,
        ))?;
    }
    Ok(())
}

/// Lets every role see and set all of them.
fn insert_configuration_roles(connection: &Connection) -> Result<(), ApiError> {
    for table in ["configuration_read_role", "configuration_write_role"] {
        let mut rows = Rows::of(connection, table, &["configuration_id", "security_role_id"])?;
        for (configuration, ..) in CONFIGURATIONS {
            SECURITY_ROLES
                .iter()
                .try_for_each(|name| rows.add((configuration, role(name))))?;
        }
    }
    Ok(())
}
