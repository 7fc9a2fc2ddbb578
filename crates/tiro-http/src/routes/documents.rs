//! `/openapi.json`, `/docs` and `/docs/errors/<code>`: made once, when the router is.

use axum::body::Body;
use http::{HeaderValue, Response, header};
use tiro_api::Code;

use crate::answer;
use crate::call::Call;
use crate::documents::{Documents, HtmlPage};
use crate::problem::Problem;
use crate::route::{Answer, Operation};

const TAG: &str = "documentation";
const HTML: &str = "text/html; charset=utf-8";

pub(crate) const OPENAPI: Operation = Operation::new("openapi", TAG, "OpenAPI document")
    .answers(&[Answer::text(200, "application/json", "An OpenAPI 3.1 document.")])
    .compressed();

pub(crate) async fn openapi(call: Call) -> Result<Response<Body>, Problem> {
    Ok(answer::text(
        "application/json",
        documents(&call)?.openapi.clone(),
    ))
}

pub(crate) const OPENAPI_CLASSIC: Operation =
    Operation::new("openapi_classic", TAG, "OpenAPI document of the classic routes")
        .answers(&[Answer::json(200, "", "An OpenAPI 3.1 document.")])
        .compressed();

pub(crate) async fn openapi_classic(call: Call) -> Result<Response<Body>, Problem> {
    Ok(answer::text(
        "application/json",
        documents(&call)?.openapi_classic.clone(),
    ))
}

pub(crate) const REFERENCE: Operation = Operation::new("docs", TAG, "API reference")
    .answers(&[Answer::text(200, HTML, "This page.")])
    .compressed();

pub(crate) async fn reference(call: Call) -> Result<Response<Body>, Problem> {
    Ok(html(&documents(&call)?.reference))
}

pub(crate) const ERROR: Operation = Operation::new("error_docs", TAG, "Error reference")
    .answers(&[Answer::text(
        200,
        HTML,
        "A page about one error code: its meaning and what to do.",
    )])
    .problems(&[Code::NotFound]);

pub(crate) async fn error(call: Call) -> Result<Response<Body>, Problem> {
    let code = call.text("code").and_then(|text| Code::parse(&text));
    let code = code.ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(html(&crate::documents::error_page(code)))
}

fn documents(call: &Call) -> Result<&Documents, Problem> {
    call.documents
        .get()
        .ok_or_else(|| Problem::internal("the documents were not made"))
}

fn html(page: &HtmlPage) -> Response<Body> {
    let mut response = answer::text(HTML, page.html.clone());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, page.policy.clone());
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
