//! The connections of the process.
//!
//! TLS is rustls with the trust store of the operating system. `REQUESTS_CA_BUNDLE` and `SSL_CERT_FILE` name further certificates, as studios with a proxy of their own are
//! used to; proxies come from the environment.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, ClientBuilder, Url};

use crate::error::{Error, Result};
use crate::runtime::ProcessLocal;

/// A host that does not accept a connection in this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Shorter than the idle timeout of usual load balancers, so that they do not close a connection while it is reused.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Keeps the entries of routers alive, which forget silent connections after minutes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const MAX_REDIRECTS: usize = 5;
/// Files with further trusted certificates, first found wins.
const CA_BUNDLE_VARIABLES: [&str; 2] = ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"];

static API: ProcessLocal<Client> = ProcessLocal::new();
static TRANSFER: ProcessLocal<Client> = ProcessLocal::new();
static EVENTS: ProcessLocal<Client> = ProcessLocal::new();

/// Returns the client for calls that carry credentials: it never follows a redirect to another host.
pub(super) fn api_client() -> Result<Arc<Client>> {
    API.get_or_try_init(|| build(|builder| builder.redirect(Policy::custom(stay_on_host))))
}

/// Returns the client for signed URLs, which follows no redirect: whoever uses such a URL decides where it may lead.
///
/// HTTP/2 would put all files and parts on one connection, whose windows then bound them all together.
pub fn transfer_client() -> Result<Arc<Client>> {
    TRANSFER.get_or_try_init(|| build(|builder| builder.http1_only().redirect(Policy::none())))
}

/// Returns the client for the event server, whose connections become websockets: only HTTP/1.1 lets them.
pub(crate) fn event_client() -> Result<Arc<Client>> {
    EVENTS.get_or_try_init(|| {
        build(|builder| {
            builder
                .http1_only()
                .tcp_keepalive(KEEP_ALIVE)
                .redirect(Policy::custom(stay_on_host))
        })
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

fn build(customise: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Client> {
    // Fails only if a provider is installed already, which then is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let base = || {
        customise(Client::builder())
            .user_agent(concat!("ftrack-rs/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            // After a redirect the address before it, which may hold a key, would be sent along.
            .referer(false)
            .tcp_nodelay(true)
    };
    let certificates = extra_certificates()?;
    base()
        .tls_certs_merge(certificates.clone())
        .build()
        // A container without any trust store must still reach servers by plain HTTP.
        .or_else(|_| base().tls_certs_only(certificates).build())
        .map_err(|error| Error::Tls {
            host: String::from("any server"),
            reason: super::http::innermost(&error),
        })
}

fn extra_certificates() -> Result<Vec<Certificate>> {
    let Some(path) = ca_bundle() else {
        return Ok(Vec::new());
    };
    let pem = std::fs::read(&path)
        .map_err(|source| Error::io("read the certificates in", &path, source))?;
    Certificate::from_pem_bundle(&pem).map_err(|error| Error::Tls {
        host: String::from("any server"),
        reason: format!("{} holds no certificates: {error}", path.display()),
    })
}

/// Returns the file with further certificates; folders, which the variables may also name, are left to the platform.
fn ca_bundle() -> Option<PathBuf> {
    CA_BUNDLE_VARIABLES
        .iter()
        .filter_map(std::env::var_os)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .find(|path| !path.is_dir())
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
