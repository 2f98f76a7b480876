//! What came out of the tasks: assets, their versions, the files of those and where they are.

use rusqlite::Connection;

use super::calendar::moment;
use super::dice::Dice;
use crate::error::ApiError;
use crate::seed::files::{File, Files};
use crate::seed::rows::Rows;
use crate::seed::studio::VERSION_COLUMNS;
use crate::seed::workflow;

const COMMENTS: &[&str] = &[
    "Ready for review.",
    "First pass.",
    "Addressed the notes of the dailies.",
    "New camera from layout.",
    "",
];

/// What one task published.
pub(super) struct Publish<'a> {
    pub context: &'a str,
    pub name: String,
    pub asset_type: String,
    pub file_type: &'a str,
    pub task: &'a str,
    pub author: &'a str,
    /// The day of the first version.
    pub day: u64,
    /// Whether the last version is approved.
    pub is_done: bool,
}

/// Inserts what a project published.
pub(super) struct Publishing<'c> {
    project_name: &'c str,
    project: String,
    assets: Rows<'c>,
    versions: Rows<'c>,
    files: Files<'c>,
    metadata: Rows<'c>,
}

impl<'c> Publishing<'c> {
    pub fn begin(
        connection: &'c Connection,
        project_name: &'c str,
        project: &str,
    ) -> Result<Self, ApiError> {
        let rows = |table, columns: &[&str]| Rows::of(connection, table, columns);
        Ok(Self {
            project_name,
            project: project.to_owned(),
            assets: rows(
                "asset",
                &["id", "name", "context_id", "project_id", "type_id"],
            )?,
            versions: rows("asset_version", VERSION_COLUMNS)?,
            files: Files::begin(connection)?,
            metadata: rows("metadata", &["parent_id", "parent_type", "key", "value"])?,
        })
    }

    /// Inserts an asset with its versions and returns the id of the last.
    pub fn add(&mut self, publish: &Publish<'_>, dice: &mut Dice) -> Result<String, ApiError> {
        let asset = dice.id();
        self.assets.add((
            &asset,
            &publish.name,
            publish.context,
            &self.project,
            &publish.asset_type,
        ))?;
        let count = dice.between(1, 3);
        let mut latest = String::new();
        for number in 1..=count {
            let status = match number == count {
                true if publish.is_done => workflow::APPROVED,
                true => workflow::PENDING_REVIEW,
                false => workflow::IN_PROGRESS,
            };
            latest = self.add_version(publish, &asset, number, status, dice)?;
        }
        Ok(latest)
    }

    fn add_version(
        &mut self,
        publish: &Publish<'_>,
        asset: &str,
        number: u64,
        status: &str,
        dice: &mut Dice,
    ) -> Result<String, ApiError> {
        let id = dice.id();
        let minute = dice.between(9 * 60, 19 * 60);
        self.versions.add(rusqlite::params![
            id,
            asset,
            self.project,
            i64::try_from(number).unwrap_or_default(),
            dice.pick(COMMENTS),
            moment(publish.day + 2 * number, minute),
            publish.author,
            publish.task,
            true,
            status,
        ])?;
        let files = [
            ("main", publish.file_type, 50_000_000),
            ("review", ".mov", 8_000_000),
        ];
        for (name, file_type, size) in files {
            self.add_component(publish, (&id, number), (name, file_type, size), dice)?;
        }
        if dice.chance(10) {
            let source = format!("/jobs/{}/work/{}.ma", self.project_name, publish.name);
            self.metadata.add((&id, "assetversion", "source", source))?;
        }
        Ok(id)
    }

    fn add_component(
        &mut self,
        publish: &Publish<'_>,
        (version, number): (&str, u64),
        (name, extension, size): (&str, &str, u64),
        dice: &mut Dice,
    ) -> Result<(), ApiError> {
        self.files.add(File {
            component: dice.id(),
            size: i64::try_from(dice.between(size / 2, size * 2)).unwrap_or_default(),
            place: dice.id(),
            version,
            name,
            extension,
            path: format!(
                "/jobs/{}/publish/{}/v{number:03}/{name}{extension}",
                self.project_name, publish.name
            ),
        })
    }
}
