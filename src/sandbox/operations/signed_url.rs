//! `generate_signed_url`: a link to a file for somebody who has no key.

use serde_json::{Value, json};

use super::{Arguments, Reading, signed_text};
use crate::{
    app::App,
    error::ApiError,
    media::{
        file_id::FileId,
        signing::{SignatureError, UrlSigner},
    },
};

const PURPOSE: &str = "file";

/// Answers a URL that is good as long as one for uploads.
///
/// Guess: the member `component_id` of the operation; its documentation names none.
pub(super) fn generate_signed_url(
    reading: &Reading<'_>,
    arguments: &Arguments,
) -> Result<Value, ApiError> {
    let Reading {
        connection, app, ..
    } = reading;
    let component = FileId::parse(arguments.text("component_id")?)?;
    let exists: bool = connection
        .prepare_cached("select exists (select 1 from component where id = ?1)")?
        .query_row([component.as_str()], |row| row.get(0))?;
    if !exists {
        return Err(ApiError::not_found(format!(
            "Component({component}) does not exist."
        )));
    }
    let url = format!(
        "{}/component/get?id={component}{}",
        app.base_url,
        signature(&app.signer, component.as_str())
    );
    Ok(json!({"action": "generate_signed_url", "signed_url": url}))
}

/// Returns what makes a URL of a component's file or thumbnail good for somebody who has no key.
pub fn signature(signer: &UrlSigner, component: &str) -> String {
    // A text is always JSON; without a signature the URL asks for a key.
    signed_text::seal(signer, PURPOSE, signer.validity(), component)
        .map_or_else(|_| String::new(), |word| format!("&signature={word}"))
}

/// Checks that `signature` is that of a URL for the file of `component`.
pub fn verify(app: &App, component: &FileId, signature: &str) -> Result<(), ApiError> {
    let signed = signed_text::open::<String>(&app.signer, PURPOSE, signature);
    match signed {
        Ok(id) if id == component.as_str() => Ok(()),
        Err(SignatureError::Expired) => Err(ApiError::permission("The signed URL has expired.")),
        Ok(_) | Err(SignatureError::Forged) => Err(ApiError::permission(
            "The signature of the URL does not match.",
        )),
    }
}
