//! Ancestors, descendants and links of contexts, versions and groups.

use crate::plan::{Alias, ComputedRelation};

/// The typed contexts above a typed context, without itself and the project.
pub(crate) const ANCESTORS: ComputedRelation = ComputedRelation {
    near: "id",
    far: "id",
    before_matches: "with recursive hit(id) as (",
    after_matches: "), below(id) as (select c.id from hit join context c on c.parent_id = hit.id \
                    union select c.id from below join context c on c.parent_id = below.id) select id from below",
    before_keys: "with recursive pair(owner, id) as (\
                  select c.id, c.parent_id from context c where c.parent_id is not null and c.id in ",
    after_keys: " union select pair.owner, c.parent_id from pair join context c on c.id = pair.id \
                 where c.parent_id is not null)",
};

/// The contexts below a context, without itself.
pub(crate) const DESCENDANTS: ComputedRelation = ComputedRelation {
    near: "id",
    far: "id",
    before_matches: "with recursive hit(id) as (",
    after_matches: "), above(id) as (select c.parent_id from hit join context c on c.id = hit.id \
                    where c.parent_id is not null \
                    union select c.parent_id from above join context c on c.id = above.id \
                    where c.parent_id is not null) select id from above",
    before_keys: "with recursive pair(owner, id) as (select c.parent_id, c.id from context c where c.parent_id in ",
    after_keys: " union select pair.owner, c.id from pair join context c on c.parent_id = pair.id)",
};

/// The typed contexts that an asset lies below, its parent included.
pub(crate) const ASSET_ANCESTORS: ComputedRelation = ComputedRelation {
    near: "context_id",
    far: "id",
    before_matches: "with recursive hit(id) as (",
    after_matches: "), below(id) as (select id from hit \
                    union select c.id from below join context c on c.parent_id = below.id) select id from below",
    before_keys: "with recursive pair(owner, id) as (select c.id, c.id from context c where c.id in ",
    after_keys: " union select pair.owner, c.parent_id from pair join context c on c.id = pair.id \
                 where c.parent_id is not null)",
};

/// The path from the project to a context: `[{"id", "name", "type"}]`.
///
/// Guess: clients have been seen to rely on `Project` as the type of the first item; `TypedContext` for all others.
pub(crate) fn context_link(alias: Alias) -> String {
    format!(
        "(with recursive {} select {} from up)",
        contexts_up_from(&format!("{alias}.id")),
        CONTEXT_ITEMS
    )
}

/// The path from the project to the parent of a version's asset, and the version: the asset is no item of its own.
///
/// Guess: the name of the last item.
pub(crate) fn version_link(alias: Alias) -> String {
    let contexts = contexts_up_from(&format!(
        "(select a.context_id from asset a where a.id = {alias}.asset_id)"
    ));
    format!(
        "(with recursive {contexts}, item(id, name, type, depth) as (\
         select id, name, iif(context_type = 'show', 'Project', 'TypedContext'), depth from up \
         union all select {alias}.id, \
         (select printf('%s v%03d', a.name, {alias}.version) from asset a where a.id = {alias}.asset_id), \
         'AssetVersion', -1) \
         select json_group_array(json_object('id', id, 'name', name, 'type', type) order by depth desc) from item)"
    )
}

/// The path from the outermost group to a group.
pub(crate) fn group_link(alias: Alias) -> String {
    format!(
        "(with recursive up(id, name, parent_id, depth) as (\
         select g.id, g.name, g.parent_id, 0 from resource g where g.id = {alias}.id \
         union all select g.id, g.name, g.parent_id, up.depth + 1 from up join resource g on g.id = up.parent_id \
         where up.depth < {MAX_DEPTH}) \
         select json_group_array(json_object('id', id, 'name', name, 'type', 'Group') order by depth desc) from up)"
    )
}

/// Ends the walk where rows were made to refer to each other in a circle.
const MAX_DEPTH: u32 = 100;

const CONTEXT_ITEMS: &str = "json_group_array(json_object('id', id, 'name', name, \
                             'type', iif(context_type = 'show', 'Project', 'TypedContext')) order by depth desc)";

fn contexts_up_from(id: &str) -> String {
    format!(
        "up(id, name, context_type, parent_id, depth) as (\
         select c.id, c.name, c.context_type, c.parent_id, 0 from context c where c.id = {id} \
         union all select c.id, c.name, c.context_type, c.parent_id, up.depth + 1 \
         from up join context c on c.id = up.parent_id where up.depth < {MAX_DEPTH})"
    )
}
