//! Idempotency keys and what they are bound to.

use crate::{Fingerprint, IdempotencyKey, Timestamp};

/// Where a key counts. Keys of two namespaces never meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// Creating applications: one for the whole server.
    Server,
    /// Requests of clients: one per application.
    Application,
    /// Lines of imports: one per application.
    Import,
}

/// A key within an application, or within the server for [`Namespace::Server`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName {
    /// Where it counts.
    pub namespace: Namespace,
    /// The key itself.
    pub key: IdempotencyKey,
}

/// A key as it is stored with the change that its request made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBinding {
    /// The key.
    pub name: KeyName,
    /// What the request was, to tell it from another under the same key.
    pub fingerprint: Fingerprint,
    /// For an update of a message: when that message was created, so that the update can be answered again
    /// after the message's bytes are gone with its chat.
    pub created_at: Option<Timestamp>,
}
