//! The folder in which a user's programs keep what must outlive them.

use std::env;
use std::path::PathBuf;

/// Variable that names the folder.
pub const FOLDER_VARIABLE: &str = "FTRACK_RS_STATE_PATH";

/// Returns the folder of this package for the user; none for a user who has no home.
pub fn state_folder() -> Option<PathBuf> {
    variable(FOLDER_VARIABLE).or_else(|| base().map(|folder| folder.join("ftrack-rs")))
}

#[cfg(windows)]
fn base() -> Option<PathBuf> {
    variable("LOCALAPPDATA")
}

#[cfg(target_os = "macos")]
fn base() -> Option<PathBuf> {
    variable("HOME").map(|home| home.join("Library/Application Support"))
}

/// <https://specifications.freedesktop.org/basedir-spec/latest/>, which says that relative paths are to be ignored.
#[cfg(not(any(windows, target_os = "macos")))]
fn base() -> Option<PathBuf> {
    variable("XDG_STATE_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(|| variable("HOME").map(|home| home.join(".local/state")))
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
