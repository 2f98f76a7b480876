//! Signed upload URLs.
//!
//! As in S3, whoever holds the URL may PUT one particular thing for a limited time: the signature covers the component,
//! the part, the size, the MD5 when it was announced, and the expiry. No credentials travel with the upload.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac};
use parking_lot::RwLock;
use sha2::Sha256;

use super::file_id::FileId;
use super::files::hex;

/// What an upload URL allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The component the bytes are for.
    pub component: FileId,
    /// The upload and the number of the part, for an upload in parts.
    pub part: Option<(FileId, u32)>,
    /// Size in bytes: exact for a whole file, the most for a part.
    pub size: u64,
    /// Hexadecimal MD5 the bytes must have, if it was announced.
    pub md5: Option<String>,
    /// The end of validity, in seconds since 1970.
    pub expires: u64,
}

impl Grant {
    /// Returns whether so many bytes may be sent.
    pub fn allows_size(&self, received: u64) -> bool {
        if self.part.is_some() {
            received <= self.size
        } else {
            received == self.size
        }
    }
}

/// Why a URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The URL was not made by this server for this request.
    #[error("the signature of the upload URL does not match")]
    Forged,
    /// The URL was valid once.
    #[error("the upload URL has expired")]
    Expired,
}

/// Signs and verifies upload URLs with one secret.
pub struct UrlSigner {
    key: RwLock<Hmac<Sha256>>,
    validity: Duration,
}

/// Keeps the secret to itself.
impl fmt::Debug for UrlSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UrlSigner").finish_non_exhaustive()
    }
}

impl UrlSigner {
    /// Makes a signer whose URLs are valid for `validity`.
    pub fn new(secret: &[u8; 32], validity: Duration) -> Self {
        Self {
            key: RwLock::new(key(secret)),
            validity,
        }
    }

    /// Returns how long its URLs are valid.
    pub fn validity(&self) -> Duration {
        self.validity
    }

    /// Signs with another secret from now on; what was signed before is no longer valid.
    pub fn renew(&self, secret: &[u8; 32]) {
        *self.key.write() = key(secret);
    }

    /// Returns when a URL that is made now ends to be valid, in seconds since 1970.
    pub fn expiry(&self) -> u64 {
        seconds_since_1970(SystemTime::now() + self.validity)
    }

    /// Returns path and query of the URL for `grant`.
    pub fn path_and_query(&self, grant: &Grant) -> String {
        let Grant {
            component,
            size,
            expires,
            ..
        } = grant;
        let part = grant
            .part
            .as_ref()
            .map_or_else(String::new, |(upload, part)| format!("/{upload}/{part}"));
        let md5 = grant
            .md5
            .as_ref()
            .map_or_else(String::new, |md5| format!("&md5={md5}"));
        let signature = hex(&self.mac(grant).finalize().into_bytes());
        format!(
            "/upload/{component}{part}?size={size}&expires={expires}{md5}&signature={signature}"
        )
    }

    /// Verifies the signature first, in constant time, and the expiry then.
    pub fn verify(&self, grant: &Grant, signature: &str) -> Result<(), SignatureError> {
        let signature = unhex(signature).ok_or(SignatureError::Forged)?;
        self.mac(grant)
            .verify_slice(&signature)
            .map_err(|_| SignatureError::Forged)?;
        if seconds_since_1970(SystemTime::now()) >= grant.expires {
            return Err(SignatureError::Expired);
        }
        Ok(())
    }

    /// Returns the signature of any other text that comes back in a URL.
    pub fn sign_text(&self, text: &str) -> String {
        hex(&self.text_mac(text).finalize().into_bytes())
    }

    /// Verifies what [`sign_text`](Self::sign_text) made, in constant time.
    pub fn verify_text(&self, text: &str, signature: &str) -> Result<(), SignatureError> {
        let signature = unhex(signature).ok_or(SignatureError::Forged)?;
        self.text_mac(text)
            .verify_slice(&signature)
            .map_err(|_| SignatureError::Forged)
    }

