//! Two projects in the middle of their production: sequences, shots, asset builds, tasks, versions with their files, and notes.

use rusqlite::Connection;

use super::{
    files::{File, Files},
    id,
    people::Artist,
    rows::Rows,
    site,
    workflow::{
        ANIMATION, ANIMATION_SCHEMA, APPROVED, ASSET_BUILD, CHARACTER, COMPLETED, COMPOSITING,
        ENVIRONMENT, FOLDER, FX, IN_PROGRESS, LAYOUT, LIGHTING, LOOKDEV, MODELING, NOT_STARTED,
        ON_HOLD, PENDING_REVIEW, PRIORITY_HIGH, PRIORITY_NONE, PROP, RIGGING, SEQUENCE, SHOT, TASK,
        TRACKING, VFX,
    },
};
use crate::error::ApiError;

/// When the projects were set up.
const CREATED: &str = "2026-01-12T08:30:00";
const PUBLISHED: &str = "2026-03-02T17:45:00";
const START: &str = "2026-01-12T00:00:00";
const END: &str = "2026-12-18T00:00:00";

struct Project {
    name: &'static str,
    full_name: &'static str,
    schema: &'static str,
    color: &'static str,
    sequences: [&'static str; 5],
    /// Name, type and department of each task of a shot.
    shot_tasks: &'static [(&'static str, &'static str, &'static str)],
    builds: &'static [(&'static str, &'static str)],
}

const PROJECTS: &[Project] = &[
    Project {
        name: "northern_light",
        full_name: "Northern Light",
        schema: VFX,
        color: "#3498DB",
        sequences: ["arrival", "blizzard", "cabin", "descent", "embers"],
        shot_tasks: &[
            ("Tracking", TRACKING, "Compositing"),
            ("Animation", ANIMATION, "Animation"),
            ("FX", FX, "Lighting"),
            ("Lighting", LIGHTING, "Lighting"),
            ("Compositing", COMPOSITING, "Compositing"),
        ],
        builds: &[
            ("snow_fox", CHARACTER),
            ("explorer", CHARACTER),
            ("sledge", PROP),
            ("lantern", PROP),
            ("cabin", ENVIRONMENT),
            ("glacier", ENVIRONMENT),
        ],
    },
    Project {
        name: "paper_moon",
        full_name: "Paper Moon",
        schema: ANIMATION_SCHEMA,
        color: "#9b59b6",
        sequences: ["attic", "balloon", "clockwork", "dream", "evening"],
        shot_tasks: &[
            ("Layout", LAYOUT, "Animation"),
            ("Animation", ANIMATION, "Animation"),
            ("Lighting", LIGHTING, "Lighting"),
            ("Compositing", COMPOSITING, "Compositing"),
        ],
        builds: &[
            ("mina", CHARACTER),
            ("grandfather", CHARACTER),
            ("kite", PROP),
            ("telescope", PROP),
            ("attic", ENVIRONMENT),
            ("rooftops", ENVIRONMENT),
        ],
    },
];

const SHOTS_IN_SEQUENCE: usize = 6;

/// The tasks of an asset build.
const BUILD_TASKS: &[(&str, &str, &str)] = &[
    ("Modeling", MODELING, "Assets"),
    ("Rigging", RIGGING, "Assets"),
    ("Lookdev", LOOKDEV, "Assets"),
];

/// What shots, and after them their tasks, run through: production is busy in the middle of the list.
const PROGRESS: &[&str] = &[
    COMPLETED,
    COMPLETED,
    IN_PROGRESS,
    IN_PROGRESS,
    ON_HOLD,
    NOT_STARTED,
    NOT_STARTED,
];
const TASK_PROGRESS: &[&str] = &[
    APPROVED,
    COMPLETED,
    PENDING_REVIEW,
    IN_PROGRESS,
    IN_PROGRESS,
    NOT_STARTED,
    NOT_STARTED,
];

const REMARKS: &[&str] = &[
    "The timing works now. Hold the last pose four frames longer.",
    "Edges flicker around the hair, please check the key.",
    "Lovely light. Bring the background down half a stop.",
    "The contact shadow is missing from frame 1012 on.",
];

/// Inserts the projects; `owner` made them, and `artists` work on them.
pub(super) fn insert(
    connection: &Connection,
    owner: &str,
    artists: &[Artist],
) -> Result<(), ApiError> {
    for project in PROJECTS {
        let mut production = Production::begin(connection, project, owner, artists)?;
        for (number, sequence) in (0..).zip(project.sequences) {
            production.add_sequence(number, sequence)?;
        }
        production.add_builds()?;
    }
    Ok(())
}

