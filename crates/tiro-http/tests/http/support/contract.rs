//! Holds an answer to the OpenAPI documents: status, code, headers, content type, schema.

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::Answer;

/// The documents that the server hands out.
pub(crate) struct Contract {
    pub(crate) document: Value,
    /// That of the classic routes.
    pub(crate) classic: Value,
}

/// Every prefix of the classic routes; the longest first, since each begins like those behind it.
pub(crate) const PREFIXES: [&str; 3] = ["/api/v1", "/api", ""];
/// What the classic routes call applications.
pub(crate) const NOUNS: [&str; 2] = ["applications", "apps"];

impl Contract {
    pub(crate) async fn of(router: &Router) -> Contract {
        Contract {
            document: document(router, "/openapi.json").await,
            classic: document(router, "/openapi-classic.json").await,
        }
    }

    /// Tells what is wrong with an answer.
    pub(crate) fn check(&self, method: &Method, path: &str, answer: &Answer) -> Result<(), String> {
        self.check_everywhere(answer)?;
        let Some(operation) = self.operation(method, path) else {
            return self.check_unrouted(method, answer);
        };
        let status = answer.code.as_str();
        let response = operation["responses"]
            .get(status)
            .ok_or_else(|| format!("status {status} is not documented"))?;
        self.check_headers(response, answer)?;
        self.check_content(method, response, answer)?;
        if answer.code.as_u16() >= 400 && method != Method::HEAD {
            let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
            let documented = response["description"].as_str().unwrap_or_default();
            if !documented.contains(&format!("`{code}`")) {
                return Err(format!("the code {code} is not documented for {status}"));
            }
        }
        Ok(())
    }

    /// What holds for every answer of every path.
    fn check_everywhere(&self, answer: &Answer) -> Result<(), String> {
        let request_id = answer.headers.get("x-request-id").ok_or("no X-Request-Id")?;
        if answer.code.as_u16() < 400 || answer.bytes.is_empty() {
            return Ok(());
        }
        let problem = answer.json();
        let classic = problem.get("error").is_some();
        self.validate(if classic { "ClassicError" } else { "Problem" }, &problem)?;
        let media_type = if classic {
            "application/json"
        } else {
            "application/problem+json"
        };
        let code = problem["code"].as_str().unwrap_or_default();
        let needed = match answer.code {
            StatusCode::UNAUTHORIZED => Some("www-authenticate"),
            StatusCode::METHOD_NOT_ALLOWED => Some("allow"),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some("retry-after"),
            _ => None,
        };
        for (wrong, what) in [
            (
                !classic && problem["type"] != format!("/docs/errors/{code}"),
                "type is not the page of the code",
            ),
            (
                problem["status"] != answer.code.as_u16(),
                "status is not the status",
            ),
            (
                problem["request_id"] != request_id.to_str().unwrap_or_default(),
                "request_id is not X-Request-Id",
            ),
            (
                needed.is_some_and(|name| !answer.has_header(name)),
                "a header that goes with the status is missing",
            ),
            (
                answer.header("content-type") != media_type,
                "the type is not that of problems",
            ),
        ] {
            if wrong {
                return Err(what.to_owned());
            }
        }
        Ok(())
    }

    fn check_unrouted(&self, method: &Method, answer: &Answer) -> Result<(), String> {
        match answer.code.as_u16() {
            400 | 403 | 404 | 405 | 421 | 431 => Ok(()),
            204 if method == Method::OPTIONS => Ok(()),
            status => Err(format!("{status} where no route is documented")),
        }
    }

