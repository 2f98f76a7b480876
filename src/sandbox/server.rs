//! The server's life: a thread with its own runtime, from the bound port to the last closed file.

use std::fmt;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ftrack_md5::SharedLanes;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tracing::{debug, error};

use crate::app::{App, AppState};
use crate::calls::{CallFilter, CallLog, CallRecord};
use crate::config::SandboxOptions;
use crate::controllers::auth::{self, Credentials};
use crate::data_folder::DataFolder;
use crate::error::ApiError;
use crate::events::EventHub;
use crate::faults::connection::{Connection, FaultyListener};
use crate::faults::{Fault, FaultId, FaultSet, FaultStatus};
use crate::media::blocks::BlockPool;
use crate::media::encode_rows;
use crate::media::files::FileStore;
use crate::media::queue::{self, EncodeQueue, Queued};
use crate::media::signing::UrlSigner;
use crate::operations::outbox::{self, Mail};
use crate::router::router;
use crate::seed;
use crate::snapshot::{self, SnapshotError};
use crate::store::{Store, StoreError};

/// How long a stopping server waits for the requests under way.
const GRACE: Duration = Duration::from_millis(500);

/// How long a stopping server waits for work on blocking threads, after the grace.
const LAST_WORK: Duration = Duration::from_millis(300);

/// A running server. Dropping it stops it.
///
/// It belongs to the process that started it: one that was forked from that has a copy of its memory, but none of its threads.
#[derive(Debug)]
pub struct Sandbox {
    process: u32,
    url: String,
    credentials: Credentials,
    data_dir: PathBuf,
    calls: Arc<CallLog>,
    events: Arc<EventHub>,
    faults: Arc<FaultSet>,
    /// Empty once the server has stopped.
    running: Option<Running>,
}