/// One project while it is filled.
struct Production<'c> {
    project: &'static Project,
    id: String,
    owner: &'c str,
    artists: &'c [Artist],
    /// How many tasks there are, by which work is dealt out.
    dealt: usize,
    contexts: Rows<'c>,
    appointments: Rows<'c>,
    assets: Rows<'c>,
    versions: Rows<'c>,
    files: Files<'c>,
    notes: Rows<'c>,
    recipients: Rows<'c>,
    frames: Rows<'c>,
}

/// A typed context to insert.
struct Context<'a> {
    object_type: &'a str,
    path: &'a [&'a str],
    parent: &'a str,
    name: &'a str,
    type_id: &'a str,
    status: &'a str,
}

impl<'c> Production<'c> {
    fn begin(
        connection: &'c Connection,
        project: &'static Project,
        owner: &'c str,
        artists: &'c [Artist],
    ) -> Result<Self, ApiError> {
        let id = id::of(&["Project", project.name]);
        insert_project(connection, project, &id, owner)?;
        let rows = |table, columns: &[&str]| Rows::of(connection, table, columns);
        Ok(Self {
            project,
            id,
            owner,
            artists,
            dealt: 0,
            contexts: rows("context", CONTEXT_COLUMNS)?,
            appointments: rows("appointment", &["id", "type", "context_id", "resource_id"])?,
            assets: rows(
                "asset",
                &["id", "name", "context_id", "project_id", "type_id"],
            )?,
            versions: rows("asset_version", VERSION_COLUMNS)?,
            files: Files::begin(connection)?,
            notes: rows("note", NOTE_COLUMNS)?,
            recipients: rows("recipient", &["note_id", "resource_id"])?,
            frames: rows(
                "custom_attribute_value",
                &["configuration_id", "entity_id", "entity_kind", "value"],
            )?,
        })
    }

    fn add_sequence(&mut self, number: usize, name: &str) -> Result<(), ApiError> {
        let project = self.id.clone();
        let path = ["Sequence", self.project.name, name];
        let sequence = self.add_context(&Context {
            object_type: SEQUENCE,
            path: &path,
            parent: &project,
            name,
            type_id: ANIMATION,
            status: if number == 0 { COMPLETED } else { IN_PROGRESS },
        })?;
        (0..SHOTS_IN_SEQUENCE).try_for_each(|shot| self.add_shot(&sequence, name, number, shot))
    }

    /// Shots are numbered by tens, so that some fit between them.
    fn add_shot(
        &mut self,
        parent: &str,
        sequence: &str,
        row: usize,
        number: usize,
    ) -> Result<(), ApiError> {
        let name = format!("{}_{:03}", &sequence[..3], (number + 1) * 10);
        let path = ["Shot", self.project.name, &name];
        let shot = self.add_context(&Context {
            object_type: SHOT,
            path: &path,
            parent,
            name: &name,
            type_id: ANIMATION,
            status: PROGRESS[(row + number) % PROGRESS.len()],
        })?;
        self.add_frames(&shot, number)?;
        for (step, task) in self.project.shot_tasks.iter().enumerate() {
            self.add_task(&shot, &name, *task, row + number + step)?;
        }
        if number < 2 {
            self.add_versions(&shot, &name, number)?;
        }
        Ok(())
    }

    fn add_frames(&mut self, shot: &str, number: usize) -> Result<(), ApiError> {
        let length = 48 + 24 * i64::try_from(number).unwrap_or_default();
        for (configuration, frame) in [(site::FRAME_START, 1001), (site::FRAME_END, 1000 + length)]
        {
            self.frames.add((configuration, shot, "context", frame))?;
        }
        Ok(())
    }

    fn add_builds(&mut self) -> Result<(), ApiError> {
        let project = self.id.clone();
        let path = ["Folder", self.project.name, "assets"];
        let folder = self.add_context(&Context {
            object_type: FOLDER,
            path: &path,
            parent: &project,
            name: "assets",
            type_id: MODELING,
            status: NOT_STARTED,
        })?;
        for (number, (name, type_id)) in self.project.builds.iter().enumerate() {
            let path = ["AssetBuild", self.project.name, name];
            let build = self.add_context(&Context {
                object_type: ASSET_BUILD,
                path: &path,
                parent: &folder,
                name,
                type_id,
                status: PROGRESS[number % PROGRESS.len()],
            })?;
            for (step, task) in BUILD_TASKS.iter().enumerate() {
                self.add_task(&build, name, *task, number + step)?;
            }
        }
        Ok(())
    }

    fn add_task(
        &mut self,
        parent: &str,
        parent_name: &str,
        (name, type_id, department): (&str, &str, &str),
        progress: usize,
    ) -> Result<(), ApiError> {
        let path = ["Task", self.project.name, parent, name];
        let task = self.add_context(&Context {
            object_type: TASK,
            path: &path,
            parent,
            name,
            type_id,
            status: TASK_PROGRESS[progress % TASK_PROGRESS.len()],
        })?;
        self.dealt += 1;
        let team: Vec<&Artist> = self
            .artists
            .iter()
            .filter(|artist| artist.department == department)
            .collect();
        let artist = &team[self.dealt % team.len()].id;
        let id = id::of(&["Appointment", self.project.name, parent_name, name]);
        self.appointments.add((id, "assignment", &task, artist))
    }

