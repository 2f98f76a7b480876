//! Writes loaded entities as JSON.

use std::{borrow::Cow, collections::HashMap};

use serde_json::Value;

use super::{
    ReadOptions, Seen,
    layout::{Format, Item, Layout},
    load::{Loaded, group_key},
    places::{Places, Spot},
    scalar,
    tree::Tree,
};
use crate::{
    operations::signed_url,
    schema::{Catalog, TypeId},
    semantics::computed_media::Address,
};

/// How many entities may lie around one that is written with more than its own place wants.
///
/// Entities that lead to each other, such as versions that were made from others, would else be written one inside the
/// other, all of them. Decoders give up at some depth: serde at 128 levels, of which an entity in a list takes two.
const MAX_DEPTH: usize = 24;

/// Writes the entities of one result.
pub(super) struct Emitter<'a> {
    tree: &'a Tree<'a>,
    layout: &'a Layout<'a>,
    levels: &'a [Loaded],
    options: &'a ReadOptions,
    seen: &'a mut Seen,
    first_node: u32,
    overrides: Option<&'a HashMap<String, Value>>,
    places: Option<&'a Places<'a>>,
    /// How many entities are being written.
    depth: usize,
    /// How many bytes the answer may have, all that was written before included.
    limit: usize,
    is_over_limit: bool,
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
            places: None,
            depth: 0,
            limit: usize::MAX,
            is_over_limit: false,
        }
    }

    /// Stops writing when the answer has more than `limit` bytes.
    pub(super) fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Returns whether there was more to write than the limit allows; what was written is no use then.
    pub(super) fn is_over_limit(&self) -> bool {
        self.is_over_limit
    }

    /// Writes entities, where they occur first, with all that is wanted of them at any of these places.
    pub(super) fn with_places(mut self, places: &'a Places<'a>) -> Self {
        self.places = Some(places);
        self
    }

    /// Writes these values instead of those that the root has stored.
    pub(super) fn with_overrides(mut self, overrides: &'a HashMap<String, Value>) -> Self {
        self.overrides = Some(overrides);
        self
    }

    /// Writes an entity: in full, or as a reference if the answer holds all of it already.
    ///
    /// It is the one in `row` of the first of `nodes`; the others want things of it at the same place. An entity that is
    /// being written counts as held, so that circles end.
    pub(super) fn entity(&mut self, nodes: &[usize], row: usize, out: &mut Vec<u8>) {
        let Some(&node) = nodes.first() else {
            return;
        };
        if out.len() > self.limit {
            self.is_over_limit = true;
            return;
        }
        let level = &self.levels[node];
        let entity_type = level.types[row];
        let shape = self.layout.nodes[node].shape(entity_type);
        out.extend_from_slice(&shape.opening);
        for item in &shape.key_items {
            self.item(node, row, item, out);
        }
        let key = group_key(&level.rows, row, &shape.key);
        let own = [Spot { node, row }];
        let spots = self.spots(nodes, &own, entity_type, key.as_deref());
        if self.is_wanted(entity_type, key.as_deref(), &spots) {
            self.depth += 1;
            self.scalars(entity_type, &spots, out);
            self.related(entity_type, &spots, out);
            self.depth -= 1;
        }
        out.push(b'}');
    }

    /// Returns the rows that say what is wanted of an entity here: all that it has, or those at this very place.
    fn spots<'s>(
        &self,
        nodes: &[usize],
        own: &'s [Spot],
        entity_type: TypeId,
        key: Option<&str>,
    ) -> Cow<'s, [Spot]>
    where
        'a: 's,
    {
        let is_alone = self.options.denormalize || self.depth >= MAX_DEPTH;
        let (Some(places), Some(key), true) = (self.places, key, !is_alone || nodes.len() > 1)
        else {
            return own.into();
        };
        match places.of(entity_type, key) {
            None => own.into(),
            Some(spots) if is_alone => {
                let here = spots.iter().filter(|spot| nodes.contains(&spot.node));
                here.copied().collect()
            }
            Some(spots) => spots.into(),
        }
    }

    fn is_wanted(&mut self, entity_type: TypeId, key: Option<&str>, spots: &[Spot]) -> bool {
        let (Some(key), false) = (key, self.options.denormalize) else {
            return true;
        };
        let layout = self.layout;
        let shapes = || {
            let nodes = spots.iter().map(|spot| spot.node);
            nodes.map(|node| (node, layout.nodes[node].shape(entity_type)))
        };
        let scalars = shapes().fold(0, |scalars, (_, shape)| scalars | shape.scalars);
        let first = self.first_node;
        let nodes = shapes()
            .filter(|(_, shape)| !shape.related.is_empty())
            .map(|(node, _)| first + u32::try_from(node).unwrap_or(u32::MAX));
        self.seen.note(entity_type, key, scalars, nodes)
    }

    fn scalars(&self, entity_type: TypeId, spots: &[Spot], out: &mut Vec<u8>) {
        let mut written = 0;
        for spot in spots {
            let shape = self.layout.nodes[spot.node].shape(entity_type);
            for item in shape.items.iter().filter(|item| item.bit & written == 0) {
                self.item(spot.node, spot.row, item, out);
            }
            written |= shape.scalars;
        }
    }

    /// Writes the entities of every relation, once for all places that follow it.
    fn related(&mut self, entity_type: TypeId, spots: &[Spot], out: &mut Vec<u8>) {
        let layout = self.layout;
        let shape = |spot: &Spot| layout.nodes[spot.node].shape(entity_type);
        for (index, spot) in spots.iter().enumerate() {
            for related in &shape(spot).related {
                let same = |other: &Spot| shape(other).following(&related.label);
                if spots[..index].iter().any(|other| same(other).is_some()) {
                    continue;
                }
                let mut nodes = Cow::Borrowed(related.nodes.as_slice());
                for other in spots[index + 1..].iter().filter_map(same) {
                    nodes.to_mut().extend(&other.nodes);
                }
                out.extend_from_slice(&related.label);
                self.branch(*spot, related.branch, &nodes, out);
            }
        }
    }

    fn branch(&mut self, spot: Spot, branch: usize, nodes: &[usize], out: &mut Vec<u8>) {
        let Spot { node, row } = spot;
        let near = &self.layout.nodes[node].near[branch];
        let branch = &self.tree.nodes[node].branches[branch];
        let levels = self.levels;
        let related = group_key(&levels[node].rows, row, near)
            .and_then(|key| levels[branch.node].groups.get(key.as_ref()))
            .map_or(&[][..], Vec::as_slice);
        if !branch.relation.is_collection {
            match related.first() {
                Some(row) => self.entity(nodes, *row, out),
                None => out.extend_from_slice(b"null"),
            }
            return;
        }
        out.push(b'[');
        for (index, row) in related.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.entity(nodes, *row, out);
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
