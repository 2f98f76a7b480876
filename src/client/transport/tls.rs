//! Why a connection could not be secured, in words that say what to do.

use std::error::Error;
use std::io;

use rustls::CertificateError;

/// Returns why the connection could not be secured, if that is what has failed.
pub(crate) fn insecure(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(current) = cause {
        let current = unwrapped(current);
        if let Some(found) = current.downcast_ref() {
            return Some(explain(found));
        }
        cause = current.source();
    }
    None
}

/// Returns what an I/O error holds, which is not its source but beside it, and may be another one.
fn unwrapped<'a>(mut error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    while let Some(wrapped) = error.downcast_ref().and_then(io::Error::get_ref) {
        error = wrapped;
    }
    error
}

fn explain(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is signed by no authority that this machine trusts; REQUESTS_CA_BUNDLE may name a file with that of yours"
                .to_owned()
        }
        // The verifier of certificates has an error of its own for this, which is told by its name only.
        error if error.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is that of an authority (CA:TRUE), which may not be that of a server as well; make one with basicConstraints=CA:FALSE"
                .to_owned()
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_found_in_others() {
        let inner = rustls::Error::DecryptError;
        let error = io::Error::other(io::Error::other(inner.clone()));
        assert_eq!(unwrapped(&error).downcast_ref(), Some(&inner));
    }

    #[test]
    fn what_can_be_done_is_said() {
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert!(explain(&unknown).contains("REQUESTS_CA_BUNDLE"));
        let other = explain(&rustls::Error::InvalidCertificate(
            CertificateError::Expired,
        ));
        assert_eq!(other, "invalid peer certificate: Expired");
    }
}
