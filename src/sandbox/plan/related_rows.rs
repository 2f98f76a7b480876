//! The rows that belong to many rows at once, for reading a relation with one statement.

use rusqlite::types::Value;

use super::{
    Alias, Planner, Scope, Sql, column_of, computed::ComputedRelation, computed_relation,
    resolve::Relation,
};
use crate::{
    schema::{Catalog, EntityType, Join},
    semantics::computed_custom_attributes::dense_values,
};

/// The relation whose rows are values of custom attributes, stored or not.
const CUSTOM_ATTRIBUTES: &str = "custom_attributes";

/// Returns the columns of the owner by which a relation finds its rows.
pub(crate) fn near_columns<'c>(relation: &Relation<'c>) -> Vec<&'c str> {
    match relation.join {
        Join::Columns { pairs, .. } | Join::Through { near: pairs, .. } => {
            pairs.iter().map(|(near, _)| near.as_str()).collect()
        }
        Join::Computed { relation } => computed_relation(relation)
            .map(|relation| relation.near)
            .into_iter()
            .collect(),
    }
}

/// Returns, as SQL for [`relation_rows`], the columns whose values equal the owner's [`near_columns`].
pub(crate) fn owner_columns(relation: &Relation<'_>) -> Vec<String> {
    match relation.join {
        Join::Columns { pairs, .. } => pairs
            .iter()
            .map(|(_, far)| column_of(Alias::ROOT, far))
            .collect(),
        Join::Through { near, .. } => near
            .iter()
            .map(|(_, near)| format!("link.\"{near}\""))
            .collect(),
        Join::Computed { relation } if relation == CUSTOM_ATTRIBUTES => {
            vec![column_of(Alias::ROOT, "entity_id")]
        }
        Join::Computed { .. } => vec!["pair.owner".to_owned()],
    }
}

/// Plans the rows that belong to any of `owners`, which are values of the first of the [`near_columns`].
///
/// `columns` is what is selected of them, under [`Alias::ROOT`]. The rows are ordered by primary key.
pub(crate) fn relation_rows<'c>(
    catalog: &'c Catalog,
    owner: &EntityType,
    relation: &Relation<'c>,
    columns: &str,
    owners: Vec<Value>,
    hidden: &'c [String],
) -> Sql {
    let scope = Scope {
        entity_type: relation.target,
        alias: Alias::ROOT,
    };
    let mut planner = Planner::new(catalog, "").hiding(hidden);
    match relation.join {
        Join::Columns { pairs, filter } => {
            planner.by_columns(scope, columns, pairs, filter, owners);
        }
        Join::Through { .. } => planner.by_link(scope, columns, relation.join, owners),
        Join::Computed { relation } if relation == CUSTOM_ATTRIBUTES => {
            let table = &catalog.table(owner.table).name;
            planner.sql.push("select ").push(columns).push(" from (");
            planner.sql.push(&dense_values(table));
            planner.sql.push(" where o.id in ").bind_list(owners);
            planner.sql.push(&format!(") {} where ", Alias::ROOT));
            planner.hide(scope);
            planner.sql.push("1");
        }
        Join::Computed { relation } => {
            if let Some(relation) = computed_relation(relation) {
                planner.by_pairs(scope, columns, relation, owners);
            }
        }
    }
    planner.sql.push(" order by ");
    planner.primary_key(scope);
    planner.sql
}

impl<'c> Planner<'c> {
    fn by_columns(
        &mut self,
        scope: Scope<'c>,
        columns: &str,
        pairs: &[(String, String)],
        filter: &[(String, String)],
        owners: Vec<Value>,
    ) {
        self.sql.push("select ").push(columns).push(" from ");
        self.from(scope);
        self.sql.push(" where ");
        self.filters(scope, filter);
        if let Some((_, far)) = pairs.first() {
            self.sql.column(scope.alias, far).push(" in ");
            self.sql.bind_list(owners);
        }
    }

    fn by_link(&mut self, scope: Scope<'c>, columns: &str, join: &Join, owners: Vec<Value>) {
        let Join::Through { table, near, far } = join else {
            return;
        };
        self.sql.push("select ").push(columns);
        let link = &self.catalog.table(*table).name;
        self.sql.push(&format!(" from \"{link}\" link join "));
        self.from(scope);
        for (index, (link, far)) in far.iter().enumerate() {
            self.sql.push(if index == 0 { " on " } else { " and " });
            self.sql.column(scope.alias, far);
            self.sql.push(&format!(" = link.\"{link}\""));
        }
        self.sql.push(" where ");
        self.filters(scope, &[]);
        if let Some((_, near)) = near.first() {
            self.sql.push(&format!("link.\"{near}\" in "));
            self.sql.bind_list(owners);
        }
    }

    fn by_pairs(
        &mut self,
        scope: Scope<'c>,
        columns: &str,
        relation: &ComputedRelation,
        owners: Vec<Value>,
    ) {
        self.sql.push(relation.before_keys).bind_list(owners);
        self.sql.push(relation.after_keys);
        self.sql
            .push(" select ")
            .push(columns)
            .push(" from pair join ");
        self.from(scope);
        self.sql.push(" on ").column(scope.alias, relation.far);
        self.sql.push(" = pair.id where ");
        self.filters(scope, &[]);
        self.sql.push("1");
    }
}
