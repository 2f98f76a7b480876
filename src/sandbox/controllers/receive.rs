//! `PUT /upload/...`: receives the bytes of a file or of one part, by a URL that was signed for them.
//!
//! The body is streamed to disk under a temporary name, and gets its place only if it has the announced size and MD5.

use axum::body::{Body, BodyDataStream};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use ftrack_md5::{SharedLanes, SharedMd5};
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::sync::oneshot;
use tracing::warn;

use super::upload::decode_md5;
use crate::app::{App, AppState};
use crate::body::drain;
use crate::media::blocks::BLOCK_BYTES;
use crate::media::file_id::FileId;
use crate::media::files::{Incoming, hex};
use crate::media::parts::IncomingPart;
use crate::media::signing::{Grant, SignatureError};

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

type Subject = (FileId, Option<(FileId, u32)>);

async fn put(
    app: &AppState,
    target: Option<Subject>,
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
            if let PutError::Storage(source) = &error {
                warn!(%source, "an upload could not be written");
            }
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
    /// The size of the Content-Length header.
    length: Option<u64>,
}

fn admit(
    app: &App,
    target: Option<Subject>,
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
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if let Some(received) = length {
        check_size(&grant, received)?;
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
    Ok(Admitted { grant, md5, length })
}

fn check_size(grant: &Grant, received: u64) -> Result<(), PutError> {
    if grant.allows_size(received) {
        Ok(())
    } else {
        Err(incomplete(grant, received))
    }
}

fn incomplete(grant: &Grant, received: u64) -> PutError {
    PutError::IncompleteBody {
        received,
        announced: grant.size,
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
        length,
    } = admitted;
    let expected = length.unwrap_or(grant.size);
    let arrival = Arrival {
        app: AppState::clone(app),
        grant,
        length,
        target: None,
    };
    let (arrival, md5) = write_body(app, arrival, expected, body).await?;
    let grant = &arrival.grant;
    check_size(grant, arrival.size())?;
    let matches_url = grant.md5.as_ref().is_none_or(|signed| *signed == hex(&md5));
    if !matches_url || announced.is_some_and(|announced| announced != md5) {
        return Err(PutError::BadDigest);
    }
    blocking(move || arrival.keep(md5)).await?;
    Ok(md5)
}

/// A body on its way to disk. What it does blocks on the disk.
struct Arrival {
    app: AppState,
    grant: Grant,
    /// The size of the Content-Length header.
    length: Option<u64>,
    /// Made with the first bytes, which are written away from the async threads anyway.
    target: Option<Target>,
}

impl Arrival {
    fn append(&mut self, bytes: &[u8]) -> Result<(), PutError> {
        let mut target = self.take_target()?;
        target.append(bytes)?;
        self.target = Some(target);
        Ok(())
    }

    fn keep(mut self, md5: [u8; 16]) -> Result<(), PutError> {
        let target = self.take_target()?;
        let files = &self.app.files;
        match (target, &self.grant.part) {
            (Target::Part(incoming), Some((upload, part))) => {
                files.keep_part(incoming, md5, upload, *part)?;
            }
            (Target::Whole(incoming), _) => files.keep(incoming, &self.grant.component)?,
            (Target::Part(_), None) => return Err(PutError::NoSuchUpload),
        }
        Ok(())
    }

    fn take_target(&mut self) -> Result<Target, PutError> {
        self.target.take().map_or_else(|| self.open(), Ok)
    }

    fn open(&self) -> Result<Target, PutError> {
        let files = &self.app.files;
        let Some((upload, part)) = &self.grant.part else {
            return Ok(Target::Whole(files.receive()?));
        };
        files.upload(upload).map_err(|_| PutError::NoSuchUpload)?;
        let incoming = files.receive_part(upload, *part, self.length)?;
        Ok(Target::Part(incoming))
    }

    fn size(&self) -> u64 {
        self.target.as_ref().map_or(0, Target::size)
    }
}

/// What a body becomes.
enum Target {
    Whole(Incoming),
    Part(IncomingPart),
}

impl Target {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Whole(file) => file.append(bytes),
            Self::Part(part) => part.append(bytes),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Whole(file) => file.size(),
            Self::Part(part) => part.size(),
        }
    }
}

/// Writes and hashes a body of `expected` bytes a block at a time, away from the async threads; memory stays at a block for each upload.
async fn write_body(
    app: &App,
    mut arrival: Arrival,
    expected: u64,
    body: &mut BodyDataStream,
) -> Result<(Arrival, [u8; 16]), PutError> {
    let mut md5 = app.md5.begin();
    loop {
        let mut block = app.blocks.take();
        // A connection that breaks is a body that is too short.
        fill_block(body, &mut block)
            .await
            .map_err(|_| incomplete(&arrival.grant, arrival.size()))?;
        if block.is_empty() {
            app.blocks.keep(block);
            return Ok((arrival, md5.digest()));
        }
        let block = block.freeze();
        let received = arrival.size() + block.len() as u64;
        if received > arrival.grant.size {
            return Err(incomplete(&arrival.grant, received));
        }
        let (written, hashed) = tokio::join!(
            append(arrival, block.clone()),
            hash(&app.md5, md5, block.clone(), received >= expected)
        );
        (arrival, md5) = (written?, hashed?);
        app.blocks.give_back(block);
    }
}

/// Collects chunks of the body; a block that stays empty is its end.
async fn fill_block(body: &mut BodyDataStream, block: &mut BytesMut) -> Result<(), axum::Error> {
    while block.len() < BLOCK_BYTES {
        let Some(chunk) = body.next().await else {
            break;
        };
        block.extend_from_slice(&chunk?);
    }
    Ok(())
}

async fn append(mut arrival: Arrival, bytes: Bytes) -> Result<Arrival, PutError> {
    blocking(move || arrival.append(&bytes).map(|()| arrival)).await
}

/// Does what waits for the disk away from the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PutError> + Send + 'static,
) -> Result<T, PutError> {
    let done = tokio::task::spawn_blocking(work);
    done.await.map_err(std::io::Error::other)?
}

/// Appends bytes to the MD5 of a body, in a row with those of other bodies; `are_last` when no more will come.
async fn hash(
    lanes: &SharedLanes<Bytes>,
    md5: SharedMd5,
    bytes: Bytes,
    are_last: bool,
) -> std::io::Result<SharedMd5> {
    let (sender, hashed) = oneshot::channel();
    // An upload that broke off waits for nothing.
    if lanes.push(md5, bytes, are_last, move |md5| drop(sender.send(md5))) {
        let lanes = lanes.clone();
        tokio::task::spawn_blocking(move || lanes.serve());
    }
    hashed.await.map_err(std::io::Error::other)
}
