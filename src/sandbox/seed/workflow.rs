//! Object types, statuses, types, priorities, and the project schemas that say which of them a project uses.

use rusqlite::Connection;

use super::{id, rows::Rows};
use crate::error::ApiError;

pub(super) const TASK: &str = "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c";
pub(super) const SHOT: &str = "bad911de-3bd6-47b9-8b46-3476e237cb36";
pub(super) const SEQUENCE: &str = "e5139355-61da-4c8f-9db4-3abc870166bc";
pub(super) const FOLDER: &str = "3c133785-51cb-11e3-980a-20c9d0831e59";
pub(super) const ASSET_BUILD: &str = "4be63b64-5010-42fb-bf1f-428af9d638f0";
pub(super) const EPISODE: &str = "22139355-61da-4c8f-9db4-3abc870166bc";
const MILESTONE: &str = "01decdd1-51cb-11e3-9d5b-20c9d0831e59";

pub(super) const NOT_STARTED: &str = "44dd9fb2-4164-11df-9218-0019bb4983d8";
pub(super) const IN_PROGRESS: &str = "44ddd0fe-4164-11df-9218-0019bb4983d8";
pub(super) const PENDING_REVIEW: &str = "44dded64-4164-11df-9218-0019bb4983d8";
pub(super) const APPROVED: &str = "44de097a-4164-11df-9218-0019bb4983d8";
pub(super) const ON_HOLD: &str = "a0bc2444-15e2-11e1-b21a-0019bb4983d8";
pub(super) const OMITTED: &str = "a0bc3f24-15e2-11e1-b21a-0019bb4983d8";
pub(super) const COMPLETED: &str = "9bb65936-88e7-11e3-9264-04011030cf01";
const CLIENT_APPROVED: &str = "d5d6d8ca-ebb2-11e2-aef9-f23c91dfaa16";

const STATE_NOT_STARTED: &str = "cea0ba04-acb5-11e1-8668-f23c91df1211";
const STATE_IN_PROGRESS: &str = "cea0efc4-acb5-11e1-8668-f23c91df1211";
const STATE_DONE: &str = "cea116d4-acb5-11e1-8668-f23c91df1211";
const STATE_BLOCKED: &str = "5709c04e-2f4b-11e2-b663-0019bb4983d8";

pub(super) const PRIORITY_NONE: &str = "9661b320-3a0c-11e2-81c1-0800200c9a66";
pub(super) const PRIORITY_HIGH: &str = "847f9cda-ead3-11e2-846c-f23c91dfaa16";

pub(super) const VFX: &str = "caddd816-acb5-11e1-8668-f23c91df1211";
pub(super) const ANIMATION_SCHEMA: &str = "9c77018e-6af0-11eb-b045-169be7b6c453";

pub(super) const MODELING: &str = "44dc53c8-4164-11df-9218-0019bb4983d8";
pub(super) const RIGGING: &str = "44dd5868-4164-11df-9218-0019bb4983d8";
pub(super) const LOOKDEV: &str = "44dc8cd0-4164-11df-9218-0019bb4983d8";
pub(super) const TRACKING: &str = "44dd3ed2-4164-11df-9218-0019bb4983d8";
pub(super) const LAYOUT: &str = "ffaebf7a-9dca-11e9-8346-d27cf242b68b";
pub(super) const ANIMATION: &str = "44dc3636-4164-11df-9218-0019bb4983d8";
pub(super) const FX: &str = "44dcea86-4164-11df-9218-0019bb4983d8";
pub(super) const LIGHTING: &str = "44dd08fe-4164-11df-9218-0019bb4983d8";
pub(super) const COMPOSITING: &str = "44dd23b6-4164-11df-9218-0019bb4983d8";
pub(super) const CHARACTER: &str = "66d145f0-13c6-11e3-abf2-f23c91dfaa16";
pub(super) const PROP: &str = "66d1aedc-13c6-11e3-abf2-f23c91dfaa16";
pub(super) const ENVIRONMENT: &str = "66d1daba-13c6-11e3-abf2-f23c91dfaa16";
const MATTE_PAINTING: &str = "66d2038c-13c6-11e3-abf2-f23c91dfaa16";

