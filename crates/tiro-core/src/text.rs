//! The texts that people send, each checked once when it is made.

use std::ops::Deref;
use std::sync::Arc;

use crate::{Fault, Limits};

/// Longest idempotency key, in bytes.
const KEY_BYTES_MAX: usize = 255;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// A text that an engine stored before, and so was checked then.
            #[must_use]
            pub fn stored(text: &str) -> $name {
                $name(text.into())
            }
        }

        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
    };
}

text!(
    /// The name of an application.
    Name
);
text!(
    /// The title of a chat.
    Title
);
text!(
    /// The body of a message.
    Body
);
text!(
    /// Who sent a message, in the application's own terms.
    Sender
);
text!(
    /// Who reads, in the application's own terms. A sender and a reader of the same text are the same one.
    ReaderName
);
text!(
    /// A client's name for one request, so that sending it again is safe: 1 to 255 visible ASCII characters.
    IdempotencyKey
);

impl Name {
    /// Checks a name. Errors: blank, U+0000, more than [`Limits::name_chars_max`].
    pub fn new(text: &str, limits: &Limits) -> Result<Name, Fault> {
        present(text)?;
        chars_at_most(text, limits.name_chars_max)?;
        Ok(Name(text.into()))
    }
}

impl Title {
    /// Checks a title. Errors: blank, U+0000, more than [`Limits::title_chars_max`].
    pub fn new(text: &str, limits: &Limits) -> Result<Title, Fault> {
        present(text)?;
        chars_at_most(text, limits.title_chars_max)?;
        Ok(Title(text.into()))
    }
}

impl Body {
    /// Checks a body. Errors: blank, U+0000, more than [`Limits::body_bytes_max`].
    pub fn new(text: &str, limits: &Limits) -> Result<Body, Fault> {
        present(text)?;
        bytes_at_most(text, limits.body_bytes_max)?;
        Ok(Body(text.into()))
    }
}

impl Sender {
    /// Checks a sender. Errors: blank, U+0000, more than [`Limits::sender_bytes_max`].
    pub fn new(text: &str, limits: &Limits) -> Result<Sender, Fault> {
        present(text)?;
        bytes_at_most(text, limits.sender_bytes_max)?;
        Ok(Sender(text.into()))
    }
}

impl ReaderName {
    /// Checks a reader's name. Errors: blank, U+0000, more than [`Limits::sender_bytes_max`].
    pub fn new(text: &str, limits: &Limits) -> Result<ReaderName, Fault> {
        Sender::new(text, limits).map(|sender| ReaderName(sender.0))
    }
}

impl From<&Sender> for ReaderName {
    fn from(sender: &Sender) -> ReaderName {
        ReaderName(Arc::clone(&sender.0))
    }
}

impl IdempotencyKey {
    /// Checks a key; one pair of enclosing double quotes is not part of it.
    /// Errors: [`Fault::NotAKey`] unless 1 to 255 visible ASCII characters are left.
    pub fn new(text: &str) -> Result<IdempotencyKey, Fault> {
        let bare = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(text);
        let right_length = (1..=KEY_BYTES_MAX).contains(&bare.len());
        let right_bytes = bare.bytes().all(|byte| byte.is_ascii_graphic());
        if right_length && right_bytes {
            Ok(IdempotencyKey(bare.into()))
        } else {
            Err(Fault::NotAKey)
        }
    }
}

/// Refuses a text of nothing but white space, and U+0000 anywhere.
fn present(text: &str) -> Result<(), Fault> {
    if text.contains('\0') {
        return Err(Fault::Nul);
    }
    if text.chars().all(char::is_whitespace) {
        return Err(Fault::Blank);
    }
    Ok(())
}

fn bytes_at_most(text: &str, max: usize) -> Result<(), Fault> {
    if text.len() <= max {
        Ok(())
    } else {
        Err(Fault::TooManyBytes {
            max,
            actual: text.len(),
        })
    }
}

fn chars_at_most(text: &str, max: usize) -> Result<(), Fault> {
    if text.len() <= max {
        return Ok(());
    }
    let actual = text.chars().count();
    if actual <= max {
        Ok(())
    } else {
        Err(Fault::TooManyChars { max, actual })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_accepted_at_its_limit_and_refused_one_above() {
        let limits = Limits::default();
        assert!(Name::new(&"é".repeat(255), &limits).is_ok());
        assert_eq!(
            Name::new(&"é".repeat(256), &limits),
            Err(Fault::TooManyChars {
                max: 255,
                actual: 256
            })
        );
        assert!(Title::new(&"界".repeat(255), &limits).is_ok());
        assert!(Title::new(&"界".repeat(256), &limits).is_err());
        assert!(Body::new(&"b".repeat(65_536), &limits).is_ok());
        assert_eq!(
            Body::new(&"b".repeat(65_537), &limits),
            Err(Fault::TooManyBytes {
                max: 65_536,
                actual: 65_537
            })
        );
        assert!(Sender::new(&"s".repeat(255), &limits).is_ok());
        assert!(Sender::new(&"s".repeat(256), &limits).is_err());
        assert!(ReaderName::new(&"s".repeat(255), &limits).is_ok());
        assert!(ReaderName::new(&"s".repeat(256), &limits).is_err());
    }

    #[test]
    fn blank_texts_and_nul_are_refused() {
        let limits = Limits::default();
        assert_eq!(Body::new(" \u{3000}\n\t", &limits), Err(Fault::Blank));
        assert_eq!(Body::new("", &limits), Err(Fault::Blank));
        assert_eq!(Body::new("a\0b", &limits), Err(Fault::Nul));
        assert!(
            Body::new("\u{1}\u{7f}\u{202e}", &limits).is_ok(),
            "other control characters are text"
        );
    }

    #[test]
    fn a_key_is_visible_ascii_without_its_enclosing_quotes() {
        assert_eq!(&*IdempotencyKey::new("\"abc\"").unwrap(), "abc");
        assert_eq!(&*IdempotencyKey::new("a\"b").unwrap(), "a\"b");
        assert!(IdempotencyKey::new(&"k".repeat(255)).is_ok());
        for wrong in ["", "\"\"", "a b", "é", &"k".repeat(256)] {
            assert_eq!(IdempotencyKey::new(wrong), Err(Fault::NotAKey));
        }
    }
}
