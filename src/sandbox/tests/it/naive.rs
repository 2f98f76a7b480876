//! A second implementation of queries, to compare the server's with: every table in memory, every condition looked at
//! row by row, and nothing of the planner.
//!
//! Conditions are true, false or unknown (`None`), as in SQL: a comparison with a missing value is unknown. Whether a
//! path leads to a related row that fulfils the rest of a condition is never unknown.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use ftrack_protocol::query::{Direction, Query, Segment};
use ftrack_sandbox::schema::{AttributeKind, Catalog, DataType, EntityType, Join};
use rusqlite::{Connection, types::Value};

use crate::naive_conditions::holds;

/// One row of a table, by column.
pub type Row = HashMap<String, Value>;

/// The attributes that the server derives and this evaluator knows.
pub const COMPUTED: &[&str] = &[
    "bid_time_logged_difference",
    "custom_attribute_key",
    "is_latest_version",
    "time_logged",
];

/// Everything in a database.
pub struct Database {
    tables: HashMap<String, Vec<Row>>,
    /// By table and column: the rows by value, so that following a relation does not take a walk through the table.
    rows_by: HashMap<(String, String), HashMap<String, Vec<usize>>>,
    /// By the kind of entity: the values of its custom attributes, those that were never set included.
    values: HashMap<String, Vec<Row>>,
    /// What queries inside `in (...)` select: they are the same for every row.
    pub selected: RefCell<HashMap<String, Rc<Vec<Value>>>>,
}

impl Database {
    pub fn load(connection: &Connection) -> Self {
        let mut database = Self {
            tables: HashMap::new(),
            rows_by: HashMap::new(),
            values: HashMap::new(),
            selected: RefCell::default(),
        };
        for table in Catalog::get().tables() {
            let mut statement = connection
                .prepare(&format!("select * from \"{}\"", table.name))
                .unwrap();
            let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
            let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Row> {
                let cells = columns.iter().enumerate();
                cells
                    .map(|(index, name)| Ok((name.clone(), row.get(index)?)))
                    .collect()
            };
            let rows: Vec<Row> = statement
                .query_map([], read)
                .unwrap()
                .map(Result::unwrap)
                .collect();
            for (position, row) in rows.iter().enumerate() {
                for (column, value) in row {
                    if let Value::Text(text) = value {
                        let key = (table.name.clone(), column.clone());
                        let by_value = database.rows_by.entry(key).or_default();
                        by_value.entry(text.clone()).or_default().push(position);
                    }
                }
            }
            database.tables.insert(table.name.clone(), rows);
        }
        for kind in [
            "context",
            "asset",
            "asset_version",
            "list",
            "list_object",
            "user",
        ] {
            let values = all_values(&database, kind);
            database.values.insert(kind.to_owned(), values);
        }
        database
    }

    /// Returns all rows of a type.
    pub fn rows(&self, entity_type: &EntityType) -> Vec<&Row> {
        if let [(column, kinds)] = entity_type.row_filter.as_slice()
            && column == "entity_kind"
        {
            return self.values[&kinds[0]].iter().collect();
        }
        let rows = self.table(entity_type).iter();
        rows.filter(|row| is_of(entity_type, row)).collect()
    }

    fn table(&self, entity_type: &EntityType) -> &[Row] {
        &self.tables[&Catalog::get().table(entity_type.table).name]
    }

    fn rows_with(&self, table: &str, column: &str, value: &Value) -> Vec<&Row> {
        let Value::Text(text) = value else {
            return Vec::new();
        };
        let found = self.rows_by.get(&(table.to_owned(), column.to_owned()));
        let positions = found.and_then(|by_value| by_value.get(text));
        let rows = &self.tables[table];
        positions.map_or_else(Vec::new, |positions| {
            positions.iter().map(|&at| &rows[at]).collect()
        })
    }

    fn context(&self, id: &Value) -> Option<&Row> {
        self.rows_with("context", "id", id).into_iter().next()
    }
}

