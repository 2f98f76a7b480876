//! Signed texts that expire: what the server hands out, and knows as its own when it comes back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::media::signing::{SignatureError, UrlSigner};

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    /// Where the text is good, so that one page does not take what was made for another.
    purpose: String,
    /// The end of validity, in seconds since 1970.
    expires: u64,
    content: T,
}

/// Returns a word for a URL that holds `content`, good for `validity` where `purpose` is asked for.
pub fn seal<T: Serialize>(
    signer: &UrlSigner,
    purpose: &str,
    validity: Duration,
    content: T,
) -> Result<String, serde_json::Error> {
    let sealed = Sealed {
        purpose: purpose.to_owned(),
        expires: now().saturating_add(validity.as_secs()),
        content,
    };
    let text = BASE64.encode(serde_json::to_vec(&sealed)?);
    let signature = signer.sign_text(&text);
    Ok(format!("{text}.{signature}"))
}

/// Returns the content of a word that [`seal`] made for the same purpose.
pub fn open<T: DeserializeOwned>(
    signer: &UrlSigner,
    purpose: &str,
    word: &str,
) -> Result<T, SignatureError> {
    let (text, signature) = word.split_once('.').ok_or(SignatureError::Forged)?;
    signer.verify_text(text, signature)?;
    let bytes = BASE64.decode(text).map_err(|_| SignatureError::Forged)?;
    let sealed: Sealed<T> = serde_json::from_slice(&bytes).map_err(|_| SignatureError::Forged)?;
    if sealed.purpose != purpose {
        return Err(SignatureError::Forged);
    }
    if now() >= sealed.expires {
        return Err(SignatureError::Expired);
    }
    Ok(sealed.content)
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn signer() -> UrlSigner {
        UrlSigner::new(&[7; 32], MINUTE)
    }

    #[test]
    fn what_was_sealed_opens_for_its_purpose_only() {
        let word = seal(&signer(), "widget", MINUTE, "shot").unwrap();
        let open = |purpose| open::<String>(&signer(), purpose, &word);
        assert_eq!(open("widget").as_deref(), Ok("shot"));
        assert_eq!(open("file"), Err(SignatureError::Forged));
    }

    #[test]
    fn a_word_expires() {
        let word = seal(&signer(), "widget", Duration::ZERO, "shot").unwrap();
        assert_eq!(
            open::<String>(&signer(), "widget", &word),
            Err(SignatureError::Expired)
        );
    }

    #[test]
    fn a_changed_word_is_refused() {
        let word = seal(&signer(), "widget", MINUTE, "shot").unwrap();
        for forged in [
            format!("x{word}"),
            format!("{word}0"),
            word.replace('.', ""),
            String::new(),
        ] {
            assert!(open::<String>(&signer(), "widget", &forged).is_err());
        }
    }
}