/// Id, name, and whether it is time reportable, taskable, typeable, statusable, schedulable and a leaf.
const OBJECT_TYPES: &[(&str, &str, [bool; 6])] = &[
    (FOLDER, "Folder", [false, true, false, false, false, false]),
    (EPISODE, "Episode", [false, true, false, true, false, false]),
    (
        SEQUENCE,
        "Sequence",
        [false, true, false, false, false, false],
    ),
    (SHOT, "Shot", [false, true, false, true, false, false]),
    (
        ASSET_BUILD,
        "Asset Build",
        [false, true, true, true, false, false],
    ),
    (TASK, "Task", [true, false, true, true, true, true]),
    (
        MILESTONE,
        "Milestone",
        [false, false, true, true, true, true],
    ),
];

const STATES: &[(&str, &str, &str)] = &[
    (STATE_NOT_STARTED, "Not started", "NOT_STARTED"),
    (STATE_IN_PROGRESS, "In progress", "IN_PROGRESS"),
    (STATE_DONE, "Done", "DONE"),
    (STATE_BLOCKED, "Blocked", "BLOCKED"),
];

/// In the order ftrack lists them: what is done comes first.
const STATUSES: &[(&str, &str, &str, &str)] = &[
    (COMPLETED, "Completed", "#1cbc90", STATE_DONE),
    (OMITTED, "Omitted", "#E74C3C", STATE_BLOCKED),
    (ON_HOLD, "On Hold", "#E74C3C", STATE_BLOCKED),
    (CLIENT_APPROVED, "Client approved", "#1CBC90", STATE_DONE),
    (APPROVED, "Approved", "#1cbc90", STATE_DONE),
    (
        PENDING_REVIEW,
        "Pending Review",
        "#F1C40F",
        STATE_IN_PROGRESS,
    ),
    (IN_PROGRESS, "In progress", "#3498DB", STATE_IN_PROGRESS),
    (NOT_STARTED, "Not started", "#CACACA", STATE_NOT_STARTED),
];

const PRIORITIES: &[(&str, &str, &str)] = &[
    ("847fb90e-ead3-11e2-846c-f23c91dfaa16", "Urgent", "#E74C3C"),
    (PRIORITY_HIGH, "High", "#E67E22"),
    ("847f8146-ead3-11e2-846c-f23c91dfaa16", "Medium", "#F1C40F"),
    ("847f663e-ead3-11e2-846c-f23c91dfaa16", "Low", "#1CBC90"),
    (PRIORITY_NONE, "None", "#CACACA"),
];

/// The types of tasks.
const TASK_TYPES: &[(&str, &str, &str)] = &[
    (
        "56807358-a0f4-11e9-9843-d27cf242b68b",
        "Concept Art",
        "#33CCCC",
    ),
    (MODELING, "Modeling", "#935ba2"),
    (RIGGING, "Rigging", "#58592d"),
    ("a750a84f-b253-11eb-ad41-1e003a0c2434", "Texture", "#f1c40f"),
    (LOOKDEV, "Lookdev", "#a3635d"),
    (
        "b628a004-ad7d-11e1-896c-f23c91df1211",
        "Production",
        "#bdc3c7",
    ),
    ("cc46c4c6-13d2-11e3-8915-f23c91dfaa16", "Editing", "#f1c40f"),
    ("a3ead45c-ae42-11e9-9454-d27cf242b68b", "Conform", "#ABABAB"),
    (TRACKING, "Tracking", "#27ae60"),
    (
        "c3bcfdb4-ad7d-11e1-a444-f23c91df1211",
        "Rotoscoping",
        "#3498db",
    ),
    ("44dc6ffc-4164-11df-9218-0019bb4983d8", "Previz", "#27ae60"),
    (LAYOUT, "Layout", "#3a2d5a"),
    (ANIMATION, "Animation", "#35592d"),
    (FX, "FX", "#9b59b6"),
    (LIGHTING, "Lighting", "#5b5ba3"),
    (
        "262225e8-9dcb-11e9-82b8-d27cf242b68b",
        "Rendering",
        "#5ba3a3",
    ),
    (COMPOSITING, "Compositing", "#2d5959"),
    (
        "ae1e2480-f24e-11e2-bd1f-f23c91dfaa16",
        "Deliverable",
        "#2980b9",
    ),
];

