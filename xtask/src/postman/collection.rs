//! From an OpenAPI document to a Postman collection, format 2.1.0.
//!
//! A folder for each tag, a request for each operation. Servers and what they leave open become variables; so do the
//! operator's key, and the token, which is that of the last application created.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::example::{TEXT, example};

const FORMAT: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// Keeps the token of an application that was created, for the requests after it.
const KEEP_TOKEN: &str =
    "if (pm.response.code === 201) pm.collectionVariables.set(\"token\", pm.response.json().token);";

/// # Errors
/// The document lacks what every OpenAPI document has.
pub(super) fn collection(document: &Value) -> anyhow::Result<Value> {
    let mut variables = BTreeMap::from([
        ("server".to_owned(), "http://127.0.0.1:3000".to_owned()),
        ("operator_key".to_owned(), String::new()),
        ("token".to_owned(), String::new()),
    ]);
    let mut folders: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().context("no paths")? {
        let server = &item["servers"][0];
        for (name, variable) in server["variables"].as_object().into_iter().flatten() {
            variables.insert(name.clone(), text(&variable["default"]).to_owned());
        }
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let request = request(document, text(&server["url"]), path, method, operation)?;
                folders.entry(tag(operation)).or_default().push(request);
            }
        }
    }
    let variables: Vec<Value> = variables
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value, "type": "string" }))
        .collect();
    Ok(json!({
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "version": document["info"]["version"],
            "schema": FORMAT,
        },
        "item": in_order(document, folders),
        "variable": variables,
    }))
}

/// The folders in the order of the document's tags; tags without an operation have none.
fn in_order(document: &Value, mut folders: BTreeMap<&str, Vec<Value>>) -> Vec<Value> {
    let tags = document["tags"].as_array().into_iter().flatten();
    let named = tags.filter_map(|tag| {
        let requests = folders.remove(text(&tag["name"]))?;
        Some(json!({ "name": tag["name"], "description": tag["description"], "item": requests }))
    });
    named.collect()
}

fn tag(operation: &Value) -> &str {
    text(&operation["tags"][0])
}

fn request(
    document: &Value,
    server: &str,
    path: &str,
    method: &str,
    operation: &Value,
) -> anyhow::Result<Value> {
    let mut request = Map::new();
    request.insert("method".to_owned(), method.to_uppercase().into());
    request.insert("url".to_owned(), url(server, path, operation));
    request.insert("description".to_owned(), operation["summary"].clone());
    let mut headers = headers(operation);
    if let Some((media_type, body)) = body(document, operation)? {
        headers.push(json!({ "key": "Content-Type", "value": media_type }));
        request.insert("body".to_owned(), body);
    }
    request.insert("header".to_owned(), headers.into());
    let auth = if needs_the_operator(operation) {
        json!({ "type": "bearer", "bearer": [{ "key": "token", "value": "{{operator_key}}", "type": "string" }] })
    } else {
        json!({ "type": "noauth" })
    };
    request.insert("auth".to_owned(), auth);
    let mut item = json!({ "name": operation["summary"], "request": request, "response": [] });
    if creates_a_token(document, operation) {
        let script = json!({ "type": "text/javascript", "exec": [KEEP_TOKEN] });
        item["event"] = json!([{ "listen": "test", "script": script }]);
    }
    Ok(item)
}

/// Whether there is no way to be let in but the operator's key.
fn needs_the_operator(operation: &Value) -> bool {
    let ways = operation["security"].as_array();
    ways.is_some_and(|ways| ways.iter().all(|way| way != &json!({})))
}

fn creates_a_token(document: &Value, operation: &Value) -> bool {
    let content = &operation["responses"]["201"]["content"]["application/json"];
    let created = resolved(document, &content["schema"]);
    created["properties"].get("token").is_some()
}

/// What a reference leads to, or the value itself.
pub(super) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'));
    pointer
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(value)
}

fn url(server: &str, path: &str, operation: &Value) -> Value {
    let server = format!("{{{{server}}}}{}", server.replace('{', "{{").replace('}', "}}"));
    let mut of_server = server.split('/').map(str::to_owned);
    let host = of_server.next().unwrap_or_default();
    let of_path = path.split('/').filter(|segment| !segment.is_empty());
    let of_path =
        of_path.map(
            |segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) => format!(":{name}"),
                None => segment.to_owned(),
            },
        );
    let segments: Vec<String> = of_server.chain(of_path).collect();
    let (mut query, mut in_path) = (Vec::new(), Vec::new());
    for parameter in parameters(operation) {
        let (name, description) = (&parameter["name"], &parameter["description"]);
        match text(&parameter["in"]) {
            "path" => in_path.push(json!({
                "key": name, "value": in_place_of(text(name), operation), "description": description,
            })),
            "query" => {
                let value = in_place_of(text(name), operation);
                query.push(json!({
                    "key": name, "value": value, "description": description, "disabled": value.is_empty(),
                }));
            }
            _ => {}
        }
    }
    let mut raw = [&[host.clone()][..], &segments].concat().join("/");
    let asked = query.iter().filter(|one| one["disabled"] == false);
    let asked: Vec<String> = asked
        .map(|one| format!("{}={}", text(&one["key"]), text(&one["value"])))
        .collect();
    if !asked.is_empty() {
        raw = format!("{raw}?{}", asked.join("&"));
    }
    json!({ "raw": raw, "host": [host], "path": segments, "query": query, "variable": in_path })
}

