//! The OpenAPI 3.1 document, made of the routes and of the schemas of `tiro-api`.

mod answers;
pub(crate) mod classic;
mod parameters;
mod problems;

use std::collections::BTreeMap;

use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    HttpMethod, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, Paths, RefOr, Schema,
};
use utoipa::{PartialSchema, ToSchema};

use crate::route::{Caller, Route, Verb};
use answers::{failure, request_body, success};
use parameters::{header_parameter, path_parameter, query_parameter};
use problems::problems;

const SECURITY: &str = "key";
const DESCRIPTION: &str = "\
Tiro stores chats for your applications. An application has a token and owns chats numbered 1, 2, 3 …; a chat owns \
messages numbered 1, 2, 3 …. A write is answered once it is durable (it survives `kill -9` and power loss), and every \
later read, list, search and feed includes it.\n\n\
Access: the token in the path gives access to everything inside that application. If the server was started with an \
operator key, the routes marked so need `Authorization: Bearer KEY`.\n\n\
Retries: send an `Idempotency-Key` with every write. A request that is repeated with its key is carried out once, \
however late the repeat comes.\n\n\
Pages: a list answers `data`, `has_more` and `next`. Send `next` as `after` to get the following page; after `last`, or \
`before` alone, send it as `before`.\n\n\
Change feed: every create, update and delete is an entry of the application's change feed. A cursor is a place in the \
feed. `as_of` of a list and the header `Tiro-Cursor` are cursors: read the feed `after` one to get what happened \
since.\n\n\
Deletes: a deleted chat or message keeps its number and stays in lists as a tombstone, with `deleted_at` set and its \
content `null`.\n\n\
Errors: every error is a problem (`application/problem+json`, RFC 9457) with a stable `code`. 429 and 503 say in \
`Retry-After` when to retry.";

/// The document.
pub(crate) fn document(routes: &[Route]) -> OpenApi {
    let mut paths = Paths::new();
    for route in routes {
        let item = PathItem::new(http_method(route.verb), operation(route));
        match paths.paths.get_mut(route.path) {
            Some(known) => known.merge_operations(item),
            None => {
                paths.paths.insert(route.path.to_owned(), item);
            }
        }
    }
    assembled(Contents {
        title: "Tiro",
        description: DESCRIPTION,
        paths,
        schemas: schemas(),
    })
}

/// What distinguishes one document from another.
struct Contents {
    title: &'static str,
    description: &'static str,
    paths: Paths,
    schemas: BTreeMap<String, RefOr<Schema>>,
}

fn assembled(contents: Contents) -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The operator key, on a server that was started with one."))
        .build();
    let mut components = ComponentsBuilder::new().security_scheme(SECURITY, SecurityScheme::Http(bearer));
    for (name, schema) in contents.schemas {
        components = components.schema(name, schema);
    }
    let license = LicenseBuilder::new()
        .name(env!("CARGO_PKG_LICENSE"))
        .identifier(Some(env!("CARGO_PKG_LICENSE")));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title(contents.title)
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(contents.description))
                .license(Some(license.build())),
        )
        .paths(contents.paths)
        .components(Some(components.build()))
        .tags(Some(tags()))
        .build()
}

fn tags() -> impl IntoIterator<Item = utoipa::openapi::Tag> {
    [
        (
            "applications",
            "An application owns chats. Its token gives access to everything inside it.",
        ),
        ("chats", "A chat has a number, 1, 2, 3 …, in its application."),
        ("messages", "A message has a number, 1, 2, 3 …, in its chat."),
        (
            "operations",
            "Asynchronous creates: the outcome of a create that was answered 202 (`Prefer: respond-async`).",
        ),
        ("readers", "Read markers and unread counts of the people (or devices) who read."),
        (
            "changes",
            "The change feed: every create, update and delete of an application, in order, in pages or as a live stream.",
        ),
        (
            "search",
            "Full-text search: messages that contain every term of a query, also inside words, ignoring case, accents and character width.",
        ),
        ("import and export", "Moving whole applications, or messages from elsewhere."),
        ("health and metrics", "Liveness, readiness, status and metrics."),
        ("documentation", "This reference and the OpenAPI documents."),
    ]
    .map(|(name, description)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    })
}

