//! Ids that are the same on every server.

use ftrack_md5::Md5;
use uuid::Builder;

/// Returns the id of the thing that `path` names, such as `["Task", project, shot, "Animation"]`.
pub(super) fn of(path: &[&str]) -> String {
    let mut md5 = Md5::new();
    for part in path {
        md5.update(part.as_bytes());
        // No part can run into the next one.
        md5.update(&[0]);
    }
    Builder::from_md5_bytes(md5.digest())
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
