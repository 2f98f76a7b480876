//! How many files a process may have open.
//!
//! Some farms and services allow 64. A transfer that takes too many fails at whatever file comes next, so each kind of work keeps to a share.

/// Files being hashed, files being sent, the connections for these, and as much again for all else that the program has open.
const PARTS: usize = 6;

/// Returns how many files one kind of work may have open; at least one.
pub(super) fn share() -> usize {
    (limit() / PARTS).max(1)
}

/// Returns the limit of the process, as of this moment.
#[cfg(unix)]
fn limit() -> usize {
    use rustix::process::{Resource, getrlimit};

    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| limit.try_into().unwrap_or(usize::MAX))
}

/// Windows has no limit that matters here.
#[cfg(not(unix))]
fn limit() -> usize {
    usize::MAX
}
