//! The documents that the server hands out, made once.

mod html;
mod reference;

use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;
use tiro_api::Code;

use crate::problem;
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
    /// What is handed out of two OpenAPI documents; the first one is also there for people to read.
    pub(crate) fn of(openapi: &Value, openapi_classic: &Value) -> Documents {
        Documents {
            reference: page("Tiro API reference", &reference::body(openapi)),
            openapi: openapi.to_string().into(),
            openapi_classic: openapi_classic.to_string().into(),
        }
    }
}

/// The page of a code.
pub(crate) fn error_page(code: Code) -> HtmlPage {
    let status = match problem::status(code) {
        Some(status) => format!("<p>Status {}.</p>", status.as_u16()),
        None => "<p>A code of one value, in <code>errors</code> of a problem.</p>".to_owned(),
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
