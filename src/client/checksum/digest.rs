//! The value of an MD5.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An MD5 digest. It prints as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// Returns the MD5 of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(ftrack_md5::digest(bytes))
    }

    /// Returns the form that ftrack and the `Content-MD5` header use.
    pub fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads the form of [`Digest::to_base64`].
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Reads the form that it prints as.
    pub fn from_hex(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = u128::from_str_radix(text, 16).ok().filter(|_| is_hex)?;
        Some(Self(value.to_be_bytes()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_reads_its_forms() {
        let digest = Digest([
            0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8,
            0x42, 0x7e,
        ]);
        assert_eq!(digest.to_string(), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(digest.to_base64(), "1B2M2Y8AsgTpgAmY7PhCfg==");
        assert_eq!(
            Digest::from_base64("1B2M2Y8AsgTpgAmY7PhCfg=="),
            Some(digest)
        );
        assert_eq!(Digest::from_base64("AAAA"), None);
        assert_eq!(Digest::from_hex(&digest.to_string()), Some(digest));
        for other in [
            "d41d8cd9",
            "+41d8cd98f00b204e9800998ecf8427e",
            &"0".repeat(33),
        ] {
            assert_eq!(Digest::from_hex(other), None, "{other}");
        }
    }
}
