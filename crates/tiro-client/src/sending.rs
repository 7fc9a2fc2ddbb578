//! What goes with a write beside its content: the key that makes it safe to repeat, and a condition.

use http::HeaderValue;

use crate::Error;

/// The `Idempotency-Key` of one write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Key {
    /// A random one for this call, so that this client may send it again by itself.
    #[default]
    Fresh,
    /// This one, so that the caller may repeat the call, also after a restart.
    Named(String),
    /// None: sent again only if it is certain that nothing was done.
    None,
}

/// What goes with a write.
#[derive(Clone, Debug, Default)]
pub struct Sending {
    /// The key.
    pub key: Key,
    /// An ETag as received, or `*`: carry it out only if the thing still has that version.
    pub if_match: Option<String>,
}

impl Sending {
    /// Under this key.
    #[must_use]
    pub fn named(key: impl Into<String>) -> Sending {
        Sending {
            key: Key::Named(key.into()),
            if_match: None,
        }
    }

    /// Without a key.
    #[must_use]
    pub fn unkeyed() -> Sending {
        Sending {
            key: Key::None,
            if_match: None,
        }
    }
}

impl Key {
    pub(crate) fn header(&self) -> Result<Option<HeaderValue>, Error> {
        match self {
            Key::None => Ok(None),
            Key::Fresh => fresh().map(Some),
            Key::Named(key) => HeaderValue::from_str(key)
                .map(Some)
                .map_err(|_| Error::Unusable("the idempotency key has to be visible ASCII".to_owned())),
        }
    }
}

/// 16 random bytes in hexadecimal.
fn fresh() -> Result<HeaderValue, Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Error::Unusable(format!("no random idempotency key can be made: {error}")))?;
    let key = format!("{:032x}", u128::from_be_bytes(random));
    HeaderValue::from_str(&key).map_err(|error| Error::Unusable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_keys_differ_and_named_ones_are_sent_as_they_are() {
        let first = Key::Fresh.header().unwrap().unwrap();
        let second = Key::Fresh.header().unwrap().unwrap();
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
        assert_eq!(
            Key::Named("order-17".to_owned()).header().unwrap().unwrap(),
            "order-17"
        );
        assert!(Key::None.header().unwrap().is_none());
    }

    #[test]
    fn a_key_that_no_header_can_hold_is_refused_here() {
        let error = Key::Named("a\nb".to_owned()).header().unwrap_err();
        assert!(error.to_string().contains("idempotency key"), "{error}");
    }
}
