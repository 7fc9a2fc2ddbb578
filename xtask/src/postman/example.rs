//! A value that fits a schema: what the body of a request looks like.

use serde_json::{Map, Value, json};

use super::collection::resolved;

/// Any text, everywhere the same, so that a search finds it.
pub(super) const TEXT: &str = "text";
/// What the member of this name stands for in a collection, where the schema does not tell.
const TOKEN: (&str, &str) = ("app_token", "{{token}}");

/// The example of the schema itself, or one with a value for every member.
pub(super) fn example(document: &Value, schema: &Value) -> Value {
    let schema = resolved(document, schema);
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    match kind(schema) {
        Some("object") => {
            let members = schema["properties"].as_object().into_iter().flatten();
            members
                .map(|(name, member)| {
                    let value = match name == TOKEN.0 {
                        true => TOKEN.1.into(),
                        false => example(document, member),
                    };
                    (name.clone(), value)
                })
                .collect::<Map<String, Value>>()
                .into()
        }
        Some("array") => json!([example(document, &schema["items"])]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("string") => json!(TEXT),
        _ => json!({}),
    }
}

/// The type of a schema, beside `null`.
fn kind(schema: &Value) -> Option<&str> {
    let kinds = &schema["type"];
    let one_of = kinds.as_array().into_iter().flatten().filter_map(Value::as_str);
    kinds
        .as_str()
        .or_else(|| one_of.into_iter().find(|kind| *kind != "null"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_value_of_its_type() {
        let document = json!({ "components": { "schemas": { "Item": { "type": "object", "properties": {
            "body": { "type": "string" },
        } } } } });
        let schema = json!({ "type": "object", "properties": {
            "count": { "type": "integer" },
            "items": { "type": "array", "items": { "$ref": "#/components/schemas/Item" } },
            "title": { "type": ["string", "null"] },
            "metadata": { "oneOf": [{ "type": "null" }, { "type": "object" }] },
            "app_token": { "type": ["null", "string"] },
        } });
        let expected = json!({
            "count": 1, "items": [{ "body": "text" }], "title": "text", "metadata": {}, "app_token": "{{token}}",
        });
        assert_eq!(example(&document, &schema), expected);
    }
}
