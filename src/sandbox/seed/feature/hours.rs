//! The time that was spent on tasks.

use rusqlite::Connection;

use super::calendar::moment;
use super::dice::Dice;
use crate::error::ApiError;
use crate::seed::rows::Rows;

/// Inserts timelogs.
pub(super) struct Hours<'c> {
    rows: Rows<'c>,
}

impl<'c> Hours<'c> {
    pub fn begin(connection: &'c Connection) -> Result<Self, ApiError> {
        let columns = [
            "id",
            "name",
            "comment",
            "start",
            "duration",
            "user_id",
            "context_id",
        ];
        let rows = Rows::of(connection, "timelog", &columns)?;
        Ok(Self { rows })
    }

    /// Logs a few half days on a task.
    pub fn log(
        &mut self,
        task: &str,
        artist: &str,
        day: u64,
        dice: &mut Dice,
    ) -> Result<(), ApiError> {
        for offset in 0..dice.between(1, 3) {
            // A float, as the column has; in seconds, to the quarter of an hour.
            let duration =
                f64::from(u32::try_from(dice.between(4, 24)).unwrap_or_default()) * 900.0;
            let start = moment(day + offset, dice.between(8 * 60, 14 * 60));
            self.rows
                .add((dice.id(), "", "", start, duration, artist, task))?;
        }
        Ok(())
    }
}