/// One schema for each thing, by its name.
fn schemas() -> BTreeMap<String, RefOr<Schema>> {
    let mut all = Vec::new();
    add::<tiro_api::Application<'static>>(&mut all);
    add::<tiro_api::ApplicationPage<'static>>(&mut all);
    add::<tiro_api::Chat<'static>>(&mut all);
    add::<tiro_api::ChatPage<'static>>(&mut all);
    add::<tiro_api::Message<'static>>(&mut all);
    add::<tiro_api::MessagePage<'static>>(&mut all);
    add::<tiro_api::ReadState<'static>>(&mut all);
    add::<tiro_api::ReadStatePage<'static>>(&mut all);
    add::<tiro_api::Entry<'static>>(&mut all);
    add::<tiro_api::ChangePage<'static>>(&mut all);
    add::<tiro_api::Hit<'static>>(&mut all);
    add::<tiro_api::SearchPage<'static>>(&mut all);
    add::<tiro_api::BatchCreated>(&mut all);
    add::<tiro_api::Operation<'static>>(&mut all);
    add::<tiro_api::CreateApplication<'static>>(&mut all);
    add::<tiro_api::UpdateApplication<'static>>(&mut all);
    add::<tiro_api::CreateChat<'static>>(&mut all);
    add::<tiro_api::UpdateChat<'static>>(&mut all);
    add::<tiro_api::CreateMessage<'static>>(&mut all);
    add::<tiro_api::UpdateMessage<'static>>(&mut all);
    add::<tiro_api::SetRead>(&mut all);
    add::<tiro_api::CreateBatch<'static>>(&mut all);
    add::<tiro_api::ImportReport>(&mut all);
    add::<tiro_api::Status>(&mut all);
    add::<tiro_api::Ready>(&mut all);
    add::<tiro_api::About>(&mut all);
    add::<tiro_api::Problem>(&mut all);
    add::<tiro_api::PlainLine<'static>>(&mut all);
    add::<tiro_api::LinesHeader<'static>>(&mut all);
    all.into_iter().collect()
}

fn add<T: ToSchema + PartialSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    all.push((T::name().into_owned(), T::schema()));
    T::schemas(all);
}

fn operation(route: &Route) -> utoipa::openapi::path::Operation {
    let operation = route.operation;
    let mut builder = OperationBuilder::new()
        .operation_id(Some(operation.id))
        .summary(Some(operation.summary))
        .tag(operation.tag)
        .request_body(operation.body.map(request_body));
    for name in path_names(route.path) {
        builder = builder.parameter(path_parameter(name));
    }
    for parameter in operation.parameters {
        builder = builder.parameter(query_parameter(parameter));
    }
    for header in operation.headers {
        builder = builder.parameter(header_parameter(*header));
    }
    match operation.caller {
        Caller::Public => {}
        Caller::Operator => builder = builder.security(SecurityRequirement::new(SECURITY, [""; 0])),
        // The token in the path is the capability; a key may be sent, and must then be a known one.
        Caller::Application => {
            builder = builder.security(SecurityRequirement::default());
            builder = builder.security(SecurityRequirement::new(SECURITY, [""; 0]));
        }
    }
    for answer in operation.answers {
        builder = builder.response(answer.status.to_string(), success(answer));
    }
    for (status, codes) in problems(route) {
        builder = builder.response(status.to_string(), failure(status, &codes, operation.dialect));
    }
    builder.build()
}

/// The names in braces of a path template.
fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| name.trim_start_matches('*'))
}

fn text_schema() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

fn http_method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Put => HttpMethod::Put,
        Verb::Patch => HttpMethod::Patch,
        Verb::Delete => HttpMethod::Delete,
    }
}
