//! Tiro over HTTP: routes, access, limits, problems, the OpenAPI document and the server that carries them.
//!
//! A request runs through one [`endpoint`]: guard, access, query, handler, wrap. Handlers authenticate nothing and
//! know no rule of the domain; they read a request into a command, call the engine and write the answer.

mod access;
mod answer;
mod app;
mod body;
mod call;
mod classic;
mod conditions;
mod config;
mod cors;
mod dialect;
mod documents;
mod encoding;
mod endpoint;
mod fields;
mod guard;
mod json;
mod live;
mod metrics;
mod openapi;
mod paging;
mod path;
mod prefer;
mod problem;
mod query;
mod rate_limits;
mod request_id;
mod route;
mod router;
mod routes;
mod server;
mod transfer;
mod violations;
mod wire;

pub use app::App;
pub use config::{BadCorsOrigin, BadOperatorKey, Config, CorsOrigin, Exposure, OperatorKey, Transport};
pub use router::{openapi_documents, router};
pub use server::{BindError, Server, Stopped};
