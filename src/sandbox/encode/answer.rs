//! Single entities, for the answers to creates and updates.
//!
//! Those alike in type and attributes are read together when a batch is complete, then written one by one, as their
//! answers stand among others.

use std::collections::HashMap;

use ftrack_protocol::query::{Path, Segment};
use rusqlite::Connection;
use serde_json::Value;

use super::{
    ReadOptions, Seen,
    emit::Emitter,
    layout::Layout,
    load::{Loaded, group_key, load},
    read,
    tree::Tree,
};
use crate::{
    plan::{self, QueryError},
    schema::{Catalog, EntityType},
};

/// The entities that one call answers.
#[derive(Debug, Default)]
pub struct Answers {
    plans: Vec<Plan>,
}

/// Which of the [`Answers`] an entity is.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    plan: usize,
    entity: usize,
}

/// Entities alike in type and attributes.
#[derive(Debug)]
struct Plan {
    entity_type: &'static EntityType,
    attributes: Vec<&'static str>,
    tree: Tree<'static>,
    layout: Layout<'static>,
    keys: Vec<Vec<String>>,
    pages: Vec<Vec<Loaded>>,
    /// For each key, the page and the row of its entity, if there is one.
    found: Vec<Option<(usize, usize)>>,
}

impl Answers {
    /// Adds the entity of type `entity_type` that has `key`.
    ///
    /// It is written as one of that type: the one the client named, or the client would not know its own entity again.
    /// `attributes` are written besides those that every entity has; dots lead to those of related entities.
    pub fn add(
        &mut self,
        entity_type: &'static EntityType,
        key: Vec<String>,
        attributes: &[&'static str],
    ) -> Result<Place, QueryError> {
        let is_alike =
            |plan: &Plan| plan.entity_type.id == entity_type.id && plan.attributes == attributes;
        let plan = if let Some(index) = self.plans.iter().position(is_alike) {
            index
        } else {
            self.plans.push(Plan::new(entity_type, attributes)?);
            self.plans.len() - 1
        };
        let keys = &mut self.plans[plan].keys;
        keys.push(key);
        let entity = keys.len() - 1;
        Ok(Place { plan, entity })
    }

    /// Reads all that were added.
    pub fn read(&mut self, connection: &Connection) -> Result<(), QueryError> {
        self.plans
            .iter_mut()
            .try_for_each(|plan| plan.read(connection))
    }

    /// Returns the type and the primary key of an entity.
    pub fn identity(&self, place: Place) -> (&'static EntityType, &[String]) {
        let plan = &self.plans[place.plan];
        (plan.entity_type, &plan.keys[place.entity])
    }

    /// Writes an entity that was read at the end of `out`.
    ///
    /// `overrides` are written instead of what is stored, as ftrack echoes values as they were sent. `seen` spans all
    /// answers of a call.
    pub fn write(
        &self,
        place: Place,
        overrides: &HashMap<String, Value>,
        options: &ReadOptions,
        seen: &mut Seen,
        out: &mut Vec<u8>,
    ) -> Result<(), QueryError> {
        let plan = &self.plans[place.plan];
        let found = plan.found.get(place.entity).copied().flatten();
        let (page, row) = found.ok_or_else(|| QueryError::Missing {
            entity_type: plan.entity_type.name.clone(),
            key: plan.keys[place.entity].join(", "),
        })?;
        Emitter::new(&plan.tree, &plan.layout, &plan.pages[page], options, seen)
            .with_overrides(overrides)
            .entity(&[Tree::ROOT], row, out);
        Ok(())
    }
}

impl Plan {
    fn new(
        entity_type: &'static EntityType,
        attributes: &[&'static str],
    ) -> Result<Self, QueryError> {
        let mut tree = Tree::new(Catalog::get(), entity_type);
        for attribute in attributes {
            tree.add(&path(attribute))?;
        }
        Ok(Self {
            entity_type,
            attributes: attributes.to_vec(),
            layout: Layout::of(&tree),
            tree,
            keys: Vec::new(),
            pages: Vec::new(),
            found: Vec::new(),
        })
    }

    /// Reads all entities: together if a key is one value, else one after another.
    fn read(&mut self, connection: &Connection) -> Result<(), QueryError> {
        let size = match self.entity_type.primary_key.as_slice() {
            [_] => self.keys.len(),
            _ => 1,
        };
        for keys in self.keys.chunks(size.max(1)) {
            let page = self.load(connection, keys)?;
            for row in self.rows(&page[Tree::ROOT], keys) {
                self.found.push(row.map(|row| (self.pages.len(), row)));
            }
            self.pages.push(page);
        }
        Ok(())
    }

    /// Returns the row of each key; one of several values is alone on its page.
    fn rows(&self, level: &Loaded, keys: &[Vec<String>]) -> Vec<Option<usize>> {
        let shape = self.layout.nodes[Tree::ROOT].shape(self.entity_type.id);
        let by_key: HashMap<_, usize> = (0..level.len())
            .filter_map(|row| Some((group_key(&level.rows, row, &shape.key)?, row)))
            .collect();
        keys.iter()
            .map(|key| match key.as_slice() {
                [id] => by_key.get(id.as_str()).copied(),
                _ => (level.len() > 0).then_some(0),
            })
            .collect()
    }

    fn load(
        &self,
        connection: &Connection,
        keys: &[Vec<String>],
    ) -> Result<Vec<Loaded>, QueryError> {
        let columns = self.layout.columns_of(Tree::ROOT);
        let sql = plan::rows_of(self.tree.catalog, self.entity_type, keys, &columns);
        let rows = read(connection, &sql, self.layout.width(Tree::ROOT))?;
        // Whoever could write it may be told of it.
        let hidden = &[];
        let mut levels = load(connection, &self.tree, &self.layout, rows, hidden)?;
        levels[Tree::ROOT].types.fill(self.entity_type.id);
        Ok(levels)
    }
}

fn path(attribute: &str) -> Path {
    let segments = attribute.split('.').map(|name| Segment {
        name: name.to_owned(),
        cast: None,
    });
    Path {
        segments: segments.collect(),
    }
}