/// What a request is about until the person says something else: the last application created, the first chat and
/// message in it, the text of the examples. Empty for what may be left out.
fn in_place_of(name: &str, operation: &Value) -> &'static str {
    match name {
        // This one names an application that is not there yet.
        "token" if operation["responses"].get("201").is_some() && tag(operation) == "applications" => {
            "{{$guid}}"
        }
        "token" | "app_token" => "{{token}}",
        "chat" | "number" | "chat_number" => "1",
        "q" | "query" if tag(operation) == "search" => TEXT,
        "code" => "not_found",
        _ => "",
    }
}

/// Keys are made anew for each sending; the other headers wait until they are wanted.
fn headers(operation: &Value) -> Vec<Value> {
    let headers = parameters(operation).filter(|parameter| parameter["in"] == "header");
    headers
        .map(|parameter| {
            let is_key = parameter["name"] == "Idempotency-Key";
            json!({
                "key": parameter["name"],
                "value": if is_key { "{{$guid}}" } else { "" },
                "description": parameter["description"],
                "disabled": !is_key,
            })
        })
        .collect()
}

fn parameters(operation: &Value) -> impl Iterator<Item = &Value> {
    operation["parameters"].as_array().into_iter().flatten()
}

/// The body's type and what Postman sends; JSON if the operation takes it.
fn body(document: &Value, operation: &Value) -> anyhow::Result<Option<(String, Value)>> {
    let Some(content) = operation["requestBody"]["content"].as_object() else {
        return Ok(None);
    };
    let json = content.get_key_value("application/json");
    let (media_type, described) = json
        .or_else(|| content.iter().next())
        .context("a body of no type")?;
    let raw = match json {
        Some(_) => serde_json::to_string_pretty(&example(document, &described["schema"]))?,
        None => String::new(),
    };
    let body = json!({ "mode": "raw", "raw": raw, "options": { "raw": { "language": "json" } } });
    Ok(Some((media_type.clone(), body)))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        json!({
            "info": { "title": "T", "version": "1", "description": "D" },
            "tags": [{ "name": "b", "description": "second" }, { "name": "search", "description": "first" }, { "name": "c" }],
            "paths": {
                "/{token}/search": {
                    "servers": [{ "url": "{prefix}/{noun}", "variables": { "prefix": { "default": "/api" }, "noun": { "default": "apps" } } }],
                    "get": {
                        "summary": "Search", "tags": ["search"], "security": [{}, { "key": [] }],
                        "parameters": [
                            { "name": "token", "in": "path", "required": true, "description": "whose" },
                            { "name": "q", "in": "query", "required": true },
                            { "name": "page", "in": "query", "required": false },
                            { "name": "If-None-Match", "in": "header" },
                        ],
                    },
                },
                "/": {
                    "post": {
                        "summary": "Create", "tags": ["b"], "security": [{ "key": [] }],
                        "parameters": [{ "name": "Idempotency-Key", "in": "header" }],
                        "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/New" } } } },
                        "responses": { "201": { "content": { "application/json": { "schema": { "properties": { "token": {} } } } } } },
                    },
                },
            },
            "components": { "schemas": { "New": { "type": "object", "properties": { "name": { "type": "string" } } } } },
        })
    }

    #[test]
    fn folders_are_in_the_order_of_the_tags_that_have_operations() {
        let collection = collection(&document()).unwrap();
        let folders = collection["item"].as_array().unwrap();
        let names: Vec<&str> = folders.iter().map(|folder| text(&folder["name"])).collect();
        assert_eq!(names, ["b", "search"]);
    }

    #[test]
    fn what_servers_and_paths_leave_open_becomes_variables() {
        let collection = collection(&document()).unwrap();
        let request = &collection["item"][1]["item"][0]["request"];
        assert_eq!(
            request["url"]["raw"],
            "{{server}}{{prefix}}/{{noun}}/:token/search?q=text"
        );
        assert_eq!(request["url"]["host"], json!(["{{server}}{{prefix}}"]));
        assert_eq!(request["url"]["path"], json!(["{{noun}}", ":token", "search"]));
        assert_eq!(request["url"]["variable"][0]["value"], "{{token}}");
        let off: Vec<&Value> = (0..2)
            .map(|at| &request["url"]["query"][at]["disabled"])
            .collect();
        assert_eq!(off, [false, true]);
        assert_eq!(request["header"][0]["disabled"], true);
        assert_eq!(request["auth"]["type"], "noauth");
        let variables = collection["variable"].as_array().unwrap();
        let prefix = variables
            .iter()
            .find(|variable| variable["key"] == "prefix")
            .unwrap();
        assert_eq!(prefix["value"], "/api");
    }

    #[test]
    fn a_create_sends_a_new_key_and_a_body_and_keeps_the_token() {
        let collection = collection(&document()).unwrap();
        let item = &collection["item"][0]["item"][0];
        assert_eq!(item["request"]["url"]["raw"], "{{server}}");
        assert_eq!(item["request"]["auth"]["type"], "bearer");
        assert_eq!(item["request"]["header"][0]["value"], "{{$guid}}");
        assert_eq!(item["request"]["body"]["raw"], "{\n  \"name\": \"text\"\n}");
        assert_eq!(item["event"][0]["script"]["exec"], json!([KEEP_TOKEN]));
    }
}
