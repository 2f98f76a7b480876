//! Where programs such as ftrack Connect send a browser, to have the API key of whoever sits in front of it.

use std::fmt::Write as _;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::auth::{self, Credentials};
use crate::app::AppState;
use crate::error::{ApiError, ErrorKind};

/// What makes a browser ask for a user and a key.
const CHALLENGE: &str = "Basic realm=\"ftrack: user name and API key\", charset=\"UTF-8\"";

/// Where the browser is to go with the key.
#[derive(Deserialize)]
pub struct SignIn {
    redirect_url: String,
}

/// `GET /user/api_credentials?redirect_url=http://localhost:<port>`: sends the browser there with the user and the key.
///
/// Guess: ftrack has a page to sign in with a password; here there are none, and the browser asks for a key by itself.
pub async fn api_credentials(
    State(app): State<AppState>,
    Query(SignIn { redirect_url }): Query<SignIn>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let target = on_this_machine(&redirect_url)?;
    let Some(Credentials { username, api_key }) = credentials(&headers) else {
        return Ok(ask(ApiError::invalid_credentials()));
    };
    match auth::check(&app, Some(&username), Some(&api_key)).await {
        Ok(_) => Ok(send_on(&target, &username, &api_key)),
        Err(error) if error.kind == ErrorKind::InvalidCredentials => Ok(ask(error)),
        Err(error) => Err(error),
    }
}

/// The key goes to a program on the machine of the browser, and to no other site.
fn on_this_machine(url: &str) -> Result<Uri, ApiError> {
    let target = url.parse::<Uri>().ok().filter(|target| {
        let is_local = matches!(target.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
        is_local && target.scheme_str() == Some("http")
    });
    target.ok_or_else(|| ApiError::validation("redirect_url must be one of http://localhost."))
}

/// Reads what the browser was told: `Authorization: Basic <user>:<key>`.
fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    let text = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (username, api_key) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| Credentials {
        username: username.to_owned(),
        api_key: api_key.to_owned(),
    })
}

fn ask(error: ApiError) -> Response {
    ([(header::WWW_AUTHENTICATE, CHALLENGE)], error).into_response()
}

fn send_on(target: &Uri, username: &str, key: &str) -> Response {
    let separator = if target.query().is_some() { '&' } else { '?' };
    let (username, key) = (percent_encoded(username), percent_encoded(key));
    let location = format!("{target}{separator}api_user={username}&api_key={key}");
    let head = [
        (header::LOCATION, location.as_str()),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::FOUND, head).into_response()
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
