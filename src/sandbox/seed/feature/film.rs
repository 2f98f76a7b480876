//! The structure of a film: episodes, sequences, shots, asset builds and the tasks on them.

use rusqlite::Connection;

use super::calendar::{self, moment};
use super::crew::Crew;
use super::dice::Dice;
use super::feedback::Feedback;
use super::hours::Hours;
use super::publishing::{Publish, Publishing};
use crate::error::ApiError;
use crate::seed::rows::Rows;
use crate::seed::studio::{CONTEXT_COLUMNS, PROJECT_COLUMNS};
use crate::seed::{site, workflow};

/// How large a film is.
pub(super) struct Plan {
    pub name: &'static str,
    pub full_name: &'static str,
    pub color: &'static str,
    pub episodes: u64,
    /// Sequences in an episode.
    pub sequences: u64,
    /// Shots in a sequence, on average.
    pub shots: u64,
    pub builds: u64,
}

/// A task that every shot or asset build has, and what comes out of it.
struct Step {
    name: &'static str,
    type_id: &'static str,
    department: &'static str,
    /// The short name of the asset type.
    asset: &'static str,
    file_type: &'static str,
}

const SHOT_STEPS: &[Step] = &[
    step("Layout", workflow::LAYOUT, "Animation", "cam", ".abc"),
    step(
        "Tracking",
        workflow::TRACKING,
        "Compositing",
        "scene",
        ".ma",
    ),
    step(
        "Animation",
        workflow::ANIMATION,
        "Animation",
        "anim",
        ".abc",
    ),
    step("FX", workflow::FX, "Lighting", "cache", ".vdb"),
    step("Lighting", workflow::LIGHTING, "Lighting", "lgt", ".exr"),
    step(
        "Compositing",
        workflow::COMPOSITING,
        "Compositing",
        "render",
        ".exr",
    ),
];

const BUILD_STEPS: &[Step] = &[
    step("Modeling", workflow::MODELING, "Assets", "scene", ".ma"),
    step("Rigging", workflow::RIGGING, "Assets", "rig", ".ma"),
    step("Lookdev", workflow::LOOKDEV, "Assets", "lookdev", ".usd"),
];

const BUILD_TYPES: &[(&str, &str)] = &[
    ("character", workflow::CHARACTER),
    ("prop", workflow::PROP),
    ("prop", workflow::PROP),
    ("environment", workflow::ENVIRONMENT),
];

/// What a task runs through.
const TASK_PROGRESS: &[&str] = &[
    workflow::NOT_STARTED,
    workflow::IN_PROGRESS,
    workflow::PENDING_REVIEW,
    workflow::APPROVED,
    workflow::COMPLETED,
];

const DAY: u64 = 8 * 60 * 60;

/// A project while it is filled.
pub(super) struct Film<'c> {
    plan: &'c Plan,
    crew: &'c Crew,
    dice: &'c mut Dice,
    id: String,
    contexts: Rows<'c>,
    appointments: Rows<'c>,
    frames: Rows<'c>,
    publishing: Publishing<'c>,
    feedback: Feedback<'c>,
    hours: Hours<'c>,
}

/// A typed context to insert.
struct Context<'a> {
    parent: &'a str,
    object_type: &'a str,
    name: &'a str,
    type_id: &'a str,
    status: &'a str,
    bid: u64,
    /// The first and the last day.
    days: Option<(u64, u64)>,
}

impl<'c> Film<'c> {
    /// Inserts the project.
    pub fn begin(
        connection: &'c Connection,
        plan: &'c Plan,
        crew: &'c Crew,
        dice: &'c mut Dice,
    ) -> Result<Self, ApiError> {
        let id = dice.id();
        insert_project(connection, plan, &id, &crew.owner)?;
        let rows = |table, columns: &[&str]| Rows::of(connection, table, columns);
        Ok(Self {
            contexts: rows("context", CONTEXT_COLUMNS)?,
            appointments: rows("appointment", &["id", "type", "context_id", "resource_id"])?,
            frames: rows(
                "custom_attribute_value",
                &["configuration_id", "entity_id", "entity_kind", "value"],
            )?,
            publishing: Publishing::begin(connection, plan.name, &id)?,
            feedback: Feedback::begin(connection, &id)?,
            hours: Hours::begin(connection)?,
            plan,
            crew,
            dice,
            id,
        })
    }

    /// Inserts everything below the project.
    pub fn shoot(mut self) -> Result<(), ApiError> {
        self.add_builds()?;
        for episode in 1..=self.plan.episodes {
            self.add_episode(episode)?;
        }
        Ok(())
    }

    fn add_episode(&mut self, number: u64) -> Result<(), ApiError> {
        let project = self.id.clone();
        let name = format!("ep{number:02}");
        // Episodes are made one after the other.
        let start = (number - 1) * calendar::LENGTH / (2 * self.plan.episodes);
        let episode = self.add_container(&project, workflow::EPISODE, &name)?;
        for sequence in 1..=self.plan.sequences {
            let name = format!("{name}_sq{:03}", sequence * 10);
            let parent = self.add_container(&episode, workflow::SEQUENCE, &name)?;
            let shots = self.plan.shots;
            let shots = self.dice.between(shots - shots / 4, shots + shots / 4);
            for shot in 1..=shots {
                self.add_shot(&parent, &format!("{name}_sh{:04}", shot * 10), start)?;
            }
        }
        Ok(())
    }