/// The types of asset builds.
const BUILD_TYPES: &[(&str, &str, &str)] = &[
    (CHARACTER, "Character", "#3a2d5a"),
    (PROP, "Prop", "#f39c12"),
    (ENVIRONMENT, "Environment", "#5da35e"),
    (MATTE_PAINTING, "Matte Painting", "#5da35e"),
];

/// Id and name of each project schema, and the ids of its parts: task workflow, version workflow and task types.
const PROJECT_SCHEMAS: &[(&str, &str, [&str; 3])] = &[
    (
        VFX,
        "VFX",
        [
            "cadb0afa-acb5-11e1-8668-f23c91df1211",
            "cadb4c0e-acb5-11e1-8668-f23c91df1211",
            "cadd9e5a-acb5-11e1-8668-f23c91df1211",
        ],
    ),
    (
        ANIMATION_SCHEMA,
        "Animation",
        [
            "9c7709f4-6af0-11eb-b045-169be7b6c453",
            "9c771b42-6af0-11eb-b045-169be7b6c453",
            "9c772d44-6af0-11eb-b045-169be7b6c453",
        ],
    ),
];

/// What contexts other than tasks may be, by object type.
const CONTEXT_STATUSES: &[(&str, &[&str])] = &[
    (
        SHOT,
        &[COMPLETED, OMITTED, ON_HOLD, IN_PROGRESS, NOT_STARTED],
    ),
    (EPISODE, &[COMPLETED, IN_PROGRESS, NOT_STARTED]),
    (ASSET_BUILD, &[COMPLETED, ON_HOLD, IN_PROGRESS, NOT_STARTED]),
    (MILESTONE, &[COMPLETED, IN_PROGRESS, NOT_STARTED]),
];

/// What the versions of assets may be.
const VERSION_STATUSES: &[&str] = &[
    OMITTED,
    CLIENT_APPROVED,
    APPROVED,
    PENDING_REVIEW,
    IN_PROGRESS,
    NOT_STARTED,
];

/// Inserts all of it.
pub(super) fn insert(connection: &Connection) -> Result<(), ApiError> {
    insert_object_types(connection)?;
    insert_statuses(connection)?;
    insert_types(connection)?;
    for (schema, name, parts) in PROJECT_SCHEMAS {
        insert_project_schema(connection, schema, name, parts)?;
        insert_object_type_schemas(connection, schema)?;
        insert_task_template(connection, schema)?;
    }
    Ok(())
}

fn insert_object_types(connection: &Connection) -> Result<(), ApiError> {
    let columns = [
        "id",
        "name",
        "sort",
        "icon",
        "is_time_reportable",
        "is_taskable",
        "is_typeable",
        "is_statusable",
        "is_schedulable",
        "is_leaf",
        "is_prioritizable",
    ];
    let mut rows = Rows::of(connection, "object_type", &columns)?;
    for (sort, (id, name, flags)) in (0_i64..).zip(OBJECT_TYPES) {
        let [
            reportable,
            taskable,
            typeable,
            statusable,
            schedulable,
            leaf,
        ] = flags;
        rows.add((
            id,
            name,
            sort,
            "default",
            reportable,
            taskable,
            typeable,
            statusable,
            schedulable,
            leaf,
            true,
        ))?;
    }
    Ok(())
}

fn insert_statuses(connection: &Connection) -> Result<(), ApiError> {
    let mut rows = Rows::of(connection, "state", &["id", "name", "short"])?;
    STATES.iter().try_for_each(|state| rows.add(*state))?;
    let columns = ["id", "name", "color", "state_id", "sort", "is_active"];
    let mut rows = Rows::of(connection, "status", &columns)?;
    for (sort, (id, name, color, state)) in (0_i64..).zip(STATUSES) {
        rows.add((id, name, color, state, sort, true))?;
    }
    let mut rows = Rows::of(
        connection,
        "priority",
        &["id", "name", "color", "sort", "value"],
    )?;
    for (sort, (id, name, color)) in (0_i64..).zip(PRIORITIES) {
        rows.add((id, name, color, sort, 0))?;
    }
    Ok(())
}

