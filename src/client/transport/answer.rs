//! Tells answers from failures.

use bytes::Bytes;
use serde::Deserialize;

use crate::config::Secret;
use crate::error::{Error, Result};

/// How much of an unexpected body an error shows, in characters.
const EXCERPT_LENGTH: usize = 200;

/// Who answered, and to whom.
pub(crate) struct Asked<'a> {
    /// Host of the server.
    pub(crate) host: &'a str,
    /// User the call was made as.
    pub(crate) user: &'a str,
    /// Key the call was made with. Proxies tell of a failed request by repeating it, headers included.
    pub(crate) key: &'a Secret,
}

/// The object that replaces the list of results when a batch fails.
#[derive(Deserialize)]
struct Failure {
    exception: String,
    #[serde(default)]
    content: serde_json::Value,
    #[serde(default)]
    error_code: Option<String>,
}

/// Returns the body if it is a list of results, otherwise the failure it reports.
pub(crate) fn check_answer(status: u16, body: Bytes, asked: &Asked<'_>) -> Result<Bytes> {
    let success = (200..300).contains(&status);
    match body.trim_ascii_start().first() {
        Some(b'[') if success => Ok(body),
        Some(b'{') => match serde_json::from_slice::<Failure>(&body) {
            Ok(failure) => Err(failure.into_error(status, asked)),
            Err(_) if success => Ok(body),
            Err(_) => Err(unexpected(status, &body, asked)),
        },
        _ => Err(unexpected(status, &body, asked)),
    }
}

impl Failure {
    fn into_error(self, status: u16, asked: &Asked<'_>) -> Error {
        let content = match self.content {
            serde_json::Value::String(text) => text,
            serde_json::Value::Null => String::new(),
            other => other.to_string(),
        };
        let content = asked.key.blanked(&content);
        let exception = asked.key.blanked(&self.exception);
        let refused = status == 401
            || self.exception == "InvalidCredentialsError"
            || self.error_code.as_deref() == Some("api_credentials_invalid");
        if refused {
            return Error::Auth {
                host: asked.host.to_owned(),
                user: asked.user.to_owned(),
                exception,
                content,
            };
        }
        Error::Server {
            exception,
            content,
            error_code: self.error_code,
        }
    }
}

fn unexpected(status: u16, body: &[u8], asked: &Asked<'_>) -> Error {
    // Before it is cut, which could leave a part of the key.
    let text = asked.key.blanked(&String::from_utf8_lossy(body));
    let mut excerpt: String = text.trim().chars().take(EXCERPT_LENGTH).collect();
    if excerpt.is_empty() {
        excerpt.push_str("an empty body");
    }
    Error::UnexpectedAnswer {
        host: asked.host.to_owned(),
        status,
        excerpt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: Result<(), &str>) {
        let asked = Asked {
            host: "studio.example.com",
            user: "jane",
            key: &Secret::new("s3/cr3t"),
        };
        let result = check_answer(status, Bytes::copy_from_slice(body.as_bytes()), &asked);
        let actual = result.map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned));
    }

    #[test]
    fn answers_are_told_from_failures() {
        check(200, " [1]", Ok(()));
        check(200, r#"{"version":"dev"}"#, Ok(()));
        check(
            200,
            r#"{"exception":"ParseError","content":"no","error_code":null}"#,
            Err("server reported error: ParseError(no)"),
        );
        check(
            422,
            r#"{"exception":"ValidationError","content":{"a":1}}"#,
            Err(r#"server reported error: ValidationError({"a":1})"#),
        );
        check(
            200,
            r#"{"exception":"InvalidCredentialsError","content":"not valid"}"#,
            Err(r#"studio.example.com refused the credentials of user "jane": not valid"#),
        );
        check(
            502,
            "<html>Bad Gateway</html>",
            Err(
                "studio.example.com answered with status 502 and not as the API does: <html>Bad Gateway</html>",
            ),
        );
        check(
            200,
            "",
            Err(
                "studio.example.com answered with status 200 and not as the API does: an empty body",
            ),
        );
    }

    #[test]
    fn a_key_that_is_repeated_is_not_shown() {
        check(
            502,
            "ftrack-api-key: s3/cr3t, GET /x?apiKey=s3%2Fcr3t&y",
            Err(
                "studio.example.com answered with status 502 and not as the API does: ftrack-api-key: ***, GET /x?apiKey=***&y",
            ),
        );
        check(
            200,
            r#"{"exception":"Oops","content":"key s3/cr3t"}"#,
            Err("server reported error: Oops(key ***)"),
        );
    }

    #[test]
    fn long_bodies_are_cut_between_characters() {
        let asked = Asked {
            host: "h",
            user: "u",
            key: &Secret::default(),
        };
        let body = Bytes::from("ä".repeat(1000));
        let Err(Error::UnexpectedAnswer { excerpt, .. }) = check_answer(500, body, &asked) else {
            panic!("not an unexpected answer");
        };
        assert_eq!(excerpt, "ä".repeat(EXCERPT_LENGTH));
    }
}
