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
            /// The items of this page.
            #[schema(value_type = Vec<$item>)]
            pub data: Vec<$item<'a>>,
            /// Whether there are further items.
            pub has_more: bool,
            /// The value that continues the list; `null` at its end.
            #[schema(value_type = Option<String>, required)]
            pub next: Option<Cow<'a, str>>,
            /// The cursor of the state that the page shows: read the change feed after it to get later changes. `null` for
            /// lists of applications.
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
    /// Chats by number with tombstones, or by activity without them.
    ChatPage of Chat
);
page!(
    /// Messages by number, with tombstones.
    MessagePage of Message
);
page!(
    /// Chats by number in which a reader has a marker and unread messages.
    ReadStatePage of ReadState
);
