//! The documents that the server hands out, made once from its routes.

mod html;
mod reference;

use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;
use tiro_api::Code;
use utoipa::openapi::OpenApi;

use crate::classic;
use crate::openapi;
use crate::problem;
use crate::route::Route;
use crate::router;
use html::{escaped, page};

pub(crate) use html::HtmlPage;

/// Where the document of `/v1` is.
pub(crate) const OPENAPI: &str = "/openapi.json";
/// Where that of the classic routes is.
pub(crate) const OPENAPI_CLASSIC: &str = "/openapi-classic.json";

/// All but the pages of codes, which are made when they are asked for.
pub(crate) struct Documents {
    pub(crate) openapi: Bytes,
    pub(crate) openapi_classic: Bytes,
    pub(crate) reference: HtmlPage,
}

impl Documents {
    /// The documents of these routes.
    ///
    /// # Panics
    /// If an OpenAPI document cannot be written as JSON.
    pub(crate) fn of(routes: &[Route], classic: &[Route]) -> Documents {
        let openapi = written(openapi::document(routes));
        Documents {
            reference: page("Tiro: the API", &reference::body(&openapi)),
            openapi: openapi.to_string().into(),
            openapi_classic: written(openapi::classic::document(classic)).to_string().into(),
        }
    }
}

/// The OpenAPI documents that every server hands out, each with its path.
///
/// # Panics
/// If one cannot be written as JSON.
#[must_use]
pub fn openapi_documents() -> [(&'static str, Value); 2] {
    [
        (OPENAPI, written(openapi::document(&router::routes()))),
        (
            OPENAPI_CLASSIC,
            written(openapi::classic::document(&classic::routes())),
        ),
    ]
}

fn written(document: OpenApi) -> Value {
    serde_json::to_value(document).expect("the document holds texts and numbers only")
}

/// The page of a code.
pub(crate) fn error_page(code: Code) -> HtmlPage {
    let status = match problem::status(code) {
        Some(status) => format!("<p>A problem with status {}.</p>", status.as_u16()),
        None => {
            "<p>Stands in <code>errors</code> of a problem, beside the place of the value.</p>".to_owned()
        }
    };
    let explanation = html::prose(code.explanation());
    let body = format!(
        "<p><a href=\"/docs\">Tiro</a></p><h1>{}</h1><p><code>{code}</code></p>{status}<p>{explanation}</p>",
        escaped(code.title()),
    );
    page(code.title(), &body)
}

/// The policy that lets a page use its own style and load nothing.
fn policy(style: &str) -> HeaderValue {
    use base64::Engine as _;
    use sha2::{Digest, Sha256};
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 is visible ASCII")
}