    fn add_shot(&mut self, parent: &str, name: &str, start: u64) -> Result<(), ApiError> {
        let start = start + self.dice.below(calendar::LENGTH / 2);
        let status = self.shot_status(start);
        let shot = self.add_context(&Context {
            parent,
            object_type: workflow::SHOT,
            name,
            type_id: workflow::ANIMATION,
            status,
            bid: 0,
            days: None,
        })?;
        let last = 1000 + self.dice.between(24, 240);
        for (configuration, frame) in [(site::FRAME_START, 1001), (site::FRAME_END, last)] {
            let frame = i64::try_from(frame).unwrap_or_default();
            self.frames.add((configuration, &shot, "context", frame))?;
        }
        self.add_steps(&shot, name, SHOT_STEPS, start)
    }

    fn add_builds(&mut self) -> Result<(), ApiError> {
        let project = self.id.clone();
        let folder = self.add_container(&project, workflow::FOLDER, "assets")?;
        for number in 1..=self.plan.builds {
            let (kind, type_id) = self.dice.pick(BUILD_TYPES);
            let name = format!("{kind}_{number:03}");
            let start = self.dice.below(calendar::LENGTH / 2);
            let status = self.shot_status(start);
            let build = self.add_context(&Context {
                parent: &folder,
                object_type: workflow::ASSET_BUILD,
                name: &name,
                type_id,
                status,
                bid: 0,
                days: None,
            })?;
            self.add_steps(&build, &name, BUILD_STEPS, start)?;
        }
        Ok(())
    }

    fn add_steps(
        &mut self,
        parent: &str,
        name: &str,
        steps: &[Step],
        mut day: u64,
    ) -> Result<(), ApiError> {
        for step in steps {
            let length = self.dice.between(2, 15);
            self.add_task(parent, name, step, (day, day + length))?;
            day += length;
        }
        Ok(())
    }

    /// Adds a task with its assignment, and what came out of it if it has begun.
    fn add_task(
        &mut self,
        parent: &str,
        parent_name: &str,
        step: &Step,
        days: (u64, u64),
    ) -> Result<(), ApiError> {
        let status = self.task_status(days);
        let task = self.add_context(&Context {
            parent,
            object_type: workflow::TASK,
            name: step.name,
            type_id: step.type_id,
            status,
            bid: (days.1 - days.0) * DAY,
            days: Some(days),
        })?;
        let artist = self.crew.somebody(step.department, self.dice);
        let id = self.dice.id();
        self.appointments.add((id, "assignment", &task, artist))?;
        if status == workflow::NOT_STARTED {
            return Ok(());
        }
        self.hours.log(&task, artist, days.0, self.dice)?;
        let publish = Publish {
            context: parent,
            name: format!("{parent_name}_{}", step.asset),
            asset_type: site::asset_type(step.asset),
            file_type: step.file_type,
            task: &task,
            author: artist,
            day: days.0,
            is_done: status == workflow::COMPLETED || status == workflow::APPROVED,
        };
        let latest = self.publishing.add(&publish, self.dice)?;
        let supervisor = self.crew.somebody("Production", self.dice);
        if self.dice.chance(30) {
            self.feedback
                .add(&latest, days.1, supervisor, artist, self.dice)?;
        }
        Ok(())
    }

    /// Returns where a task is that lies before, around or after today.
    fn task_status(&mut self, (first, last): (u64, u64)) -> &'static str {
        if self.dice.chance(2) {
            return workflow::ON_HOLD;
        }
        if last < calendar::TODAY {
            return self.dice.pick(&TASK_PROGRESS[2..]);
        }
        if first > calendar::TODAY {
            return self.dice.pick(&TASK_PROGRESS[..2]);
        }
        self.dice.pick(&TASK_PROGRESS[1..3])
    }

    fn shot_status(&mut self, start: u64) -> &'static str {
        match self.dice.below(50) {
            0 => workflow::ON_HOLD,
            _ if start + 60 < calendar::TODAY => workflow::COMPLETED,
            _ if start > calendar::TODAY => workflow::NOT_STARTED,
            _ => workflow::IN_PROGRESS,
        }
    }

    /// Adds a context that has no work of its own.
    fn add_container(
        &mut self,
        parent: &str,
        object_type: &str,
        name: &str,
    ) -> Result<String, ApiError> {
        self.add_context(&Context {
            parent,
            object_type,
            name,
            type_id: workflow::ANIMATION,
            status: workflow::IN_PROGRESS,
            bid: 0,
            days: None,
        })
    }

    fn add_context(&mut self, context: &Context<'_>) -> Result<String, ApiError> {
        let id = self.dice.id();
        let priority = if self.dice.chance(10) {
            workflow::PRIORITY_HIGH
        } else {
            workflow::PRIORITY_NONE
        };
        let bid = i64::try_from(context.bid).unwrap_or_default();
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
            context.days.map(|(first, _)| moment(first, 0)),
            context.days.map(|(_, last)| moment(last, 0)),
            moment(0, self.dice.between(8 * 60, 18 * 60)),
            self.crew.owner,
        ])?;
        Ok(id)
    }
}

const fn step(
    name: &'static str,
    type_id: &'static str,
    department: &'static str,
    asset: &'static str,
    file_type: &'static str,
) -> Step {
    Step {
        name,
        type_id,
        department,
        asset,
        file_type,
    }
}

fn insert_project(
    connection: &Connection,
    plan: &Plan,
    id: &str,
    owner: &str,
) -> Result<(), ApiError> {
    Rows::of(connection, "context", PROJECT_COLUMNS)?.add((
        id,
        "show",
        id,
        plan.name,
        plan.full_name,
        "active",
        plan.color,
        workflow::VFX,
        moment(0, 0),
        moment(calendar::LENGTH, 0),
        false,
        false,
        moment(0, 8 * 60),
        owner,
    ))
}