/// Returns a row for every entity of a kind and every custom attribute that it has, set or not.
fn all_values(database: &Database, kind: &str) -> Vec<Row> {
    let mut values = Vec::new();
    let owners = if kind == "user" { "resource" } else { kind };
    for owner in &database.tables[owners] {
        for configuration in &database.tables["custom_attribute_configuration"] {
            if !applies(kind, owner, configuration) {
                continue;
            }
            let stored = database.rows_with("custom_attribute_value", "entity_id", &owner["id"]);
            let stored = stored
                .into_iter()
                .find(|value| value["configuration_id"] == configuration["id"]);
            let value = match stored {
                Some(stored) => stored["value"].clone(),
                None if configuration["is_hierarchical"] == Value::Integer(1) => Value::Null,
                None => configuration["default"].clone(),
            };
            values.push(Row::from([
                ("configuration_id".to_owned(), configuration["id"].clone()),
                ("entity_id".to_owned(), owner["id"].clone()),
                ("value".to_owned(), value),
            ]));
        }
    }
    values
}

fn applies(kind: &str, owner: &Row, configuration: &Row) -> bool {
    let text = |row: &Row, column: &str| match row.get(column) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let is_hierarchical = configuration["is_hierarchical"] == Value::Integer(1);
    let named = text(configuration, "entity_type").unwrap_or_default();
    let fits = match kind {
        "context" if text(owner, "context_type").as_deref() == Some("show") => {
            is_hierarchical || named == "show"
        }
        "context" => {
            let object_type = text(configuration, "object_type_id");
            is_hierarchical || named == "task" && object_type == text(owner, "object_type_id")
        }
        "asset" | "asset_version" => is_hierarchical || named == kind.replace('_', ""),
        "user" => named == "user" && text(owner, "resource_type").as_deref() == Some("user"),
        _ => named == kind.replace('_', ""),
    };
    let project = text(configuration, "project_id");
    let own = text(owner, "project_id").or_else(|| text(owner, "id"));
    fits && text(configuration, "configuration_kind").as_deref() == Some("value")
        && (project.is_none() || project == own)
}

fn is_of(entity_type: &EntityType, row: &Row) -> bool {
    entity_type.row_filter.iter().all(
        |(column, values)| matches!(&row[column], Value::Text(value) if values.contains(value)),
    )
}

/// Returns the primary keys of the entities that a query finds, in order.
pub fn find(database: &Database, query: &Query) -> Vec<Vec<Value>> {
    let entity_type = Catalog::get().entity_type(&query.entity_type).unwrap();
    page(database, entity_type, query)
        .into_iter()
        .map(|row| {
            entity_type
                .primary_key
                .iter()
                .map(|column| row[column].clone())
                .collect()
        })
        .collect()
}

pub fn page<'d>(database: &'d Database, entity_type: &EntityType, query: &Query) -> Vec<&'d Row> {
    let mut rows = database.rows(entity_type);
    if let Some(criteria) = &query.criteria {
        rows.retain(|row| holds(database, entity_type, row, criteria) == Some(true));
    }
    rows.sort_by(|left, right| order(database, entity_type, query, left, right));
    let count = |number: Option<u64>, default| {
        number.map_or(default, |number| usize::try_from(number).unwrap())
    };
    let limit = count(query.limit, usize::MAX);
    rows.into_iter()
        .skip(count(query.offset, 0))
        .take(limit)
        .collect()
}

