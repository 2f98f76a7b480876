//! Uploads to the server's own location: the operations that prepare and complete them, and the PUT between.
//!
//! A client asks for a URL, PUTs the bytes there with the headers it was told, and, when it sent parts, completes the
//! upload. The bytes are streamed to disk and checked against the announced size and MD5 before anything is kept.

use axum::body::{Body, BodyDataStream};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use futures_util::StreamExt as _;
use rusqlite::{Connection, OptionalExtension as _};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::app::AppState;
use crate::error::ApiError;
use crate::media::file_id::FileId;
use crate::media::file_type::content_type;
use crate::media::files::{Incoming, UploadManifest, hex};
use crate::media::signing::{Grant, SignatureError};

/// The most parts of one upload, as in S3.
const MAX_PARTS: u32 = 10_000;

/// How much of a body is collected before it is written and hashed, away from the async threads.
const WRITE_BYTES: usize = 1 << 20;

/// How much of a refused body is read, so that the client reads the refusal instead of a broken pipe.
const DRAIN_BYTES: usize = 64 << 20;

/// Answers `get_upload_metadata`: one URL with the headers to send, or one URL for each of `parts`.
///
/// ftrack does not ask for the component to exist yet; its size serves when the operation has none.
pub fn get_upload_metadata(
    database: &Connection,
    app: &App,
    operation: &Map<String, Value>,
) -> Result<Value, ApiError> {
    let request: MetadataRequest = arguments(operation, "get_upload_metadata")?;
    let component = FileId::parse(&request.component_id)?;
    let size = match request.file_size {
        Some(size) => size,
        None => component_size(database, &component)?,
    };
    match request.parts {
        None => single_url(app, component, size, &request),
        Some(parts) => part_urls(app, component, size, parts),
    }
}

/// Answers `complete_multipart_upload`: joins the parts into the file of the component.
pub fn complete_multipart_upload(
    app: &App,
    operation: &Map<String, Value>,
) -> Result<Value, ApiError> {
    let request: CompleteRequest = arguments(operation, "complete_multipart_upload")?;
    let component = FileId::parse(&request.component_id)?;
    let upload = FileId::parse(&request.upload_id)?;
    let manifest = app
        .files
        .upload(&upload)
        .ok()
        .filter(|manifest| manifest.component_id == component.as_str())
        .ok_or_else(|| {
            ApiError::not_found(format!(
                "No upload {upload} of component {component} is under way."
            ))
        })?;
    let whole = join_parts(app, &upload, &manifest, request.parts)?;
    app.files.keep(whole, &component)?;
    app.files.end_upload(&upload)?;
    Ok(json!({
        "action": "complete_multipart_upload",
        "component_id": component.as_str(),
        "url": format!("{}/component/get?id={component}", app.base_url),
    }))
}

/// `PUT /upload/{component}`: receives a whole file.
pub async fn put_file(
    State(app): State<AppState>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<UploadQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let target = path
        .ok()
        .and_then(|Path(component)| Some((FileId::parse(&component).ok()?, None)));
    put(&app, target, query.ok(), &headers, body).await
}

/// `PUT /upload/{component}/{upload}/{part}`: receives one part of a file.
pub async fn put_part(
    State(app): State<AppState>,
    path: Result<Path<(String, String, u32)>, PathRejection>,
    query: Result<Query<UploadQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let target = path.ok().and_then(|Path((component, upload, part))| {
        Some((
            FileId::parse(&component).ok()?,
            Some((FileId::parse(&upload).ok()?, part)),
        ))
    });
    put(&app, target, query.ok(), &headers, body).await
}

/// The query string of an upload URL.
#[derive(Deserialize)]
pub struct UploadQuery {
    size: u64,
    expires: u64,
    md5: Option<String>,
    signature: String,
}

#[derive(Deserialize)]
struct MetadataRequest {
    component_id: String,
    file_name: Option<String>,
    file_size: Option<u64>,
    checksum: Option<String>,
    parts: Option<u32>,
}

#[derive(Deserialize)]
struct CompleteRequest {
    component_id: String,
    upload_id: String,
    parts: Vec<CompletedPart>,
}

#[derive(Deserialize)]
struct CompletedPart {
    part_number: u32,
    e_tag: String,
}

