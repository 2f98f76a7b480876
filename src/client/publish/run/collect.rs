//! Takes over what shards have sent.

use std::sync::Arc;

use super::{Run, parts};
use crate::publish::error::PublishError;
use crate::publish::plan::PlannedVersion;
use crate::publish::seal::seal;
use crate::publish::shard::{ShardResult, collect};

impl Run {
    /// Checks that the results of all shards are there. Files that go only to other locations than the ftrack server are hashed here, as nobody has sent them.
    pub async fn collect(&mut self, results: &[ShardResult]) -> Result<(), PublishError> {
        self.check()?;
        let plan = Arc::clone(&self.plan);
        let (split, mut digests) = collect(&plan, results)?;
        self.parts = parts(split, plan.versions.len());
        let files = plan.versions.iter().flat_map(PlannedVersion::files);
        let unsent = files.filter(|of| !digests.contains_key(&of.file.path));
        self.hash(&unsent.collect::<Vec<_>>()).await?;
        digests.extend(self.digests());
        let salt = self.salt.as_deref();
        let sealed = seal(&plan, &plan.order, &digests, &self.sealed, salt)?;
        self.compare(sealed).await
    }
}
