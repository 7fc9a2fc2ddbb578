//! Bodies of requests and answers, with their headers.

use std::collections::BTreeSet;

use tiro_api::Code;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{Ref, RefOr, Required, Schema};

use super::text_schema;
use crate::dialect::Dialect;
use crate::route::{Answer, AnswerHeader, Presence, RequestBody};

pub(super) fn request_body(body: RequestBody) -> utoipa::openapi::request_body::RequestBody {
    let required = if body.presence == Presence::Required {
        Required::True
    } else {
        Required::False
    };
    let mut builder = RequestBodyBuilder::new().required(Some(required));
    for (media_type, schema) in body.content {
        builder = builder.content(media_type.name(), content(media_type.name(), schema));
    }
    builder.build()
}

fn content(media_type: &str, schema: &str) -> utoipa::openapi::Content {
    let described: RefOr<Schema> = if schema.is_empty() {
        text_schema().into()
    } else if media_type.ends_with("ndjson") {
        text_schema()
            .description(Some(format!("One `{schema}` per line.")))
            .into()
    } else {
        Ref::from_schema_name(schema).into()
    };
    ContentBuilder::new().schema(Some(described)).build()
}

pub(super) fn success(answer: &Answer) -> utoipa::openapi::Response {
    let mut builder = ResponseBuilder::new().description(answer.description);
    if let Some((media_type, schema)) = answer.content {
        // The document does not describe itself; any JSON will do.
        let content = match (media_type, schema) {
            ("application/json", "") => ContentBuilder::new().build(),
            _ => content(media_type, schema),
        };
        builder = builder.content(media_type, content);
    }
    for header in answer.headers {
        let (name, description, pattern) = answer_header(*header);
        let schema = text_schema().pattern(Some(pattern));
        builder = builder.header(
            name,
            HeaderBuilder::new()
                .schema(Some(schema))
                .description(Some(description))
                .build(),
        );
    }
    if answer.status == 303 {
        let schema = text_schema().build();
        builder = builder.header("Location", HeaderBuilder::new().schema(Some(schema)).build());
    }
    builder.header("X-Request-Id", request_id_header()).build()
}

fn answer_header(header: AnswerHeader) -> (&'static str, &'static str, &'static str) {
    match header {
        AnswerHeader::ETag => (
            "ETag",
            "The version; of an application or chat also its last change.",
            "^\"[1-9][0-9]*(-[1-9][0-9]*)?\"$",
        ),
        AnswerHeader::TiroCursor => (
            "Tiro-Cursor",
            "A cursor of the application's change feed: of a write the entry that it made, of a read the state that it shows.",
            "^[a-z2-7]{1,16}\\.[0-9]+$",
        ),
        AnswerHeader::TiroCursorOfChange => (
            "Tiro-Cursor",
            "The cursor of the entry that the request made; absent if the thing was deleted before.",
            "^[a-z2-7]{1,16}\\.[0-9]+$",
        ),
        AnswerHeader::TiroCursorOfApplied => (
            "Tiro-Cursor",
            "The cursor of the entry that the create made, once it is applied.",
            "^[a-z2-7]{1,16}\\.[0-9]+$",
        ),
        AnswerHeader::LocationOfOperation => (
            "Location",
            "The operation to poll.",
            "^/v1/applications/[^/]+/operations/op_",
        ),
        AnswerHeader::PreferenceApplied => (
            "Preference-Applied",
            "The preference that the server followed.",
            "^respond-async$",
        ),
        AnswerHeader::Location => ("Location", "The path of the created thing.", "^/v1/"),
        AnswerHeader::IdempotentReplayed => (
            "Idempotent-Replayed",
            "Present if an earlier request with the same key was carried out.",
            "^true$",
        ),
    }
}

fn request_id_header() -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .schema(Some(text_schema().min_length(Some(1)).max_length(Some(128))))
        .description(Some(
            "The id of the request in the server's log: the one the client sent, or a generated one.",
        ))
        .build()
}

pub(super) fn failure(status: u16, codes: &BTreeSet<Code>, dialect: Dialect) -> utoipa::openapi::Response {
    let names: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let (media_type, schema) = match dialect {
        Dialect::V1 => ("application/problem+json", "Problem"),
        Dialect::Classic => ("application/json", "ClassicError"),
    };
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .build();
    let mut builder = ResponseBuilder::new()
        .description(names.join(", "))
        .content(media_type, problem)
        .header("X-Request-Id", request_id_header());
    let header = |description: &str| {
        HeaderBuilder::new()
            .schema(Some(text_schema()))
            .description(Some(description))
            .build()
    };
    if status == 401 {
        builder = builder.header("WWW-Authenticate", header("`Bearer`."));
    }
    if status == 429 || status == 503 {
        builder = builder.header("Retry-After", header("When to retry, in seconds."));
    }
    builder.build()
}
