//! The API for people: the OpenAPI document written as HTML.

use std::fmt::Write;

use serde_json::Value;
use tiro_api::Code;

use super::html::{escaped, prose};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The body of the page.
pub(super) fn body(document: &Value) -> String {
    let mut html = String::new();
    let info = &document["info"];
    add(
        &mut html,
        format_args!("<h1>{}</h1>", escaped(text(&info["title"]))),
    );
    for paragraph in text(&info["description"]).split("\n\n") {
        add(&mut html, format_args!("<p>{}</p>", prose(paragraph)));
    }
    add(
        &mut html,
        format_args!(
            "<p>Version {}. For programs: <a href=\"/openapi.json\"><code>/openapi.json</code></a>.</p>",
            escaped(text(&info["version"]))
        ),
    );
    contents(&mut html, document);
    for tag in document["tags"].as_array().into_iter().flatten() {
        section(&mut html, document, tag);
    }
    schemas(&mut html, document);
    codes(&mut html);
    html
}

/// Writing to a `String` cannot fail.
fn add(html: &mut String, arguments: std::fmt::Arguments<'_>) {
    html.write_fmt(arguments).expect("a String takes any text");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// Path, method and operation of everything under a tag, in the document's order.
fn operations<'a>(
    document: &'a Value,
    tag: &'a str,
) -> impl Iterator<Item = (&'a str, &'static str, &'a Value)> {
    document["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(move |(path, item)| {
            METHODS.iter().filter_map(move |method| {
                let operation = item.get(method)?;
                (operation["tags"][0] == tag).then_some((path.as_str(), *method, operation))
            })
        })
}

fn contents(html: &mut String, document: &Value) {
    html.push_str("<nav><ul>");
    for tag in document["tags"].as_array().into_iter().flatten() {
        for (_, _, operation) in operations(document, text(&tag["name"])) {
            let (id, summary) = (text(&operation["operationId"]), text(&operation["summary"]));
            add(
                html,
                format_args!("<li><a href=\"#{id}\">{}</a></li>", escaped(summary)),
            );
        }
    }
    html.push_str(
        "<li><a href=\"#schemas\">Schemas</a></li><li><a href=\"#codes\">Error codes</a></li></ul></nav>",
    );
}

fn section(html: &mut String, document: &Value, tag: &Value) {
    let name = text(&tag["name"]);
    add(
        html,
        format_args!(
            "<h2>{}</h2><p>{}</p>",
            escaped(name),
            prose(text(&tag["description"]))
        ),
    );
    for (path, method, operation) in operations(document, name) {
        let id = text(&operation["operationId"]);
        add(
            html,
            format_args!(
                "<h3 id=\"{id}\"><span class=\"verb\">{}</span> <code>{}</code></h3><p>{}.</p>",
                method.to_uppercase(),
                escaped(path),
                escaped(text(&operation["summary"]))
            ),
        );
        if operation["security"]
            .as_array()
            .is_some_and(|needs| needs.len() == 1)
        {
            html.push_str("<p>Needs the operator key, if the server has one.</p>");
        }
        parameters(html, operation);
        if let Some(content) = operation["requestBody"]["content"].as_object() {
            let types: Vec<String> = content
                .iter()
                .map(|(media_type, body)| body_type(media_type, body))
                .collect();
            add(html, format_args!("<p>Body: {}.</p>", types.join(" or ")));
        }
        responses(html, operation);
    }
}

fn body_type(media_type: &str, body: &Value) -> String {
    let schema = &body["schema"];
    match schema["$ref"].as_str() {
        Some(_) => format!("{} as <code>{media_type}</code>", type_of(schema)),
        None => format!(
            "<code>{media_type}</code> ({})",
            prose(text(&schema["description"]).trim_end_matches('.'))
        ),
    }
}

fn parameters(html: &mut String, operation: &Value) {
    let Some(parameters) = operation["parameters"].as_array() else {
        return;
    };
    html.push_str("<table>");
    for parameter in parameters {
        add(
            html,
            format_args!(
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escaped(text(&parameter["name"])),
                escaped(text(&parameter["in"])),
                prose(text(&parameter["description"]))
            ),
        );
    }
    html.push_str("</table>");
}

fn responses(html: &mut String, operation: &Value) {
    html.push_str("<details open><summary>Responses</summary><table>");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let content = response["content"].as_object().into_iter().flatten().next();
        let body = content.map_or(String::new(), |(_, body)| type_of(&body["schema"]));
        let headers: Vec<String> = response["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| *name != "X-Request-Id")
            .map(|(name, _)| format!("<code>{name}</code>"))
            .collect();
        let description = prose(text(&response["description"]));
        add(
            html,
            format_args!(
                "<tr><td>{status}</td><td>{description} {}</td><td>{body}</td></tr>",
                headers.join(" ")
            ),
        );
    }
    html.push_str("</table></details>");
}

fn schemas(html: &mut String, document: &Value) {
    html.push_str("<h2 id=\"schemas\">Schemas</h2>");
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        add(
            html,
            format_args!(
                "<h3 id=\"{name}\">{name}</h3><p>{}</p><table>",
                prose(text(&schema["description"]))
            ),
        );
        for (member, property) in properties {
            add(
                html,
                format_args!(
                    "<tr><td><code>{member}</code></td><td>{}</td><td>{}</td></tr>",
                    type_of(property),
                    prose(description_of(property))
                ),
            );
        }
        html.push_str("</table>");
    }
}

/// What a member means; of one that may be null it stands beside the reference.
fn description_of(property: &Value) -> &str {
    let choices = property["oneOf"].as_array().into_iter().flatten();
    [property]
        .into_iter()
        .chain(choices)
        .find_map(|schema| schema["description"].as_str())
        .unwrap_or("")
}

/// The type of a schema in a few words, with a link if it has a name.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next())
    {
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("array of {}", type_of(&schema["items"])),
        Value::String(name) => escaped(name),
        Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => String::new(),
    }
}

fn codes(html: &mut String) {
    html.push_str("<h2 id=\"codes\">Error codes</h2><span id=\"Code\"></span><table>");
    for code in Code::ALL {
        let status =
            crate::problem::status(*code).map_or(String::new(), |status| status.as_u16().to_string());
        add(
            html,
            format_args!(
                "<tr><td><a href=\"/docs/errors/{code}\"><code>{code}</code></a></td><td>{status}</td><td>{}</td></tr>",
                escaped(code.title())
            ),
        );
    }
    html.push_str("</table>");
}
