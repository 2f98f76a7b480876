//! Posts batches to `/api`.

use std::future::Future;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};

use super::answer::{Asked, check_answer};
use super::retry::{MAX_ATTEMPTS, delay_after, is_transient};
use super::{CallHeaders, Idempotency, insecure, pool};
use crate::config::Config;
use crate::error::{Error, Result};

const ACTION: &str = "call the API";

/// Sends batches to one server with the credentials of one user.
#[derive(Clone, Debug)]
pub struct Transport {
    config: Config,
    endpoint: Url,
    host: String,
}

/// How one attempt ended.
enum Failure {
    /// The connection was never established: nothing was sent.
    Unreached(Error),
    /// The connection broke, or the server was too busy.
    Interrupted(Error),
    /// The server said nothing for too long.
    Silent(Error),
    /// Trying again would not help.
    Final(Error),
}

impl Transport {
    /// Prepares calls to the server of `config`; nothing is sent.
    pub fn new(config: Config) -> Result<Self> {
        let base = config.server_url.trim_end_matches('/');
        let is_web = |url: &Url| matches!(url.scheme(), "http" | "https");
        let endpoint = Url::parse(base)
            .ok()
            .filter(is_web)
            .and_then(|_| Url::parse(&format!("{base}/api")).ok())
            .ok_or_else(|| {
                Error::invalid(format!(
                    "{:?} is no address of a server, such as https://studio.ftrackapp.com",
                    config.server_url
                ))
            })?;
        let name = endpoint.host_str().unwrap_or_default();
        let host = endpoint
            .port()
            .map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        Ok(Self {
            config,
            endpoint,
            host,
        })
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the host, and the port where the address gives one, as errors name it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Posts a batch and returns the list of results, undecoded.
    pub async fn call(
        &self,
        body: Bytes,
        idempotency: Idempotency,
        overrides: &CallHeaders,
    ) -> Result<Bytes> {
        let headers = self.headers(overrides)?;
        let timeout = overrides.timeout.unwrap_or(self.config.timeout);
        let mut attempt = 1;
        loop {
            let error = match self.attempt(body.clone(), headers.clone(), timeout).await {
                Ok((status, answer)) => {
                    let checked = check_answer(status, answer, &self.asked(overrides));
                    return checked.map_err(|error| match idempotency {
                        Idempotency::Write if is_garbled(&error) => error.lost(),
                        _ => error,
                    });
                }
                Err(Failure::Interrupted(error) | Failure::Silent(error))
                    if idempotency == Idempotency::Write =>
                {
                    return Err(error.lost());
                }
                Err(Failure::Final(error) | Failure::Silent(error)) => return Err(error),
                Err(Failure::Interrupted(error) | Failure::Unreached(error)) => error,
            };
            if attempt == MAX_ATTEMPTS {
                return Err(error);
            }
            let delay = delay_after(attempt);
            tracing::debug!(host = self.host, attempt, ?delay, %error, "trying again");
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    fn asked<'a>(&'a self, overrides: &'a CallHeaders) -> Asked<'a> {
        Asked {
            host: &self.host,
            user: overrides.api_user.as_ref().unwrap_or(&self.config.api_user),
        }
    }

    async fn attempt(
        &self,
        body: Bytes,
        headers: HeaderMap,
        timeout: Duration,
    ) -> Result<(u16, Bytes), Failure> {
        let client = pool::api_client(&self.config.network).map_err(Failure::Final)?;
        let (started, sent_bytes) = (Instant::now(), body.len());
        let sent = self.send(&client, body, headers);
        let response = self.in_time(timeout, sent).await?;
        let status = response.status();
        let answer = self.read(response, timeout).await?;
        tracing::debug!(
            host = self.host,
            status = status.as_u16(),
            sent_bytes,
            received_bytes = answer.len(),
            elapsed = ?started.elapsed(),
            "called the API"
        );
        if is_transient(status.as_u16()) && !is_json(&answer) {
            return Err(Failure::Interrupted(self.busy(status, answer)));
        }
        Ok((status.as_u16(), answer))
    }

    async fn send(
        &self,
        client: &Client,
        body: Bytes,
        headers: HeaderMap,
    ) -> reqwest::Result<Response> {
        let request = client.post(self.endpoint.clone());
        request.headers(headers).body(body).send().await
    }

    /// Reads the body; the timeout counts from the last bytes, not from the start.
    async fn read(&self, mut response: Response, timeout: Duration) -> Result<Bytes, Failure> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.in_time(timeout, response.chunk()).await? {
            if body.is_empty() {
                let length = response.content_length().unwrap_or(0);
                body.reserve(usize::try_from(length).unwrap_or(0).min(MAX_RESERVE));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    async fn in_time<T>(
        &self,
        timeout: Duration,
        work: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(timeout, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.classify(&error, timeout)),
            Err(_) => Err(Failure::Silent(self.timed_out(timeout))),
        }
    }

    fn classify(&self, error: &reqwest::Error, timeout: Duration) -> Failure {
        if error.is_connect()
            && let Some(reason) = insecure(error)
        {
            return Failure::Final(Error::Tls {
                host: self.host.clone(),
                reason,
            });
        }
        if error.is_timeout() && !error.is_connect() {
            return Failure::Silent(self.timed_out(timeout));
        }
        let unreached = error.is_connect();
        let hopeless = error.is_builder() || error.is_redirect();
        let error = Error::Connection {
            host: self.host.clone(),
            action: ACTION.to_owned(),
            reason: innermost(error),
        };
        match (unreached, hopeless) {
            (true, _) => Failure::Unreached(error),
            (_, true) => Failure::Final(error),
            _ => Failure::Interrupted(error),
        }
    }

    fn timed_out(&self, after: Duration) -> Error {
        Error::Timeout {
            host: self.host.clone(),
            action: ACTION.to_owned(),
            after,
        }
    }

    fn busy(&self, status: StatusCode, answer: Bytes) -> Error {
        let asked = Asked {
            host: &self.host,
            user: &self.config.api_user,
        };
        check_answer(status.as_u16(), answer, &asked)
            .err()
            .unwrap_or_else(|| Error::decode("the answer of a busy server", &status))
    }

    fn headers(&self, overrides: &CallHeaders) -> Result<HeaderMap> {
        let config = &self.config;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let strict = HeaderValue::from_static(if config.strict_api { "true" } else { "false" });
        headers.insert("ftrack-strict-api", strict);
        for (name, value) in config.headers.iter().chain(&overrides.headers) {
            let name = HeaderName::try_from(name)
                .map_err(|_| Error::invalid(format!("{name:?} is no name of an HTTP header")))?;
            let value = header_value(name.as_str(), value)?;
            headers.insert(name, value);
        }
        let cookies = match overrides.cookies.as_slice() {
            [] => &config.cookies,
            _ => &overrides.cookies,
        };
        if !cookies.is_empty() {
            let pairs: Vec<_> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            headers.insert(COOKIE, secret_value("cookie", &pairs.join("; "))?);
        }
        let user = overrides.api_user.as_ref().unwrap_or(&config.api_user);
        let key = overrides.api_key.as_ref().unwrap_or(&config.api_key);
        headers.insert("ftrack-user", header_value("ftrack-user", user)?);
        headers.insert(
            "ftrack-api-key",
            secret_value("ftrack-api-key", key.expose())?,
        );
        Ok(headers)
    }
}

/// More than any answer needs; bounds what a wrong length can make us reserve.
const MAX_RESERVE: usize = 64 << 20;

fn header_value(name: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| Error::invalid(format!("the HTTP header {name} cannot hold this text")))
}

fn secret_value(name: &str, value: &str) -> Result<HeaderValue> {
    let mut value = header_value(name, value)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Tells whether an answer is not what the server said: a proxy's page in place of it, say. Statuses of refusals are believed.
fn is_garbled(error: &Error) -> bool {
    matches!(error, Error::UnexpectedAnswer { status, .. } if matches!(status, 200..=299 | 500..=599))
}

fn is_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'[' | b'{'))
}

/// Returns the text of the cause at the bottom, which names no address.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if cause.is::<reqwest::Error>() {
        return String::from("the request failed");
    }
    cause.to_string()
}
