//! The files of versions, and where they are: in the location that ftrack does not manage, as a seed brings no bytes.

use rusqlite::Connection;

use super::rows::Rows;
use crate::error::ApiError;

const UNMANAGED: &str = "cb268ecc-8809-11e3-a7e2-20c9d081909b";

/// Inserts files.
pub(super) struct Files<'c> {
    components: Rows<'c>,
    locations: Rows<'c>,
}

/// One file to insert.
pub(super) struct File<'a> {
    /// The id of its component.
    pub component: String,
    /// The id of the row that tells where it is.
    pub place: String,
    pub version: &'a str,
    pub name: &'a str,
    pub extension: &'a str,
    /// In bytes.
    pub size: i64,
    pub path: String,
}

impl<'c> Files<'c> {
    pub(super) fn begin(connection: &'c Connection) -> Result<Self, ApiError> {
        let rows = |table, columns: &[&str]| Rows::of(connection, table, columns);
        Ok(Self {
            components: rows(
                "component",
                &[
                    "id",
                    "system_type",
                    "name",
                    "size",
                    "file_type",
                    "version_id",
                ],
            )?,
            locations: rows(
                "component_location",
                &["id", "component_id", "location_id", "resource_identifier"],
            )?,
        })
    }

    pub(super) fn add(&mut self, file: File<'_>) -> Result<(), ApiError> {
        self.components.add((
            &file.component,
            "file",
            file.name,
            file.size,
            file.extension,
            file.version,
        ))?;
        self.locations
            .add((file.place, file.component, UNMANAGED, file.path))
    }
}
