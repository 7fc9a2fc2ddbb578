//! Parked creates: what may be parked, what names it, and what it says of itself.
//!
//! The name of an operation holds all that is needed to find its outcome (its key, its fingerprint, how many things it makes) and a
//! signature. So whoever has the secret knows a name that the cluster gave out from any other without looking anything up.
//! It is derived from application, key and request alone: the same request under the same key is the same operation.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::{Command, Fingerprint, IdempotencyKey, KeyName, Namespace, Rejection, Reply, Request, Token};

const PREFIX: &str = "op_";
const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;
/// Version, kind, count and fingerprint.
const HEAD_BYTES: usize = 1 + 1 + 4 + 32;
/// No name is longer: that of a key of 255 bytes.
const NAME_BYTES_MAX: usize = 420;
/// Told apart from whatever else is signed with the same secret one day.
const PURPOSE: &[u8] = b"tiro operation 1\0";

/// What a parked create makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// A chat.
    Chat,
    /// A message.
    Message,
    /// A batch of messages.
    Messages {
        /// How many, at least 1.
        count: u32,
    },
}

/// A create under a key, as far as its outcome depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it makes.
    pub creation: Creation,
    /// The key of its request, in [`Namespace::Application`].
    pub key: IdempotencyKey,
    /// Of its request.
    pub fingerprint: Fingerprint,
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// Nothing yet, as far as anybody knows.
    Pending,
    /// It was carried out, by this request or by the same one sent directly. See [`crate::operation_state`] for what it tells.
    Applied(Reply),
    /// The state of things refused it.
    Rejected(Rejection),
}

/// What became of the wish to have a create carried out later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parked {
    /// It is kept and will be carried out once; this is the operation's name.
    Kept(String),
    /// It is not kept, and may be sent directly.
    NotKept(Request),
}

impl Operation {
    /// The operation that a request is when it is parked; `None` if it cannot be parked: it has no key, or creates neither
    /// a chat nor messages. An update that is applied later would undo a newer one.
    #[must_use]
    pub fn of(request: &Request) -> Option<Operation> {
        let (key, fingerprint) = request.key.clone()?;
        let creation = match &request.command {
            Command::CreateChat(_) => Creation::Chat,
            Command::CreateMessage { .. } => Creation::Message,
            Command::CreateMessages { messages, .. } => Creation::Messages {
                count: u32::try_from(messages.len()).ok()?,
            },
            _ => return None,
        };
        Some(Operation {
            creation,
            key,
            fingerprint,
        })
    }

    /// Under which its outcome is bound.
    #[must_use]
    pub fn key_name(&self) -> KeyName {
        KeyName {
            namespace: Namespace::Application,
            key: self.key.clone(),
        }
    }

    /// Names it among the operations of its application, whatever the secret is: 32 bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.encoded()).into()
    }

    fn encoded(&self) -> Vec<u8> {
        let (kind, count) = match self.creation {
            Creation::Chat => (1, 1),
            Creation::Message => (2, 1),
            Creation::Messages { count } => (3, count),
        };
        let mut bytes = vec![VERSION, kind];
        bytes.extend(count.to_be_bytes());
        bytes.extend(self.fingerprint.0);
        bytes.extend(self.key.as_bytes());
        bytes
    }

    fn decoded(bytes: &[u8]) -> Option<Operation> {
        let (head, key) = bytes.split_at_checked(HEAD_BYTES)?;
        let count = u32::from_be_bytes(head[2..6].try_into().ok()?);
        let creation = match (head[0], head[1]) {
            (VERSION, 1) => Creation::Chat,
            (VERSION, 2) => Creation::Message,
            (VERSION, 3) => Creation::Messages { count },
            _ => return None,
        };
        Some(Operation {
            creation,
            key: IdempotencyKey::stored(str::from_utf8(key).ok()?),
            fingerprint: Fingerprint(head[6..].try_into().ok()?),
        })
    }
}

/// Names operations, and knows those names again. `Debug` does not show the secret.
#[derive(Clone)]
pub struct OperationNames {
    secret: Hmac<Sha256>,
}

impl OperationNames {
    /// With a secret that all nodes of a cluster share and nobody else knows.
    ///
    /// # Panics
    /// Never: HMAC takes a secret of any length.
    #[must_use]
    pub fn new(secret: &str) -> OperationNames {
        OperationNames {
            secret: Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a secret of any length"),
        }
    }

