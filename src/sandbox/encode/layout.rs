//! Which columns a tree takes, and how each concrete type is written from them.

use super::tree::{Node, Selected, Tree};
use crate::{
    plan::{
        Alias, column_of, computed_address, computed_column, computed_list, near_columns,
        owner_columns,
    },
    schema::{Attribute, AttributeKind, Catalog, DataType, EntityType, TypeId},
    semantics::{computed_custom_attributes, computed_media::Address},
};

/// The layout of every node of a tree.
#[derive(Debug)]
pub(super) struct Layout<'c> {
    /// In the order of the tree's nodes.
    pub nodes: Vec<NodeLayout<'c>>,
}

/// The columns of one node.
#[derive(Debug, Default)]
pub(super) struct NodeLayout<'c> {
    /// What is selected, as SQL under [`Alias::ROOT`].
    columns: Vec<String>,
    /// The columns that say to which row of the parent node a row belongs; none at the root.
    pub owner: Vec<usize>,
    /// For each branch, the columns by which its rows are found.
    pub near: Vec<Vec<usize>>,
    /// The columns that tell concrete types apart.
    pub discriminators: Vec<(&'c str, usize)>,
    shapes: Vec<Shape<'c>>,
}

/// How an entity of a concrete type is written.
#[derive(Debug)]
pub(super) struct Shape<'c> {
    entity_type: TypeId,
    /// The beginning: the brace and the type.
    pub opening: Vec<u8>,
    /// The columns of the primary key.
    pub key: Vec<usize>,
    /// The primary key, which references have too.
    pub key_items: Vec<Item<'c>>,
    /// All other scalars.
    pub items: Vec<Item<'c>>,
    /// The relations that are followed.
    pub related: Vec<Related>,
    /// All scalars, as bits by the position of the attribute in the type.
    pub scalars: u128,
}

impl Shape<'_> {
    /// Returns the relation that has this label.
    pub(super) fn following(&self, label: &[u8]) -> Option<&Related> {
        self.related.iter().find(|related| related.label == label)
    }
}

/// A relation of an entity.
#[derive(Debug)]
pub(super) struct Related {
    /// What is written before the entities.
    pub label: Vec<u8>,
    /// The branch.
    pub branch: usize,
    /// The nodes of the related entities: that of the branch, and those of others that follow the same relation, as
    /// `parent.children` and `parent[Shot].children` do of shots.
    pub nodes: Vec<usize>,
}

/// One scalar of an entity.
#[derive(Debug)]
pub(super) struct Item<'c> {
    /// The name of the attribute.
    pub name: &'c str,
    /// The attribute as a bit, by its position in the type.
    pub bit: u128,
    /// What is written before the value.
    pub label: Vec<u8>,
    /// Where the value is.
    pub column: usize,
    /// How the value is written.
    pub format: Format,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    /// By its type.
    Value(DataType),
    /// As the name by which clients know an entity type; for contexts, their object type is in another column.
    EntityTypeName { object_type: Option<usize> },
    /// By the type of its custom attribute, whose id is in another column.
    Variable {
        type_column: usize,
        is_default: bool,
    },
    /// As an address of the component in the column.
    Address(Address),
}

impl<'c> Layout<'c> {
    /// Lays out all nodes of a tree.
    pub(super) fn of(tree: &Tree<'c>) -> Self {
        let nodes = tree.nodes.iter();
        Self {
            nodes: nodes.map(|node| lay_out(tree, node)).collect(),
        }
    }

    /// Returns what is to be selected for a node.
    pub(super) fn columns_of(&self, node: usize) -> String {
        self.nodes[node].columns.join(", ")
    }

    /// Returns the number of columns of a node.
    pub(super) fn width(&self, node: usize) -> usize {
        self.nodes[node].columns.len()
    }
}

impl<'c> NodeLayout<'c> {
    /// Returns how entities of a type are written.
    pub(super) fn shape(&self, entity_type: TypeId) -> &Shape<'c> {
        let shape = self
            .shapes
            .iter()
            .find(|shape| shape.entity_type == entity_type);
        // The first is that of the declared type; there is one for every type a row can have.
        shape.unwrap_or(&self.shapes[0])
    }

    fn column(&mut self, text: String) -> usize {
        let known = self.columns.iter().position(|column| *column == text);
        known.unwrap_or_else(|| {
            self.columns.push(text);
            self.columns.len() - 1
        })
    }

    fn plain_column(&mut self, column: &str) -> usize {
        self.column(column_of(Alias::ROOT, column))
    }
}

