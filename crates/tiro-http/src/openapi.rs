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
const DESCRIPTION: &str = "Tiro stores chats for other people's applications. An application has a token and owns chats \
numbered 1, 2, 3 …; a chat owns messages numbered 1, 2, 3 …. A write is answered once it would survive power loss. \
Send an `Idempotency-Key` with every write and repeat it as often as you need: it is carried out once. Every error is a \
problem (RFC 9457) with a code that never changes.";

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
        .description(Some(
            "The operator's key; only on a server that was started with one.",
        ))
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
            "Owners of chats; the token is the capability for all inside.",
        ),
        ("chats", "Numbered 1, 2, 3 … in their application."),
        ("messages", "Numbered 1, 2, 3 … in their chat."),
        (
            "operations",
            "Creates that were answered before they were carried out (`Prefer: respond-async`).",
        ),
        ("readers", "How far somebody has read, and what is unread."),
        (
            "changes",
            "Every create, update and delete of an application, in order: in pages from any age, or live.",
        ),
        (
            "search",
            "Messages that contain every term of a query, whatever its case, accents and width.",
        ),
        ("transfer", "Import and export."),
        ("service", "Health, status, metrics."),
        ("documents", "This document and the pages made of it."),
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