/// Why a PUT is refused, with the codes of S3, which ftrack's own upload URLs lead to.
#[derive(Debug, thiserror::Error)]
enum PutError {
    #[error("{0}")]
    AccessDenied(#[from] SignatureError),
    #[error("the Content-MD5 header is not the base64 of an MD5")]
    InvalidDigest,
    #[error("the bytes do not have the announced MD5")]
    BadDigest,
    #[error("{received} bytes came where {announced} were announced")]
    IncompleteBody { received: u64, announced: u64 },
    #[error("the upload is complete or never began")]
    NoSuchUpload,
    #[error("the file could not be written")]
    Storage(#[from] std::io::Error),
}

impl PutError {
    const fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::AccessDenied(_) => (StatusCode::FORBIDDEN, "AccessDenied"),
            Self::InvalidDigest => (StatusCode::BAD_REQUEST, "InvalidDigest"),
            Self::BadDigest => (StatusCode::BAD_REQUEST, "BadDigest"),
            Self::IncompleteBody { .. } => (StatusCode::BAD_REQUEST, "IncompleteBody"),
            Self::NoSuchUpload => (StatusCode::NOT_FOUND, "NoSuchUpload"),
            Self::Storage(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        }
    }
}

impl IntoResponse for PutError {
    fn into_response(self) -> Response {
        let (status, code) = self.code();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{self}</Message></Error>"
        );
        (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
    }
}

fn arguments<T: serde::de::DeserializeOwned>(
    operation: &Map<String, Value>,
    action: &str,
) -> Result<T, ApiError> {
    T::deserialize(operation).map_err(|error| ApiError::validation(format!("{action}: {error}.")))
}

fn component_size(database: &Connection, component: &FileId) -> Result<u64, ApiError> {
    let size: Option<Option<i64>> = database
        .prepare_cached("select size from component where id = ?1")?
        .query_row([component.as_str()], |row| row.get(0))
        .optional()?;
    size.flatten()
        .and_then(|size| u64::try_from(size).ok())
        .ok_or_else(|| {
            ApiError::validation(format!(
                "file_size is needed: component {component} does not exist."
            ))
        })
}

fn single_url(
    app: &App,
    component: FileId,
    size: u64,
    request: &MetadataRequest,
) -> Result<Value, ApiError> {
    let md5 = request.checksum.as_deref().map(|checksum| {
        decode_md5(checksum).ok_or_else(|| {
            ApiError::validation("checksum must be the base64 encoded MD5 of the file.")
        })
    });
    let md5 = md5.transpose()?;
    let file_name = request.file_name.as_deref().unwrap_or(component.as_str());
    let mut headers = json!({
        "Content-Type": content_type(file_name),
        "Content-Disposition": content_disposition(file_name),
        "Content-Length": size.to_string(),
    });
    if let Some(checksum) = &request.checksum {
        headers["Content-MD5"] = json!(checksum);
    }
    let component_id = component.to_string();
    let grant = Grant {
        component,
        part: None,
        size,
        md5: md5.map(|md5| hex(&md5)),
        expires: app.signer.expiry(),
    };
    Ok(json!({"url": url(app, &grant), "headers": headers, "component_id": component_id}))
}

fn part_urls(app: &App, component: FileId, size: u64, parts: u32) -> Result<Value, ApiError> {
    if !(1..=MAX_PARTS).contains(&parts) {
        return Err(ApiError::validation(format!(
            "parts must be from 1 to {MAX_PARTS}."
        )));
    }
    let component_id = component.to_string();
    let manifest = UploadManifest {
        component_id: component_id.clone(),
        file_size: size,
        parts,
    };
    let upload = app.files.begin_upload(&manifest)?;
    let mut grant = Grant {
        component,
        part: None,
        size,
        md5: None,
        expires: app.signer.expiry(),
    };
    let urls: Vec<Value> = (1..=parts)
        .map(|part| {
            grant.part = Some((upload.clone(), part));
            json!({"signed_url": url(app, &grant), "part_number": part})
        })
        .collect();
    Ok(json!({"component_id": component_id, "upload_id": upload.as_str(), "urls": urls}))
}

fn url(app: &App, grant: &Grant) -> String {
    format!("{}{}", app.base_url, app.signer.path_and_query(grant))
}

/// Quotes a file name for a header, which carries printable ASCII only.
pub fn content_disposition(file_name: &str) -> String {
    let plain = |c: char| {
        if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') {
            c
        } else {
            '_'
        }
    };
    let name: String = file_name.chars().map(plain).collect();
    format!("attachment; filename=\"{name}\"")
}

fn decode_md5(base64: &str) -> Option<[u8; 16]> {
    BASE64.decode(base64.trim()).ok()?.try_into().ok()
}

fn join_parts(
    app: &App,
    upload: &FileId,
    manifest: &UploadManifest,
    mut parts: Vec<CompletedPart>,
) -> Result<Incoming, ApiError> {
    parts.sort_by_key(|part| part.part_number);
    if !parts
        .iter()
        .map(|part| part.part_number)
        .eq(1..=manifest.parts)
    {
        return Err(ApiError::validation(format!(
            "An upload in {} parts needs each of them once.",
            manifest.parts
        )));
    }
    let mut whole = app.files.receive()?;
    for CompletedPart { part_number, e_tag } in parts {
        let arrived = app.files.part(upload, part_number)?;
        match arrived {
            Some((path, md5)) if md5 == e_tag.trim_matches('"') => whole.append_file(&path)?,
            Some(_) => {
                return Err(ApiError::validation(format!(
                    "The e_tag of part {part_number} does not match."
                )));
            }
            None => {
                return Err(ApiError::validation(format!(
                    "Part {part_number} has not been uploaded."
                )));
            }
        }
    }
    if whole.size() == manifest.file_size {
        return Ok(whole);
    }
    let (announced, size) = (manifest.file_size, whole.size());
    Err(ApiError::validation(format!(
        "The parts have {size} bytes together where {announced} were announced."
    )))
}

