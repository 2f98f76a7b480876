//! Components: files, sequences of files, and containers of both.

use crate::error::ApiError;

use super::create::NewEntity;

/// Names and sizes have defaults in the schema, but clients send null for sizes they do not know.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all hooks answer whether they refuse"
)]
pub(super) fn before_create(new: &mut NewEntity) -> Result<(), ApiError> {
    new.row.set_default("size", 0);
    Ok(())
}
