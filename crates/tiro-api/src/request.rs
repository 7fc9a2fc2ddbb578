//! Bodies of requests, as clients write them. A server reads them member by member, to name every violation.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Creates an application.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApplication<'a> {
    /// 1 to 255 characters (Unicode scalar values), not blank.
    #[schema(value_type = String)]
    pub name: &'a str,
    /// Any JSON object of at most 4 KiB (without white space) and without duplicate members.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<&'a RawValue>,
}

/// Updates an application (JSON merge patch, RFC 7396).
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateApplication<'a> {
    /// The new name; it cannot be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub name: Option<&'a str>,
    /// Merged into the present object; `null` removes the whole object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<&'a RawValue>,
}

/// Creates a chat.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateChat<'a> {
    /// 1 to 255 characters (Unicode scalar values), not blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub title: Option<&'a str>,
    /// Any JSON object of at most 4 KiB (without white space) and without duplicate members.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<&'a RawValue>,
}

/// Updates a chat (JSON merge patch, RFC 7396).
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateChat<'a> {
    /// The new title; `null` removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub title: Option<Option<&'a str>>,
    /// Merged into the present object; `null` removes the whole object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<&'a RawValue>,
}

/// Creates a message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateMessage<'a> {
    /// At most 65,536 bytes of UTF-8, not blank.
    #[schema(value_type = String)]
    pub body: &'a str,
    /// At most 255 bytes of UTF-8, not blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub sender: Option<&'a str>,
    /// Any JSON object of at most 4 KiB (without white space) and without duplicate members.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<&'a RawValue>,
}

/// Updates a message (JSON merge patch, RFC 7396). The sender cannot be changed.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMessage<'a> {
    /// The new text; it cannot be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub body: Option<&'a str>,
    /// Merged into the present object; `null` removes the whole object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<&'a RawValue>,
}

/// Creates a batch of messages, all or none.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateBatch<'a> {
    /// 1 to 1,000 messages, in order.
    #[schema(value_type = Vec<CreateMessage>, min_items = 1, max_items = 1000)]
    pub messages: &'a [CreateMessage<'a>],
}

/// Sets a read marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRead {
    /// The number of the last message read; 0 is before the first. At most the number of the chat's last message. A
    /// number below the present marker changes nothing.
    pub read: u64,
}
