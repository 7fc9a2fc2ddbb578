//! Pages of lists.
//!
//! `next` goes on in the same direction through the same parameter and is `null` exactly when `has_more` is false.
//! Each is a type of its own: the OpenAPI generator loses schemas of nested generics (utoipa#1489).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Application, Chat, Message, ReadState};

macro_rules! page {
    ($(#[$doc:meta])* $name:ident of $item:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
        pub struct $name<'a> {
            /// In the order of the list.
            #[schema(value_type = Vec<$item>)]
            pub data: Vec<$item<'a>>,
            /// Whether the list goes on.
            pub has_more: bool,
            /// Where it goes on; `null` at its end.
            #[schema(value_type = Option<String>, required)]
            pub next: Option<Cow<'a, str>>,
            /// The place in the application's feed of which the page shows the state; `null` for lists of
            /// applications.
            #[schema(value_type = Option<String>, required)]
            pub as_of: Option<Cow<'a, str>>,
        }
    };
}

page!(
    /// Applications by creation time and token; deleted ones are left out.
    ApplicationPage of Application
);
page!(
    /// Chats by number with tombstones, or by activity without.
    ChatPage of Chat
);
page!(
    /// Messages by number, with tombstones.
    MessagePage of Message
);
page!(
    /// The chats, by number, in which a reader has a marker and something unread.
    ReadStatePage of ReadState
);
