//! The classic routes: what clients of the well-known chat services send, answered by the same commands and reads.
//!
//! One table of rows. Each is served at every prefix and noun, with and without a slash at its end, and labelled
//! with what the spellings share. Reading a request ([`fields`], [`address`]) and writing an answer ([`things`]) is
//! all that differs from `/v1`; no rule of the domain is here.

mod address;
mod applications;
mod chats;
mod fields;
mod form;
mod lists;
mod live;
mod messages;
mod search;
mod things;
mod walk;

use crate::route::{Operation, Route, delete, get, patch, post, put};
use crate::routes::{self, service};

/// One row of the table at one prefix: without and with a slash at its end.
macro_rules! row {
    ($routes:ident, $verb:ident, $base:literal, $label:literal, $row:literal, $operation:path, $handler:path) => {
        $routes.extend([
            $verb(concat!($base, $row), &$operation, $handler).labelled(concat!($label, $row)),
            $verb(concat!($base, $row, "/"), &$operation, $handler).labelled(concat!($label, $row)),
        ]);
    };
}

/// Rows of which the text at the end takes every slash.
macro_rules! row_to_the_end {
    ($routes:ident, $base:literal, $row:literal, $operation:path, $handler:path) => {
        $routes.push(get(concat!($base, $row), &$operation, $handler).labelled(concat!("{prefix}", $row)));
    };
}

/// What is below one spelling of the applications.
macro_rules! at_noun {
    ($routes:ident, $base:literal) => {
        at_noun!($routes, $base, {
            get "" applications::LIST => applications::list;
            post "" applications::CREATE => applications::create;
            post "/{token}" applications::CREATE_NAMED => applications::create_named;
            get "/{token}" applications::GET => applications::get;
            put "/{token}" applications::REPLACE => applications::update;
            patch "/{token}" applications::UPDATE => applications::update;
            delete "/{token}" applications::DELETE => routes::applications::delete;
            get "/{token}/chats" chats::LIST => chats::list;
            post "/{token}/chats" chats::CREATE => chats::create;
            get "/{token}/chats/{chat}" chats::GET => chats::get;
            put "/{token}/chats/{chat}" chats::REPLACE => chats::update;
            patch "/{token}/chats/{chat}" chats::UPDATE => chats::update;
            delete "/{token}/chats/{chat}" chats::DELETE => routes::chats::delete;
            get "/{token}/chats/{chat}/search" search::CHAT => search::chat;
            get "/{token}/chats/{chat}/messages" messages::LIST => messages::list;
            post "/{token}/chats/{chat}/messages" messages::CREATE => messages::create;
            get "/{token}/chats/{chat}/messages/search" search::MESSAGES => search::chat;
            get "/{token}/chats/{chat}/messages/{number}" messages::GET => messages::get;
            put "/{token}/chats/{chat}/messages/{number}" messages::REPLACE => messages::update;
            patch "/{token}/chats/{chat}/messages/{number}" messages::UPDATE => messages::update;
            delete "/{token}/chats/{chat}/messages/{number}" messages::DELETE => routes::messages::delete;
        });
    };
    ($routes:ident, $base:literal, { $($verb:ident $row:literal $operation:path => $handler:path;)* }) => {
        $(row!($routes, $verb, $base, "{prefix}/{noun}", $row, $operation, $handler);)*
    };
}

/// What is below one prefix beside the applications.
macro_rules! at_prefix {
    ($routes:ident, $base:literal) => {
        at_prefix!($routes, $base, {
            post "/chats" chats::CREATE_ADDRESSED => chats::create_addressed;
            get "/chats/{chat}" chats::GET_ADDRESSED => chats::get_addressed;
            put "/chats/{chat}" chats::REPLACE_ADDRESSED => chats::update_addressed;
            patch "/chats/{chat}" chats::UPDATE_ADDRESSED => chats::update_addressed;
            get "/chats/{token}/{chat}" chats::GET_BESIDE => chats::get;
            get "/chats/{token}/{chat}/messages" messages::LIST_BESIDE => messages::list;
            post "/messages" messages::CREATE_ADDRESSED => messages::create_addressed;
            put "/messages/{number}" messages::REPLACE_ADDRESSED => messages::update_addressed;
            patch "/messages/{number}" messages::UPDATE_ADDRESSED => messages::update_addressed;
            get "/messages/{token}/{chat}/{number}" messages::GET_BESIDE => messages::get;
        });
        row_to_the_end!($routes, $base, "/search/{*query}", search::EVERYTHING, search::everything);
        row_to_the_end!(
            $routes,
            $base,
            "/chats/{token}/{chat}/search/{*query}",
            search::CHAT_PATH,
            search::chat_path
        );
        row_to_the_end!(
            $routes,
            $base,
            "/messages/{token}/{chat}/search/{*query}",
            search::MESSAGES_PATH,
            search::chat_path
        );
    };
    ($routes:ident, $base:literal, { $($verb:ident $row:literal $operation:path => $handler:path;)* }) => {
        $(row!($routes, $verb, $base, "{prefix}", $row, $operation, $handler);)*
    };
}

/// Every classic route.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    at_noun!(routes, "/api/v1/applications");
    at_noun!(routes, "/api/v1/apps");
    at_noun!(routes, "/api/applications");
    at_noun!(routes, "/api/apps");
    at_noun!(routes, "/applications");
    at_noun!(routes, "/apps");
    at_prefix!(routes, "/api/v1");
    at_prefix!(routes, "/api");
    at_prefix!(routes, "");
    row!(routes, get, "", "", "/up", UP, service::health);
    row!(routes, get, "", "", "/health", HEALTH, service::health);
    row!(routes, get, "", "", "/api/v1/health", HEALTH_V1, service::health);
    routes
}

const UP: Operation = service::HEALTH.named("classic_up").classic();
const HEALTH: Operation = service::HEALTH.named("classic_health").classic();
const HEALTH_V1: Operation = service::HEALTH.named("classic_health_v1").classic();
