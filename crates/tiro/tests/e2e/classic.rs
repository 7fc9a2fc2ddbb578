//! The classic routes on the real executable: the life of an application as a client of each service lives it.
//!
//! Each client sends what the service's own documents show. [`talk`] holds every answer of a run to what must never
//! be in one.

mod at_once;
pub(crate) mod flat;
pub(crate) mod listeners;
pub(crate) mod nested;
pub(crate) mod paged;
mod pages;
mod streaming;
pub(crate) mod talk;
pub(crate) mod titled;

use serde_json::Value;
use talk::{Request, Service, get};

/// Sends a create twice under one key, as a client does that lost the first answer; what both answered.
fn create_twice(service: &Service, request: &Request, key: &str) -> Value {
    let request = request.clone().key(key);
    let first = service.send(201, &request);
    let again = service.send(201, &request);
    assert_eq!(first.header("idempotent-replayed"), None, "{first:?}");
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "{again:?}");
    assert_eq!(again.json(), first.json());
    first.json()
}

/// One member of each thing of a list.
fn each(service: &Service, path: &str, member: &str) -> Vec<Value> {
    let list = service.json(200, &get(path));
    let things = list
        .as_array()
        .unwrap_or_else(|| panic!("{path} is no list: {list}"));
    things.iter().map(|thing| thing[member].clone()).collect()
}

fn text(thing: &Value, member: &str) -> String {
    thing[member]
        .as_str()
        .unwrap_or_else(|| panic!("no `{member}`: {thing}"))
        .to_owned()
}

/// Fails unless each of these paths is not found.
fn assert_gone(service: &Service, paths: &[&str]) {
    for path in paths {
        let error = service.json(404, &get(*path));
        assert!(
            error["error"].is_string() && error["message"].is_string(),
            "{error}"
        );
    }
}