    fn add_context(&mut self, context: &Context<'_>) -> Result<String, ApiError> {
        let id = id::of(context.path);
        let is_task = context.object_type == TASK;
        let priority = if context.status == PENDING_REVIEW {
            PRIORITY_HIGH
        } else {
            PRIORITY_NONE
        };
        let bid = if is_task { 3 * 8 * 60 * 60 } else { 0 };
        let (start, end) = if is_task {
            (Some(START), Some(END))
        } else {
            (None, None)
        };
        self.contexts.add(rusqlite::params![
            id,
            "task",
            context.name,
            context.parent,
            self.id,
            context.object_type,
            context.type_id,
            context.status,
            priority,
            bid,
            0,
            "",
            start,
            end,
            CREATED,
            self.owner,
        ])?;
        Ok(id)
    }

    /// Adds an asset with two versions of the compositing, their files, and a note on the second.
    fn add_versions(&mut self, shot: &str, name: &str, number: usize) -> Result<(), ApiError> {
        let asset = id::of(&["Asset", self.project.name, name, "comp"]);
        let task = id::of(&["Task", self.project.name, shot, "Compositing"]);
        self.assets.add((
            &asset,
            format!("{name}_comp"),
            shot,
            &self.id,
            site::asset_type("render"),
        ))?;
        let author = self.artists[self.dealt % self.artists.len()].id.clone();
        for (version, status) in [(1_i64, PENDING_REVIEW), (2, APPROVED)] {
            let id = id::of(&["AssetVersion", &asset, &version.to_string()]);
            self.versions.add(rusqlite::params![
                id,
                asset,
                self.id,
                version,
                "Ready for review.",
                PUBLISHED,
                author,
                task,
                true,
                status,
            ])?;
            self.add_files(&id, &format!("{name}_comp_v{version:03}"))?;
            if version == 2 {
                self.add_note(&id, REMARKS[(self.dealt + number) % REMARKS.len()], &author)?;
            }
        }
        Ok(())
    }

    fn add_files(&mut self, version: &str, stem: &str) -> Result<(), ApiError> {
        for (name, extension, size) in [("main", ".exr", 48_000_000), ("review", ".mov", 6_500_000)]
        {
            self.files.add(File {
                component: id::of(&["Component", version, name]),
                place: id::of(&["ComponentLocation", version, name]),
                version,
                name,
                extension,
                size,
                path: format!(
                    "/jobs/{}/publish/{stem}/{name}{extension}",
                    self.project.name
                ),
            })?;
        }
        Ok(())
    }

    fn add_note(&mut self, version: &str, text: &str, recipient: &str) -> Result<(), ApiError> {
        let id = id::of(&["Note", version]);
        let category = site::note_category("Internal");
        self.notes.add(rusqlite::params![
            id,
            version,
            "assetversion",
            text,
            PUBLISHED,
            PUBLISHED,
            self.owner,
            category,
            self.id,
            false,
        ])?;
        self.recipients.add((&id, self.owner))?;
        self.recipients.add((&id, recipient))
    }
}

pub(super) const CONTEXT_COLUMNS: &[&str] = &[
    "id",
    "context_type",
    "name",
    "parent_id",
    "project_id",
    "object_type_id",
    "type_id",
    "status_id",
    "priority_id",
    "bid",
    "sort",
    "description",
    "start_date",
    "end_date",
    "created_at",
    "created_by_id",
];

pub(super) const VERSION_COLUMNS: &[&str] = &[
    "id",
    "asset_id",
    "project_id",
    "version",
    "comment",
    "date",
    "user_id",
    "task_id",
    "is_published",
    "status_id",
];

pub(super) const NOTE_COLUMNS: &[&str] = &[
    "id",
    "parent_id",
    "parent_type",
    "content",
    "date",
    "thread_activity",
    "user_id",
    "category_id",
    "project_id",
    "is_todo",
];

pub(super) const PROJECT_COLUMNS: &[&str] = &[
    "id",
    "context_type",
    "project_id",
    "name",
    "full_name",
    "status",
    "color",
    "project_schema_id",
    "start_date",
    "end_date",
    "is_global",
    "is_private",
    "created_at",
    "created_by_id",
];

fn insert_project(
    connection: &Connection,
    project: &Project,
    id: &str,
    owner: &str,
) -> Result<(), ApiError> {
    Rows::of(connection, "context", PROJECT_COLUMNS)?.add((
        id,
        "show",
        id,
        project.name,
        project.full_name,
        "active",
        project.color,
        project.schema,
        START,
        END,
        false,
        false,
        CREATED,
        owner,
    ))
}
