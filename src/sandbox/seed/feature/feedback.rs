//! What was said about versions.

use rusqlite::Connection;

use super::calendar::moment;
use super::dice::Dice;
use crate::error::ApiError;
use crate::seed::rows::Rows;
use crate::seed::site;
use crate::seed::studio::NOTE_COLUMNS;

const REMARKS: &[&str] = &[
    "The timing works now. Hold the last pose four frames longer.",
    "Edges flicker around the hair, please check the key.",
    "Lovely light. Bring the background down half a stop.",
    "The contact shadow is missing from frame 1012 on.",
    "Scale of the snow is off; it reads as dust.",
    "Approved for the screening, please tidy up the matte afterwards.",
    "The director likes the second take better. \"Keep the breath\", he says.",
];

/// Inserts the notes of a project.
pub(super) struct Feedback<'c> {
    project: String,
    category: String,
    notes: Rows<'c>,
    recipients: Rows<'c>,
}

impl<'c> Feedback<'c> {
    pub fn begin(connection: &'c Connection, project: &str) -> Result<Self, ApiError> {
        Ok(Self {
            project: project.to_owned(),
            category: site::note_category("Internal"),
            notes: Rows::of(connection, "note", NOTE_COLUMNS)?,
            recipients: Rows::of(connection, "recipient", &["note_id", "resource_id"])?,
        })
    }

    /// Inserts a note on a version.
    pub fn add(
        &mut self,
        version: &str,
        day: u64,
        author: &str,
        recipient: &str,
        dice: &mut Dice,
    ) -> Result<(), ApiError> {
        let id = dice.id();
        let date = moment(day, dice.between(9 * 60, 19 * 60));
        self.notes.add(rusqlite::params![
            id,
            version,
            "assetversion",
            dice.pick(REMARKS),
            date,
            date,
            author,
            self.category,
            self.project,
            dice.chance(20),
        ])?;
        self.recipients.add((&id, recipient))
    }
}
