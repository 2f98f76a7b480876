//! Conditions about related rows.
//!
//! A condition on related rows becomes `key in (select ...)` rather than a correlated `exists`: SQLite runs such a query
//! once, starts it at the most selective index and looks the keys up in the index of the outer table.

use super::{
    Planner, Scope, computed_relation, condition::Inner, error::QueryError, resolve::Relation,
};
use crate::schema::{EntityType, Join};

/// How many relations a condition may follow, one inside the other. SQLite gives up at some thirty.
const MAX_DEPTH: u32 = 32;

impl<'c> Planner<'c> {
    /// Requires related rows that fulfil what `inner` writes.
    pub(super) fn related(
        &mut self,
        scope: Scope<'c>,
        relation: &Relation<'c>,
        inner: Inner<'_, 'c>,
    ) -> Result<(), QueryError> {
        if self.depth == MAX_DEPTH {
            return Err(QueryError::TooComplex);
        }
        self.depth += 1;
        let result = self.related_rows(scope, relation, inner);
        self.depth -= 1;
        result
    }

    fn related_rows(
        &mut self,
        scope: Scope<'c>,
        relation: &Relation<'c>,
        inner: Inner<'_, 'c>,
    ) -> Result<(), QueryError> {
        match relation.join {
            Join::Columns { pairs, filter } => match pairs.as_slice() {
                [(near, far)] => self.keys_in(scope, near, &mut |planner| {
                    planner.far_keys(relation.target, far, filter, inner)
                }),
                _ => self.correlated(scope, relation.target, pairs, filter, inner),
            },
            Join::Through { near, far, .. } => {
                // The catalog links by single columns.
                let (Some((near, link_near)), Some((link_far, far))) = (near.first(), far.first())
                else {
                    return Ok(());
                };
                self.keys_in(scope, near, &mut |planner| {
                    planner.link_keys(relation, (link_near, link_far, far), inner)
                })
            }
            Join::Computed { relation: name } => self.computed(scope, relation.target, name, inner),
        }
    }

    /// Requires any related row; correlated, so that the first one found ends the search.
    pub(super) fn related_exists(
        &mut self,
        scope: Scope<'c>,
        relation: &Relation<'c>,
    ) -> Result<(), QueryError> {
        let mut anything = |planner: &mut Self, _: Scope<'c>| {
            planner.sql.push("1");
            Ok(())
        };
        match relation.join {
            Join::Columns { pairs, filter } => {
                self.correlated(scope, relation.target, pairs, filter, &mut anything)
            }
            Join::Through { .. } | Join::Computed { .. } => {
                self.related(scope, relation, &mut anything)
            }
        }
    }

    /// Writes `near in (...)`, false rather than unknown where `near` is null.
    fn keys_in(
        &mut self,
        scope: Scope<'c>,
        near: &str,
        keys: &mut dyn FnMut(&mut Self) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        self.sql.push("(");
        if !scope.entity_type.primary_key.iter().any(|key| key == near) {
            self.sql.column(scope.alias, near).push(" is not null and ");
        }
        self.sql.column(scope.alias, near).push(" in (");
        keys(self)?;
        self.sql.push("))");
        Ok(())
    }

    fn far_keys(
        &mut self,
        target: &'c EntityType,
        far: &str,
        filter: &[(String, String)],
        inner: Inner<'_, 'c>,
    ) -> Result<(), QueryError> {
        let scope = self.open(target);
        self.sql
            .push("select ")
            .column(scope.alias, far)
            .push(" from ");
        self.from(scope);
        self.sql.push(" where ");
        if !target.primary_key.iter().any(|key| key == far) {
            self.sql.column(scope.alias, far).push(" is not null and ");
        }
        self.filters(scope, filter);
        inner(self, scope)
    }

    fn link_keys(
        &mut self,
        relation: &Relation<'c>,
        (near, link_far, far): (&str, &str, &str),
        inner: Inner<'_, 'c>,
    ) -> Result<(), QueryError> {
        let Join::Through { table, .. } = relation.join else {
            return Ok(());
        };
        let link = self.sql.alias();
        let scope = self.open(relation.target);
        self.sql.push("select ").column(link, near).push(" from ");
        self.sql.table(&self.catalog.table(*table).name, link);
        self.sql.push(" join ");
        self.from(scope);
        self.sql.push(" on ").column(scope.alias, far).push(" = ");
        self.sql.column(link, link_far).push(" where ");
        self.filters(scope, &[]);
        inner(self, scope)
    }

    fn correlated(
        &mut self,
        outer: Scope<'c>,
        target: &'c EntityType,
        pairs: &[(String, String)],
        filter: &[(String, String)],
        inner: Inner<'_, 'c>,
    ) -> Result<(), QueryError> {
        let scope = self.open(target);
        self.sql.push("exists (select 1 from ");
        self.from(scope);
        self.sql.push(" where ");
        for (near, far) in pairs {
            self.sql.column(scope.alias, far).push(" = ");
            self.sql.column(outer.alias, near).push(" and ");
        }
        self.filters(scope, filter);
        inner(self, scope)?;
        self.sql.push(")");
        Ok(())
    }

    fn computed(
        &mut self,
        outer: Scope<'c>,
        target: &'c EntityType,
        name: &str,
        inner: Inner<'_, 'c>,
    ) -> Result<(), QueryError> {
        let Some(relation) = computed_relation(name) else {
            return Ok(());
        };
        self.keys_in(outer, relation.near, &mut |planner| {
            planner.sql.push(relation.before_matches);
            planner.far_keys(target, relation.far, &[], inner)?;
            planner.sql.push(relation.after_matches);
            Ok(())
        })
    }

    fn open(&mut self, entity_type: &'c EntityType) -> Scope<'c> {
        Scope {
            entity_type,
            alias: self.sql.alias(),
        }
    }

    pub(super) fn from(&mut self, scope: Scope<'c>) {
        let table = &self.catalog.table(scope.entity_type.table).name;
        self.sql.table(table, scope.alias);
    }

    /// Writes what tells the rows of a type from others in its table, followed by `and`.
    pub(super) fn filters(&mut self, scope: Scope<'c>, filter: &[(String, String)]) {
        for (column, value) in filter {
            self.sql.column(scope.alias, column).push(" = ");
            self.sql.bind(value.clone()).push(" and ");
        }
        for (column, values) in &scope.entity_type.row_filter {
            // Most rows of a table are often of one type: the plus keeps SQLite from using an index on it, so that
            // it searches by something more selective or walks along the primary key, as the pages are ordered.
            self.sql.push("+").column(scope.alias, column);
            if let [value] = values.as_slice() {
                self.sql.push(" = ").bind(value.clone());
            } else {
                let values = values.iter().cloned().map(Into::into).collect();
                self.sql.push(" in ").bind_list(values);
            }
            self.sql.push(" and ");
        }
        self.hide(scope);
    }

    /// Writes what leaves out the custom attributes that are hidden, followed by `and`.
    pub(super) fn hide(&mut self, scope: Scope<'c>) {
        if self.hidden.is_empty() {
            return;
        }
        let table = &self.catalog.table(scope.entity_type.table).name;
        let column = match table.as_str() {
            "custom_attribute_configuration" => "id",
            "custom_attribute_value" | "custom_attribute_link" => "configuration_id",
            _ => return,
        };
        let hidden = self.hidden.iter().cloned().map(Into::into).collect();
        self.sql.column(scope.alias, column).push(" not in ");
        self.sql.bind_list(hidden).push(" and ");
    }
}
