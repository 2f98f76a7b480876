//! Posts batches to `/api`.

use std::future::Future;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};

use super::answer::{Asked, check_answer};
use super::{Idempotency, headers, insecure, pool};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::retry::{RetryPolicy, is_transient, retry_after};

const ACTION: &str = "call the API";

/// Somebody waits for a call, other than for a transfer.
const RETRY: RetryPolicy = RetryPolicy {
    attempts: 4,
    first: Duration::from_millis(200),
    max: Duration::from_secs(5),
};

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
    /// The connection broke.
    Interrupted(Error),
    /// The server was too busy, and may have said for how long.
    Busy(Error, Option<Duration>),
    /// The server said nothing for too long.
    Silent(Error),
    /// The server said more than any answer needs.
    Endless(Error),
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
        Ok(Self {
            host: headers::host_of(&endpoint),
            config,
            endpoint,
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
    pub async fn call(&self, body: Bytes, idempotency: Idempotency) -> Result<Bytes> {
        let headers = self.headers()?;
        let mut attempt = 1;
        loop {
            let (error, asked) = match self.attempt(body.clone(), headers.clone()).await {
                Ok((status, answer)) => {
                    let checked = check_answer(status, answer, &self.asked());
                    return checked.map_err(|error| match idempotency {
                        Idempotency::Write if is_garbled(&error) => error.lost(),
                        _ => error,
                    });
                }
                Err(
                    Failure::Interrupted(error)
                    | Failure::Busy(error, _)
                    | Failure::Silent(error)
                    | Failure::Endless(error),
                ) if idempotency == Idempotency::Write => {
                    return Err(error.lost());
                }
                Err(Failure::Final(error) | Failure::Silent(error) | Failure::Endless(error)) => {
                    return Err(error);
                }
                Err(Failure::Interrupted(error) | Failure::Unreached(error)) => (error, None),
                Err(Failure::Busy(error, asked)) => (error, asked),
            };
            // Nobody is kept waiting longer by a server that answers than by a silent one.
            let asked = asked.map(|asked| asked.min(self.config.timeout));
            let Some(delay) = RETRY.wait(attempt, asked) else {
                return Err(error);
            };
            tracing::debug!(host = self.host, attempt, ?delay, %error, "trying again");
            tokio::time::sleep(delay).await;
            attempt += 1;
        }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            host: &self.host,
            user: &self.config.api_user,
            key: &self.config.api_key,
        }
    }

    async fn attempt(&self, body: Bytes, headers: HeaderMap) -> Result<(u16, Bytes), Failure> {
        let client = pool::api_client(&self.config.network).map_err(Failure::Final)?;
        let (started, sent_bytes) = (Instant::now(), body.len());
        let sent = self.send(&client, body, headers);
        let response = self.in_time(sent).await?;
        let status = response.status();
        let wait = retry_after(response.headers());
        let answer = self.read(response, MAX_ANSWER).await?;
        tracing::debug!(
            host = self.host,
            status = status.as_u16(),
            sent_bytes,
            received_bytes = answer.len(),
            elapsed = ?started.elapsed(),
            "called the API"
        );
        if is_transient(status) && !is_json(&answer) {
            return Err(Failure::Busy(self.busy(status, answer), wait));
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

    /// Reads the body of at most so many bytes; the timeout counts from the last bytes, not from the start.
    async fn read(&self, mut response: Response, most: usize) -> Result<Bytes, Failure> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.in_time(response.chunk()).await? {
            if body.is_empty() {
                let length = response.content_length().unwrap_or(0);
                body.reserve(usize::try_from(length).unwrap_or(0).min(MAX_RESERVE));
            }
            if body.len() + chunk.len() > most {
                let host = self.host.clone();
                return Err(Failure::Endless(Error::AnswerTooLarge { host, most }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.config.timeout, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.classify(&error)),
            Err(_) => Err(Failure::Silent(self.timed_out())),
        }
    }

    fn classify(&self, error: &reqwest::Error) -> Failure {
        if error.is_connect()
            && let Some(reason) = insecure(error)
        {
            return Failure::Final(Error::Tls {
                host: self.host.clone(),
                reason,
            });
        }
        if error.is_timeout() && !error.is_connect() {
            return Failure::Silent(self.timed_out());
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

    fn timed_out(&self) -> Error {
        Error::Timeout {
            host: self.host.clone(),
            action: ACTION.to_owned(),
            after: self.config.timeout,
        }
    }

    fn busy(&self, status: StatusCode, answer: Bytes) -> Error {
        check_answer(status.as_u16(), answer, &self.asked())
            .err()
            .unwrap_or_else(|| Error::decode("the answer of a busy server", &status))
    }

    fn headers(&self) -> Result<HeaderMap> {
        let config = &self.config;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let strict = HeaderValue::from_static(if config.strict_api { "true" } else { "false" });
        headers.insert("ftrack-strict-api", strict);
        for (name, value) in &config.headers {
            headers::set(&mut headers, name, value)?;
        }
        headers::set_cookies(&mut headers, &config.cookies)?;
        headers::set_credentials(&mut headers, config)?;
        Ok(headers)
    }
}

/// More than any answer needs; one that does not end would take all memory.
const MAX_ANSWER: usize = 1 << 30;

/// More than most answers need; bounds what a wrong length can make us reserve.
const MAX_RESERVE: usize = 64 << 20;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
        let config = Config::new("http://127.0.0.1:1", "jane", "s3cr3t-key");
        let transport = Transport::new(config).unwrap();
        let read = async |most| {
            let response = Response::from(axum::http::Response::new("[1,2]"));
            transport.read(response, most).await
        };
        assert_eq!(read(5).await.ok().unwrap(), "[1,2]");
        let Err(Failure::Endless(error)) = read(4).await else {
            panic!("it was read");
        };
        assert_eq!(
            error.to_string(),
            "127.0.0.1:1 answered with more than 4 bytes"
        );
    }
}