type Target = (FileId, Option<(FileId, u32)>);

async fn put(
    app: &AppState,
    target: Option<Target>,
    query: Option<Query<UploadQuery>>,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let mut body = body.into_data_stream();
    let received = match admit(app, target, query, headers) {
        Ok(admitted) => receive(app, admitted, &mut body).await,
        Err(error) => Err(error),
    };
    match received {
        Ok(md5) => {
            // Browsers may read the ETag of a part only when told so.
            let expose = (header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag".to_owned());
            ([(header::ETAG, format!("\"{}\"", hex(&md5))), expose], ()).into_response()
        }
        Err(error) => {
            drain(&mut body).await;
            error.into_response()
        }
    }
}

/// A PUT whose URL and headers are in order.
struct Admitted {
    grant: Grant,
    /// The MD5 of the Content-MD5 header.
    md5: Option<[u8; 16]>,
}

fn admit(
    app: &App,
    target: Option<Target>,
    query: Option<Query<UploadQuery>>,
    headers: &HeaderMap,
) -> Result<Admitted, PutError> {
    let ((component, part), Query(query)) = target.zip(query).ok_or(SignatureError::Forged)?;
    let UploadQuery {
        size,
        expires,
        md5,
        signature,
    } = query;
    let grant = Grant {
        component,
        part,
        size,
        md5,
        expires,
    };
    app.signer.verify(&grant, &signature)?;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if let Some(received) = announced {
        grant.check_size(received)?;
    }
    let md5 = headers
        .get("content-md5")
        .map(|md5| {
            md5.to_str()
                .ok()
                .and_then(decode_md5)
                .ok_or(PutError::InvalidDigest)
        })
        .transpose()?;
    Ok(Admitted { grant, md5 })
}

impl Grant {
    fn check_size(&self, received: u64) -> Result<(), PutError> {
        let fits = if self.part.is_some() {
            received <= self.size
        } else {
            received == self.size
        };
        if fits {
            Ok(())
        } else {
            Err(PutError::IncompleteBody {
                received,
                announced: self.size,
            })
        }
    }
}

/// Streams the body to disk and, if it is what was announced, to its place.
async fn receive(
    app: &AppState,
    admitted: Admitted,
    body: &mut BodyDataStream,
) -> Result<[u8; 16], PutError> {
    let Admitted {
        grant,
        md5: announced,
    } = admitted;
    if let Some((upload, _)) = &grant.part {
        app.files
            .upload(upload)
            .map_err(|_| PutError::NoSuchUpload)?;
    }
    let incoming = write_body(app.files.receive()?, &grant, body).await?;
    grant.check_size(incoming.size())?;
    let md5 = incoming.md5();
    let matches_url = grant.md5.as_ref().is_none_or(|signed| *signed == hex(&md5));
    if !matches_url || announced.is_some_and(|announced| announced != md5) {
        return Err(PutError::BadDigest);
    }
    match &grant.part {
        None => app.files.keep(incoming, &grant.component)?,
        Some((upload, part)) => app.files.keep_part(incoming, upload, *part)?,
    }
    Ok(md5)
}

/// Collects about a megabyte at a time, so that memory stays small and threads change seldom.
async fn write_body(
    mut incoming: Incoming,
    grant: &Grant,
    body: &mut BodyDataStream,
) -> Result<Incoming, PutError> {
    let mut collected = BytesMut::new();
    let mut received = 0;
    loop {
        let chunk = body.next().await;
        if let Some(chunk) = &chunk {
            // A connection that breaks is a body that is too short.
            let incomplete = |_| PutError::IncompleteBody {
                received,
                announced: grant.size,
            };
            let chunk = chunk.as_ref().map_err(incomplete)?;
            received += chunk.len() as u64;
            if received > grant.size {
                return Err(PutError::IncompleteBody {
                    received,
                    announced: grant.size,
                });
            }
            collected.extend_from_slice(chunk);
        }
        if collected.len() >= WRITE_BYTES || chunk.is_none() {
            (incoming, collected) = append(incoming, collected).await?;
        }
        if chunk.is_none() {
            return Ok(incoming);
        }
    }
}

async fn append(
    mut incoming: Incoming,
    mut bytes: BytesMut,
) -> std::io::Result<(Incoming, BytesMut)> {
    let written = tokio::task::spawn_blocking(move || {
        incoming.append(&bytes)?;
        bytes.clear();
        Ok((incoming, bytes))
    });
    written.await.map_err(std::io::Error::other)?
}

/// Reads on after a refusal, within bounds.
async fn drain(body: &mut BodyDataStream) {
    let mut left = DRAIN_BYTES;
    while let Some(Ok(chunk)) = body.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
