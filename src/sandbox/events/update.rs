//! `ftrack.update`: what a committed batch changed, told to everyone who wants to know.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use ftrack_protocol::Event;
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::changed_entities::{self, ChangedEntity, ChangedValue};
use super::parents::{Ancestor, Parents};
use crate::app::Caller;
use crate::error::ApiError;
use crate::schema::EntityType;
use crate::semantics::entity_type_name::server_name;
use crate::semantics::{ChangeAction, UnitOfWork};

/// The topic of the events by which the server tells of changes.
const TOPIC: &str = "ftrack.update";

/// What a client calls itself and its request; ftrack puts both into the event, so that the client knows its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientTokens {
    /// The client, from the header `ftrack-Clienttoken`.
    pub client: Option<String>,
    /// The request, from the header `ftrack-pushtoken`.
    pub push: Option<String>,
}

impl ClientTokens {
    /// Reads the tokens of a request.
    pub fn read(headers: &HeaderMap) -> Self {
        let text = |name| {
            let value = headers.get(name)?.to_str().ok()?;
            // The JavaScript client sends this when it has none.
            (value != "undefined" && !value.is_empty()).then(|| value.to_owned())
        };
        Self {
            client: text("ftrack-clienttoken"),
            push: text("ftrack-pushtoken"),
        }
    }
}

/// Returns the event for the changes of a batch, and the one for the feeds they show up in; none when nothing changed.
///
/// To be called when the batch is complete, and before its transaction ends.
pub fn describe(work: &UnitOfWork<'_>, tokens: &ClientTokens) -> Result<Vec<Event>, ApiError> {
    let (connection, caller, changes) = (work.connection, work.caller, work.changes.as_slice());
    let entities = changed_entities::collect(connection, changes)?;
    if entities.is_empty() {
        return Ok(Vec::new());
    }
    let mut parents = Parents::new(connection);
    for change in changes {
        parents.learn(change);
    }
    let feeds = feeds(&entities).map(server_event);
    let mut described = Vec::with_capacity(entities.len());
    let mut all_parents = BTreeSet::new();
    for entity in entities {
        let chain = chain(&mut parents, &entity)?;
        all_parents.extend(chain.iter().map(|ancestor| ancestor.id.clone()));
        described.push(describe_entity(entity, &chain));
    }
    let mut data = json!({
        "pushToken": tokens.push,
        "parents": all_parents,
        "user": {"userid": caller.user_id, "name": full_name(connection, caller)?},
        "clientToken": tokens.client,
    });
    // Moved, as the macro would copy all of it.
    data["entities"] = described.into();
    let mut event = server_event(data);
    let user = json!({"username": caller.username, "id": caller.user_id});
    event.source.insert("user".to_owned(), user);
    event.source.insert("id".to_owned(), json!(tokens.client));
    Ok([event].into_iter().chain(feeds).collect())
}

/// Returns the event that the media of a version have been encoded.
pub fn encoded(version_id: &str) -> Event {
    server_event(json!({
        "entities": [{"action": "encoded", "entityType": "assetversion", "entityId": version_id}],
        "pushToken": null,
        "parents": [version_id],
        "clientToken": null,
    }))
}

/// Makes an event that no user has caused.
fn server_event(data: Value) -> Event {
    let mut event = Event::new(Uuid::new_v4().simple().to_string(), TOPIC, data);
    event.source = Map::from_iter([
        ("applicationId".to_owned(), json!("ftrack.client.web")),
        ("user".to_owned(), json!({"username": null, "id": null})),
        ("id".to_owned(), Value::Null),
    ]);
    event
}

/// An entity that is identified by its parent and a name has no chain of its own.
fn chain(
    parents: &mut Parents<'_>,
    entity: &ChangedEntity,
) -> Result<Vec<std::rc::Rc<Ancestor>>, ApiError> {
    match entity.key.as_slice() {
        [id] => parents.chain(entity.entity_type, id),
        _ => Ok(Vec::new()),
    }
}

fn describe_entity(entity: ChangedEntity, chain: &[std::rc::Rc<Ancestor>]) -> Value {
    let entity_type = entity.entity_type;
    let mut description = json!({
        "entity_type": entity_type.name,
        "entityType": server_name(entity_type),
        "action": action(&entity),
        "entityId": entity.key.first(),
        "parentId": chain.first().and_then(|own| own.parent_id.clone()),
    });
    description["parents"] = chain.iter().map(|own| describe_ancestor(own)).collect();
    if let Some(object_type) = object_type(entity_type) {
        description["objectTypeId"] = json!(object_type);
    }
    if entity.action != ChangeAction::Remove {
        let (keys, changes) = describe_values(entity);
        description["keys"] = keys;
        description["changes"] = changes;
    }
    description
}

fn describe_values(entity: ChangedEntity) -> (Value, Value) {
    let mut keys = Vec::new();
    let mut changes = Map::new();
    let mut add = |key: String, old: Value, new: Value| {
        if !changes.contains_key(&key) {
            keys.push(Value::from(key.as_str()));
            let change = Map::from_iter([("new".to_owned(), new), ("old".to_owned(), old)]);
            changes.insert(key, change.into());
        }
    };
    for ChangedValue { key, old, new } in entity.values {
        add(key, old, new);
    }
    if entity.action == ChangeAction::Add && server_name(entity.entity_type) == "task" {
        // Columns of ftrack's that its API does not show, but its events do.
        add("taskid".to_owned(), Value::Null, json!(entity.key.first()));
        for column in ["isopen", "isrequirecomment"] {
            add(column.to_owned(), Value::Null, json!(false));
        }
        for column in ["startdate", "enddate"] {
            add(column.to_owned(), Value::Null, Value::Null);
        }
    }
    (Value::from(keys), Value::from(changes))
}

fn describe_ancestor(ancestor: &Ancestor) -> Value {
    json!({
        "entityId": ancestor.id,
        "entityType": server_name(ancestor.entity_type),
        "entity_type": ancestor.entity_type.name,
        "parentId": ancestor.parent_id,
    })
}

fn action(entity: &ChangedEntity) -> &'static str {
    match entity.action {
        ChangeAction::Add => "add",
        ChangeAction::Update if entity.has_moved() => "move",
        ChangeAction::Update => "update",
        ChangeAction::Remove => "remove",
    }
}

fn object_type(entity_type: &EntityType) -> Option<&str> {
    let discriminators = entity_type.discriminator.iter();
    discriminators
        .filter(|(column, _)| column == "object_type_id")
        .map(|(_, value)| value.as_str())
        .next()
}

fn full_name(connection: &Connection, caller: &Caller) -> Result<String, ApiError> {
    let sql = "select coalesce(first_name, '') || ' ' || coalesce(last_name, '') from resource where id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let name: Option<String> = statement
        .query_row([&caller.user_id], |row| row.get(0))
        .optional()?;
    Ok(name.unwrap_or_default().trim().to_owned())
}

/// Guess: what is new among contexts shows up in their feeds; ftrack tells so in an event without a user.
fn feeds(entities: &[ChangedEntity]) -> Option<Value> {
    let is_new = |entity: &&ChangedEntity| {
        entity.action == ChangeAction::Add && server_name(entity.entity_type) == "task"
    };
    let parents: Vec<_> = entities
        .iter()
        .filter(is_new)
        .filter_map(|entity| entity.key.first())
        .collect();
    (!parents.is_empty()).then(|| {
        json!({
            "entities": [{"action": "update", "entityType": "socialfeed"}],
            "pushToken": null,
            "parents": parents,
            "clientToken": null,
        })
    })
}
