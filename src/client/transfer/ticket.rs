//! Signed upload URLs.

use std::fmt;
use std::path::PathBuf;

use reqwest::Url;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{Api, TransferError};
use crate::checksum::Digest;

/// A file for which a URL is wanted.
pub(super) struct TicketRequest<'a> {
    pub(super) path: &'a PathBuf,
    pub(super) component_id: &'a str,
    pub(super) file_name: &'a str,
    pub(super) size: u64,
    pub(super) md5: Digest,
}

/// Where and with which headers a file is sent. Who has it may write the file, so it is not printed.
pub(super) struct Ticket {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ticket")
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

/// Asks for the URLs of all files in one call.
pub(super) async fn ask(
    api: &dyn Api,
    requests: &[TicketRequest<'_>],
) -> Result<Vec<Ticket>, TransferError> {
    let operations = requests.iter().map(TicketRequest::operation).collect();
    let answers = api
        .call(operations)
        .await
        .map_err(|source| TransferError::Api { source })?;
    if answers.len() != requests.len() {
        let source = format!("{} answers to {} operations", answers.len(), requests.len()).into();
        return Err(TransferError::Api { source });
    }
    requests
        .iter()
        .zip(&answers)
        .map(|(request, answer)| request.ticket(answer))
        .collect()
}

impl TicketRequest<'_> {
    fn operation(&self) -> Value {
        json!({
            "action": "get_upload_metadata",
            "component_id": self.component_id,
            "file_name": self.file_name,
            "file_size": self.size,
            "checksum": self.md5.to_base64(),
        })
    }

    fn ticket(&self, answer: &Value) -> Result<Ticket, TransferError> {
        read(answer, self.component_id).map_err(|fault| TransferError::InvalidTicket {
            path: self.path.clone(),
            fault,
        })
    }
}

/// ftrack answers `{"url", "headers": {...}, "component_id"}`; the headers are part of the signature.
fn read(answer: &Value, component_id: &str) -> Result<Ticket, &'static str> {
    if answer
        .get("component_id")
        .is_some_and(|id| id != component_id)
    {
        return Err("ftrack answered for another component");
    }
    let url = answer
        .get("url")
        .and_then(Value::as_str)
        .ok_or("ftrack answered no upload URL")?;
    let url = Url::parse(url).map_err(|_| "ftrack answered an upload URL that is none")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("ftrack answered an upload URL that is not HTTP");
    }
    let headers = match answer.get("headers") {
        None | Some(Value::Null) => HeaderMap::new(),
        Some(headers) => {
            read_headers(headers).ok_or("ftrack answered upload headers that are none")?
        }
    };
    Ok(Ticket { url, headers })
}

fn read_headers(headers: &Value) -> Option<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers.as_object()? {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        map.insert(name, HeaderValue::from_bytes(text.as_bytes()).ok()?);
    }
    // The length is always sent; it comes from the file.
    map.remove(CONTENT_LENGTH);
    Some(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(answer: &Value) -> &'static str {
        read(answer, "c1").unwrap_err()
    }

    #[test]
    fn reads_an_answer_and_leaves_the_length_to_the_file() {
        let answer = json!({"url": "https://s3/x?sig=1", "component_id": "c1", "headers": {"Content-MD5": "AA==", "Content-Length": 3, "Content-Disposition": "attachment; filename=\"\u{e4}.exr\""}});
        let ticket = read(&answer, "c1").unwrap();
        assert_eq!(ticket.headers.len(), 2);
        assert_eq!(ticket.headers["content-md5"], "AA==");
        assert!(!format!("{ticket:?}").contains("sig"));
    }

    #[test]
    fn refuses_what_is_no_answer() {
        assert_eq!(
            fault(&json!({"url": "https://s3/x", "component_id": "c2"})),
            "ftrack answered for another component"
        );
        assert_eq!(
            fault(&json!({"component_id": "c1"})),
            "ftrack answered no upload URL"
        );
        assert_eq!(
            fault(&json!({"url": "x"})),
            "ftrack answered an upload URL that is none"
        );
        assert_eq!(
            fault(&json!({"url": "file:///etc/passwd"})),
            "ftrack answered an upload URL that is not HTTP"
        );
        assert_eq!(
            fault(&json!({"url": "https://s3", "headers": {"a": []}})),
            "ftrack answered upload headers that are none"
        );
    }
}
