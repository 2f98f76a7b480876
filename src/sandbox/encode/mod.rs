//! Answers queries: rows in, JSON out.
//!
//! The page of a query is read with one statement, then every relation of its projections with one statement for all
//! rows together, however many there are. The JSON is written straight into the answer.
//!
//! - `answer`: single entities, for creates and updates
//! - `tree`: what the projections ask for, as a tree of relations
//! - `layout`: which columns that takes
//! - `load`: reading the rows, level by level
//! - `emit`: writing the entities
//! - `places`: where an entity occurs more than once
//! - `seen`: what the answer holds already
//! - `scalar`: writing single values

mod answer;
mod emit;
mod layout;
mod load;
mod places;
mod scalar;
mod seen;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ftrack_protocol::query::{Projection, Query, parse};
use rusqlite::{Connection, params_from_iter};

use crate::media::signing::UrlSigner;
pub use crate::plan::QueryError;
use crate::{
    plan::{self, Sql, aggregate, resolve},
    schema::Catalog,
};
pub use answer::{Answers, Place};
use emit::Emitter;
use layout::Layout;
use load::{Cell, Loaded, Rows, load};
use places::Places;
pub use seen::Seen;
use tree::Tree;

/// What a client asked of all answers of a call.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Whether only what was asked for is answered; grouping needs it.
    pub strict: bool,
    /// Whether every entity is written in full wherever it occurs, instead of once.
    pub denormalize: bool,
    /// The address of the server, such as `http://localhost:8080`, for links to files.
    pub base_url: String,
    /// Signs those links, as clients follow them without a key; unsigned links ask for one.
    pub signer: Option<Arc<UrlSigner>>,
    /// The configurations of custom attributes that the client does not get to see, by id.
    pub hidden_attributes: Vec<String>,
}

/// The most bytes of the answer to a call. Where entities are written in full wherever they occur, a few steps back and
/// forth multiply to more than any machine holds.
const LARGEST_ANSWER: usize = 256 << 20;

/// Answers a query with `{"action": "query", "data": [...], "metadata": {"next": {"offset": ...}}}`.
///
/// `seen` spans all answers of a call. When the query fails, `out` is as it was.
pub fn query(
    connection: &Connection,
    expression: &str,
    options: &ReadOptions,
    seen: &mut Seen,
    out: &mut Vec<u8>,
) -> Result<(), QueryError> {
    query_within(LARGEST_ANSWER, connection, expression, options, seen, out)
}

fn query_within(
    limit: usize,
    connection: &Connection,
    expression: &str,
    options: &ReadOptions,
    seen: &mut Seen,
    out: &mut Vec<u8>,
) -> Result<(), QueryError> {
    let query = parse(expression)?;
    let is_aggregate = |projection: &Projection| matches!(projection, Projection::Aggregate(..));
    if query.projections.iter().any(is_aggregate) || !query.group_by.is_empty() {
        return grouped(connection, &query, options, out);
    }
    let catalog = Catalog::get();
    let entity_type = resolve::entity_type(catalog, &query.entity_type)?;
    let mut tree = Tree::new(catalog, entity_type);
    for projection in &query.projections {
        if let Projection::Attribute(path) = projection {
            tree.add(path)?;
        }
    }
    let layout = Layout::of(&tree);
    let hidden = &options.hidden_attributes;
    let sql = plan::rows(catalog, &query, &layout.columns_of(Tree::ROOT), hidden)?;
    let (levels, next) = load_page(connection, &tree, &layout, &sql, &query, hidden)?;
    let places = Places::find(&layout, &levels);
    let mut emitter = Emitter::new(&tree, &layout, &levels, options, seen)
        .with_places(&places)
        .with_limit(limit);
    let start = out.len();
    out.extend_from_slice(br#"{"action":"query","data":["#);
    for row in 0..levels[Tree::ROOT].len() {
        if row > 0 {
            out.push(b',');
        }
        emitter.entity(&[Tree::ROOT], row, out);
    }
    if emitter.is_over_limit() {
        out.truncate(start);
        return Err(QueryError::TooLarge { limit });
    }
    finish_page(next, out);
    Ok(())
}

/// Reads the rows of a page and all that belongs to them, and says where the next page begins.
fn load_page<'c>(
    connection: &Connection,
    tree: &Tree<'c>,
    layout: &Layout<'c>,
    sql: &Sql,
    query: &Query,
    hidden: &[String],
) -> Result<(Vec<Loaded>, Option<u64>), QueryError> {
    let (rows, next) = read_page(connection, sql, layout.width(Tree::ROOT), query)?;
    Ok((load(connection, tree, layout, rows, hidden)?, next))
}

/// Reads the rows of a page, without the one that tells that there are more, and says where the next page begins.
fn read_page(
    connection: &Connection,
    sql: &Sql,
    width: usize,
    query: &Query,
) -> Result<(Rows, Option<u64>), QueryError> {
    let mut rows = read(connection, sql, width)?;
    let next = next_offset(query, rows.len());
    if next.is_some() || query.limit == Some(0) {
        rows.truncate(rows.len().saturating_sub(1));
    }
    Ok((rows, next))
}

/// Returns where the next page begins, given that one row more than the limit was asked for.
///
/// A page without rows is never followed by another, or a client would ask for ever.
fn next_offset(query: &Query, found: usize) -> Option<u64> {
    let limit = query.limit.filter(|limit| *limit > 0)?;
    let has_more = u64::try_from(found).is_ok_and(|found| found > limit);
    has_more.then(|| query.offset.unwrap_or(0).saturating_add(limit))
}

fn read(connection: &Connection, sql: &Sql, width: usize) -> Result<Rows, QueryError> {
    let mut statement = connection.prepare_cached(sql.text())?;
    let mut found = statement.query(params_from_iter(sql.parameters()))?;
    let mut rows = Rows::new(width);
    while let Some(row) = found.next()? {
        rows.push(row)?;
    }
    Ok(rows)
}

/// Answers an aggregate query, whose rows are plain objects and no entities.
fn grouped(
    connection: &Connection,
    query: &Query,
    options: &ReadOptions,
    out: &mut Vec<u8>,
) -> Result<(), QueryError> {
    if !options.strict {
        return Err(QueryError::Grouping {
            entity_type: query.entity_type.clone(),
            reason: "aggregates need the strict API",
        });
    }
    let aggregate = aggregate(Catalog::get(), query, &options.hidden_attributes)?;
    let (rows, next) = read_page(connection, &aggregate.sql, aggregate.columns.len(), query)?;
    out.extend_from_slice(br#"{"action":"query","data":["#);
    for row in 0..rows.len() {
        out.extend_from_slice(if row > 0 { b",{" } else { b"{" });
        for (index, (key, data_type)) in aggregate.columns.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            scalar::text(key, out);
            out.push(b':');
            scalar::value(&rows, rows.cell(row, index), *data_type, out);
        }
        out.push(b'}');
    }
    finish_page(next, out);
    Ok(())
}

fn finish_page(next: Option<u64>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"],"metadata":{"next":{"offset":"#);
    match next {
        Some(offset) => out.extend_from_slice(offset.to_string().as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b"}}}");
}
