//! Every route of the server.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};

use crate::app::AppState;
use crate::calls::log_call;
use crate::controllers::{api, media, pages, receive};

/// Builds the routes on the state they share.
pub fn router(app: AppState) -> Router {
    let log = from_fn_with_state(app.clone(), log_call);
    Router::new()
        .route("/", get(pages::index))
        .route("/api", post(api::handle).layer(log))
        .route("/component/get", get(media::get))
        .route("/component/thumbnail", get(media::get_thumbnail))
        .route("/component/remove", get(media::remove))
        .route("/img/thumbnail2.png", get(pages::default_thumbnail))
        .route("/upload/{component}", put(receive::put_file))
        .route(
            "/upload/{component}/{upload}/{part}",
            put(receive::put_part),
        )
        // API calls have a limit of their own, in `log_call`; uploads are as large as their URL allows.
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}
