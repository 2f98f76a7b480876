//! Uploads to the server's own location: the operations that prepare and complete them.
//!
//! A client asks for a URL, PUTs the bytes there with the headers it was told (see [`receive`](super::receive)), and,
//! when it sent parts, completes the upload.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::{Connection, OptionalExtension as _};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::ApiError;
use crate::media::file_id::FileId;
use crate::media::file_type::content_type;
use crate::media::files::hex;
use crate::media::parts::{Joined, Part, UploadManifest};
use crate::media::pending::PendingFiles;
use crate::media::signing::Grant;

/// The most parts of one upload, as in S3.
const MAX_PARTS: u32 = 10_000;

/// Answers `get_upload_metadata`: one URL with the headers to send, or one URL for each of `parts`.
///
/// ftrack does not ask for the component to exist yet; its size serves when the operation has none.
pub fn get_upload_metadata(
    database: &Connection,
    app: &App,
    files: &mut PendingFiles,
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
        Some(parts) => part_urls(app, files, component, size, parts),
    }
}

/// Answers `complete_multipart_upload`: joins the parts into the file of the component.
///
/// The file gets its place when all operations of the batch have succeeded; until then the upload stays as it is.
pub fn complete_multipart_upload(
    app: &App,
    files: &mut PendingFiles,
    operation: &Map<String, Value>,
) -> Result<Value, ApiError> {
    let request: CompleteRequest = arguments(operation, "complete_multipart_upload")?;
    let component = FileId::parse(&request.component_id)?;
    let upload = FileId::parse(&request.upload_id)?;
    let manifest = app
        .files
        .upload(&upload)
        .ok()
        .filter(|manifest| manifest.component_id == component.as_str() && !files.completes(&upload))
        .ok_or_else(|| {
            ApiError::not_found(format!(
                "No upload {upload} of component {component} is under way."
            ))
        })?;
    let whole = join_parts(app, &upload, &manifest, request.parts)?;
    let answer = json!({
        "action": "complete_multipart_upload",
        "component_id": component.as_str(),
        "url": format!("{}/component/get?id={component}", app.base_url),
    });
    files.complete(upload, whole, component);
    Ok(answer)
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

fn part_urls(
    app: &App,
    files: &mut PendingFiles,
    component: FileId,
    size: u64,
    parts: u32,
) -> Result<Value, ApiError> {
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
    let upload = files.begin(manifest);
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

/// Reads the base64 of an MD5, as in a Content-MD5 header.
pub fn decode_md5(base64: &str) -> Option<[u8; 16]> {
    BASE64.decode(base64.trim()).ok()?.try_into().ok()
}

fn join_parts(
    app: &App,
    upload: &FileId,
    manifest: &UploadManifest,
    mut parts: Vec<CompletedPart>,
) -> Result<Joined, ApiError> {
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
    let arrived: Vec<Part> = parts
        .into_iter()
        .map(|part| arrived_part(app, upload, &part))
        .collect::<Result<_, _>>()?;
    let size: u64 = arrived.iter().map(|part| part.size).sum();
    if size == manifest.file_size {
        return Ok(app.files.join(&arrived)?);
    }
    let announced = manifest.file_size;
    Err(ApiError::validation(format!(
        "The parts have {size} bytes together where {announced} were announced."
    )))
}

fn arrived_part(app: &App, upload: &FileId, completed: &CompletedPart) -> Result<Part, ApiError> {
    let CompletedPart { part_number, e_tag } = completed;
    match app.files.part(upload, *part_number)? {
        Some(part) if part.md5 == e_tag.trim_matches('"') => Ok(part),
        Some(_) => Err(ApiError::validation(format!(
            "The e_tag of part {part_number} does not match."
        ))),
        None => Err(ApiError::validation(format!(
            "Part {part_number} has not been uploaded."
        ))),
    }
}
