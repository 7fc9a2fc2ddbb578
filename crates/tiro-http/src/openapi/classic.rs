//! The OpenAPI document of the classic routes: each row once, prefix and noun as variables of its server.

use std::collections::BTreeMap;

use utoipa::openapi::server::{Server, ServerBuilder, ServerVariableBuilder};
use utoipa::openapi::{OpenApi, PathItem, Paths, RefOr, Schema};

use super::{Contents, add, assembled, http_method, operation};
use crate::route::Route;

const DESCRIPTION: &str = "What clients of the well-known chat services send, answered by the same server with the same \
promises: `Idempotency-Key` is honoured, a create answers its number, search matches parts of words. Each path is there \
with and without a slash at its end. Bodies are plain or wrapped in the name of their thing, JSON or forms. New clients \
use `/v1`, described in `/openapi.json`.";

/// The part of a label that stands for a prefix and a noun.
const AT_NOUN: &str = "{prefix}/{noun}";
/// The part of a label that stands for a prefix.
const AT_PREFIX: &str = "{prefix}";

/// The document.
pub(crate) fn document(routes: &[Route]) -> OpenApi {
    let mut paths = Paths::new();
    for route in routes {
        let (servers, path) = place(route.label);
        let path = path.replace("{*", "{");
        let mut item = PathItem::new(http_method(route.verb), operation(route));
        item.servers = servers;
        match paths.paths.get_mut(&path) {
            Some(known) => known.merge_operations(item),
            None => {
                paths.paths.insert(path, item);
            }
        }
    }
    assembled(Contents {
        title: "Tiro: the classic routes",
        description: DESCRIPTION,
        paths,
        schemas: schemas(),
    })
}

/// The server of a label, and the path that is left; that of the applications themselves is `/`.
fn place(label: &str) -> (Option<Vec<Server>>, &str) {
    let (url, rest) = match (label.strip_prefix(AT_NOUN), label.strip_prefix(AT_PREFIX)) {
        (Some(""), _) => (AT_NOUN, "/"),
        (Some(rest), _) => (AT_NOUN, rest),
        (None, Some(rest)) => (AT_PREFIX, rest),
        (None, None) => return (None, label),
    };
    (Some(vec![server(url)]), rest)
}

fn server(url: &str) -> Server {
    let prefix = ServerVariableBuilder::new()
        .default_value("/api/v1")
        .enum_values(Some(["/api/v1", "/api", ""]))
        .description(Some(
            "Lists at `/api` are paged unless something else is asked for.",
        ));
    let mut server = ServerBuilder::new().url(url).parameter("prefix", prefix);
    if url == AT_NOUN {
        let noun = ServerVariableBuilder::new()
            .default_value("applications")
            .enum_values(Some(["applications", "apps"]));
        server = server.parameter("noun", noun);
    }
    server.build()
}

fn schemas() -> BTreeMap<String, RefOr<Schema>> {
    let mut all = Vec::new();
    add::<tiro_api::ClassicApplication<'static>>(&mut all);
    add::<tiro_api::ClassicApplications<'static>>(&mut all);
    add::<tiro_api::ClassicChat<'static>>(&mut all);
    add::<tiro_api::ClassicChats<'static>>(&mut all);
    add::<tiro_api::ClassicMessage<'static>>(&mut all);
    add::<tiro_api::ClassicMessages<'static>>(&mut all);
    add::<tiro_api::ClassicHit<'static>>(&mut all);
    add::<tiro_api::ClassicHits<'static>>(&mut all);
    add::<tiro_api::ClassicApplicationBody>(&mut all);
    add::<tiro_api::ClassicChatBody>(&mut all);
    add::<tiro_api::ClassicMessageBody>(&mut all);
    add::<tiro_api::ClassicError>(&mut all);
    all.into_iter().collect()
}
