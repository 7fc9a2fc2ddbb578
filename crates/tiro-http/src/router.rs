//! Every route of the server, grouped by who may call it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::MethodRouter;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::Value;
use tiro_api::Code;

use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::classic;
use crate::dialect::Dialect;
use crate::documents::{Documents, OPENAPI, OPENAPI_CLASSIC};
use crate::endpoint::{Endpoint, RoutePlace};
use crate::openapi;
use crate::problem::Problem;
use crate::route::{Operation, Route, Verb, delete, get, patch, post, put};
use crate::routes::{
    applications, batch, changes, chats, documents, messages, operations, readers, search, service,
};

/// The label of requests that no route answers.
const NO_ROUTE: &str = "none";

/// The router over an application: everything that [`crate::Server`] serves, without sockets.
///
/// # Panics
/// If two routes have one path and method.
pub fn router(app: &App) -> Router {
    let (mut routes, classic) = (routes(), classic::routes());
    app.documents.get_or_init(|| {
        let [openapi, openapi_classic] = described(&routes, &classic);
        Documents::of(&openapi, &openapi_classic)
    });
    routes.extend(classic);
    let mut paths: BTreeMap<&'static str, Vec<Route>> = BTreeMap::new();
    for route in routes {
        paths.entry(route.path).or_default().push(route);
    }
    let mut router = Router::new();
    for (path, routes) in paths {
        let allow = allow(&routes);
        let refused = Refused {
            template: path,
            label: routes[0].label,
            operation: match routes[0].operation.dialect {
                Dialect::V1 => &FALLBACK,
                Dialect::Classic => &CLASSIC_FALLBACK,
            },
        };
        let methods = routes
            .into_iter()
            .fold(MethodRouter::new(), |methods, route| route.mount(app, methods));
        router = router.route(path, refusing_other_methods(app, refused, &allow, methods));
    }
    let nowhere = RoutePlace {
        method: "any",
        template: NO_ROUTE,
        label: NO_ROUTE,
    };
    let not_found = Box::new(async |_: Call| Err(Problem::plain(Code::NotFound)));
    let nothing = Arc::new(Endpoint::new(app, nowhere, &FALLBACK, not_found));
    router.fallback(move |request| {
        let nothing = nothing.clone();
        async move { nothing.serve(request).await }
    })
}

/// The OpenAPI documents that every server hands out, each with its path.
///
/// # Panics
/// If one cannot be written as JSON.
#[must_use]
pub fn openapi_documents() -> [(&'static str, Value); 2] {
    let [openapi, openapi_classic] = described(&routes(), &classic::routes());
    [(OPENAPI, openapi), (OPENAPI_CLASSIC, openapi_classic)]
}

fn described(routes: &[Route], classic: &[Route]) -> [Value; 2] {
    [openapi::document(routes), openapi::classic::document(classic)]
        .map(|document| serde_json::to_value(document).expect("the document holds texts and numbers only"))
}

/// Every route but the classic ones.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(public());
    routes.extend(application());
    routes.extend(operator());
    routes
}

fn public() -> impl IntoIterator<Item = Route> {
    [
        get("/", &service::ABOUT, service::about),
        get("/healthz", &service::HEALTH, service::health),
        get("/readyz", &service::READY, service::ready),
        get(OPENAPI, &documents::OPENAPI, documents::openapi),
        get(
            OPENAPI_CLASSIC,
            &documents::OPENAPI_CLASSIC,
            documents::openapi_classic,
        ),
        get("/docs", &documents::REFERENCE, documents::reference),
        get("/docs/errors/{code}", &documents::ERROR, documents::error),
    ]
}

