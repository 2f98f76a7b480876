//! Writes loaded entities as JSON.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    ReadOptions, Seen,
    layout::{Format, Item, Layout},
    load::{Loaded, group_key},
    scalar,
    seen::Wanted,
    tree::Tree,
};
use crate::{operations::signed_url, schema::Catalog, semantics::computed_media::Address};

/// Writes the entities of one result.
pub(super) struct Emitter<'a> {
    tree: &'a Tree<'a>,
    layout: &'a Layout<'a>,
    levels: &'a [Loaded],
    options: &'a ReadOptions,
    seen: &'a mut Seen,
    first_node: u32,
    overrides: Option<&'a HashMap<String, Value>>,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(
        tree: &'a Tree<'a>,
        layout: &'a Layout<'a>,
        levels: &'a [Loaded],
        options: &'a ReadOptions,
        seen: &'a mut Seen,
    ) -> Self {
        Self {
            first_node: seen.number_nodes(tree.nodes.len()),
            tree,
            layout,
            levels,
            options,
            seen,
            overrides: None,
        }
    }

    /// Writes these values instead of those that the root has stored.
    pub(super) fn with_overrides(mut self, overrides: &'a HashMap<String, Value>) -> Self {
        self.overrides = Some(overrides);
        self
    }

    /// Writes an entity: in full, or as a reference if the answer holds all of it already.
    ///
    /// An entity that is being written counts as held, so that circles end.
    pub(super) fn entity(&mut self, node: usize, row: usize, out: &mut Vec<u8>) {
        let level = &self.levels[node];
        let shape = self.layout.nodes[node].shape(level.types[row]);
        out.extend_from_slice(&shape.opening);
        for item in &shape.key_items {
            self.item(node, row, item, out);
        }
        if self.is_wanted(node, row) {
            for item in &shape.items {
                self.item(node, row, item, out);
            }
            for (branch, label) in &shape.branches {
                out.extend_from_slice(label);
                self.branch(node, row, *branch, out);
            }
        }
        out.push(b'}');
    }

    fn is_wanted(&mut self, node: usize, row: usize) -> bool {
        if self.options.denormalize {
            return true;
        }
        let level = &self.levels[node];
        let entity_type = level.types[row];
        let shape = self.layout.nodes[node].shape(entity_type);
        let number = self.first_node + u32::try_from(node).unwrap_or(u32::MAX);
        let wanted = Wanted {
            scalars: shape.scalars,
            node: (!shape.branches.is_empty()).then_some(number),
        };
        group_key(&level.rows, row, &shape.key)
            .is_none_or(|key| self.seen.note(entity_type, &key, wanted))
    }

    fn branch(&mut self, node: usize, row: usize, branch: usize, out: &mut Vec<u8>) {
        let near = &self.layout.nodes[node].near[branch];
        let branch = &self.tree.nodes[node].branches[branch];
        let levels = self.levels;
        let related = group_key(&levels[node].rows, row, near)
            .and_then(|key| levels[branch.node].groups.get(key.as_ref()))
            .map_or(&[][..], Vec::as_slice);
        if !branch.relation.is_collection {
            match related.first() {
                Some(row) => self.entity(branch.node, *row, out),
                None => out.extend_from_slice(b"null"),
            }
            return;
        }
        out.push(b'[');
        for (index, row) in related.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.entity(branch.node, *row, out);
        }
        out.push(b']');
    }

    fn item(&self, node: usize, row: usize, item: &Item<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(&item.label);
        if node == Tree::ROOT
            && let Some(value) = self.overrides.and_then(|values| values.get(item.name))
        {
            scalar::serialize(value, out);
            return;
        }
        let rows = &self.levels[node].rows;
        let cell = rows.cell(row, item.column);
        match item.format {
            Format::Value(data_type) => scalar::value(rows, cell, data_type, out),
            Format::Variable {
                type_column,
                is_default,
            } => {
                let type_id = rows.text(rows.cell(row, type_column));
                scalar::variable(rows, cell, type_id, is_default, out);
            }
            Format::EntityTypeName { object_type } => match rows.text(cell) {
                Some(name) => {
                    let object_type =
                        object_type.and_then(|column| rows.text(rows.cell(row, column)));
                    scalar::text(api_name(self.tree.catalog, name, object_type), out);
                }
                None => out.extend_from_slice(b"null"),
            },
            Format::Address(address) => self.address(address, rows.text(cell), out),
        }
    }

    fn address(&self, address: Address, component: Option<&str>, out: &mut Vec<u8>) {
        let ReadOptions {
            base_url, signer, ..
        } = self.options;
        let mut url = address.of(base_url, component);
        if let (Some(url), Some(signer), Some(component)) = (&mut url, signer, component) {
            url.push_str(&signed_url::signature(signer, component));
        }
        out.extend_from_slice(b"{\"url\":");
        scalar::serialize(&url, out);
        out.extend_from_slice(b",\"value\":");
        scalar::serialize(&component, out);
        out.push(b'}');
    }
}

/// Returns the name by which clients know what the store calls `task`: that of the object type, where it is known, or
/// the most general one, as the stored name alone does not tell shots from tasks.
fn api_name<'n>(catalog: &'n Catalog, stored: &'n str, object_type: Option<&str>) -> &'n str {
    let mut types = catalog.types();
    let Some(general) = types.find(|entity_type| entity_type.server_name == stored) else {
        return stored;
    };
    let column = |name: &str| match name {
        "object_type_id" => object_type.map(str::to_owned),
        "context_type" => Some(stored.to_owned()),
        _ => None,
    };
    &catalog.concrete_type(general.id, &column).name
}
