//! Writes single entities, for the answers to creates and updates.

use std::collections::HashMap;

use ftrack_protocol::query::{Path, Segment};
use rusqlite::Connection;
use serde_json::Value;

use super::{
    ReadOptions, Seen,
    emit::Emitter,
    layout::Layout,
    load::{Loaded, load},
    read,
    tree::Tree,
};
use crate::{
    plan::{self, QueryError},
    schema::{Catalog, EntityType, TypeId},
};

/// An entity to write.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The type to write it as: the one the client named, or the client would not know its own entity again.
    pub entity_type: &'static EntityType,
    /// The primary key.
    pub key: &'a [String],
    /// The attributes to write besides those that every entity has; dots lead to those of related entities.
    pub attributes: &'a [&'static str],
    /// Written instead of what is stored, as ftrack echoes values as they were sent.
    pub overrides: &'a HashMap<String, Value>,
}

/// Writes the entities of one call; those alike in type and attributes are planned once.
#[derive(Debug, Default)]
pub struct AnswerWriter {
    plans: HashMap<TypeId, Vec<Plan>>,
}

#[derive(Debug)]
struct Plan {
    attributes: Vec<&'static str>,
    tree: Tree<'static>,
    layout: Layout<'static>,
    columns: String,
}

impl AnswerWriter {
    /// Writes an entity at the end of `out`.
    ///
    /// `seen` spans all answers of a call.
    pub fn write(
        &mut self,
        connection: &Connection,
        answer: Answer<'_>,
        options: &ReadOptions,
        seen: &mut Seen,
        out: &mut Vec<u8>,
    ) -> Result<(), QueryError> {
        let plan = self.plan(answer.entity_type, answer.attributes)?;
        let levels = plan.load(connection, answer)?;
        Emitter::new(&plan.tree, &plan.layout, &levels, options, seen)
            .with_overrides(answer.overrides)
            .entity(Tree::ROOT, 0, out);
        Ok(())
    }

    fn plan(
        &mut self,
        entity_type: &'static EntityType,
        attributes: &[&'static str],
    ) -> Result<&Plan, QueryError> {
        let plans = self.plans.entry(entity_type.id).or_default();
        let known = plans.iter().position(|plan| plan.attributes == attributes);
        let index = if let Some(index) = known {
            index
        } else {
            plans.push(Plan::new(entity_type, attributes)?);
            plans.len() - 1
        };
        Ok(&plans[index])
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
        let layout = Layout::of(&tree);
        Ok(Self {
            attributes: attributes.to_vec(),
            columns: layout.columns_of(Tree::ROOT),
            tree,
            layout,
        })
    }

    fn load(&self, connection: &Connection, answer: Answer<'_>) -> Result<Vec<Loaded>, QueryError> {
        let Answer {
            entity_type, key, ..
        } = answer;
        let sql = plan::row(self.tree.catalog, entity_type, key, &self.columns);
        let rows = read(connection, &sql, self.layout.width(Tree::ROOT))?;
        if rows.is_empty() {
            return Err(QueryError::Missing {
                entity_type: entity_type.name.clone(),
                key: key.join(", "),
            });
        }
        // Whoever could write it may be told of it.
        let hidden = &[];
        let mut levels = load(connection, &self.tree, &self.layout, rows, hidden)?;
        levels[Tree::ROOT].types.fill(entity_type.id);
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
