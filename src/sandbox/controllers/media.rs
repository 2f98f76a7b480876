//! The files of components, for clients that hold a key: get, thumbnail and remove.

use std::fs::Metadata;
use std::io::SeekFrom;
use std::ops::RangeInclusive;
use std::time::UNIX_EPOCH;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rusqlite::OptionalExtension as _;
use serde::Deserialize;
use serde_json::json;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::auth::{self, UrlCredentials};
use super::upload::content_disposition;
use crate::app::{App, AppState};
use crate::error::ApiError;
use crate::media::ffmpeg::Ffmpeg;
use crate::media::file_id::FileId;
use crate::media::file_type::content_type;
use crate::media::files::Incoming;
use crate::media::range::{RequestedRange, requested_range};
use crate::media::thumbnail::{placeholder, thumbnail};
use crate::operations::signed_url;

/// How much of a file is read at once.
const READ_BYTES: usize = 256 << 10;

/// Guess: the thumbnail size when a request names none.
const DEFAULT_THUMBNAIL_SIZE: u32 = 300;

/// The component a request names, once its credentials have been checked.
pub struct Authorized {
    component: FileId,
    size: Option<u32>,
}

/// `GET /component/get`: streams the file, or the part of it that a `Range` header asks for.
pub async fn get(
    State(app): State<AppState>,
    Authorized { component, .. }: Authorized,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = File::open(app.files.path(&component))
        .await
        .map_err(|_| absent(&component))?;
    let metadata = file.metadata().await?;
    let mut response = stream(file, &metadata, &headers).await?;
    let name = download_name(&app, &component).await?;
    let disposition = HeaderValue::try_from(content_disposition(&name))
        .map_err(|_| ApiError::internal("a file name does not fit a header"))?;
    let head = response.headers_mut();
    head.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(&name)),
    );
    head.insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

/// `GET /component/thumbnail`: a small PNG of a still or of a frame of a movie, or the default picture for any other
/// file.
pub async fn get_thumbnail(
    State(app): State<AppState>,
    Authorized { component, size }: Authorized,
) -> Result<Response, ApiError> {
    if !tokio::fs::try_exists(app.files.path(&component)).await? {
        return Err(absent(&component));
    }
    let size = size.unwrap_or(DEFAULT_THUMBNAIL_SIZE);
    let mut made = small_picture(&app, &component, None, size).await?;
    if made.is_none()
        && content_type(&download_name(&app, &component).await?).starts_with("video/")
        && let Some(frame) = frame_of(&app, &component).await
    {
        made = small_picture(&app, &component, Some(frame), size).await?;
    }
    let bytes = made.unwrap_or_else(|| placeholder().to_vec());
    Ok(([(header::CONTENT_TYPE, "image/png")], bytes).into_response())
}

/// Returns the thumbnail of a component, made from its own file or from a picture in place of it; none if that is no
/// picture.
async fn small_picture(
    app: &AppState,
    component: &FileId,
    picture: Option<Incoming>,
    size: u32,
) -> Result<Option<Vec<u8>>, ApiError> {
    let (app, component) = (app.clone(), component.clone());
    let work = move || {
        let own = app.files.path(&component);
        let source = picture.as_ref().map_or(own.as_path(), Incoming::path);
        thumbnail(&app.files, &component, source, size).ok()
    };
    let made = tokio::task::spawn_blocking(work).await;
    made.map_err(|_| ApiError::internal("the thumbnail could not be made"))
}

/// Returns a frame of a movie; none where there is no ffmpeg, or it cannot read the file.
async fn frame_of(app: &App, component: &FileId) -> Option<Incoming> {
    let ffmpeg = Ffmpeg::find(&app.config.encoding).ok()?;
    let frame = app.files.receive().ok()?;
    let movie = app.files.path(component);
    ffmpeg.frame(&movie, 0.0, frame.path()).await.ok()?;
    Some(frame)
}

/// `GET /component/remove`: removes the file; its entities are the client's to delete.
pub async fn remove(
    State(app): State<AppState>,
    Authorized { component, .. }: Authorized,
) -> Result<Response, ApiError> {
    if !app.files.remove(&component)? {
        return Err(absent(&component));
    }
    Ok(Json(json!({"id": component.as_str()})).into_response())
}

