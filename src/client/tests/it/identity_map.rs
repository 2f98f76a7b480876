//! The map and the log against a model that is too simple to be wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use ftrack_client::entity_state::EntityId;
use ftrack_client::identity_map::{ClearScope, IdentityMap, SlotValue};
use ftrack_client::merge::merge_query_answer;
use ftrack_client::schema_set::{AttributeId, TypeId};
use ftrack_client::unit_of_work::UnitOfWork;
use ftrack_protocol::{Operation, Value};
use proptest::prelude::*;

use crate::schemas;

/// Attributes that the steps below change.
const NAMES: [&str; 2] = ["name", "status_id"];

#[derive(Clone, Debug)]
enum Step {
    Create(u8),
    Set(u8, usize, u8),
    Unset(u8, usize),
    Delete(u8),
    Fetch(u8, usize, u8),
    Commit,
    Rollback,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (key, name, value) = (0..4_u8, 0..NAMES.len(), any::<u8>());
    let step = prop_oneof![
        key.clone().prop_map(Step::Create),
        (key.clone(), name.clone(), value).prop_map(|(k, n, v)| Step::Set(k, n, v)),
        (key.clone(), name.clone()).prop_map(|(k, n)| Step::Unset(k, n)),
        key.clone().prop_map(Step::Delete),
        (key, name, value).prop_map(|(k, n, v)| Step::Fetch(k, n, v)),
        Just(Step::Commit),
        Just(Step::Rollback),
    ];
    prop::collection::vec(step, 0..40)
}

#[derive(Clone, Debug, Default)]
struct Row {
    remote: BTreeMap<usize, u8>,
    local: BTreeMap<usize, u8>,
}

/// What a session knows, as maps of maps; and what it will have told the server.
#[derive(Default)]
struct Model {
    rows: BTreeMap<u8, Row>,
    created: Vec<u8>,
    deleted: Vec<u8>,
    /// Last value set per entity and attribute since the last commit; none where it was taken back.
    updates: BTreeMap<(u8, usize), Option<u8>>,
}

impl Model {
    fn forget_changes(&mut self) {
        for row in self.rows.values_mut() {
            row.local.clear();
        }
        self.created.clear();
        self.deleted.clear();
        self.updates.clear();
    }

    fn rollback(&mut self) {
        for key in std::mem::take(&mut self.created) {
            self.rows.remove(&key);
        }
        self.forget_changes();
    }

    /// Returns what the server has after the batch that was recorded, starting from nothing.
    fn effect(&self) -> BTreeMap<(u8, usize), u8> {
        let vanished = |key: &u8| self.created.contains(key) && self.deleted.contains(key);
        self.updates
            .iter()
            .filter(|((key, _), _)| !vanished(key))
            .filter_map(|(place, value)| Some((*place, (*value)?)))
            .collect()
    }
}

struct System {
    map: Arc<IdentityMap>,
    work: UnitOfWork,
    model: Model,
}

impl System {
    fn new() -> Self {
        Self {
            map: schemas::map(),
            work: UnitOfWork::default(),
            model: Model::default(),
        }
    }

    fn task(&self) -> TypeId {
        self.map.schemas().get("Task").unwrap().id
    }

    fn attribute(&self, name: usize) -> AttributeId {
        let task = self.map.schemas().get("Task").unwrap();
        task.get(NAMES[name]).unwrap()
    }

    fn find(&self, key: u8) -> Option<EntityId> {
        self.map.find(self.task(), &[key_text(key)])
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Create(key) if !self.model.rows.contains_key(&key) => self.create(key),
            Step::Set(key, name, value) => self.set(key, name, value),
            Step::Unset(key, name) => self.unset(key, name),
            Step::Delete(key) => self.delete(key),
            Step::Fetch(key, name, value) => self.fetch(key, name, value),
            Step::Commit => self.commit(),
            Step::Rollback => {
                self.work.rollback(&self.map);
                self.model.rollback();
            }
            Step::Create(_) => {}
        }
    }

    fn create(&mut self, key: u8) {
        let task = self.map.schemas().get("Task").unwrap();
        let id = SlotValue::text(&key_text(key));
        let values = vec![(task.get("id").unwrap(), id)];
        self.work.create(&self.map, task, values).unwrap();
        self.model.rows.insert(key, Row::default());
        self.model.created.push(key);
    }

    fn set(&mut self, key: u8, name: usize, value: u8) {
        let (attribute, Some(id)) = (self.attribute(name), self.find(key)) else {
            return;
        };
        self.work
            .set(&self.map, id, attribute, slot(value))
            .unwrap();
        let row = self.model.rows.get_mut(&key).unwrap();
        row.local.insert(name, value);
        self.model.updates.insert((key, name), Some(value));
    }

    fn unset(&mut self, key: u8, name: usize) {
        let (attribute, Some(id)) = (self.attribute(name), self.find(key)) else {
            return;
        };
        self.work.unset(&self.map, id, attribute).unwrap();
        self.model.rows.get_mut(&key).unwrap().local.remove(&name);
        self.model.updates.insert((key, name), None);
    }

    fn delete(&mut self, key: u8) {
        if let Some(id) = self.find(key) {
            self.work.delete(&self.map, id).unwrap();
            self.model.deleted.push(key);
        }
    }

    fn fetch(&mut self, key: u8, name: usize, value: u8) {
        let body = format!(
            r#"[{{"data":[{{"{}":"{value}","id":"{}","__entity_type__":"Task"}}]}}]"#,
            NAMES[name],
            key_text(key)
        );
        merge_query_answer(&self.map, body.as_bytes()).unwrap();
        let row = self.model.rows.entry(key).or_default();
        row.remote.insert(name, value);
    }

    fn commit(&mut self) {
        let (batch, written) = (self.work.batch(), self.model.effect());
        assert_eq!(effect(&batch), written);
        self.work.accept(&self.map, &batch, b"[]").unwrap();
        for ((key, name), value) in written {
            let row = self.model.rows.get_mut(&key).unwrap();
            row.remote.insert(name, value);
        }
        self.model.forget_changes();
    }

    fn check(&self) {
        assert_eq!(self.map.len(), self.model.rows.len());
        for (key, row) in &self.model.rows {
            let id = self.find(*key).unwrap();
            let identity = self.map.key(id).unwrap();
            assert_eq!(identity.to_string(), format!("Task({})", key_text(*key)));
            for name in 0..NAMES.len() {
                let attribute = self.attribute(name);
                let (local, remote) = (row.local.get(&name), row.remote.get(&name));
                let expected = |value: Option<&u8>| value.map(|value| slot(*value));
                assert_eq!(self.map.local(id, attribute), expected(local));
                assert_eq!(self.map.remote(id, attribute), expected(remote));
                assert_eq!(self.map.value(id, attribute), expected(local.or(remote)));
                let modified = local.is_some() && local != remote;
                assert_eq!(self.map.is_modified(id, attribute), modified);
            }
        }
    }
}

