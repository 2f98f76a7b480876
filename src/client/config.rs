//! What a session needs to know about its server.

use std::fmt;
use std::time::Duration;

use reqwest::Url;

use crate::error::{Error, Result};
use crate::transport::Network;

/// How long a connection may stay silent, unless the user says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// What is printed in place of a secret.
const BLANK: &str = "***";

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns a text of somebody else without the secret, which it may repeat as it is or as URLs write it.
    pub(crate) fn blanked(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let url = Url::parse_with_params("http://localhost/", [("", &self.0)]).ok();
        let in_url = url.as_ref().and_then(Url::query).map(|query| &query[1..]);
        let text = text.replace(&self.0, BLANK);
        match in_url.filter(|in_url| *in_url != self.0) {
            Some(in_url) => text.replace(in_url, BLANK),
            None => text,
        }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BLANK)
    }
}

/// Address, credentials and habits of a session.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address of the server, such as `https://studio.ftrackapp.com`, without a slash at the end.
    pub server_url: String,
    /// User name.
    pub api_user: String,
    /// Key of the user, or a global one.
    pub api_key: Secret,
    /// How long a connection may stay silent.
    pub timeout: Duration,
    /// Asks the server for HTTP error statuses and only for what was selected.
    pub strict_api: bool,
    /// Headers sent with every call.
    pub headers: Vec<(String, Secret)>,
    /// Cookies sent with every call.
    pub cookies: Vec<(String, Secret)>,
    /// The way to the server.
    pub network: Network,
}

impl Config {
    /// Makes a configuration with defaults for everything optional, and the way to the server that the environment names.
    pub fn new(
        server_url: impl Into<String>,
        api_user: impl Into<String>,
        api_key: impl Into<String>,
    ) -> Self {
        let server_url: String = server_url.into();
        Self {
            network: Network::from_env(&server_url),
            server_url: server_url.trim_end_matches('/').to_owned(),
            api_user: api_user.into(),
            api_key: Secret::new(api_key),
            timeout: DEFAULT_TIMEOUT,
            strict_api: false,
            headers: Vec::new(),
            cookies: Vec::new(),
        }
    }

    /// Reads `FTRACK_SERVER`, `FTRACK_API_USER` and `FTRACK_API_KEY` (or `FTRACK_APIKEY`).
    pub fn from_env() -> Result<Self> {
        Ok(Self::new(
            variable(&["FTRACK_SERVER"])?,
            variable(&["FTRACK_API_USER"])?,
            variable(&["FTRACK_API_KEY", "FTRACK_APIKEY"])?,
        ))
    }
}

fn variable(names: &[&str]) -> Result<String> {
    names
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .ok_or_else(|| Error::invalid(format!("the environment variable {} is not set", names[0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_a_configuration_shows_nothing_secret() {
        let mut config = Config::new("https://studio.example.com/", "jane", "s3cr3t");
        config.headers = vec![("Authorization".into(), "Bearer s3cr3t".into())];
        config.cookies = vec![("session".into(), "s3cr3t".into())];
        let printed = format!("{config:?}");
        assert!(!printed.contains("s3cr3t"), "{printed}");
        assert!(printed.contains("(\"Authorization\", ***)"), "{printed}");
        assert_eq!(config.server_url, "https://studio.example.com");
    }
}
