//! What every request of one server shares.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use ftrack_md5::SharedLanes;
use rusqlite::Transaction;
use tokio::runtime::Handle;
use tracing::warn;

use crate::calls::CallLog;
use crate::config::SandboxOptions;
use crate::error::ApiError;
use crate::events::EventHub;
use crate::events::update::{self, ClientTokens};
use crate::faults::FaultSet;
use crate::media::blocks::BlockPool;
use crate::media::files::FileStore;
use crate::media::pending::PendingFiles;
use crate::media::queue::EncodeQueue;
use crate::media::signing::UrlSigner;
use crate::semantics::UnitOfWork;
use crate::store::Store;

/// A handle to the state of one server; clones share it.
pub type AppState = Arc<App>;

/// The state of one server.
pub struct App {
    /// The database.
    pub store: Store,
    /// The files of the server's own location.
    pub files: FileStore,
    /// Computes the MD5 of what is uploaded at the same time, side by side.
    pub md5: SharedLanes<Bytes>,
    /// Buffers for the bodies of uploads.
    pub blocks: BlockPool,
    /// Signs and verifies upload URLs.
    pub signer: Arc<UrlSigner>,
    /// The encodes that wait or run.
    pub encodes: EncodeQueue,
    /// Who is connected to the event server.
    pub events: Arc<EventHub>,
    /// What is to go wrong.
    pub faults: Arc<FaultSet>,
    /// The log of requests.
    pub calls: Arc<CallLog>,
    /// The folder of everything.
    pub data_dir: PathBuf,
    /// How the server was set up.
    pub config: SandboxOptions,
    /// The URL of the server without a slash at the end.
    pub base_url: String,
}

/// The user that a request's credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The id of the user.
    pub user_id: String,
    /// The name the user signed in with.
    pub username: String,
    /// The key of the request; none for what the server does on its own.
    pub key: Option<UsedKey>,
    /// Who acts as the user, when it is not the user.
    pub assumed_by: Option<AssumedBy>,
}

/// The API key that came with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedKey {
    /// The id of the `ApiKey`.
    pub id: String,
    /// Whether it signs in anybody, with roles of its own.
    pub is_global: bool,
}

/// Who acts as another user, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumedBy {
    /// The id of the user whose key it is.
    pub user_id: String,
    /// The session in which it happens.
    pub session: String,
    /// Whether changes are refused.
    pub is_read_only: bool,
}

impl App {
    /// Makes a change of the server's own in the name of `caller`, and tells of it once it is committed.
    pub async fn change(
        &self,
        caller: Caller,
        change: impl FnOnce(&mut UnitOfWork<'_>) -> Result<(), ApiError> + Send + 'static,
    ) -> Result<(), ApiError> {
        let write = move |transaction: &Transaction<'_>| {
            let mut work = UnitOfWork::new(transaction, &caller);
            change(&mut work)?;
            work.finish()?;
            update::describe(&work, &ClientTokens::default())
        };
        let hub = Arc::clone(&self.events);
        let tell = move |events: Vec<_>| events.iter().for_each(|event| hub.publish(event));
        self.store.write_then(write, tell).await
    }
}

/// What the operations of one batch share while their transaction runs.
pub struct Batch {
    /// The server.
    pub app: AppState,
    /// Who sent the batch.
    pub caller: Caller,
    /// What the client calls itself in the events of the batch.
    pub tokens: ClientTokens,
    /// The cookie to answer with.
    pub cookie: Option<String>,
    /// What is to become of files once the transaction has committed, before all else.
    pub files: PendingFiles,
    after_commit: Vec<AfterCommit>,
    /// Where what follows the commit may spawn tasks, whichever thread that runs on.
    runtime: Handle,
}

/// Something to do once the transaction of a batch has committed.
pub type AfterCommit = Box<dyn FnOnce(&AppState) + Send>;

impl Batch {
    /// Begins a batch; call it on the async runtime.
    pub fn new(app: AppState, caller: Caller) -> Self {
        Self {
            app,
            caller,
            tokens: ClientTokens::default(),
            cookie: None,
            files: PendingFiles::default(),
            after_commit: Vec::new(),
            runtime: Handle::current(),
        }
    }

    /// Defers `hook` until the transaction has committed; a batch that fails drops it.
    pub fn after_commit(&mut self, hook: impl FnOnce(&AppState) + Send + 'static) {
        self.after_commit.push(Box::new(hook));
    }

    /// Runs the hooks in the order they were given. Call it when the transaction has committed, and only then.
    pub fn committed(self) {
        let _spawning = self.runtime.enter();
        if let Err(error) = self.files.carry_out(&self.app.files) {
            warn!(%error, "not all files of a batch that is committed could be put in place");
        }
        for hook in self.after_commit {
            hook(&self.app);
        }
    }
}
