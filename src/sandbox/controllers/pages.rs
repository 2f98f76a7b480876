//! What a browser sees.

use axum::http::header;
use axum::response::{Html, IntoResponse};

use crate::media::thumbnail::placeholder;

/// `GET /`: says that the server is there.
pub async fn index() -> Html<&'static str> {
    Html(
        "<!doctype html><title>ftrack-rs sandbox</title><p>ftrack-rs sandbox: a stand-in ftrack server, API at /api.",
    )
}

/// `GET /img/thumbnail2.png`: the thumbnail of what has none, at the address that clients know.
pub async fn default_thumbnail() -> impl IntoResponse {
    (
        [
            (header::CONTENT_TYPE, "image/png"),
            (header::CACHE_CONTROL, "max-age=86400"),
        ],
        placeholder(),
    )
}
