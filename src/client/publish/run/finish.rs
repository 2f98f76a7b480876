//! Publishes what shards have sent.

use std::sync::Arc;

use super::{Published, Run, parts};
use crate::publish::error::PublishError;
use crate::publish::seal::seal;
use crate::publish::shard::{ShardResult, collect};

impl Run {
    /// Checks that the results of all shards are there, and publishes everything.
    pub async fn finish(&mut self, results: &[ShardResult]) -> Result<Published, PublishError> {
        self.check()?;
        let plan = Arc::clone(&self.plan);
        let (split, digests) = collect(&plan, results)?;
        self.parts = parts(split, plan.versions.len());
        let salt = self.salt.as_deref();
        let sealed = seal(&plan, &plan.order, &digests, &self.sealed, salt)?;
        self.compare(sealed).await?;
        self.register().await
    }
}
