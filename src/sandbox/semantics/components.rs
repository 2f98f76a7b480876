//! Components: files, sequences of files, and containers of both.

use super::create::NewEntity;

/// Names and sizes have defaults in the schema, but clients send null for sizes they do not know.
pub(super) fn before_create(new: &mut NewEntity) {
    new.row.set_default("size", 0);
}
