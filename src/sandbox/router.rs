//! Every route of the server.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post, put};

use crate::app::AppState;
use crate::calls::observe::{observe, read_call};
use crate::controllers::{admin, api, cors::cors, events, media, outbox, pages, receive, sign_in};
use crate::faults::layer::{inject, spare};

/// Builds the routes on the state they share.
pub fn router(app: AppState) -> Router {
    let faults = || from_fn_with_state(app.clone(), inject);
    let api = post(api::handle)
        .layer(faults())
        .layer(from_fn_with_state(app.clone(), read_call));
    Router::new()
        .route("/", get(pages::index))
        .route("/api", api)
        .route("/component/get", get(media::get))
        .route("/component/thumbnail", get(media::get_thumbnail))
        .route("/component/remove", get(media::remove))
        .route("/widget/{name}", get(pages::widget))
        .route("/user/api_credentials", get(sign_in::api_credentials))
        .route("/img/thumbnail2.png", get(pages::default_thumbnail))
        // Launchers show these; all applications look the same here.
        .route("/application_icons/{name}", get(pages::default_thumbnail))
        .route("/socket.io/1/", get(events::handshake))
        .route("/socket.io/1/websocket/{session}", get(events::websocket))
        .route("/upload/{component}", put(receive::put_file))
        .route(
            "/upload/{component}/{upload}/{part}",
            put(receive::put_part),
        )
        // Here, as what is added below the layers would pass by them: unknown paths are logged and meet faults as well.
        .fallback(|| async { StatusCode::NOT_FOUND })
        // API calls have a limit of their own, in `read_call`; uploads are as large as their URL allows.
        .layer(DefaultBodyLimit::disable())
        .layer(faults())
        .layer(from_fn_with_state(app.clone(), observe))
        .merge(admin_routes())
        .layer(cors())
        .with_state(app)
}

/// What no fault reaches and no log shows.
fn admin_routes() -> Router<AppState> {
    let faults = post(admin::set_faults)
        .get(admin::list_faults)
        .delete(admin::clear_faults);
    Router::new()
        .route("/sandbox/faults", faults)
        .route("/sandbox/outbox", get(outbox::mails))
        .route("/sandbox/calls", get(admin::calls))
        .route("/sandbox/events", get(admin::events))
        .route("/sandbox/reset", post(admin::reset))
        .layer(from_fn(spare))
}
