//! Names of applications and of their histories.

use std::fmt;
use std::sync::Arc;

use crate::Fault;

/// The small number that stands for an application inside one engine. Never visible to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApplicationId(pub u32);

/// The public name of an application and the capability for all inside it.
///
/// 16 to 64 bytes of `A-Z a-z 0-9 - _`, case-sensitive. `Debug` shows no more than its length, since a token
/// must appear in no log line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(Arc<str>);

/// Fewest bytes of a token.
pub(crate) const TOKEN_BYTES_MIN: usize = 16;
/// Most bytes of a token.
pub(crate) const TOKEN_BYTES_MAX: usize = 64;

impl Token {
    /// Reads a token.
    ///
    /// # Errors
    /// [`Fault::NotAToken`] unless it is 16 to 64 bytes of `A-Z a-z 0-9 - _`.
    pub fn parse(text: &str) -> Result<Token, Fault> {
        let right_length = (TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&text.len());
        let right_bytes = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if right_length && right_bytes {
            Ok(Token(text.into()))
        } else {
            Err(Fault::NotAToken)
        }
    }

    /// The token made of 16 random bytes: `app_` and 26 characters of lower-case base32 (RFC 4648, no padding).
    #[must_use]
    pub fn generated(random: [u8; 16]) -> Token {
        Token(format!("app_{}", base32(&random)).into())
    }

    /// The token as clients write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} bytes)", self.0.len())
    }
}

/// The name of one uninterrupted history of an application: 1 to 16 bytes of `a-z 2-7`.
///
/// Chosen at random when the application is created, kept by export and import, renewed when history was
/// rewound, so that a cursor from before can be told from one of now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(Arc<str>);

impl Epoch {
    /// The epoch made of 5 random bytes: 8 characters.
    #[must_use]
    pub fn generated(random: [u8; 5]) -> Epoch {
        Epoch(base32(&random).into())
    }

    /// Reads an epoch; `None` unless it is 1 to 16 bytes of `a-z 2-7`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Epoch> {
        let right_bytes = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte));
        ((1..=16).contains(&text.len()) && right_bytes).then(|| Epoch(text.into()))
    }

    /// The epoch as it stands in cursors.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 4648 base32 in lower case without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut held_bits) = (0_u32, 0_u32);
    for &byte in bytes {
        held = (held << 8) | u32::from(byte);
        held_bits += 8;
        while held_bits >= 5 {
            held_bits -= 5;
            text.push(char::from(ALPHABET[((held >> held_bits) & 31) as usize]));
            held &= (1 << held_bits) - 1;
        }
    }
    if held_bits > 0 {
        text.push(char::from(ALPHABET[((held << (5 - held_bits)) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_agrees_with_the_vectors_of_rfc_4648() {
        for (plain, encoded) in [
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
        ] {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn a_generated_token_is_one_that_parses() {
        let token = Token::generated([0xff; 16]);
        assert_eq!(token.as_str().len(), 30);
        assert_eq!(Token::parse(token.as_str()), Ok(token));
    }

    #[test]
    fn a_token_has_16_to_64_plain_bytes() {
        assert!(Token::parse(&"a".repeat(16)).is_ok());
        assert!(Token::parse(&"Z".repeat(64)).is_ok());
        for wrong in [
            "a".repeat(15),
            "a".repeat(65),
            format!("{} ", "a".repeat(16)),
            "é".repeat(16),
        ] {
            assert_eq!(Token::parse(&wrong), Err(Fault::NotAToken));
        }
    }

    #[test]
    fn a_token_never_shows_in_debug_output() {
        let token = Token::parse("secret_secret_secret").unwrap();
        assert!(!format!("{token:?}").contains("secret"));
    }
}