fn order(
    database: &Database,
    entity_type: &EntityType,
    query: &Query,
    left: &Row,
    right: &Row,
) -> Ordering {
    for key in &query.order {
        let value = |row| scalar(database, entity_type, row, &key.path.segments);
        let (left, right) = (value(left), value(right));
        let ordering = left.sorted_with(&right);
        let ordering = match key.direction {
            Direction::Ascending => ordering,
            Direction::Descending => ordering.reverse(),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    let keys = entity_type.primary_key.iter();
    keys.map(|column| {
        let value = |row: &Row| column_value(entity_type, row, column);
        value(left).sorted_with(&value(right))
    })
    .find(|ordering| ordering.is_ne())
    .unwrap_or(Ordering::Equal)
}

/// A value with what it takes to compare it.
pub struct Scalar {
    pub value: Value,
    pub data_type: DataType,
    is_identifier: bool,
}

impl Scalar {
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        match (&self.value, other) {
            (Value::Null, _) | (_, Value::Null) => None,
            (Value::Text(left), Value::Text(right)) if self.is_identifier => Some(left.cmp(right)),
            (Value::Text(left), Value::Text(right)) => Some(folded(left).cmp(&folded(right))),
            (Value::Text(_), _) => Some(Ordering::Greater),
            (_, Value::Text(_)) => Some(Ordering::Less),
            (left, right) => number(left).partial_cmp(&number(right)),
        }
    }

    /// Compares for sorting: what is missing comes first.
    fn sorted_with(&self, other: &Self) -> Ordering {
        let is_missing = |scalar: &Self| scalar.value == Value::Null;
        match (is_missing(self), is_missing(other)) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.compare(&other.value).unwrap(),
        }
    }
}

/// Case counts for no letter of ASCII, and for every other.
pub fn folded(text: &str) -> String {
    text.to_ascii_lowercase()
}

fn number(value: &Value) -> f64 {
    match value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "no number of the seeds is that large"
        )]
        Value::Integer(number) => *number as f64,
        Value::Real(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

/// Returns what a path of single references leads to.
pub fn scalar(
    database: &Database,
    entity_type: &EntityType,
    row: &Row,
    path: &[Segment],
) -> Scalar {
    let (first, rest) = path.split_first().unwrap();
    if rest.is_empty() {
        return attribute_value(database, entity_type, row, &first.name);
    }
    let (target, rows) = related(database, entity_type, row, first);
    match rows.first() {
        Some(row) => scalar(database, target, row, rest),
        None => Scalar {
            value: Value::Null,
            data_type: DataType::Text,
            is_identifier: false,
        },
    }
}

pub fn attribute_value(
    database: &Database,
    entity_type: &EntityType,
    row: &Row,
    name: &str,
) -> Scalar {
    let attribute = entity_type.attribute(name).unwrap();
    match &attribute.kind {
        AttributeKind::Column { column, .. } => column_value(entity_type, row, column),
        AttributeKind::Computed {
            function,
            data_type,
        } => Scalar {
            value: computed(database, function, row),
            data_type: *data_type,
            is_identifier: false,
        },
        AttributeKind::Reference {
            join: Join::Columns { pairs, .. },
            ..
        } => column_value(entity_type, row, &pairs[0].0),
        other => panic!("{name} has no value: {other:?}"),
    }
}

fn column_value(entity_type: &EntityType, row: &Row, column: &str) -> Scalar {
    let declared = Catalog::get()
        .table(entity_type.table)
        .column(column)
        .unwrap();
    Scalar {
        value: row[column].clone(),
        data_type: declared.data_type,
        is_identifier: declared.is_identifier,
    }
}

fn computed(database: &Database, function: &str, row: &Row) -> Value {
    match function {
        "time_logged" => Value::Real(time_logged(database, row)),
        "bid_time_logged_difference" => {
            let bid = if row["bid"] == Value::Null {
                0.0
            } else {
                number(&row["bid"])
            };
            Value::Real(bid - time_logged(database, row))
        }
        "is_latest_version" => Value::Integer(i64::from(is_latest(database, row))),
        "custom_attribute_key" => {
            let configurations = database.rows_with(
                "custom_attribute_configuration",
                "id",
                &row["configuration_id"],
            );
            configurations
                .first()
                .map_or(Value::Null, |found| found["key"].clone())
        }
        other => panic!("{other} is not known here"),
    }
}

fn time_logged(database: &Database, row: &Row) -> f64 {
    let logs = database.rows_with("timelog", "context_id", &row["id"]);
    logs.iter().map(|log| number(&log["duration"])).sum()
}

/// Whether a version is published, and none of the same asset that is published has a higher number.
fn is_latest(database: &Database, row: &Row) -> bool {
    let is_published = |row: &Row| row["is_published"] == Value::Integer(1);
    let siblings = database.rows_with("asset_version", "asset_id", &row["asset_id"]);
    let mut later = siblings
        .iter()
        .filter(|other| is_published(other) && is_above(other, row));
    is_published(row) && later.next().is_none()
}

fn is_above(left: &Row, right: &Row) -> bool {
    match (&left["version"], &right["version"]) {
        (Value::Integer(left), Value::Integer(right)) => left > right,
        _ => false,
    }
}

/// Returns the rows that a step leads to, and their type.
pub fn related<'d>(
    database: &'d Database,
    entity_type: &EntityType,
    row: &Row,
    step: &Segment,
) -> (&'static EntityType, Vec<&'d Row>) {
    let catalog = Catalog::get();
    let attribute = entity_type.attribute(&step.name).unwrap();
    let (AttributeKind::Reference { target, join }
    | AttributeKind::Collection { target, join, .. }) = &attribute.kind
    else {
        panic!("{} leads nowhere", step.name)
    };
    let target = match &step.cast {
        Some(cast) => catalog.entity_type(cast).unwrap(),
        None => catalog.type_by_id(*target),
    };
    let table = &catalog.table(target.table).name;
    let mut rows = match join {
        Join::Columns { pairs, filter } => joined(database, table, row, pairs, filter),
        Join::Through {
            table: link,
            near,
            far,
        } => {
            let links = joined(database, &catalog.table(*link).name, row, near, &[]);
            let mut found: Vec<&Row> = Vec::new();
            for link in links {
                found.extend(joined(database, table, link, far, &[]));
            }
            found
        }
        Join::Computed { relation } => computed_relation(database, relation, row),
    };
    rows.retain(|row| is_of(target, row));
    (target, rows)
}

