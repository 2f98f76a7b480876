//! The handshake of socket.io 0.9: credentials for the id of a session, over HTTP.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Url};

use crate::config::{Config, Secret};
use crate::error::{Error, Result};
use crate::transport::{Asked, check_answer, headers, innermost, insecure};

const ACTION: &str = "connect to the event server";
/// Silence that servers allow which announce none.
const DEFAULT_SILENCE: Duration = Duration::from_secs(60);
/// Headers that belong to one request, and not to what a user wants to be sent with each.
const OWN_HEADERS: [&str; 8] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "upgrade",
];

/// What the event server answers: the right to open one websocket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// Stands for the credentials from now on.
    pub(super) session_id: Secret,
    /// How long either side may be silent.
    pub(super) silence: Duration,
}

/// The event server, and what is sent to it with every request.
pub(super) struct Server<'a> {
    pub(super) config: &'a Config,
    base: Url,
}

impl<'a> Server<'a> {
    /// Takes the address of the event server, which is that of the site without a path.
    pub(super) fn new(config: &'a Config) -> Result<Self> {
        let base = Url::parse(&config.server_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .and_then(|url| url.join("/socket.io/1/").ok())
            .ok_or_else(|| {
                Error::invalid(format!("{:?} is no address of a server", config.server_url))
            })?;
        Ok(Self { config, base })
    }

    /// Asks for a session.
    pub(super) async fn handshake(&self, client: &Client) -> Result<Ticket> {
        let mut headers = self.headers()?;
        headers::set_credentials(&mut headers, self.config)?;
        let request = client.get(self.base.clone()).headers(headers);
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        let status = response.status().as_u16();
        let body = response
            .bytes()
            .await
            .map_err(|error| self.failure(&error))?;
        let text = String::from_utf8_lossy(&body);
        if status == 200 && !text.trim_start().starts_with(['{', '[']) {
            return parse(&text);
        }
        let asked = Asked {
            host: &self.host(),
            user: &self.config.api_user,
            key: &self.config.api_key,
        };
        let excerpt = self.config.api_key.blanked(&text);
        Err(check_answer(status, body.clone(), &asked)
            .err()
            .unwrap_or(Error::UnexpectedAnswer {
                host: self.host(),
                status,
                excerpt,
            }))
    }

    /// Returns the address of the websocket of a session.
    pub(super) fn websocket_url(&self, ticket: &Ticket) -> Result<Url> {
        self.base
            .join(&format!("websocket/{}", ticket.session_id.expose()))
            .map_err(|reason| Error::decode("the handshake of the event server", &reason))
    }

    /// Returns the headers and cookies that the user wants to be sent.
    pub(super) fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.config.headers {
            if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                continue;
            }
            headers::set(&mut headers, name, value)?;
        }
        headers::set_cookies(&mut headers, &self.config.cookies)?;
        Ok(headers)
    }

    /// Returns the host, and the port where the address gives one.
    pub(super) fn host(&self) -> String {
        headers::host_of(&self.base)
    }

    /// Returns the failure of a request that got no answer.
    pub(super) fn failure(&self, error: &reqwest::Error) -> Error {
        if error.is_connect()
            && let Some(reason) = insecure(error)
        {
            let host = self.host();
            return Error::Tls { host, reason };
        }
        self.unreachable(innermost(error))
    }

    /// Returns the failure of a connection that broke for `reason`.
    pub(super) fn unreachable(&self, reason: String) -> Error {
        Error::Connection {
            host: self.host(),
            action: ACTION.to_owned(),
            reason,
        }
    }

    /// Returns the failure of a connection that was not there in time.
    pub(super) fn timed_out(&self) -> Error {
        Error::Timeout {
            host: self.host(),
            action: ACTION.to_owned(),
            after: self.config.timeout,
        }
    }
}

/// Reads `session id:heartbeat timeout:close timeout:transports`, with times in seconds.
fn parse(text: &str) -> Result<Ticket> {
    let mut parts = text.trim().split(':');
    let mut next = || parts.next().unwrap_or_default();
    let (session_id, heartbeat, _close, transports) = (next(), next(), next(), next());
    if session_id.is_empty() || !transports.split(',').any(|name| name == "websocket") {
        return Err(Error::decode(
            "the handshake of the event server",
            &"it offers no websocket",
        ));
    }
    let silence = heartbeat.parse().ok().filter(|seconds| *seconds > 0);
    Ok(Ticket {
        session_id: session_id.into(),
        silence: silence.map_or(DEFAULT_SILENCE, Duration::from_secs),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_session_silence_and_transports() {
        let ticket = parse("abc:15:25:websocket,xhr-polling\n").unwrap();
        assert_eq!(
            (ticket.session_id.expose(), ticket.silence.as_secs()),
            ("abc", 15)
        );
        assert_eq!(parse("abc::25:websocket").unwrap().silence, DEFAULT_SILENCE);
        for text in [
            "",
            "abc",
            "abc:15:25:xhr-polling",
            ":1:1:websocket",
            "<html>",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn printing_a_ticket_shows_no_session() {
        let printed = format!("{:?}", parse("s3cr3t:15:25:websocket").unwrap());
        assert!(printed.contains("session_id: ***"), "{printed}");
    }

    #[test]
    fn the_event_server_is_at_the_root_of_the_site() {
        let config = Config::new("https://studio.example.com:8080/some/path", "jane", "key");
        let server = Server::new(&config).unwrap();
        let ticket = parse("abc:15:25:websocket").unwrap();
        let url = server.websocket_url(&ticket).unwrap();
        assert_eq!(
            url.as_str(),
            "https://studio.example.com:8080/socket.io/1/websocket/abc"
        );
        assert!(Server::new(&Config::new("studio.example.com", "jane", "key")).is_err());
    }
}
