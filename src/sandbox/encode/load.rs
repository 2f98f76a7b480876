//! Reads the rows of a tree, one statement for each relation.

use std::collections::HashMap;

use rusqlite::{
    Connection,
    types::{Value, ValueRef},
};

use super::{layout::Layout, read, tree::Tree};
use crate::{
    plan::{QueryError, relation_rows},
    schema::TypeId,
};

/// A value of a row; texts lie in the buffer of the [`Rows`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text { start: usize, end: usize },
}

/// Rows of equal width, in few allocations.
#[derive(Debug)]
pub(super) struct Rows {
    width: usize,
    cells: Vec<Cell>,
    text: String,
}

impl Rows {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            cells: Vec::new(),
            text: String::new(),
        }
    }

    pub(super) fn push(&mut self, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        for index in 0..self.width {
            let cell = match row.get_ref(index)? {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(number) => Cell::Integer(number),
                ValueRef::Real(number) => Cell::Real(number),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    let start = self.text.len();
                    match std::str::from_utf8(bytes) {
                        Ok(text) => self.text.push_str(text),
                        Err(_) => self.text.push_str(&String::from_utf8_lossy(bytes)),
                    }
                    Cell::Text {
                        start,
                        end: self.text.len(),
                    }
                }
            };
            self.cells.push(cell);
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len() / self.width.max(1)
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.cells.truncate(rows * self.width);
    }

    pub(super) fn cell(&self, row: usize, column: usize) -> Cell {
        self.cells[row * self.width + column]
    }

    /// Returns the text of a cell; none for null and numbers.
    pub(super) fn text(&self, cell: Cell) -> Option<&str> {
        match cell {
            Cell::Text { start, end } => Some(&self.text[start..end]),
            Cell::Null | Cell::Integer(_) | Cell::Real(_) => None,
        }
    }

    /// Returns a cell as text that tells it from other values, for use as a key; none for null.
    pub(super) fn key(&self, cell: Cell) -> Option<std::borrow::Cow<'_, str>> {
        match cell {
            Cell::Null => None,
            Cell::Integer(number) => Some(number.to_string().into()),
            Cell::Real(number) => Some(number.to_string().into()),
            Cell::Text { start, end } => Some(self.text[start..end].into()),
        }
    }
}

/// The rows of one node.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The rows, in the order they are written.
    pub rows: Rows,
    /// The concrete type of each row.
    pub types: Vec<TypeId>,
    /// The rows of each owner; empty at the root.
    pub groups: HashMap<Box<str>, Vec<usize>>,
}

impl Loaded {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// Reads all that belongs to the rows of the root.
pub(super) fn load(
    connection: &Connection,
    tree: &Tree<'_>,
    layout: &Layout<'_>,
    root: Rows,
    hidden: &[String],
) -> Result<Vec<Loaded>, QueryError> {
    let mut levels = Vec::with_capacity(tree.nodes.len());
    levels.push(finish(tree, layout, Tree::ROOT, root));
    for (index, node) in tree.nodes.iter().enumerate() {
        let Some((parent, branch)) = node.parent else {
            continue;
        };
        let near = &layout.nodes[parent].near[branch];
        let owners = distinct_keys(&levels[parent], near[0]);
        let rows = if owners.is_empty() {
            Rows::new(layout.width(index))
        } else {
            let branch = &tree.nodes[parent].branches[branch];
            let sql = relation_rows(
                tree.catalog,
                branch.owner,
                &branch.relation,
                &layout.columns_of(index),
                owners,
                hidden,
            );
            read(connection, &sql, layout.width(index))?
        };
        levels.push(finish(tree, layout, index, rows));
    }
    Ok(levels)
}

fn distinct_keys(level: &Loaded, column: usize) -> Vec<Value> {
    let mut known = std::collections::HashSet::new();
    let mut keys = Vec::new();
    for row in 0..level.len() {
        let cell = level.rows.cell(row, column);
        if let Some(key) = level.rows.key(cell)
            && !known.contains(&key)
        {
            keys.push(match cell {
                Cell::Integer(number) => Value::Integer(number),
                _ => Value::Text(key.to_string()),
            });
            known.insert(key);
        }
    }
    keys
}

fn finish(tree: &Tree<'_>, layout: &Layout<'_>, node: usize, rows: Rows) -> Loaded {
    let types = (0..rows.len())
        .map(|_| tree.nodes[node].entity_type.id)
        .collect();
    let mut loaded = Loaded {
        rows,
        types,
        groups: HashMap::new(),
    };
    find_types(tree, layout, node, &mut loaded);
    let owners = &layout.nodes[node].owner;
    if !owners.is_empty() {
        for row in 0..loaded.len() {
            if let Some(key) = group_key(&loaded.rows, row, owners) {
                match loaded.groups.get_mut(key.as_ref()) {
                    Some(group) => group.push(row),
                    None => {
                        loaded.groups.insert(key.into(), vec![row]);
                    }
                }
            }
        }
    }
    loaded
}

/// Returns the value of some columns as one text; none if one of them is null.
pub(super) fn group_key<'r>(
    rows: &'r Rows,
    row: usize,
    columns: &[usize],
) -> Option<std::borrow::Cow<'r, str>> {
    if let [column] = columns {
        return rows.key(rows.cell(row, *column));
    }
    let mut key = String::new();
    for column in columns {
        key.push_str(&rows.key(rows.cell(row, *column))?);
        key.push('\0');
    }
    Some(key.into())
}

/// Finds the most concrete type of each row; rows alike in their discriminators are looked at once.
fn find_types(tree: &Tree<'_>, layout: &Layout<'_>, node: usize, loaded: &mut Loaded) {
    let base = tree.nodes[node].entity_type;
    if base.subtypes.is_empty() {
        return;
    }
    let discriminators = &layout.nodes[node].discriminators;
    let mut known: Vec<(Vec<Option<String>>, TypeId)> = Vec::new();
    for row in 0..loaded.len() {
        let value = |column: usize| loaded.rows.text(loaded.rows.cell(row, column));
        let is_alike = |values: &[Option<String>]| {
            discriminators
                .iter()
                .zip(values)
                .all(|((_, column), known)| value(*column) == known.as_deref())
        };
        if let Some((_, id)) = known.iter().find(|(values, _)| is_alike(values)) {
            loaded.types[row] = *id;
            continue;
        }
        let values: Vec<Option<String>> = discriminators
            .iter()
            .map(|(_, column)| value(*column).map(str::to_owned))
            .collect();
        let lookup = |name: &str| {
            let index = discriminators
                .iter()
                .position(|(column, _)| *column == name)?;
            values[index].clone()
        };
        let id = tree.catalog.concrete_type(base.id, &lookup).id;
        known.push((values, id));
        loaded.types[row] = id;
    }
}