/// Checks the credentials first, so that nobody else learns which components exist.
impl FromRequestParts<AppState> for Authorized {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        if let Some(signed) = signed_component(parts, app)? {
            return Ok(signed);
        }
        let Query(credentials) = Query::<UrlCredentials>::try_from_uri(&parts.uri)
            .map_err(|_| ApiError::invalid_credentials())?;
        auth::from_url(app, &credentials).await?;
        let query = Query::<ComponentQuery>::try_from_uri(&parts.uri);
        let Query(ComponentQuery { id, size }) =
            query.map_err(|rejection| ApiError::validation(rejection.body_text()))?;
        Ok(Self {
            component: FileId::parse(&id)?,
            size,
        })
    }
}

/// Returns what a signed URL names, which reads a file or its thumbnail and does nothing else.
fn signed_component(parts: &Parts, app: &AppState) -> Result<Option<Authorized>, ApiError> {
    if !matches!(parts.uri.path(), "/component/get" | "/component/thumbnail") {
        return Ok(None);
    }
    let Ok(Query(query)) = Query::<SignedQuery>::try_from_uri(&parts.uri) else {
        return Ok(None);
    };
    let component = FileId::parse(&query.id)?;
    signed_url::verify(app, &component, &query.signature)?;
    Ok(Some(Authorized {
        component,
        size: query.size,
    }))
}

#[derive(Deserialize)]
struct SignedQuery {
    id: String,
    signature: String,
    size: Option<u32>,
}

#[derive(Deserialize)]
struct ComponentQuery {
    id: String,
    size: Option<u32>,
}

fn absent(component: &FileId) -> ApiError {
    ApiError::not_found(format!(
        "There is no file of component {component} on this server."
    ))
}

/// Returns the name and file type of the component, or its id while the component does not exist yet.
async fn download_name(app: &App, component: &FileId) -> Result<String, ApiError> {
    let id = component.clone();
    let name = app.store.read(move |database| {
        let mut components = database
            .prepare_cached("select name, coalesce(file_type, '') from component where id = ?1")?;
        let name_and_type =
            |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        Ok(components
            .query_row([id.as_str()], name_and_type)
            .optional()?)
    });
    Ok(name.await?.map_or_else(
        || component.to_string(),
        |(name, file_type)| with_extension(name, &file_type),
    ))
}

fn with_extension(name: String, file_type: &str) -> String {
    let extension = file_type.trim_start_matches('.');
    if extension.is_empty() {
        name
    } else {
        format!("{name}.{extension}")
    }
}

async fn stream(
    file: File,
    metadata: &Metadata,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let size = metadata.len();
    let tag = entity_tag(metadata);
    if is_known(headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let response = match range_of_unchanged(headers, &tag, size) {
        RequestedRange::Whole => whole(file, size),
        RequestedRange::Part(bytes) => part(file, bytes, size).await?,
        RequestedRange::Unsatisfiable => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, range).into_response());
        }
    };
    let common = [
        (header::ETAG, tag),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
    ];
    Ok((common, response).into_response())
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Returns whether the client has the file with this tag: it names all that it has, strong and weak, or any.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut named = named
        .filter_map(|value| value.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(str::trim);
    named.any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

/// Returns the range that a request asks for; all of a file that is no longer the one the client has begun to read.
fn range_of_unchanged(headers: &HeaderMap, tag: &str, size: u64) -> RequestedRange {
    if text(headers, header::IF_RANGE).is_none_or(|known| known == tag) {
        requested_range(text(headers, header::RANGE), size)
    } else {
        RequestedRange::Whole
    }
}

fn whole(file: File, size: u64) -> Response {
    let length = [(header::CONTENT_LENGTH, size.to_string())];
    let body = Body::from_stream(ReaderStream::with_capacity(file, READ_BYTES));
    (length, body).into_response()
}

async fn part(mut file: File, bytes: RangeInclusive<u64>, size: u64) -> Result<Response, ApiError> {
    let (first, last) = bytes.into_inner();
    let length = last - first + 1;
    file.seek(SeekFrom::Start(first)).await?;
    let range = [
        (header::CONTENT_LENGTH, length.to_string()),
        (
            header::CONTENT_RANGE,
            format!("bytes {first}-{last}/{size}"),
        ),
    ];
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), READ_BYTES));
    Ok((StatusCode::PARTIAL_CONTENT, range, body).into_response())
}

/// A tag that changes whenever a file is replaced, without reading it.
fn entity_tag(metadata: &Metadata) -> String {
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!(
        "\"{:x}-{:x}\"",
        modified.unwrap_or_default().as_nanos(),
        metadata.len()
    )
}