fn lay_out<'c>(tree: &Tree<'c>, node: &Node<'c>) -> NodeLayout<'c> {
    let mut layout = NodeLayout::default();
    if let Some((parent, branch)) = node.parent {
        let relation = &tree.nodes[parent].branches[branch].relation;
        layout.owner = owner_columns(relation)
            .into_iter()
            .map(|column| layout.column(column))
            .collect();
    }
    for branch in &node.branches {
        let near = near_columns(&branch.relation)
            .into_iter()
            .map(|column| layout.plain_column(column))
            .collect();
        layout.near.push(near);
    }
    let subtypes = || {
        let ids = node.entity_type.subtypes.iter();
        ids.map(|id| tree.catalog.type_by_id(*id))
    };
    for (column, _) in subtypes().flat_map(|subtype| &subtype.discriminator) {
        if !layout.discriminators.iter().any(|(name, _)| name == column) {
            let index = layout.plain_column(column);
            layout.discriminators.push((column, index));
        }
    }
    for entity_type in std::iter::once(node.entity_type).chain(subtypes()) {
        let shape = shape(&mut layout, tree.catalog, node, entity_type);
        layout.shapes.push(shape);
    }
    layout
}

fn shape<'c>(
    layout: &mut NodeLayout<'c>,
    catalog: &'c Catalog,
    node: &Node<'c>,
    entity_type: &'c EntityType,
) -> Shape<'c> {
    let mut shape = Shape {
        entity_type: entity_type.id,
        opening: format!("{{\"__entity_type__\":\"{}\"", entity_type.name).into_bytes(),
        key: Vec::new(),
        key_items: Vec::new(),
        items: Vec::new(),
        related: Vec::new(),
        scalars: 0,
    };
    for name in &entity_type.primary_key {
        shape.key.push(layout.plain_column(name));
        let item = item(layout, catalog, entity_type, name, &mut shape.scalars);
        shape.key_items.extend(item);
    }
    let is_here = |selected: &&Selected<'c>| entity_type.is_a(selected.guard);
    let selected = node
        .attributes
        .iter()
        .filter(is_here)
        .map(|selected| selected.name);
    let system = entity_type.system_projections.iter().map(String::as_str);
    for name in system.chain(selected) {
        let written = shape.key_items.iter().chain(&shape.items);
        if !written.into_iter().any(|item| item.name == name) {
            let item = item(layout, catalog, entity_type, name, &mut shape.scalars);
            shape.items.extend(item);
        }
    }
    for (index, branch) in node.branches.iter().enumerate() {
        if !entity_type.is_a(branch.guard) {
            continue;
        }
        let label = label(&branch.attribute.name);
        match shape.related.iter_mut().find(|known| known.label == label) {
            Some(known) => known.nodes.push(branch.node),
            None => shape.related.push(Related {
                label,
                branch: index,
                nodes: vec![branch.node],
            }),
        }
    }
    shape
}

/// Lays out a scalar; nothing for a name that the type does not have.
fn item<'c>(
    layout: &mut NodeLayout<'c>,
    catalog: &'c Catalog,
    entity_type: &'c EntityType,
    name: &str,
    scalars: &mut u128,
) -> Option<Item<'c>> {
    let attributes = entity_type.attributes();
    let position = attributes
        .iter()
        .position(|attribute| attribute.name == name)?;
    let attribute = &attributes[position];
    let (column, format) = match &attribute.kind {
        AttributeKind::Column { column, data_type } => {
            let index = layout.plain_column(column);
            let format = column_format(layout, catalog, entity_type, attribute, *data_type);
            (index, format)
        }
        AttributeKind::Computed {
            function,
            data_type,
        } => computed(layout, function, *data_type)?,
        AttributeKind::Reference { .. } | AttributeKind::Collection { .. } => return None,
    };
    // No type has nearly as many attributes as there are bits; those beyond would share the last one.
    let bit = 1 << position.min(127);
    *scalars |= bit;
    Some(Item {
        name: &attribute.name,
        bit,
        label: label(&attribute.name),
        column,
        format,
    })
}

fn column_format(
    layout: &mut NodeLayout<'_>,
    catalog: &Catalog,
    entity_type: &EntityType,
    attribute: &Attribute,
    data_type: DataType,
) -> Format {
    if attribute.is_entity_type_name {
        let table = catalog.table(entity_type.table);
        let names_parent = attribute.name == "parent_type" && table.column("parent_id").is_some();
        let object_type = names_parent.then(|| {
            let parent = column_of(Alias::ROOT, "parent_id");
            layout.column(format!(
                "(select p.object_type_id from context p where p.id = {parent})"
            ))
        });
        return Format::EntityTypeName { object_type };
    }
    if data_type != DataType::Variable {
        return Format::Value(data_type);
    }
    let table = &catalog.table(entity_type.table).name;
    Format::Variable {
        type_column: layout.column(computed_custom_attributes::type_of(table, Alias::ROOT)),
        is_default: attribute.name == "default",
    }
}

fn computed(
    layout: &mut NodeLayout<'_>,
    function: &str,
    data_type: DataType,
) -> Option<(usize, Format)> {
    if let Some(column) = computed_column(function, Alias::ROOT) {
        return Some((layout.column(column), Format::Value(data_type)));
    }
    if let Some(column) = computed_list(function, Alias::ROOT) {
        return Some((layout.column(column), Format::Value(DataType::Array)));
    }
    let (address, column) = computed_address(function, Alias::ROOT)?;
    Some((layout.column(column), Format::Address(address)))
}

fn label(name: &str) -> Vec<u8> {
    format!(",\"{name}\":").into_bytes()
}
