//! Signed upload URLs, and how ftrack is asked for them.

use std::fmt;

use reqwest::Url;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::journal::PartsUpload;
use super::parts::PartSize;
use super::{Api, ApiError, TransferError, UploadItem};
use crate::checksum::Digest;

/// A file for which URLs are wanted.
#[derive(Clone, Copy)]
pub(super) struct TicketRequest<'a> {
    pub(super) item: &'a UploadItem,
    pub(super) size: u64,
    pub(super) content: Content,
}

/// How a file is sent.
#[derive(Clone, Copy)]
pub(super) enum Content {
    /// In one piece, with its MD5.
    Whole(Digest),
    /// In parts, all but the last of this size.
    Parts(PartSize),
}

/// How often the URLs of one file are asked for anew. They expire after hours; but a storage that refuses for another reason answers alike.
pub(super) const RENEWALS: u32 = 2;

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

/// Asks for the URLs of files that are sent whole, in one call.
pub(super) async fn ask(
    api: &dyn Api,
    requests: &[TicketRequest<'_>],
) -> Result<Vec<Ticket>, TransferError> {
    ask_and(api, requests, |request, answer| read(answer, request)).await
}

/// Asks for the URL of one file that is sent whole.
pub(super) async fn ask_one(
    api: &dyn Api,
    request: TicketRequest<'_>,
) -> Result<Ticket, TransferError> {
    // There is one answer for each request.
    Ok(ask(api, &[request]).await?.remove(0))
}

/// Asks for the URLs of files that are sent in parts, in one call.
pub(super) async fn ask_for_parts(
    api: &dyn Api,
    requests: &[TicketRequest<'_>],
) -> Result<Vec<PartsUpload>, TransferError> {
    ask_and(api, requests, |request, answer| read_parts(answer, request)).await
}

async fn ask_and<T>(
    api: &dyn Api,
    requests: &[TicketRequest<'_>],
    read: impl Fn(&TicketRequest<'_>, &Value) -> Result<T, &'static str>,
) -> Result<Vec<T>, TransferError> {
    let operations = requests.iter().map(TicketRequest::operation).collect();
    let answers = call(api, operations)
        .await
        .map_err(|source| TransferError::Api { source })?;
    let pairs = requests.iter().zip(&answers);
    pairs
        .map(|(request, answer)| {
            read(request, answer).map_err(|fault| TransferError::InvalidTicket {
                path: request.item.path.clone(),
                fault,
            })
        })
        .collect()
}

/// Sends the operations in one call; as many answers have to come, or nobody knows which was carried out.
pub(super) async fn call(api: &dyn Api, operations: Vec<Value>) -> Result<Vec<Value>, ApiError> {
    let asked = operations.len();
    let answers = api.call(operations).await?;
    if answers.len() == asked {
        Ok(answers)
    } else {
        Err(format!("{} answers to {asked} operations", answers.len()).into())
    }
}

impl TicketRequest<'_> {
    fn operation(&self) -> Value {
        let mut operation = json!({
            "action": "get_upload_metadata",
            "component_id": self.item.component_id,
            "file_name": self.item.file_name,
            "file_size": self.size,
        });
        match self.content {
            Content::Whole(md5) => operation["checksum"] = json!(md5.to_base64()),
            Content::Parts(part) => operation["parts"] = json!(part.count(self.size)),
        }
        operation
    }

    /// Checks that an answer belongs to this request.
    fn recognise(&self, answer: &Value) -> Result<(), &'static str> {
        match answer.get("component_id") {
            Some(id) if *id != self.item.component_id => {
                Err("ftrack answered for another component")
            }
            _ => Ok(()),
        }
    }
}

/// ftrack answers `{"component_id", "upload_id", "urls": [{"signed_url", "part_number"}, ...]}`.
fn read_parts(answer: &Value, request: &TicketRequest<'_>) -> Result<PartsUpload, &'static str> {
    request.recognise(answer)?;
    let Content::Parts(part) = request.content else {
        return Err("ftrack answered upload URLs for parts of a file that has none");
    };
    let upload_id = answer.get("upload_id").and_then(Value::as_str);
    let upload_id = upload_id.ok_or("ftrack answered no id of the upload")?;
    let urls = answer.get("urls").and_then(Value::as_array);
    let mut urls = urls
        .into_iter()
        .flatten()
        .map(|url| Some((url["part_number"].as_u64()?, url["signed_url"].as_str()?)))
        .collect::<Option<Vec<_>>>()
        .ok_or("ftrack answered upload URLs for parts that are none")?;
    urls.sort_unstable_by_key(|(number, _)| *number);
    let numbers = urls.iter().map(|(number, _)| *number);
    if !numbers.eq(1..=u64::from(part.count(request.size))) {
        return Err("ftrack answered upload URLs for other parts");
    }
    for (_, url) in &urls {
        read_url(url)?;
    }
    Ok(PartsUpload {
        upload_id: upload_id.to_owned(),
        part_size: part.bytes(),
        urls: urls.into_iter().map(|(_, url)| url.to_owned()).collect(),
    })
}

/// Reads a URL that may be sent to.
pub(super) fn read_url(url: &str) -> Result<Url, &'static str> {
    let url = Url::parse(url).map_err(|_| "ftrack answered an upload URL that is none")?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err("ftrack answered an upload URL that is not HTTP")
    }
}

/// ftrack answers `{"url", "headers": {...}, "component_id"}`; the headers are part of the signature.
fn read(answer: &Value, request: &TicketRequest<'_>) -> Result<Ticket, &'static str> {
    request.recognise(answer)?;
    let url = answer.get("url").and_then(Value::as_str);
    let url = read_url(url.ok_or("ftrack answered no upload URL")?)?;
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

    /// Reads an answer about a file of 20 MiB.
    fn check<T>(
        content: Content,
        answer: &Value,
        read: impl Fn(&Value, &TicketRequest<'_>) -> Result<T, &'static str>,
    ) -> Result<T, &'static str> {
        let item = UploadItem {
            component_id: "c1".into(),
            path: "a.exr".into(),
            file_name: "a.exr".into(),
            seen: None,
        };
        let size = 20 << 20;
        let request = TicketRequest {
            item: &item,
            size,
            content,
        };
        read(answer, &request)
    }

    fn whole(answer: &Value) -> Result<Ticket, &'static str> {
        check(Content::Whole(Digest([0; 16])), answer, read)
    }

    fn parts(answer: &Value) -> Result<PartsUpload, &'static str> {
        check(Content::Parts(PartSize::of(20 << 20)), answer, read_parts)
    }

    #[test]
    fn reads_an_answer_and_leaves_the_length_to_the_file() {
        let answer = json!({"url": "https://s3/x?sig=1", "component_id": "c1", "headers": {"Content-MD5": "AA==", "Content-Length": 3, "Content-Disposition": "attachment; filename=\"\u{e4}.exr\""}});
        let ticket = whole(&answer).unwrap();
        assert_eq!(ticket.headers.len(), 2);
        assert_eq!(ticket.headers["content-md5"], "AA==");
        assert!(!format!("{ticket:?}").contains("sig"));
    }

    #[test]
    fn reads_the_urls_of_parts_in_their_order() {
        let url = |number| json!({"signed_url": format!("https://s3/{number}?sig=1"), "part_number": number});
        let answer = json!({"upload_id": "u", "urls": [url(3), url(1), url(2)]});
        let upload = parts(&answer).unwrap();
        assert_eq!(upload.upload_id, "u");
        assert_eq!(upload.part_size, 8 << 20);
        let expected = [1, 2, 3].map(|number| format!("https://s3/{number}?sig=1"));
        assert_eq!(upload.urls, expected);
        assert!(!format!("{upload:?}").contains("sig"));
    }

    #[test]
    fn refuses_what_is_no_answer() {
        for (answer, fault) in [
            (
                json!({"url": "https://s3/x", "component_id": "c2"}),
                "ftrack answered for another component",
            ),
            (
                json!({"component_id": "c1"}),
                "ftrack answered no upload URL",
            ),
            (
                json!({"url": "x"}),
                "ftrack answered an upload URL that is none",
            ),
            (
                json!({"url": "file:///etc/passwd"}),
                "ftrack answered an upload URL that is not HTTP",
            ),
            (
                json!({"url": "https://s3", "headers": {"a": []}}),
                "ftrack answered upload headers that are none",
            ),
        ] {
            assert_eq!(whole(&answer).unwrap_err(), fault);
        }
        for (answer, fault) in [
            (json!({"urls": []}), "ftrack answered no id of the upload"),
            (
                json!({"upload_id": "u"}),
                "ftrack answered upload URLs for other parts",
            ),
            (
                json!({"upload_id": "u", "urls": [{"part_number": 1}]}),
                "ftrack answered upload URLs for parts that are none",
            ),
            (
                json!({"upload_id": "u", "urls": [{"part_number": 1, "signed_url": "https://s3"}]}),
                "ftrack answered upload URLs for other parts",
            ),
        ] {
            assert_eq!(parts(&answer).unwrap_err(), fault);
        }
    }
}
