//! Takes back what a failed run has made.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::{Run, is_published};
use crate::publish::error::PublishError;
use crate::publish::lookup::{call, id_list, query_operation};
use crate::publish::rows::{Rows, found};
use crate::publish::standing::Standing;

/// Files that are removed at the same time.
const REMOVALS: usize = 16;

impl Run {
    /// Removes the versions that this run has reserved, and the assets that only they have.
    ///
    /// Returns whether the last call was carried out, if it can tell: without its versions, that is not possible any more.
    pub(super) async fn undo(&mut self) -> Result<Option<bool>, PublishError> {
        let reserved = std::mem::take(&mut self.reserved);
        if reserved.is_empty() || self.options.keep_reserved {
            return Ok(None);
        }
        let found = self.ask(&reserved).await?;
        let was_carried_out = found.iter().any(|found| is_published(found.standing));
        let left: Vec<_> = reserved
            .into_iter()
            .zip(found)
            .filter(|(_, found)| matches!(found.standing, Standing::Reserved(_)))
            .map(|(version, _)| version)
            .collect();
        let operations = self.removals(&left).await?;
        if !operations.is_empty() {
            call(&*self.api, "remove reserved versions", operations).await?;
        }
        Ok(Some(was_carried_out))
    }

    /// Removes the files that were sent, unless a journal keeps them for the next run. Nobody sees files of components that do not exist, so one that stays does no harm.
    pub(super) async fn remove_sent(&mut self) {
        let sent = std::mem::take(&mut self.sent);
        if self.options.transfer.journal.is_some() {
            return;
        }
        let removing = stream::iter(sent).map(|id| {
            let api = Arc::clone(&self.api);
            async move { api.remove(&id).await }
        });
        let mut removed = removing.buffer_unordered(REMOVALS);
        while let Some(outcome) = removed.next().await {
            if let Err(error) = outcome {
                tracing::warn!(%error, "a file that was sent for nothing could not be removed");
            }
        }
    }

    /// Returns the operations that remove reserved versions, and the assets that have no others.
    async fn removals(&self, versions: &[usize]) -> Result<Vec<Value>, PublishError> {
        let removed: HashSet<_> = versions.iter().filter_map(|v| self.id_of(*v)).collect();
        let assets: HashSet<_> = versions
            .iter()
            .map(|version| &self.plan.versions[*version].asset)
            .filter(|asset| !asset.exists)
            .map(|asset| asset.id.as_str())
            .collect();
        let mut kept = HashSet::new();
        if !assets.is_empty() {
            let ids = id_list(assets.iter().copied());
            let expression =
                format!("select id, asset_id from AssetVersion where asset_id in ({ids})");
            let operations = vec![query_operation(&expression)];
            let answers = call(&*self.api, "look for other versions", operations).await?;
            let mut rows = Rows::default();
            for answer in &answers {
                rows.add(answer);
                let others = found(answer).into_iter().filter(|id| !removed.contains(id));
                kept.extend(others.filter_map(|id| Some(rows.text(&id, "asset_id")?.to_owned())));
            }
        }
        let delete = |entity_type: &str, id: &str| json!({"action": "delete", "entity_type": entity_type, "entity_key": [id]});
        let versions = removed.iter().map(|id| delete("AssetVersion", id));
        let assets = assets.iter().filter(|id| !kept.contains(**id));
        Ok(versions
            .chain(assets.map(|id| delete("Asset", id)))
            .collect())
    }
}
