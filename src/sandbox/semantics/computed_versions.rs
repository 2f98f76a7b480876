//! Which version of an asset is the latest.

use crate::plan::{Alias, ComputedRelation};

/// The version of an asset with the highest number, published or not.
pub(crate) const LATEST_VERSION: ComputedRelation = ComputedRelation {
    near: "id",
    far: "id",
    before_matches: "with hit(id) as (",
    after_matches: ") select v.asset_id from hit join asset_version v on v.id = hit.id where not exists (\
                    select 1 from asset_version n where n.asset_id = v.asset_id and n.version > v.version)",
    before_keys: "with pair(owner, id) as (select v.asset_id, v.id from asset_version v where not exists (\
                  select 1 from asset_version n where n.asset_id = v.asset_id and n.version > v.version) \
                  and v.asset_id in ",
    after_keys: ")",
};

/// Whether a version is the highest among the published versions of its asset.
pub(crate) fn is_latest_version(alias: Alias) -> String {
    format!(
        "(coalesce({alias}.is_published, 0) and not exists (select 1 from asset_version n \
         where n.asset_id = {alias}.asset_id and n.is_published and n.version > {alias}.version))"
    )
}
