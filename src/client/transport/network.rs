//! What the environment says of the way to servers: proxies, and certificates to trust beside those of the operating system.
//!
//! The variables and their order are those of `requests`, which the official client uses; see <https://requests.readthedocs.io/en/latest/user/advanced/#proxies>.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder, NoProxy, Proxy};

use crate::config::Secret;
use crate::error::{Error, Result};

/// Files, or folders, with further trusted certificates; the first that is set wins.
const CA_BUNDLE_VARIABLES: [&str; 3] = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];

/// The way to servers. Read by the thread that prepares a call and never by those of the network, as the program may be changing its environment meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// None to leave them to the operating system.
    proxies: Option<Proxies>,
    ca_bundle: Option<PathBuf>,
}

/// Proxies may hold passwords, so they are never printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Proxies {
    http: Option<Secret>,
    https: Option<Secret>,
    except: String,
}

impl Network {
    /// Reads the environment, for a server at `url`.
    pub fn from_env(url: &str) -> Self {
        Self::read(&|name| std::env::var(name).ok(), url)
    }

    fn read(variable: &dyn Fn(&str) -> Option<String>, url: &str) -> Self {
        Self {
            proxies: Proxies::read(variable),
            ca_bundle: ca_bundle(variable)
                // Without TLS nobody misses a bundle that is not there.
                .filter(|path| path.exists() || !url.starts_with("http:")),
        }
    }

    /// Has clients take the proxies.
    pub(super) fn with_proxies(&self, builder: ClientBuilder) -> Result<ClientBuilder> {
        let Some(Proxies {
            http,
            https,
            except,
        }) = &self.proxies
        else {
            return Ok(builder);
        };
        let mut builder = builder.no_proxy();
        if except.split(',').any(|host| host.trim() == "*") {
            return Ok(builder);
        }
        let http = http.as_ref().map(|url| Proxy::http(url.expose()));
        let https = https.as_ref().map(|url| Proxy::https(url.expose()));
        for proxy in http.into_iter().chain(https) {
            let proxy = proxy.map_err(|_| {
                Error::invalid("a proxy in the environment has no address that can be read")
            })?;
            builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(except)));
        }
        Ok(builder)
    }

    /// Reads the further certificates.
    pub(super) fn certificates(&self) -> Result<Vec<Certificate>> {
        let Some(path) = &self.ca_bundle else {
            return Ok(Vec::new());
        };
        let failed = |reason: String| Error::Tls {
            host: String::from("any server"),
            reason,
        };
        let pem = read_bundle(path).map_err(|error| {
            failed(format!(
                "the certificates in {} cannot be read: {error}",
                path.display()
            ))
        })?;
        Certificate::from_pem_bundle(&pem)
            .map_err(|error| failed(format!("{} holds no certificates: {error}", path.display())))
    }
}

impl Proxies {
    fn read(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        // A server that runs this as a script passes headers of requests on as variables, in capitals.
        let is_script = variable("REQUEST_METHOD").is_some();
        // In small letters a name comes first, also to say that there is none.
        let named = |name: &str| {
            let capitals = (!(is_script && name == "http_proxy"))
                .then(|| variable(&name.to_ascii_uppercase()))
                .flatten();
            variable(name).or(capitals)
        };
        let [http, https, all, except] =
            ["http_proxy", "https_proxy", "all_proxy", "no_proxy"].map(named);
        if [&http, &https, &all, &except].iter().all(|it| it.is_none()) {
            return None;
        }
        let all = all.filter(|url| !url.is_empty());
        let of = |url: Option<String>| url.filter(|url| !url.is_empty()).or_else(|| all.clone());
        Some(Self {
            http: of(http).map(Secret::new),
            https: of(https).map(Secret::new),
            except: except.unwrap_or_default(),
        })
    }
}

fn ca_bundle(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    CA_BUNDLE_VARIABLES
        .iter()
        .filter_map(|name| variable(name))
        .find(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Reads a file with certificates, or all of a folder that `openssl rehash` has prepared.
fn read_bundle(path: &Path) -> io::Result<Vec<u8>> {
    if !path.is_dir() {
        return fs::read(path);
    }
    let mut all = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if is_hash(&entry.file_name().to_string_lossy()) {
            all.extend(fs::read(entry.path())?);
            // The last line of a file need not end.
            all.push(b'\n');
        }
    }
    Ok(all)
}

/// Tells whether OpenSSL would look at a file of this name: the hash of the subject, and a number.
fn is_hash(name: &str) -> bool {
    name.split_once('.').is_some_and(|(hash, number)| {
        hash.len() == 8
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)], url: &str) -> Network {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Network::read(&|name| Some(find(name)?.1.to_owned()), url)
    }

    fn proxies(variables: &[(&str, &str)]) -> Option<(Option<String>, Option<String>)> {
        let proxies = read(variables, "https://a.example").proxies?;
        let text = |secret: Option<Secret>| Some(secret?.expose().to_owned());
        Some((text(proxies.http), text(proxies.https)))
    }

    #[test]
    fn names_in_small_letters_come_first() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(proxies(&[]), None);
        assert_eq!(
            proxies(&[("HTTP_PROXY", "a"), ("http_proxy", "b"), ("ALL_PROXY", "c")]),
            Some((some("b"), some("c")))
        );
        assert_eq!(
            proxies(&[("HTTP_PROXY", "a"), ("http_proxy", "")]),
            Some((None, None))
        );
        assert_eq!(
            proxies(&[("HTTP_PROXY", "a"), ("REQUEST_METHOD", "GET")]),
            None
        );
    }

    #[test]
    fn a_bundle_that_is_missing_matters_where_there_is_tls() {
        let bundle = [("CURL_CA_BUNDLE", "/nowhere/ca.pem")];
        assert_eq!(
            read(&bundle, "http://a.example")
                .certificates()
                .unwrap()
                .len(),
            0
        );
        let error = read(&bundle, "https://a.example").certificates();
        assert!(error.unwrap_err().to_string().contains("/nowhere/ca.pem"));
    }

    #[test]
    fn of_a_folder_the_files_that_are_named_by_hashes_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("0a1b2c3d.0", "one"),
            ("0a1b2c3d.1", "two"),
            ("key.pem", "-"),
        ] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let mut read: Vec<_> = read_bundle(folder.path()).unwrap();
        read.sort_unstable();
        assert_eq!(read, *b"\n\nenootw");
    }

    #[test]
    fn printing_shows_no_proxy() {
        let network = read(&[("HTTPS_PROXY", "http://jane:s3cr3t@p")], "");
        assert!(!format!("{network:?}").contains("s3cr3t"));
    }
}