fn application() -> impl IntoIterator<Item = Route> {
    const APPLICATION: &str = "/v1/applications/{token}";
    const CHATS: &str = "/v1/applications/{token}/chats";
    const CHAT: &str = "/v1/applications/{token}/chats/{chat}";
    const MESSAGES: &str = "/v1/applications/{token}/chats/{chat}/messages";
    const BATCH: &str = "/v1/applications/{token}/chats/{chat}/messages/batch";
    const CHAT_SEARCH: &str = "/v1/applications/{token}/chats/{chat}/messages/search";
    const SEARCH: &str = "/v1/applications/{token}/search";
    const MESSAGE: &str = "/v1/applications/{token}/chats/{chat}/messages/{number}";
    const READER: &str = "/v1/applications/{token}/chats/{chat}/readers/{reader}";
    const UNREAD: &str = "/v1/applications/{token}/readers/{reader}";
    const CHANGES: &str = "/v1/applications/{token}/changes";
    const OPERATION: &str = "/v1/applications/{token}/operations/{operation}";
    const STREAM: &str = "/v1/applications/{token}/changes/stream";
    [
        get(APPLICATION, &applications::GET, applications::get),
        patch(APPLICATION, &applications::UPDATE, applications::update),
        post(CHATS, &chats::CREATE, chats::create),
        get(CHATS, &chats::LIST, chats::list),
        get(CHAT, &chats::GET, chats::get),
        patch(CHAT, &chats::UPDATE, chats::update),
        delete(CHAT, &chats::DELETE, chats::delete),
        post(MESSAGES, &messages::CREATE, messages::create),
        get(MESSAGES, &messages::LIST, messages::list),
        post(BATCH, &batch::CREATE, batch::create),
        get(CHAT_SEARCH, &search::CHAT, search::chat),
        get(SEARCH, &search::APPLICATION, search::application),
        get(MESSAGE, &messages::GET, messages::get),
        patch(MESSAGE, &messages::UPDATE, messages::update),
        delete(MESSAGE, &messages::DELETE, messages::delete),
        put(READER, &readers::SET, readers::set),
        get(READER, &readers::GET, readers::get),
        get(UNREAD, &readers::LIST, readers::list),
        get(CHANGES, &changes::LIST, changes::list),
        get(STREAM, &changes::STREAM, changes::stream),
        get(OPERATION, &operations::GET, operations::get),
    ]
}

fn operator() -> impl IntoIterator<Item = Route> {
    let mut routes = vec![
        post("/v1/applications", &applications::CREATE, applications::create),
        get("/v1/applications", &applications::LIST, applications::list),
        delete(
            "/v1/applications/{token}",
            &applications::DELETE,
            applications::delete,
        ),
        get("/v1/search", &search::EVERYTHING, search::everything),
        get("/v1/status", &service::STATUS, service::status),
        get("/metrics", &service::METRICS, service::metrics),
    ];
    routes.extend(crate::transfer::routes());
    routes
}

/// For requests that reach a path or method that is not there.
static FALLBACK: Operation = Operation::new("none", "none", "Nothing");
/// For methods that a classic path does not answer.
static CLASSIC_FALLBACK: Operation = Operation::new("none", "none", "Nothing").classic();

/// A path whose other methods are refused.
struct Refused {
    template: &'static str,
    label: &'static str,
    operation: &'static Operation,
}

/// The header `Allow` of a path.
fn allow(routes: &[Route]) -> String {
    let mut names: Vec<&str> = routes.iter().map(|route| route.verb.name()).collect();
    if routes.iter().any(|route| route.verb == Verb::Get) {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.join(", ")
}

fn refusing_other_methods(app: &App, refused: Refused, allow: &str, methods: MethodRouter) -> MethodRouter {
    let allow = HeaderValue::from_str(allow).expect("names of methods are visible ASCII");
    let place = RoutePlace {
        method: "other",
        template: refused.template,
        label: refused.label,
    };
    let refusal = Box::new(move |call: Call| {
        let answer = other_method(&call, allow.clone());
        async move { answer }
    });
    let refuse = Arc::new(Endpoint::new(app, place, refused.operation, refusal));
    methods.fallback(move |request| {
        let refuse = refuse.clone();
        async move { refuse.serve(request).await }
    })
}

/// `OPTIONS` tells what the path answers; CORS headers are added by the endpoint.
fn other_method(call: &Call, allow: HeaderValue) -> Result<Response<Body>, Problem> {
    if call.head.method != Method::OPTIONS {
        return Err(Problem::plain(Code::MethodNotAllowed).with_header(header::ALLOW, allow));
    }
    let mut response = answer::empty(StatusCode::NO_CONTENT);
    response.headers_mut().insert(header::ALLOW, allow);
    Ok(response)
}
