//! Ids that are the same on every server.

use md5::{Digest as _, Md5};
use uuid::Builder;

/// Returns the id of the thing that `path` names, such as `["Task", project, shot, "Animation"]`.
pub(super) fn of(path: &[&str]) -> String {
    let mut digest = Md5::new();
    for part in path {
        digest.update(part.as_bytes());
        // No part can run into the next one.
        digest.update([0]);
    }
    Builder::from_md5_bytes(digest.finalize().into())
        .into_uuid()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_names_alone() {
        assert_eq!(of(&["Shot", "010"]), of(&["Shot", "010"]));
        assert_ne!(of(&["Shot", "010"]), of(&["Shot0", "10"]));
        assert_eq!(of(&["Shot", "010"]).len(), 36);
    }
}