/// A server that could not be started.
///
/// The texts hold the reason, as callers print them alone; so no error has another as its source.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be made, read or written.
    #[error("cannot use the data folder {}: {reason}", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        reason: io::Error,
    },
    /// Another server uses the data folder.
    #[error("the data folder {} is used by another server", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        reason: io::Error,
    },
    /// The operating system gives no more threads.
    #[error("cannot start the threads of the server: {0}")]
    Threads(io::Error),
    /// The snapshot to start with cannot be read.
    #[error("cannot read the snapshot {}: {reason}", path.display())]
    Snapshot {
        /// The snapshot.
        path: PathBuf,
        /// What the operating system says.
        reason: io::Error,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state of a new server cannot be kept.
    #[error(transparent)]
    Pristine(#[from] SnapshotError),
    /// The database cannot be read or filled.
    #[error("cannot prepare the store: {0}")]
    Prepare(ApiError),
}

impl From<ApiError> for StartError {
    fn from(error: ApiError) -> Self {
        Self::Prepare(error)
    }
}

impl Sandbox {
    /// Starts a server and returns once it accepts connections.
    ///
    /// The server has threads and an async runtime of its own: the caller needs none, and may have one.
    pub fn start(options: SandboxOptions) -> Result<Self, StartError> {
        let folder = DataFolder::open(options.data_dir.as_deref())?;
        let data_dir = folder.path.clone();
        let (app, listener, encodes) = open(options, &folder)?;
        let (running, credentials) = Running::start(Arc::clone(&app), listener, encodes, folder)?;
        Ok(Self {
            process: process::id(),
            url: app.base_url.clone(),
            credentials,
            data_dir,
            calls: Arc::clone(&app.calls),
            events: Arc::clone(&app.events),
            faults: Arc::clone(&app.faults),
            running: Some(running),
        })
    }

    /// Returns the id of the process that started the server.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// Returns the URL of the server, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the name of a user who may sign in.
    pub fn api_user(&self) -> &str {
        &self.credentials.username
    }

    /// Returns the API key of that user.
    pub fn api_key(&self) -> &str {
        &self.credentials.api_key
    }

    /// Returns the folder of database and files; a temporary one is gone once the server has stopped.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns the latest requests that pass the filter, oldest first; those that began before the server stopped.
    pub fn calls(&self, filter: impl Into<CallFilter>) -> Vec<CallRecord> {
        let filter = filter.into();
        self.calls.records(|record| filter.matches(record))
    }

    /// Forgets all requests and events.
    pub fn clear_calls(&self) {
        self.calls.clear();
        self.events.clear_records();
    }

    /// Sets a fault beside those that are set.
    pub fn fault(&self, fault: Fault) -> FaultId {
        let events = self.running.as_ref().map(|running| &*running.app.events);
        self.faults.set(fault, events)
    }

    /// Removes all faults; connections they hold or slow down are let go.
    pub fn clear_faults(&self) {
        let events = self.running.as_ref().map(|running| &*running.app.events);
        self.faults.clear(events);
    }

    /// Returns the faults in the order they were set, with how often each has met a request.
    pub fn faults(&self) -> Vec<FaultStatus> {
        self.faults.list()
    }

    /// Returns the event server, to look at it and to make it fail.
    pub fn events(&self) -> &EventHub {
        &self.events
    }

    /// Returns to the state the server started with: its data and files, no faults, no logged calls.
    ///
    /// Upload URLs of before are no longer valid; connections to the event server stay.
    pub fn reset(&self) -> Result<(), SnapshotError> {
        let running = self.running()?;
        let app = Arc::clone(&running.app);
        let done = running.run(async move { snapshot::reset(&app).await });
        done.unwrap_or(Err(SnapshotError::Stopped))
    }

    /// Writes data and files to a new folder, with which another server can start.
    pub fn snapshot(&self, path: &Path) -> Result<(), SnapshotError> {
        let running = self.running()?;
        let app = Arc::clone(&running.app);
        let path = path.to_owned();
        let done = running.run(async move { snapshot::save(&app, &path).await });
        done.unwrap_or(Err(SnapshotError::Stopped))
    }

    /// Returns the mails that ftrack would have sent, such as invites, oldest first.
    pub fn outbox(&self) -> Result<Vec<Mail>, ApiError> {
        let stopped = || ApiError::internal("the server has stopped");
        let running = self.running();
        let running = running.map_err(|error| ApiError::internal(error.to_string()))?;
        let store = running.app.store.clone();
        let mails = running.run(async move { store.read(outbox::mails).await });
        mails.unwrap_or_else(|| Err(stopped()))
    }

    /// Stops the server within a second: lets requests end, kills encodes, closes the database.
    ///
    /// Does nothing in another process than the one that started it.
    pub fn stop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        if self.process == process::id() {
            running.stop();
        } else {
            // The thread to wait for does not exist here, and the folder is still in use.
            mem::forget(running);
        }
    }

    /// Returns what can be asked to work, unless its threads are gone or in another process.
    fn running(&self) -> Result<&Running, SnapshotError> {
        let running = self.running.as_ref().ok_or(SnapshotError::Stopped)?;
        if self.process == process::id() {
            Ok(running)
        } else {
            Err(SnapshotError::Elsewhere)
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The thread of a running server and what stops it.
struct Running {
    app: AppState,
    /// Runs what the handle asks for.
    runtime: Handle,
    stop: watch::Sender<()>,
    thread: JoinHandle<()>,
    // Removed last: a temporary folder goes when nothing is open in it.
    folder: DataFolder,
}

/// Names its folder, which is what tells servers apart.
impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Running {
    /// Starts the thread and waits until the server is ready or has failed.
    fn start(
        app: AppState,
        listener: TcpListener,
        encodes: UnboundedReceiver<Queued>,
        folder: DataFolder,
    ) -> Result<(Self, Credentials), StartError> {
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .thread_name("sandbox")
            .build();
        let runtime = runtime.map_err(StartError::Threads)?;
        let handle = runtime.handle().clone();
        let shared = Arc::clone(&app);
        let (stop, stopped) = watch::channel(());
        let (ready, started) = mpsc::channel();
        let serve = move || {
            runtime.block_on(async {
                let prepared = prepare(&app).await;
                let proceed = prepared.is_ok();
                // A caller that is gone has dropped `stop` as well, and the server ends at once.
                let _ = ready.send(prepared);
                if proceed {
                    serve(app, listener, encodes, stopped).await;
                }
            });
            runtime.shutdown_timeout(LAST_WORK);
        };
        let thread = thread::Builder::new()
            .name("sandbox-main".to_owned())
            .spawn(serve)
            .map_err(StartError::Threads)?;
        let credentials = started
            .recv()
            .unwrap_or_else(|_| Err(ApiError::internal("the thread of the server ended").into()))?;
        Ok((
            Self {
                app: shared,
                runtime: handle,
                stop,
                thread,
                folder,
            },
            credentials,
        ))
    }

    /// Runs work on the threads of the server and waits for it: the caller may be part of an async program.
    fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (done, result) = mpsc::channel();
        self.runtime.spawn(async move {
            // Nobody waits any more: the result is of no use.
            let _ = done.send(work.await);
        });
        result.recv().ok()
    }

    fn stop(self) {
        let Self {
            app,
            stop,
            thread,
            folder,
            ..
        } = self;
        // The last one to hold it closes the database.
        drop(app);
        // Dropping the sender says the same as sending: stop.
        drop(stop);
        // A server thread that panicked has stopped, too.
        let _ = thread.join();
        drop(folder);
    }
}

/// Opens everything a server needs, the port last.
fn open(
    options: SandboxOptions,
    folder: &DataFolder,
) -> Result<(AppState, TcpListener, UnboundedReceiver<Queued>), StartError> {
    let unusable = |reason| StartError::DataDir {
        path: folder.path.clone(),
        reason,
    };
    if let Some(snapshot) = options.snapshot.as_deref()
        && !folder.database().exists()
    {
        let unpacked = snapshot::unpack(snapshot, &folder.path, &folder.database());
        unpacked.map_err(|reason| StartError::Snapshot {
            path: snapshot.to_owned(),
            reason,
        })?;
    }
    let files = FileStore::open(&folder.path).map_err(unusable)?;
    let secret = folder.secret().map_err(unusable)?;
    let store = Store::open(&folder.database(), folder.durability())?;
    let (listener, address) = listen(SocketAddr::new(options.host, options.port))?;
    let (encodes, waiting) = EncodeQueue::new();
    let app = App {
        store,
        files,
        md5: SharedLanes::default(),
        blocks: BlockPool::default(),
        signer: Arc::new(UrlSigner::new(&secret, options.upload_validity)),
        encodes,
        events: Arc::new(EventHub::new(options.events.clone())),
        faults: Arc::default(),
        calls: Arc::default(),
        base_url: base_url(&options, address),
        data_dir: folder.path.clone(),
        config: options,
    };
    Ok((Arc::new(app), listener, waiting))
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bind = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bind().map_err(|reason| StartError::Listen { address, reason })
}

/// Returns the URL for clients; one that listens on every address is reached by the local one.
fn base_url(options: &SandboxOptions, address: SocketAddr) -> String {
    let local = |ip: IpAddr| match ip {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    let reachable = if address.ip().is_unspecified() {
        local(address.ip())
    } else {
        address.ip()
    };
    let url = options.public_url.clone();
    let url =
        url.unwrap_or_else(|| format!("http://{}", SocketAddr::new(reachable, address.port())));
    url.trim_end_matches('/').to_owned()
}

/// Fills a new database, puts in order what an earlier server left, and returns who may sign in.
async fn prepare(app: &App) -> Result<Credentials, StartError> {
    snapshot::finish_reset(app).await?;
    let SandboxOptions { seed, api_user, .. } = app.config.clone();
    let prepared = app.store.write(move |transaction| {
        if !seed::is_applied(transaction)? {
            seed::apply(transaction, seed, &api_user)?;
        }
        encode_rows::abandon_unfinished(transaction)?;
        if auth::find_credentials(transaction, &api_user)?.is_none() {
            seed::admit(transaction, &api_user)?;
        }
        auth::find_credentials(transaction, &api_user)?
            .ok_or_else(|| ApiError::internal("the database has no active user with an API key"))
    });
    let credentials = prepared.await?;
    snapshot::keep_pristine(app).await?;
    Ok(credentials)
}

/// Forgets abandoned uploads for as long as the server runs: often enough that none outlives its URLs for long.
async fn clean_up(files: FileStore, validity: Duration) {
    let pause = validity.clamp(Duration::from_secs(1), Duration::from_secs(60));
    let mut turns = tokio::time::interval(pause);
    loop {
        turns.tick().await;
        let files = files.clone();
        let done = tokio::task::spawn_blocking(move || files.end_abandoned_uploads(validity));
        if let Ok(Err(error)) = done.await {
            // One that ends meanwhile takes its folder with it; the next turn sees what is left.
            debug!(%error, "abandoned uploads could not be looked for");
        }
    }
}

/// Serves until `stopped`, then lets the requests under way end within the grace.
async fn serve(
    app: AppState,
    listener: TcpListener,
    encodes: UnboundedReceiver<Queued>,
    stopped: watch::Receiver<()>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return error!(%error, "the port cannot be listened on"),
    };
    let listener = FaultyListener::new(listener, Arc::clone(&app.faults));
    tokio::spawn(queue::work(Arc::clone(&app), encodes));
    tokio::spawn(clean_up(app.files.clone(), app.config.upload_validity));
    let ending = Arc::clone(&app);
    let serving = axum::serve(
        listener,
        router(app).into_make_service_with_connect_info::<Connection>(),
    )
    .with_graceful_shutdown(until(stopped.clone()));
    let grace_over = async {
        until(stopped).await;
        // Websockets have no end of their own that a graceful shutdown could wait for.
        ending.events.drop_all();
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = serving.into_future() => if let Err(error) = result { error!(%error, "the server ended") },
        () = grace_over => {}
    }
}

/// Ends when the other end is dropped, which is how a server is told to stop.
async fn until(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
}