/// Half of the keys are ids, half are other texts.
fn key_text(key: u8) -> String {
    match key % 2 {
        0 => format!("44dd9fb2-4164-11df-9218-00000000000{key}"),
        _ => format!("key {key}"),
    }
}

fn slot(value: u8) -> SlotValue {
    SlotValue::text(&value.to_string())
}

/// Returns what a batch leaves in the watched attributes.
fn effect(batch: &[Operation]) -> BTreeMap<(u8, usize), u8> {
    let mut server = BTreeMap::new();
    for operation in batch {
        let (Operation::Create(write) | Operation::Update(write)) = operation else {
            continue;
        };
        let key = (0..4).find(|key| write.entity_key[0].as_str() == Some(&key_text(*key)));
        for (name, value) in &write.attributes {
            let name = NAMES.iter().position(|known| **known == **name);
            if let (Some(key), Some(name), Value::Text(value)) = (key, name, value) {
                server.insert((key, name), value.parse().unwrap());
            }
        }
    }
    server
}

proptest! {
    #[test]
    fn map_and_log_agree_with_the_model(steps in steps()) {
        let mut system = System::new();
        for step in &steps {
            system.apply(step);
            system.check();
        }
        system.commit();
        system.check();
    }
}

#[test]
fn a_removed_entity_is_not_found_but_keeps_its_values() {
    let map = schemas::map();
    let user = map.schemas().get("User").unwrap();
    let (id, new) = map.get_or_insert(user.id, &["u"]).unwrap();
    assert!(new);
    map.set_local(id, user.get("username").unwrap(), SlotValue::text("jane"));
    assert_eq!(map.remove(user.id, &["u"]), Some(id));
    assert_eq!(map.find(user.id, &["u"]), None);
    assert_eq!(map.key(id).unwrap().to_string(), "User(u)");
    map.clear_all_local(ClearScope::All);
    assert!(map.value(id, user.get("username").unwrap()).is_some());
    let (another, new) = map.get_or_insert(user.id, &["u"]).unwrap();
    assert!(new && another != id);
}

#[test]
fn attaching_what_is_known_merges_into_it() {
    let map = schemas::map();
    let user = map.schemas().get("User").unwrap();
    let (key, name) = (user.get("id").unwrap(), user.get("username").unwrap());
    let (known, _) = map.get_or_insert(user.id, &["u"]).unwrap();
    let constructed = map.insert_detached(user.id);
    assert_eq!(map.attach(constructed), None, "has no key yet");
    map.set_local(constructed, key, SlotValue::text("u"));
    map.set_local(constructed, name, SlotValue::text("jane"));
    assert_eq!(map.attach(constructed), Some(known));
    assert_eq!(map.local(known, name), Some(SlotValue::text("jane")));
    assert_eq!(map.len(), 1);
}

#[test]
fn half_cleared_entities_can_still_be_found() {
    let map = schemas::map();
    let user = map.schemas().get("User").unwrap();
    let (key, name) = (user.get("id").unwrap(), user.get("username").unwrap());
    let id = map.insert_detached(user.id);
    map.set_local(id, key, SlotValue::text("u"));
    map.set_local(id, name, SlotValue::text("jane"));
    map.attach(id).unwrap();
    map.clear_all_local(ClearScope::KeepPrimaryKey);
    assert_eq!(map.set_attributes(id), [key]);
    assert!(map.local(id, key).is_some());
    map.clear_all_local(ClearScope::All);
    assert!(map.local(id, key).is_none());
    assert_eq!(map.key(id).unwrap().to_string(), "User(u)");
}
