//! Names of files on disk.

use std::fmt;

use crate::error::ApiError;

/// The id of a component or an upload, proven to be usable as a file name.
///
/// Only ASCII letters, digits and hyphens pass, as in a UUID: neither a separator, a drive, a dot nor a terminator can
/// be written with them, so that a path made of ids never leaves the folder it begins in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileId(String);

impl FileId {
    /// Longest accepted id; a UUID has 36 characters.
    const MAX_LENGTH: usize = 64;

    /// Checks `text`; the error names it only as far as it is harmless.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let length_fits = (1..=Self::MAX_LENGTH).contains(&text.len());
        if length_fits
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            Ok(Self(text.to_owned()))
        } else {
            let shown: String = text.chars().take(Self::MAX_LENGTH).collect();
            Err(ApiError::validation(format!("{shown:?} is not an id.")))
        }
    }

    /// Makes a new unique id.
    pub fn unique() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first two characters, by which files are spread over folders.
    pub fn shard(&self) -> &str {
        // All characters are ASCII, so any byte index is a character boundary.
        &self.0[..self.0.len().min(2)]
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_the_ids_of_components() {
        assert!(FileId::parse("702b7e69-f6ef-4d13-8193-dcbb480f57f5").is_ok());
        assert!(FileId::parse("78e388a0575248fe").is_ok());
    }

    #[test]
    fn refuses_what_could_leave_the_folder() {
        for text in [
            "",
            ".",
            "..",
            "../a",
            "a/b",
            "a\\b",
            "C:",
            "a\0",
            "a b",
            "caf\u{e9}",
            &"a".repeat(65),
        ] {
            assert!(FileId::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_id_is_one_plain_path_component(text in ".{0,80}") {
            if let Ok(id) = FileId::parse(&text) {
                let components: Vec<_> = std::path::Path::new(id.as_str()).components().collect();
                prop_assert_eq!(components.len(), 1);
                prop_assert!(matches!(components[0], std::path::Component::Normal(_)));
            }
        }
    }
}