    /// The name of an operation in an application: letters, digits, `-` and `_`, at most 420.
    #[must_use]
    pub fn name(&self, token: &Token, operation: &Operation) -> String {
        let mut bytes = operation.encoded();
        let tag = self.signed(token, &bytes).finalize().into_bytes();
        bytes.extend(&tag[..TAG_BYTES]);
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The operation of a name that was given out for this application; `None` for every other text. Takes as long
    /// whichever byte of a signature is wrong.
    #[must_use]
    pub fn read(&self, token: &Token, name: &str) -> Option<Operation> {
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(name.strip_prefix(PREFIX)?).ok()?;
        let (operation, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        self.signed(token, operation).verify_truncated_left(tag).ok()?;
        Operation::decoded(operation)
    }

    fn signed(&self, token: &Token, operation: &[u8]) -> Hmac<Sha256> {
        let mut signed = self.secret.clone();
        signed.update(PURPOSE);
        // A token has no NUL, so where it ends is certain.
        signed.update(token.as_str().as_bytes());
        signed.update(&[0]);
        signed.update(operation);
        signed
    }
}

impl std::fmt::Debug for OperationNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OperationNames(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Body, CreateChat, MessageContent};

    fn token(name: &str) -> Token {
        Token::parse(&format!("token_token_{name}")).unwrap()
    }

    fn content(body: &str) -> Arc<MessageContent> {
        Arc::new(MessageContent {
            body: Body::stored(body),
            sender: None,
            metadata: None,
        })
    }

    fn message(body: &str, key: &str) -> Request {
        let command = Command::CreateMessage {
            token: token("shop"),
            chat: 1,
            content: content(body),
        };
        Request::keyed(command, IdempotencyKey::new(key).unwrap())
    }

    fn name(request: &Request) -> String {
        OperationNames::new("secret").name(&token("shop"), &Operation::of(request).unwrap())
    }

    #[test]
    fn one_request_under_one_key_is_one_operation_and_every_other_is_another() {
        assert_eq!(name(&message("a", "k")), name(&message("a", "k")));
        assert_ne!(name(&message("a", "k")), name(&message("b", "k")));
        assert_ne!(name(&message("a", "k")), name(&message("a", "l")));
        let names = OperationNames::new("secret");
        let operation = Operation::of(&message("a", "k")).unwrap();
        assert_ne!(
            names.name(&token("shop"), &operation),
            names.name(&token("mill"), &operation)
        );
    }

    #[test]
    fn a_name_is_read_by_whoever_has_the_secret_and_only_in_its_application() {
        let command = Command::CreateMessages {
            token: token("shop"),
            chat: 1,
            messages: vec![content("a"), content("b")],
        };
        let longest = "k".repeat(255);
        let request = Request::keyed(command, IdempotencyKey::new(&longest).unwrap());
        let operation = Operation::of(&request).unwrap();
        assert_eq!(operation.creation, Creation::Messages { count: 2 });
        let name = OperationNames::new("secret").name(&token("shop"), &operation);
        assert!(name.len() <= NAME_BYTES_MAX, "{}", name.len());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        assert!(name.bytes().all(plain), "{name}");
        let same = OperationNames::new("secret");
        assert_eq!(same.read(&token("shop"), &name), Some(operation));
        assert_eq!(same.read(&token("mill"), &name), None);
        assert_eq!(OperationNames::new("guess").read(&token("shop"), &name), None);
    }

    #[test]
    fn a_name_of_which_any_character_was_changed_is_none() {
        let name = name(&message("a", "key"));
        let names = OperationNames::new("secret");
        assert!(names.read(&token("shop"), &name).is_some());
        for place in 0..name.len() {
            let mut changed = name.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(names.read(&token("shop"), &changed), None, "{place}");
        }
        for wrong in ["", "op_", "op_AAAA", &name[..name.len() - 1], &format!("{name}A")] {
            assert_eq!(names.read(&token("shop"), wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_creates_of_chats_and_messages_under_a_key_can_be_parked() {
        let chat = |key: Option<&str>| {
            let command = Command::CreateChat(CreateChat {
                token: token("shop"),
                title: None,
                metadata: None,
            });
            match key {
                Some(key) => Request::keyed(command, IdempotencyKey::new(key).unwrap()),
                None => Request::new(command),
            }
        };
        assert_eq!(Operation::of(&chat(Some("k"))).unwrap().creation, Creation::Chat);
        assert_eq!(Operation::of(&chat(None)), None);
        let delete = Command::DeleteChat {
            token: token("shop"),
            chat: 1,
            if_match: crate::IfMatch::Any,
        };
        let delete = Request::keyed(delete, IdempotencyKey::new("k").unwrap());
        assert_eq!(Operation::of(&delete), None);
    }
}
