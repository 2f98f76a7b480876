//! How a server is set up.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use crate::seed::Seed;

/// What [`Sandbox::start`](crate::Sandbox::start) takes; the default is a temporary server on a free port.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The address to listen on. The default, 127.0.0.1, is reachable from this machine only.
    pub host: IpAddr,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
    /// The URL by which clients reach the server, when it is not `http://<host>:<port>`.
    pub public_url: Option<String>,
    /// The folder for database and files. Without one they are temporary, and go when the server stops.
    pub data_dir: Option<PathBuf>,
    /// What a new folder starts with; one that has data keeps it.
    pub seed: Seed,
    /// A folder that [`Sandbox::snapshot`](crate::Sandbox::snapshot) wrote: what a new folder starts with, instead of
    /// `seed`.
    pub snapshot: Option<PathBuf>,
    /// The name of the user who signs in; a folder that does not know it has another one.
    pub api_user: String,
    /// How long an upload URL is valid.
    pub upload_validity: Duration,
    /// Largest accepted body of an API call, in bytes. Uploads are not limited.
    pub body_limit: usize,
    /// Most operations in one API call.
    pub batch_limit: usize,
    /// Most levels of parentheses in a query. The parser follows 64, even if more are allowed here.
    pub query_depth_limit: usize,
    /// How long the URL of a widget is valid.
    pub widget_validity: Duration,
    /// How media are encoded.
    pub encoding: EncodingOptions,
    /// How the event server treats its connections.
    pub events: EventOptions,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            public_url: None,
            data_dir: None,
            seed: Seed::Studio,
            snapshot: None,
            api_user: "api.user".to_owned(),
            // S3's usual choice: enough for a slow upload that queued for a while.
            upload_validity: Duration::from_secs(60 * 60),
            // Ten thousand creates are about 5 MB.
            body_limit: 256 << 20,
            batch_limit: 100_000,
            query_depth_limit: ftrack_protocol::query::MAX_DEPTH,
            // ftrack's are good for about as long.
            widget_validity: Duration::from_secs(6 * 60),
            encoding: EncodingOptions::default(),
            events: EventOptions::default(),
        }
    }
}

/// How media are encoded.
#[derive(Debug, Clone)]
pub struct EncodingOptions {
    /// The ffmpeg to run. Without one it is looked for in `IMAGEIO_FFMPEG_EXE` and `PATH`.
    pub ffmpeg: Option<PathBuf>,
    /// How long one run of ffmpeg may take.
    pub time_limit: Duration,
}

impl Default for EncodingOptions {
    fn default() -> Self {
        Self {
            ffmpeg: None,
            time_limit: Duration::from_secs(60 * 60),
        }
    }
}

/// How the event server treats its connections.
#[derive(Debug, Clone)]
pub struct EventOptions {
    /// Time between two heartbeats that the server sends.
    pub heartbeat: Duration,
    /// How long a client may be silent before it is given up.
    pub close_timeout: Duration,
    /// How long a client may take from the handshake to the websocket.
    pub handshake_validity: Duration,
}

impl Default for EventOptions {
    fn default() -> Self {
        Self {
            // The JavaScript client connects anew after 15 seconds without a heartbeat.
            heartbeat: Duration::from_secs(5),
            // The defaults of socket.io 0.9, which ftrack's server has.
            close_timeout: Duration::from_secs(60),
            handshake_validity: Duration::from_secs(30),
        }
    }
}
