//! Time-based one-time passwords (RFC 6238), as the usual authenticator apps make them: SHA-1, six digits, 30 seconds.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac};
use sha1::Sha1;
use uuid::Uuid;

/// How long a code is good.
const STEP_SECONDS: u64 = 30;

/// RFC 4648; secrets are typed by hand, and this alphabet has no letters that look like digits.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Returns a new secret of 128 bits.
pub fn new_secret() -> String {
    encode(Uuid::new_v4().as_bytes())
}

/// Returns whether `code` is that of `secret` now, or was or will be half a minute away, as clocks differ.
pub fn verify(secret: &str, code: &str) -> bool {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs());
    let Some(secret) = decode(secret) else {
        return false;
    };
    let step = now / STEP_SECONDS;
    (step.saturating_sub(1)..=step + 1).any(|step| code_at(&secret, step) == Some(code.to_owned()))
}

/// Returns the six digits of one step (RFC 4226).
fn code_at(secret: &[u8], step: u64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let word: [u8; 4] = digest[offset..offset + 4].try_into().ok()?;
    let number = u32::from_be_bytes(word) & 0x7fff_ffff;
    Some(format!("{:06}", number % 1_000_000))
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut pending, mut bits) = (0_u32, 0);
    for byte in bytes {
        pending = pending << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(pending >> bits));
        }
    }
    if bits > 0 {
        text.push(letter(pending << (5 - bits)));
    }
    text
}

fn letter(bits: u32) -> char {
    char::from(BASE32[(bits & 31) as usize])
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut pending, mut bits) = (0_u32, 0);
    let letters = text.bytes().filter(|byte| !matches!(byte, b' ' | b'='));
    for byte in letters {
        let value = BASE32
            .iter()
            .position(|letter| *letter == byte.to_ascii_uppercase())?;
        pending = pending << 5 | u32::try_from(value).ok()?;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(pending >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, with the last six of its eight digits.
        let secret = b"12345678901234567890";
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(secret, time / STEP_SECONDS).as_deref(), Some(code));
        }
    }

    #[test]
    fn secrets_read_back() {
        assert_eq!(encode(b"foobar"), "MZXW6YTBOI");
        assert_eq!(decode("mzxw 6ytboi==").as_deref(), Some(&b"foobar"[..]));
        assert_eq!(decode("0189"), None);
        let secret = new_secret();
        assert_eq!(encode(&decode(&secret).unwrap()), secret);
    }

    #[test]
    fn other_codes_are_refused() {
        let secret = new_secret();
        assert!(!verify(&secret, ""));
        assert!(!verify(&secret, "12345"));
        assert!(!verify("not base32!", "123456"));
    }
}
