//! `compute_rollups`: sums over a hierarchy.

use serde_json::{Value, json};

use super::{Arguments, Reading};
use crate::error::ApiError;

/// Answers no sums, as ftrack does for a site that has not set up any.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all actions answer whether they refuse"
)]
pub(super) fn compute_rollups(_: &Reading<'_>, _: &Arguments) -> Result<Value, ApiError> {
    Ok(json!({"action": "compute_rollups", "data": []}))
}
