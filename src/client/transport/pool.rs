//! The connections of the process.
//!
//! TLS is rustls with the trust store of the operating system. Who goes the same way to servers shares connections.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder, Url};

use super::network::Network;
use crate::error::{Error, Result};
use crate::runtime::ProcessLocal;

/// A host that does not accept a connection in this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Shorter than the idle timeout of usual load balancers, so that they do not close a connection while it is reused.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Keeps the entries of routers alive, which forget silent connections after minutes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const MAX_REDIRECTS: usize = 5;
/// Ways to servers that are remembered: programs have one, or two when they try another.
const MOST_WAYS: usize = 4;

static API: Pool = Pool::new();
static TRANSFER: Pool = Pool::new();
static EVENTS: Pool = Pool::new();

/// The clients for one purpose, by the way to servers, the latest last.
struct Pool(ProcessLocal<Mutex<Vec<Way>>>);

struct Way {
    network: Network,
    client: Arc<Client>,
}

impl Pool {
    const fn new() -> Self {
        Self(ProcessLocal::new())
    }

    fn client(
        &self,
        network: &Network,
        customise: impl Fn(ClientBuilder) -> ClientBuilder,
    ) -> Result<Arc<Client>> {
        let clients = self.0.get_or_try_init(|| Ok(Mutex::default()))?;
        let mut clients = clients.lock();
        if let Some(known) = clients.iter().find(|way| way.network == *network) {
            return Ok(Arc::clone(&known.client));
        }
        let client = Arc::new(build(network, customise)?);
        if clients.len() == MOST_WAYS {
            clients.remove(0);
        }
        clients.push(Way {
            network: network.clone(),
            client: Arc::clone(&client),
        });
        Ok(client)
    }
}

/// Returns the client for calls that carry credentials: it never follows a redirect to another host.
pub(super) fn api_client(network: &Network) -> Result<Arc<Client>> {
    API.client(network, |builder| {
        builder.redirect(Policy::custom(stay_on_host))
    })
}

/// Returns the client for signed URLs, which follows no redirect: whoever uses such a URL decides where it may lead.
///
/// HTTP/2 would put all files and parts on one connection, whose windows then bound them all together.
pub fn transfer_client(network: &Network) -> Result<Arc<Client>> {
    TRANSFER.client(network, |builder| {
        builder.http1_only().redirect(Policy::none())
    })
}

/// Returns the client for the event server, whose connections become websockets: only HTTP/1.1 lets them.
pub(crate) fn event_client(network: &Network) -> Result<Arc<Client>> {
    EVENTS.client(network, |builder| {
        builder
            .http1_only()
            .tcp_keepalive(KEEP_ALIVE)
            .redirect(Policy::custom(stay_on_host))
    })
}

fn stay_on_host(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let stays = attempt
        .previous()
        .last()
        .is_some_and(|from| is_same_server(from, attempt.url()));
    if stays && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// Tells whether credentials for `from` may be sent to `to`: the same origin, or its secured form.
fn is_same_server(from: &Url, to: &Url) -> bool {
    let is_upgrade = (from.scheme(), to.scheme()) == ("http", "https");
    from.host_str() == to.host_str() && (is_upgrade || from.origin() == to.origin())
}

fn build(network: &Network, customise: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Client> {
    // Fails only if a provider is installed already, which then is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let base = || {
        let builder = customise(Client::builder())
            .user_agent(concat!("ftrack-rs/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            // After a redirect the address before it, which may hold a key, would be sent along.
            .referer(false)
            .tcp_nodelay(true);
        network.with_proxies(builder)
    };
    let certificates = network.certificates()?;
    // A container without any trust store must still reach servers by plain HTTP.
    let plain = base()?.tls_certs_only(certificates.clone());
    base()?
        .tls_certs_merge(certificates)
        .build()
        .or_else(|_| plain.build())
        .map_err(|error| Error::Tls {
            host: String::from("any server"),
            reason: super::http::innermost(&error),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_their_server() {
        let same =
            |from: &str, to: &str| is_same_server(&from.parse().unwrap(), &to.parse().unwrap());
        assert!(same("https://a.example/api", "https://a.example/other"));
        assert!(same("http://a.example/api", "https://a.example/api"));
        assert!(!same("https://a.example/api", "http://a.example/api"));
        assert!(!same("https://a.example/api", "https://b.example/api"));
        assert!(!same("http://a.example:1/api", "http://a.example:2/api"));
    }
}
