//! Publishes what shards have sent.

use std::sync::Arc;

use super::{Published, Run};
use crate::publish::error::PublishError;
use crate::publish::seal::seal;
use crate::publish::shard::{ShardResult, collect};

impl Run {
    /// Checks that the results of all shards are there, and publishes everything.
    pub async fn finish(&mut self, results: &[ShardResult]) -> Result<Published, PublishError> {
        self.check()?;
        let plan = Arc::clone(&self.plan);
        let (salt, digests) = collect(&plan, results)?;
        self.salt.parts = Some(salt);
        let sealed = seal(&plan, &plan.order, &digests, &self.sealed, &self.salt)?;
        let group = self.compare(sealed).await?;
        self.keep(group);
        self.register().await
    }
}