    /// Begins with another word than what is signed for uploads, so that neither passes for the other.
    fn text_mac(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = self.key.read().clone();
        mac.update(format!("TEXT\n{text}").as_bytes());
        mac
    }

    /// The fields are joined by a character that none of them can contain.
    fn mac(&self, grant: &Grant) -> Hmac<Sha256> {
        let (upload, part) = grant
            .part
            .as_ref()
            .map_or(("", 0), |(upload, part)| (upload.as_str(), *part));
        let text = format!(
            "PUT\n{}\n{upload}\n{part}\n{}\n{}\n{}",
            grant.component,
            grant.size,
            grant.md5.as_deref().unwrap_or_default(),
            grant.expires,
        );
        let mut mac = self.key.read().clone();
        mac.update(text.as_bytes());
        mac
    }
}

fn key(secret: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC pads a key of any length: 32 bytes are below the block size and used as they are.
    let mut block = [0; 64];
    block[..secret.len()].copy_from_slice(secret);
    Hmac::new(&block.into())
}

fn seconds_since_1970(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect();
    if rest.is_empty() { bytes } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grant(expires: u64) -> Grant {
        Grant {
            component: FileId::unique(),
            part: None,
            size: 10,
            md5: None,
            expires,
        }
    }

    fn signature(signer: &UrlSigner, grant: &Grant) -> String {
        let url = signer.path_and_query(grant);
        url.split_once("signature=").unwrap().1.to_owned()
    }

    #[test]
    fn a_url_allows_exactly_what_was_signed() {
        let signer = UrlSigner::new(&[7; 32], Duration::from_secs(60));
        let grant = grant(signer.expiry());
        let signature = signature(&signer, &grant);
        assert_eq!(signer.verify(&grant, &signature), Ok(()));

        let upload = FileId::unique();
        let forgeries = [
            Grant {
                component: FileId::unique(),
                ..grant.clone()
            },
            Grant {
                part: Some((upload, 1)),
                ..grant.clone()
            },
            Grant {
                size: 11,
                ..grant.clone()
            },
            Grant {
                md5: Some("00".repeat(16)),
                ..grant.clone()
            },
            Grant {
                expires: grant.expires + 1,
                ..grant.clone()
            },
        ];
        for forgery in forgeries {
            assert_eq!(
                signer.verify(&forgery, &signature),
                Err(SignatureError::Forged)
            );
        }
        let other = UrlSigner::new(&[8; 32], Duration::from_secs(60));
        assert_eq!(
            other.verify(&grant, &signature),
            Err(SignatureError::Forged)
        );
    }

    #[test]
    fn a_whole_file_has_its_size_and_a_part_at_most() {
        let whole = grant(0);
        assert!(whole.allows_size(10) && !whole.allows_size(9) && !whole.allows_size(11));
        let part = Grant {
            part: Some((FileId::unique(), 1)),
            ..whole
        };
        assert!(part.allows_size(10) && part.allows_size(9) && !part.allows_size(11));
    }

    #[test]
    fn a_url_ends_to_be_valid() {
        let signer = UrlSigner::new(&[7; 32], Duration::ZERO);
        let grant = grant(signer.expiry());
        let signature = signature(&signer, &grant);
        assert_eq!(
            signer.verify(&grant, &signature),
            Err(SignatureError::Expired)
        );
    }

    proptest! {
        #[test]
        fn any_other_text_is_no_signature(text in ".{0,80}") {
            let signer = UrlSigner::new(&[7; 32], Duration::from_secs(60));
            let grant = grant(signer.expiry());
            prop_assert_eq!(signer.verify(&grant, &text), Err(SignatureError::Forged));
        }

        #[test]
        fn hexadecimal_digits_read_back(bytes: Vec<u8>) {
            prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        }
    }
}