fn joined<'d>(
    database: &'d Database,
    table: &str,
    row: &Row,
    pairs: &[(String, String)],
    filter: &[(String, String)],
) -> Vec<&'d Row> {
    let (near, far) = &pairs[0];
    let mut rows = database.rows_with(table, far, &row[near]);
    rows.retain(|other| {
        let fits = pairs.iter().all(|(near, far)| other[far] == row[near]);
        fits && filter
            .iter()
            .all(|(column, value)| other[column] == Value::Text(value.clone()))
    });
    rows
}

fn computed_relation<'d>(database: &'d Database, relation: &str, row: &Row) -> Vec<&'d Row> {
    match relation {
        "ancestors" => upwards(database, &row["parent_id"]),
        "asset_ancestors" => upwards(database, &row["context_id"]),
        "descendants" => downwards(database, &row["id"]),
        "custom_attributes" => {
            database.rows_with("custom_attribute_value", "entity_id", &row["id"])
        }
        "latest_version" => {
            let versions = database.rows_with("asset_version", "asset_id", &row["id"]);
            let is_last = |version: &&Row| !versions.iter().any(|other| is_above(other, version));
            versions.iter().copied().filter(is_last).collect()
        }
        other => panic!("{other} is not known here"),
    }
}

fn upwards<'d>(database: &'d Database, id: &Value) -> Vec<&'d Row> {
    let next = |row: &&'d Row| database.context(&row["parent_id"]);
    std::iter::successors(database.context(id), next).collect()
}

fn downwards<'d>(database: &'d Database, id: &Value) -> Vec<&'d Row> {
    let mut found = database.rows_with("context", "parent_id", id);
    let mut at = 0;
    while at < found.len() {
        found.extend(database.rows_with("context", "parent_id", &found[at]["id"]));
        at += 1;
    }
    found
}
