//! Parameters of operations: in the path, in the query, in headers.

use utoipa::openapi::Required;
use utoipa::openapi::Schema;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

use super::text_schema;
use crate::query::{Kind, Parameter};
use crate::route::RequestHeader;

pub(super) fn path_parameter(name: &str) -> ParameterBuilder {
    let schema = match name {
        "token" => text_schema()
            .min_length(Some(16))
            .max_length(Some(64))
            .pattern(Some("^[A-Za-z0-9_-]+$")),
        "chat" | "number" => ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Integer))
            .minimum(Some(1)),
        "reader" => text_schema().min_length(Some(1)).max_length(Some(255)),
        "operation" => text_schema().min_length(Some(1)).max_length(Some(420)),
        _ => text_schema(),
    };
    let description = match name {
        "token" => "The application's token.",
        "chat" => "The chat's number.",
        "number" => "The message's number.",
        "operation" => "The name of the operation: the last part of the `Location` of the 202 response.",
        "query" => "The query; may contain any character, slashes included.",
        "reader" => {
            "The reader's name, chosen by the application like `sender`: 1 to 255 bytes of UTF-8, percent-encoded."
        }
        _ => "An error code.",
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
}

pub(super) fn query_parameter(parameter: &Parameter) -> ParameterBuilder {
    let integer = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
    let schema: Schema = match parameter.kind {
        Kind::Position => integer().minimum(Some(0)).into(),
        Kind::Count { max } => integer().minimum(Some(1)).maximum(Some(max)).into(),
        Kind::Positive => integer().minimum(Some(1)).into(),
        Kind::AnyText => text_schema().into(),
        Kind::UpTo { max } => integer().minimum(Some(0)).maximum(Some(max)).into(),
        Kind::OneOf(words) => text_schema().enum_values(Some(words.iter().copied())).into(),
        Kind::Text | Kind::RequiredText => text_schema().min_length(Some(1)).into(),
        Kind::Numbers { times_max } => array(integer().minimum(Some(1)), times_max),
        // Written out in the description: a type that this server does not know is not an error.
        Kind::Types { times_max } => array(text_schema().pattern(Some("^[a-z_]+\\.[a-z_]+$")), times_max),
    };
    let required = if parameter.kind.is_required() {
        Required::True
    } else {
        Required::False
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Query)
        .required(required)
        .description(Some(parameter.description))
        .schema(Some(schema))
}

/// A parameter that may be named several times, once for each item: the default style of a query.
fn array(items: ObjectBuilder, items_max: usize) -> Schema {
    let array = ArrayBuilder::new().items(items).max_items(Some(items_max));
    array.build().into()
}

pub(super) fn header_parameter(header: RequestHeader) -> ParameterBuilder {
    let (name, description) = match header {
        RequestHeader::IdempotencyKey => (
            "Idempotency-Key",
            "Makes the request safe to retry: 1 to 255 visible ASCII characters, unique for each request, kept for \
             ever. The same key and request get the original response again; the same key with another request gets 422.",
        ),
        RequestHeader::Prefer => (
            "Prefer",
            "`respond-async`, together with an `Idempotency-Key`: a cluster answers 202 as soon as its queue has \
             confirmed the request, also while MySQL is away; poll the operation in `Location` for the outcome. \
             Ignored by a single-machine server, without a key, and for requests of more than 1 MiB.",
        ),
        RequestHeader::IfMatch => (
            "If-Match",
            "One or more `ETag`s: the update is carried out only if the thing still has one of these versions, else \
             412. Of an application's or chat's `ETag` only the version is compared.",
        ),
        RequestHeader::IfNoneMatch => (
            "If-None-Match",
            "One or more `ETag`s: 304 without a body if the thing still has one of them.",
        ),
        RequestHeader::LastEventId => (
            "Last-Event-ID",
            "The `id` of the last received event: the stream continues after it, whatever `after` says. \
             `EventSource` in browsers sends it by itself when it reconnects.",
        ),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(text_schema()))
}
