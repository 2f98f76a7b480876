//! Answers that are not what the server meant to say.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::Json;
use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::Stream;

use super::Endpoint;
use super::connection::Connection;
use crate::calls::Delivery;
use crate::error::ApiError;

/// The tag of no file: an MD5 of this form is as good as impossible.
const WRONG_ETAG: HeaderValue = HeaderValue::from_static("\"00000000000000000000000000000bad\"");

/// How an answer ends before or at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Half of it comes, then the connection closes.
    CloseInMiddle,
    /// Half of it comes, then the connection is reset.
    ResetInMiddle,
    /// All of it comes, then the connection is reset.
    ResetAtEnd,
}

/// Cuts an answer off.
///
/// One without a body announces one byte, which does not come.
pub fn cut(response: Response, connection: &Connection, how: Cut) -> Response {
    let (mut head, body) = response.into_parts();
    let announced = announced_length(&head.headers, &body).unwrap_or(0);
    let sent = match how {
        Cut::CloseInMiddle | Cut::ResetInMiddle => announced / 2,
        Cut::ResetAtEnd => announced,
    };
    head.headers
        .insert(header::CONTENT_LENGTH, announced.max(1).into());
    head.extensions.insert(Delivery::Bytes(sent));
    let stream = CutStream {
        answer: body.into_data_stream(),
        left: sent,
        connection: connection.clone(),
        how,
    };
    Response::from_parts(head, Body::from_stream(stream))
}

/// Returns an answer with this status, and when to ask again.
pub fn with_status(code: StatusCode, retry_after: Option<u64>, body: Option<String>) -> Response {
    let mut response = (code, body.unwrap_or_default()).into_response();
    if let Some(seconds) = retry_after {
        let head = response.headers_mut();
        head.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Returns the length of a body, from its head where there is one.
pub fn announced_length(headers: &HeaderMap, body: &Body) -> Option<u64> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    announced.or_else(|| body.size_hint().exact())
}

/// Stands for an answer that never comes: its connection has been told to end.
pub fn never() -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(Delivery::Never);
    response
}

/// Status 200 with the body of an error, as the API sends it and as S3 does when a copy fails half way.
pub fn error_under_200(endpoint: Endpoint) -> Response {
    if endpoint == Endpoint::Upload {
        return s3_error(
            StatusCode::OK,
            "InternalError",
            "We encountered an internal error.",
        );
    }
    Json(ApiError::internal("The server could not complete the request.").to_json()).into_response()
}

/// What S3 answers to a URL that was valid once.
pub fn expired() -> Response {
    s3_error(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired")
}

/// Gives an answer the `ETag` of other bytes.
pub fn with_wrong_etag(mut response: Response) -> Response {
    response.headers_mut().insert(header::ETAG, WRONG_ETAG);
    response
}

/// Takes the `ETag` from an answer.
pub fn without_etag(mut response: Response) -> Response {
    response.headers_mut().remove(header::ETAG);
    response
}

fn s3_error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}

/// The first bytes of an answer; with the last of them the connection is told to end.
struct CutStream {
    answer: BodyDataStream,
    left: u64,
    connection: Connection,
    how: Cut,
}

impl CutStream {
    fn end_connection(&self) {
        match self.how {
            Cut::CloseInMiddle => self.connection.close_when_flushed(),
            Cut::ResetInMiddle | Cut::ResetAtEnd => self.connection.reset_when_flushed(),
        }
    }
}

impl Stream for CutStream {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.left > 0
            && let Some(chunk) = ready!(Pin::new(&mut self.answer).poll_next(context))
        {
            let mut chunk = chunk?;
            chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= chunk.len() as u64;
            if self.left == 0 {
                self.end_connection();
            }
            return Poll::Ready(Some(Ok(chunk)));
        }
        self.end_connection();
        // The connection ends as soon as what it holds is on its way, and takes this answer with it.
        Poll::Pending
    }
}
