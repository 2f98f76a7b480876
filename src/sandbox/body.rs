//! Bodies of requests, read within bounds.

use std::time::Duration;

use axum::body::BodyDataStream;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

/// How much of a refused body is read, so that the client reads the refusal instead of a broken pipe.
const DRAIN_BYTES: usize = 64 << 20;

/// How long a refused body is read.
const DRAIN_TIME: Duration = Duration::from_secs(30);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// It has more bytes than allowed.
    TooLarge,
    /// It ends before its end, or is none.
    Broken,
}

/// Reads a whole body of at most `limit` bytes.
pub async fn read(body: &mut BodyDataStream, limit: usize) -> Result<Bytes, BodyError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| BodyError::Broken)?;
        if bytes.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// Reads on after a refusal, within bounds.
pub async fn drain(body: &mut BodyDataStream) {
    let read = async {
        let mut left = DRAIN_BYTES;
        while let Some(Ok(chunk)) = body.next().await {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // A client that sends no more is not waited for.
    let _ = tokio::time::timeout(DRAIN_TIME, read).await;
}
