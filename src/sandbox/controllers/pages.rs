//! What a browser sees.

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse};
use serde::Deserialize;

use super::server_information::VERSION;
use crate::app::AppState;
use crate::error::ApiError;
use crate::media::signing::SignatureError;
use crate::media::thumbnail::placeholder;
use crate::operations::widgets;

/// `GET /`: says that the server is there, and which one: launchers take no address for ftrack's that answers without
/// the header.
pub async fn index() -> impl IntoResponse {
    let page = "<!doctype html><title>ftrack-rs sandbox</title><p>ftrack-rs sandbox: a stand-in ftrack server, API at /api.";
    ([("FTRACK_VERSION", VERSION)], Html(page))
}

/// What follows the `?` in the URL of a widget.
#[derive(Deserialize)]
pub struct WidgetQuery {
    token: String,
}

/// `GET /widget/<name>`: a small page about an entity, for whoever has its URL in time.
pub async fn widget(
    State(app): State<AppState>,
    Query(WidgetQuery { token }): Query<WidgetQuery>,
) -> Result<Html<String>, ApiError> {
    let widget = widgets::open(&app, &token).map_err(|error| match error {
        SignatureError::Expired => ApiError::permission("The URL of the widget has expired."),
        SignatureError::Forged => ApiError::permission("The URL is not that of a widget."),
    })?;
    let state = app.clone();
    let page = app
        .store
        .read(move |connection| widget.page(connection, &state));
    Ok(Html(page.await?))
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
