//! What of a publish is on the server already.

use std::collections::HashSet;

use serde_json::Value;

use super::error::PublishError;
use super::lookup::{call, id_list, query_operation};
use super::plan::PlannedVersion;
use super::rows::{Rows, found};
use super::seal::Sealed;
use crate::transfer::Api;

/// Where a version stands on the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is not there.
    #[default]
    Absent,
    /// It is there, with its number, but not published.
    Reserved(i64),
    /// It is there with everything that belongs to it, which came in one transaction.
    Published(i64),
}

/// Asks in one call what became of versions.
pub(super) async fn standings(
    api: &dyn Api,
    versions: &[(&PlannedVersion, &Sealed)],
) -> Result<Vec<Standing>, PublishError> {
    let witnesses: Vec<_> = versions
        .iter()
        .map(|(planned, sealed)| Witness::of(planned, sealed))
        .collect();
    let operations: Vec<_> = ["AssetVersion", "Component"]
        .into_iter()
        .filter_map(|entity_type| expression(entity_type, &witnesses))
        .map(|expression| query_operation(&expression))
        .collect();
    if operations.is_empty() {
        return Ok(vec![Standing::Absent; versions.len()]);
    }
    let answers = call(api, "ask what is published already", operations).await?;
    let mut rows = Rows::default();
    let mut there: HashSet<String> = HashSet::new();
    for answer in &answers {
        rows.add(answer);
        there.extend(found(answer));
    }
    let standing = |witness: &Witness| {
        if !there.contains(&witness.id) {
            return Standing::Absent;
        }
        let number = |id| rows.value(id, "version").and_then(Value::as_i64);
        match witness.entity_type {
            "Component" => Standing::Published(witness.number),
            _ if rows.value(&witness.id, "is_published") == Some(&Value::Bool(false)) => {
                Standing::Reserved(number(&witness.id).unwrap_or(0))
            }
            _ => Standing::Published(number(&witness.id).unwrap_or(0)),
        }
    };
    Ok(witnesses.iter().map(standing).collect())
}

/// The entity that tells whether a version is there: itself or, of one that only gets more components, the first of them.
struct Witness {
    entity_type: &'static str,
    id: String,
    number: i64,
}

impl Witness {
    fn of(planned: &PlannedVersion, sealed: &Sealed) -> Self {
        let first = planned.components.first();
        match (&planned.existing, first) {
            (Some(_), Some(first)) => Self {
                entity_type: "Component",
                id: sealed.component(&first.name),
                number: planned.number,
            },
            // Without components there is nothing to be done twice that would matter.
            (Some(_), None) | (None, _) => Self {
                entity_type: "AssetVersion",
                id: sealed.id.to_string(),
                number: planned.number,
            },
        }
    }
}

fn expression(entity_type: &'static str, witnesses: &[Witness]) -> Option<String> {
    let mut ids = witnesses
        .iter()
        .filter(|witness| witness.entity_type == entity_type)
        .map(|witness| witness.id.as_str())
        .peekable();
    ids.peek()?;
    let attributes = match entity_type {
        "AssetVersion" => "id, version, is_published",
        _ => "id",
    };
    let ids = id_list(ids);
    Some(format!(
        "select {attributes} from {entity_type} where id in ({ids})"
    ))
}
