//! The schemas of a site, kept in a file between sessions.
//!
//! The file and its hash are those of the official client, so both can share it: JSON, valid while the MD5 of its canonical form equals the server's `schema_hash`.

mod canonical;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::checksum::Digest;
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// Name of the file in the cache folder.
pub const FILE_NAME: &str = "ftrack_api_schema_cache.json";
/// Variable that names the cache folder.
pub const FOLDER_VARIABLE: &str = "FTRACK_API_SCHEMA_CACHE_PATH";

/// A file that holds the schemas of one site.
#[derive(Clone, Debug)]
pub struct SchemaCache {
    path: PathBuf,
}

impl SchemaCache {
    /// Uses the cache file in `folder`.
    pub fn in_folder(folder: impl AsRef<Path>) -> Self {
        Self {
            path: folder.as_ref().join(FILE_NAME),
        }
    }

    /// Uses the folder that `FTRACK_API_SCHEMA_CACHE_PATH` names, if it does.
    pub fn from_env() -> Option<Self> {
        std::env::var_os(FOLDER_VARIABLE)
            .filter(|folder| !folder.is_empty())
            .map(|folder| Self::in_folder(PathBuf::from(folder)))
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the JSON of the file if it has this hash; a missing or damaged file counts as having another.
    pub fn load(&self, expected_hash: &str) -> Option<Vec<u8>> {
        let json = std::fs::read(&self.path).ok()?;
        match hash(&json) {
            Ok(actual) => (actual == expected_hash).then_some(json),
            Err(error) => {
                let file = self.path.display();
                tracing::warn!(%file, %error, "the schema cache is damaged and will be replaced");
                None
            }
        }
    }

    /// Replaces the file in one step, so that other sessions never see half of it.
    pub fn store(&self, json: &[u8]) -> Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let failed = |source| Error::io("write", &self.path, source);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let name = format!(".{FILE_NAME}.{}", uuid::Uuid::new_v4().simple());
        let temporary = folder.join(name);
        let written = std::fs::File::create(&temporary)
            .and_then(|mut file| file.write_all(json))
            .and_then(|()| std::fs::rename(&temporary, &self.path));
        if written.is_err() {
            // Nothing more can be done about a file that may not even exist.
            let _ = std::fs::remove_file(&temporary);
        }
        written.map_err(failed)
    }
}

/// Returns the hash by which servers and clients compare schemas: MD5 of Python's `json.dumps(schemas, sort_keys=True)`.
pub fn hash(json: &[u8]) -> Result<String> {
    let canonical = canonical::dumps_sorted(json).map_err(|e| Error::decode("the schemas", &e))?;
    Ok(Digest::of(canonical.as_bytes()).to_string())
}

/// Returns the JSON of the only result in the answer to `query_schemas`.
pub fn schemas_of_answer(answer: &[u8]) -> Result<Vec<u8>> {
    let results: Vec<&RawValue> = serde_json::from_slice(answer)
        .map_err(|e| Error::decode("the answer to query_schemas", &e))?;
    match results.as_slice() {
        [schemas] => Ok(schemas.get().as_bytes().to_vec()),
        _ => Err(Error::decode(
            "the answer to query_schemas",
            &format!("{} results instead of one", results.len()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_file_is_found_by_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let cache = SchemaCache::in_folder(folder.path().join("made/on/demand"));
        let json = br#"[{"id":"Task"}]"#;
        let expected = hash(json).unwrap();
        assert_eq!(cache.load(&expected), None);
        cache.store(json).unwrap();
        assert_eq!(cache.load(&expected).unwrap(), json);
        assert_eq!(cache.load("another"), None);
        std::fs::write(cache.path(), "[{\"id\":").unwrap();
        assert_eq!(cache.load(&expected), None, "damaged");
        cache.store(json).unwrap();
        assert_eq!(cache.load(&expected).unwrap(), json);
        let folder = cache.path().parent().unwrap();
        assert_eq!(
            std::fs::read_dir(folder).unwrap().count(),
            1,
            "nothing left over"
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let error = SchemaCache::in_folder(&blocked).store(b"[]").unwrap_err();
        assert!(error.to_string().contains(FILE_NAME), "{error}");
    }
}
