//! Lets pages of any site call the server from a browser, as ftrack's does.

use axum::http::header;
use tower_http::cors::CorsLayer;

/// Builds the layer that answers preflight requests and marks all other answers.
///
/// Any site may send credentials: a key has to come with every request, and no page gets one from here. `ETag` is what
/// clients need of the parts of an upload.
pub fn cors() -> CorsLayer {
    CorsLayer::very_permissive().expose_headers([
        header::ACCEPT_RANGES,
        header::CONTENT_DISPOSITION,
        header::CONTENT_RANGE,
        header::ETAG,
    ])
}
