//! What every request to a server carries, whether it calls the API or connects to the event server.

use reqwest::Url;
use reqwest::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};

use crate::config::{Config, Secret};
use crate::error::{Error, Result};

/// Returns the host of an address, and the port where it gives one, as errors name it.
pub(crate) fn host_of(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

/// Sets who asks.
pub(crate) fn set_credentials(headers: &mut HeaderMap, config: &Config) -> Result<()> {
    let user = header_value("ftrack-user", &config.api_user)?;
    headers.insert("ftrack-user", user);
    let key = secret_value("ftrack-api-key", config.api_key.expose())?;
    headers.insert("ftrack-api-key", key);
    Ok(())
}

/// Sets a header that the user wants to be sent.
pub(crate) fn set(headers: &mut HeaderMap, name: &str, value: &Secret) -> Result<()> {
    let name = HeaderName::try_from(name)
        .map_err(|_| Error::invalid(format!("{name:?} is no name of an HTTP header")))?;
    let value = secret_value(name.as_str(), value.expose())?;
    headers.insert(name, value);
    Ok(())
}

/// Sets the cookies that the user wants to be sent, if there are any.
pub(crate) fn set_cookies(headers: &mut HeaderMap, cookies: &[(String, Secret)]) -> Result<()> {
    let pairs: Vec<_> = cookies
        .iter()
        .map(|(name, value)| format!("{name}={}", value.expose()))
        .collect();
    if !pairs.is_empty() {
        headers.insert(COOKIE, secret_value("cookie", &pairs.join("; "))?);
    }
    Ok(())
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| Error::invalid(format!("the HTTP header {name} cannot hold this text")))
}

/// Marks a value as one that is not to be printed, nor remembered by what compresses headers.
fn secret_value(name: &str, value: &str) -> Result<HeaderValue> {
    let mut value = header_value(name, value)?;
    value.set_sensitive(true);
    Ok(value)
}
