//! Finds the SQL of attributes that the server derives, by the names that the catalog gives them.

use super::sql::Alias;
use crate::semantics::{
    computed_custom_attributes::{self, STORED_VALUES},
    computed_hierarchy::{self, ANCESTORS, ASSET_ANCESTORS, DESCENDANTS},
    computed_media::{self, Address},
    computed_time,
    computed_versions::{self, LATEST_VERSION},
};

/// A relation that no pair of columns describes.
#[derive(Debug)]
pub(crate) struct ComputedRelation {
    /// The column of this table by which rows relate.
    pub near: &'static str,
    /// The column of the other table by which rows relate.
    pub far: &'static str,
    /// What precedes a query for the `far` of matching rows, to make it one for the `near` of the rows they belong to.
    pub before_matches: &'static str,
    /// What follows that query.
    pub after_matches: &'static str,
    /// What precedes a list of `near`s, to make it a table `pair(owner, id)` of the rows that belong to them.
    pub before_keys: &'static str,
    /// What follows that list.
    pub after_keys: &'static str,
}

/// Returns the relation that the catalog calls `name`.
pub(crate) fn computed_relation(name: &str) -> Option<&'static ComputedRelation> {
    Some(match name {
        "ancestors" => &ANCESTORS,
        "asset_ancestors" => &ASSET_ANCESTORS,
        "custom_attributes" => &STORED_VALUES,
        "descendants" => &DESCENDANTS,
        "latest_version" => &LATEST_VERSION,
        _ => return None,
    })
}

/// Returns the value that the catalog calls `function` as SQL, if it can be compared and sorted by.
pub(crate) fn computed_column(function: &str, alias: Alias) -> Option<String> {
    Some(match function {
        "bid_time_logged_difference" => computed_time::bid_time_logged_difference(alias),
        "custom_attribute_key" => computed_custom_attributes::custom_attribute_key(alias),
        "is_latest_version" => computed_versions::is_latest_version(alias),
        "review_session_is_open" => computed_time::review_session_is_open(alias),
        "time_logged" => computed_time::time_logged(alias),
        _ => return None,
    })
}

/// Returns the relation, and the attribute of the entity there, that the attribute called `function` repeats.
pub(super) fn forwarded_column(function: &str) -> Option<(&'static str, &'static str)> {
    (function == "custom_attribute_key").then_some(("configuration", "key"))
}

/// Returns the list that the catalog calls `function` as SQL that gives JSON.
pub(crate) fn computed_list(function: &str, alias: Alias) -> Option<String> {
    Some(match function {
        "context_link" => computed_hierarchy::context_link(alias),
        "group_link" => computed_hierarchy::group_link(alias),
        "version_link" => computed_hierarchy::version_link(alias),
        _ => return None,
    })
}

/// Returns the kind of address that the catalog calls `function`, and SQL for the component that it is of.
pub(crate) fn computed_address(function: &str, alias: Alias) -> Option<(Address, String)> {
    Some(match function {
        "component_location_url" => (Address::File, computed_media::served_component(alias)),
        "component_thumbnail_url" => (Address::Thumbnail, computed_media::linked_component(alias)),
        "component_url" => (Address::File, computed_media::linked_component(alias)),
        "thumbnail_url" => (
            Address::Thumbnail,
            computed_media::thumbnail_component(alias),
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{AttributeKind, Catalog, Join};

    #[test]
    fn everything_that_the_catalog_calls_computed_exists() {
        let alias = Alias::ROOT;
        for entity_type in Catalog::get().types() {
            for attribute in entity_type.attributes() {
                let place = format!("{}.{}", entity_type.name, attribute.name);
                match &attribute.kind {
                    AttributeKind::Computed { function, .. } => assert!(
                        computed_column(function, alias).is_some()
                            || computed_list(function, alias).is_some()
                            || computed_address(function, alias).is_some(),
                        "{place}"
                    ),
                    AttributeKind::Reference {
                        join: Join::Computed { relation },
                        ..
                    }
                    | AttributeKind::Collection {
                        join: Join::Computed { relation },
                        ..
                    } => assert!(computed_relation(relation).is_some(), "{place}"),
                    _ => {}
                }
            }
        }
    }
}
