//! What of a publish is on the server already.

use std::collections::HashMap;

use serde_json::Value;

use super::error::PublishError;
use super::lookup::{call, id_list, query_operation};
use super::plan::{EncodeSource, PlannedVersion, REVIEWABLE, SERVER_LOCATION, THUMBNAIL};
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

/// What was found of a version.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) standing: Standing,
    /// Names and ids of the components that are there.
    pub(super) components: Vec<(String, String)>,
}

/// Asks in one call what became of versions.
pub(super) async fn standings(
    api: &dyn Api,
    versions: &[(&PlannedVersion, &Sealed)],
) -> Result<Vec<Found>, PublishError> {
    let operations: Vec<_> = expressions(versions)
        .iter()
        .map(|expression| query_operation(expression))
        .collect();
    let answers = if operations.is_empty() {
        Vec::new()
    } else {
        call(api, "ask what is published already", operations).await?
    };
    let mut rows = Rows::default();
    let mut there = Vec::new();
    for answer in &answers {
        rows.add(answer);
        there.extend(found(answer));
    }
    let registered: HashMap<&str, &str> = there
        .iter()
        .filter_map(|id| Some((id.as_str(), rows.text(id, "component_id")?)))
        .collect();
    let look =
        |(planned, sealed): &(&PlannedVersion, &Sealed)| look(planned, sealed, &rows, &registered);
    Ok(versions.iter().map(look).collect())
}

/// A version that is there tells of itself; whether one that only gets more components has got them is told by their registrations.
fn look(
    planned: &PlannedVersion,
    sealed: &Sealed,
    rows: &Rows,
    registered: &HashMap<&str, &str>,
) -> Found {
    let id = sealed.id.to_string();
    let mut components: Vec<_> = witnesses(planned)
        .into_iter()
        .filter_map(|(key, location)| {
            let id = registered.get(sealed.registration(key, location).as_str())?;
            Some((key.to_owned(), (*id).to_owned()))
        })
        .collect();
    let standing = if planned.existing.is_some() {
        if components.is_empty() {
            Standing::Absent
        } else {
            Standing::Published(planned.number)
        }
    } else {
        // A picture that versions share is registered by one of them.
        let picture = rows.text(&id, "thumbnail_id").map(str::to_owned);
        let picture = picture.filter(|_| planned.thumbnail.is_some());
        components.extend(picture.map(|id| (THUMBNAIL.to_owned(), id)));
        match rows.value(&id, "version").and_then(Value::as_i64) {
            None => Standing::Absent,
            Some(number) if rows.value(&id, "is_published") == Some(&Value::Bool(false)) => {
                Standing::Reserved(number)
            }
            Some(number) => Standing::Published(number),
        }
    };
    Found {
        standing,
        components,
    }
}

/// Returns the components of which a registration is looked for, by the name of each and a location of it.
fn witnesses(planned: &PlannedVersion) -> Vec<(&str, &str)> {
    let components = planned.components.iter();
    let components = components.filter_map(|component| {
        let location = component.locations.first()?;
        Some((component.name.as_str(), location.as_str()))
    });
    let is_sent = matches!(planned.encode, Some(EncodeSource::File(_)));
    let source = is_sent.then_some((REVIEWABLE, SERVER_LOCATION));
    let picture = planned.thumbnail.as_ref();
    let picture = picture.map(|_| (THUMBNAIL, SERVER_LOCATION));
    components.chain(source).chain(picture).collect()
}

fn expressions(versions: &[(&PlannedVersion, &Sealed)]) -> Vec<String> {
    let ids: Vec<_> = versions
        .iter()
        .filter(|(planned, _)| planned.existing.is_none())
        .map(|(_, sealed)| sealed.id.to_string())
        .collect();
    let registrations: Vec<_> = versions
        .iter()
        .flat_map(|(planned, sealed)| {
            let witnesses = witnesses(planned).into_iter();
            witnesses.map(|(key, location)| sealed.registration(key, location))
        })
        .collect();
    [
        (
            "id, version, is_published, thumbnail_id from AssetVersion",
            ids,
        ),
        ("id, component_id from ComponentLocation", registrations),
    ]
    .into_iter()
    .filter(|(_, ids)| !ids.is_empty())
    .map(|(what, ids)| {
        let ids = id_list(ids.iter().map(String::as_str));
        format!("select {what} where id in ({ids})")
    })
    .collect()
}
