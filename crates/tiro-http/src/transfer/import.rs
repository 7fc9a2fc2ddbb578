//! `POST /v1/import`: which kind of lines came, and where they go.

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use tiro_api::{Code, ImportReport};
use tiro_core::Token;
use tokio::sync::OwnedSemaphorePermit;

use super::bounds::LINE_OVERHEAD_BYTES;
use super::format::LineKind;
use super::import_key::Source;
use super::plain::PlainImport;
use super::refusal::{Cause, Kept, Refusal};
use super::restore::Restore;
use super::upload::{Announced, Line, Upload, UploadBounds};
use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::problem::{self, Problem};
use crate::query::Query;
use crate::violations::Violations;

pub(super) const APPLICATION: &str = "application";
pub(super) const SOURCE: &str = "source";
/// The source of lines whose request names none.
const SOURCE_DEFAULT: &str = "import";
/// Longest name of a source.
const SOURCE_BYTES_MAX: usize = 255;
/// About what a report takes.
const REPORT_BYTES: usize = 128;

/// What the query says.
struct Parameters {
    application: Option<Token>,
    source: Option<String>,
}

pub(super) async fn import(mut call: Call, slot: OwnedSemaphorePermit) -> Result<Response<Body>, Problem> {
    let parameters = Parameters::read(&call.query)?;
    refuse_form(&call.head.headers)?;
    let announced = announced(&call.head.headers)?;
    let bounds = UploadBounds {
        line_bytes_max: LINE_OVERHEAD_BYTES + 6 * call.limits.body_bytes_max,
        idle_max: call.config.transport.body_timeout,
    };
    let upload = Upload::new(call.take_body(), announced, bounds);
    let app = App::clone(&call);
    let task = tokio::spawn(async move {
        let report = run(app, parameters, upload).await;
        drop(slot);
        report
    });
    let report = task.await.map_err(|failed| match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Problem::plain(Code::Stopping),
    })??;
    answer::json(StatusCode::OK, &report, REPORT_BYTES)
}

async fn run(app: App, parameters: Parameters, mut upload: Upload) -> Result<ImportReport, Problem> {
    let report = import_lines(app, parameters, &mut upload).await;
    if report.is_err() {
        upload.drain();
    }
    report
}

async fn import_lines(
    app: App,
    parameters: Parameters,
    upload: &mut Upload,
) -> Result<ImportReport, Problem> {
    let first = upload.next().await.map_err(|fault| {
        Refusal::new(upload.lines_read() + 1, Cause::Upload(fault)).into_problem(Kept::Lines)
    })?;
    let kind = match &first {
        Some(line) => LineKind::of(&line.bytes)
            .map_err(|fault| Refusal::line(line.number, fault).into_problem(Kept::Lines))?,
        None => LineKind::Plain,
    };
    match (kind, first) {
        (LineKind::Tiro, Some(first)) => {
            parameters.refuse_all()?;
            let restored = Restore { app }.run(upload, first).await;
            restored.map_err(|refusal| refusal.into_problem(Kept::Applications))
        }
        (_, first) => plain(app, parameters, upload, first).await,
    }
}

async fn plain(
    app: App,
    parameters: Parameters,
    upload: &mut Upload,
    first: Option<Line>,
) -> Result<ImportReport, Problem> {
    let Some(token) = parameters.application else {
        let mut violations = Violations::default();
        violations.parameter(
            APPLICATION,
            Code::Missing,
            "is missing: lines that are not an export go into an application",
        );
        return Err(violations.into_problem());
    };
    app.engine.application(&token).await?;
    let source = parameters.source.as_deref().unwrap_or(SOURCE_DEFAULT);
    let import = PlainImport {
        app,
        token,
        source: Source::new(source),
    };
    let imported = import.run(upload, first).await;
    imported.map_err(|refusal| refusal.into_problem(Kept::Lines))
}

impl Parameters {
    fn read(query: &Query) -> Result<Parameters, Problem> {
        let mut violations = Violations::default();
        let application = query.text(APPLICATION).map(Token::parse).transpose();
        let application = application.unwrap_or_else(|fault| {
            let (code, text) = problem::fault(&fault);
            violations.parameter(APPLICATION, code, &text);
            None
        });
        let source = query.text(SOURCE).map(str::to_owned);
        if source
            .as_ref()
            .is_some_and(|source| source.len() > SOURCE_BYTES_MAX)
        {
            let text = format!("has more than {SOURCE_BYTES_MAX} bytes");
            violations.parameter(SOURCE, Code::TooLong, &text);
        }
        violations.check()?;
        Ok(Parameters { application, source })
    }

    /// An export names its applications, and its lines bring their keys along.
    fn refuse_all(&self) -> Result<(), Problem> {
        let mut violations = Violations::default();
        let given = [
            (APPLICATION, self.application.is_some()),
            (SOURCE, self.source.is_some()),
        ];
        for (name, _) in given.into_iter().filter(|(_, given)| *given) {
            let text = "does not go with the lines of an export, which name their applications";
            violations.parameter(name, Code::ConflictingParameters, text);
        }
        violations.check()
    }
}

/// What programs send when they were not told what they send.
fn refuse_form(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = text.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if matches!(
        essence.as_str(),
        "application/x-www-form-urlencoded" | "multipart/form-data"
    ) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "the body claims to be a form; curl sends lines with \
             -H 'Content-Type: application/x-ndjson' --data-binary @FILE (or -T FILE -X POST)",
        ));
    }
    Ok(())
}

fn announced(headers: &HeaderMap) -> Result<Announced, Problem> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else {
        return Ok(Announced::Nothing);
    };
    let once = headers.get_all(header::CONTENT_ENCODING).iter().count() == 1;
    match value.to_str().unwrap_or("").trim().to_ascii_lowercase().as_str() {
        "" | "identity" if once => Ok(Announced::Nothing),
        "gzip" | "x-gzip" if once => Ok(Announced::Gzip),
        _ => Err(Problem::new(
            Code::UnsupportedMediaType,
            "the body may be compressed with gzip, and in no other way",
        )
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))),
    }
}