fn insert_types(connection: &Connection) -> Result<(), ApiError> {
    let mut rows = Rows::of(
        connection,
        "type",
        &["id", "name", "color", "sort", "is_billable"],
    )?;
    for (sort, (id, name, color)) in (0_i64..).zip(TASK_TYPES.iter().chain(BUILD_TYPES)) {
        rows.add((id, name, color, sort, *name != "Production"))?;
    }
    Ok(())
}

fn insert_project_schema(
    connection: &Connection,
    schema: &str,
    name: &str,
    [task_workflow, version_workflow, task_types]: &[&str; 3],
) -> Result<(), ApiError> {
    let mut rows = Rows::of(connection, "workflow_schema", &["id", "name"])?;
    rows.add((task_workflow, format!("{name} tasks")))?;
    rows.add((version_workflow, format!("{name} versions")))?;
    let columns = ["workflow_schema_id", "status_id"];
    let mut rows = Rows::of(connection, "workflow_schema_status", &columns)?;
    STATUSES
        .iter()
        .try_for_each(|(status, ..)| rows.add((task_workflow, status)))?;
    VERSION_STATUSES
        .iter()
        .try_for_each(|status| rows.add((version_workflow, status)))?;

    let mut rows = Rows::of(connection, "task_type_schema", &["id", "name"])?;
    rows.add((task_types, format!("{name} types")))?;
    let columns = ["task_type_schema_id", "type_id"];
    let mut rows = Rows::of(connection, "task_type_schema_type", &columns)?;
    TASK_TYPES
        .iter()
        .try_for_each(|(id, ..)| rows.add((task_types, id)))?;

    let columns = [
        "id",
        "name",
        "task_workflow_schema_id",
        "asset_version_workflow_schema_id",
        "task_type_schema_id",
    ];
    let mut rows = Rows::of(connection, "project_schema", &columns)?;
    rows.add((schema, name, task_workflow, version_workflow, task_types))?;
    let columns = ["project_schema_id", "object_type_id"];
    let mut rows = Rows::of(connection, "project_schema_object_type", &columns)?;
    OBJECT_TYPES
        .iter()
        .try_for_each(|(id, ..)| rows.add((schema, id)))
}

fn insert_object_type_schemas(
    connection: &Connection,
    project_schema: &str,
) -> Result<(), ApiError> {
    let columns = ["id", "project_schema_id", "type_id"];
    let mut schemas = Rows::of(connection, "schema", &columns)?;
    let columns = ["schema_id", "status_id", "sort"];
    let mut statuses = Rows::of(connection, "schema_status", &columns)?;
    let mut types = Rows::of(connection, "schema_type", &["schema_id", "type_id", "sort"])?;
    for (object_type, allowed) in CONTEXT_STATUSES {
        let schema = id::of(&["Schema", project_schema, object_type]);
        schemas.add((&schema, project_schema, object_type))?;
        for (sort, status) in (0_i64..).zip(*allowed) {
            statuses.add((&schema, status, sort))?;
        }
        let allowed = match *object_type {
            ASSET_BUILD => BUILD_TYPES,
            MILESTONE => TASK_TYPES,
            _ => &[],
        };
        for (sort, (type_id, ..)) in (0_i64..).zip(allowed) {
            types.add((&schema, type_id, sort))?;
        }
    }
    Ok(())
}

fn insert_task_template(connection: &Connection, schema: &str) -> Result<(), ApiError> {
    let template = id::of(&["TaskTemplate", schema]);
    let mut rows = Rows::of(
        connection,
        "task_template",
        &["id", "name", "project_schema_id"],
    )?;
    rows.add((&template, "Shot", schema))?;
    let columns = ["id", "template_id", "task_type_id"];
    let mut rows = Rows::of(connection, "task_template_item", &columns)?;
    for task_type in [ANIMATION, LIGHTING, COMPOSITING] {
        rows.add((
            id::of(&["TaskTemplateItem", schema, task_type]),
            &template,
            task_type,
        ))?;
    }
    Ok(())
}