    fn check_headers(&self, response: &Value, answer: &Answer) -> Result<(), String> {
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            match (answer.headers.get(name), name.as_str()) {
                (Some(value), _) => {
                    let value = json!(value.to_str().map_err(|error| error.to_string())?);
                    let validator =
                        jsonschema::validator_for(&header["schema"]).map_err(|error| error.to_string())?;
                    validator
                        .validate(&value)
                        .map_err(|error| format!("header {name}: {error}"))?;
                }
                (None, "Idempotent-Replayed") => {}
                // A repeated delete makes no entry.
                (None, "Tiro-Cursor") if answer.code == StatusCode::NO_CONTENT => {}
                // An operation that is not applied made none either.
                (None, "Tiro-Cursor") if made_no_entry(&answer.json()) => {}
                (None, _) => return Err(format!("the header {name} is missing")),
            }
        }
        for name in ["ETag", "Tiro-Cursor", "Location", "Idempotent-Replayed"] {
            if answer.has_header(name) && response["headers"].get(name).is_none() {
                return Err(format!("the header {name} is not documented"));
            }
        }
        Ok(())
    }

    fn check_content(&self, method: &Method, response: &Value, answer: &Answer) -> Result<(), String> {
        if method == Method::HEAD || answer.has_header("content-encoding") {
            return Ok(());
        }
        let Some(content) = response["content"].as_object() else {
            return if answer.bytes.is_empty() {
                Ok(())
            } else {
                Err("a body is not documented".to_owned())
            };
        };
        let found = answer
            .headers
            .get("content-type")
            .ok_or("no Content-Type")?
            .to_str()
            .unwrap_or_default();
        let body = content
            .get(found)
            .ok_or_else(|| format!("the type {found} is not documented"))?;
        match body["schema"]["$ref"]
            .as_str()
            .and_then(|reference| reference.rsplit('/').next())
        {
            Some(name) => self.validate(name, &answer.json()),
            None => Ok(()),
        }
    }

    /// Holds a value to a schema of the document, strictly: no member that is not in it.
    pub(crate) fn validate(&self, name: &str, value: &Value) -> Result<(), String> {
        let documents = [&self.document, &self.classic];
        let document = documents
            .into_iter()
            .find(|document| document["components"]["schemas"].get(name).is_some())
            .ok_or_else(|| format!("no document has {name}"))?;
        let known = &document["components"]["schemas"][name];
        let schema = json!({
            "$ref": format!("#/components/schemas/{name}"),
            "components": document["components"],
        });
        let validator = jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
        validator
            .validate(value)
            .map_err(|error| format!("{name}: {error} at {}", error.instance_path()))?;
        let unknown = value
            .as_object()
            .into_iter()
            .flatten()
            .find(|(member, _)| known["properties"].get(member).is_none());
        unknown.map_or(Ok(()), |(member, _)| {
            Err(format!("{name} has no member {member}"))
        })
    }

    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let method = if method == Method::HEAD {
            "get".to_owned()
        } else {
            method.as_str().to_lowercase()
        };
        let paths = self.document["paths"].as_object().unwrap();
        let exact = paths.get(path);
        let item = exact.or_else(|| {
            paths
                .iter()
                .find(|(template, _)| template_matches(template, path))
                .map(|(_, item)| item)
        });
        item.or_else(|| self.classic_item(path))?.get(&method)
    }

    /// The path item of a classic path, at whatever prefix and noun; the one with the fewest names fits best.
    fn classic_item(&self, path: &str) -> Option<&Value> {
        let paths = self.classic["paths"].as_object().unwrap();
        let fits = |template: &str, item: &Value| {
            let (prefixes, nouns): (&[&str], &[&str]) = match item["servers"][0]["url"].as_str() {
                Some("{prefix}/{noun}") => (&PREFIXES, &NOUNS),
                Some("{prefix}") => (&PREFIXES, &[""]),
                _ => (&[""], &[""]),
            };
            let mut bases = prefixes
                .iter()
                .flat_map(|prefix| nouns.iter().map(move |noun| (prefix, noun)));
            bases.any(|(prefix, noun)| {
                let noun = if noun.is_empty() {
                    String::new()
                } else {
                    format!("/{noun}")
                };
                let whole = format!("{prefix}{noun}{template}");
                let slash = path.strip_suffix('/').unwrap_or(path);
                let open_ended = whole.strip_suffix("{query}").is_some();
                template_matches(whole.trim_end_matches('/'), slash)
                    || (open_ended && begins_like(&whole, path))
            })
        };
        let fitting = paths.iter().filter(|(template, item)| fits(template, item));
        fitting
            .min_by_key(|(template, _)| template.matches('{').count())
            .map(|(_, item)| item)
    }
}

/// Whether it is an operation that is not applied.
fn made_no_entry(answer: &Value) -> bool {
    answer["operation"].is_string() && answer["status"] != "applied"
}

async fn document(router: &Router, path: &str) -> Value {
    let request = Request::get(path)
        .header("host", "localhost")
        .body(Body::empty())
        .unwrap();
    let response = tower_service::Service::call(&mut router.clone(), request)
        .await
        .unwrap();
    Answer::read(response).await.status(200).json()
}

/// Whether a path has all that a template has, and perhaps more slashes in what the last name stands for.
fn begins_like(template: &str, path: &str) -> bool {
    let segments = template.split('/').count();
    let head: Vec<&str> = path.splitn(segments, '/').collect();
    let mut pairs = template.split('/').zip(&head).take(segments - 1);
    head.len() == segments && pairs.all(|(wanted, found)| wanted == *found || wanted.starts_with('{'))
}

/// Whether a path is one of a template.
pub(crate) fn template_matches(template: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found))
                if wanted == found || (wanted.starts_with('{') && !found.is_empty()) => {}
            _ => return false,
        }
    }
}
