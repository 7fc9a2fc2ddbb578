//! Everything nested under `/api/v1/applications`: a Rails client with wrapped bodies and forms.

use serde_json::json;

use super::talk::{Service, delete, get, patch, post, put};
use super::{assert_gone, create_twice, each, text};
use crate::support::{Tiro, temp_folder};

#[test]
fn the_life_of_an_application_nested_under_api_v1() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    whole_life(&Service::of(&tiro));
}

/// The whole life, wherever the service keeps it.
pub(crate) fn whole_life(http: &Service) {
    http.send(200, &get("/api/v1/health"));

    let create = post("/api/v1/applications").json(&json!({ "application": { "name": "Shop" } }));
    let shop = create_twice(http, &create, "create-shop");
    assert_eq!((&shop["name"], &shop["chats_count"]), (&json!("Shop"), &json!(0)));
    let app = format!("/api/v1/applications/{}", text(&shop, "token"));
    let renamed = put(&*app).form("application%5Bname%5D=My+shop");
    assert_eq!(http.json(200, &renamed)["token"], shop["token"]);

    let create = post(format!("{app}/chats")).json(&json!({ "chat": { "name": "Order 4711" } }));
    let chat = create_twice(http, &create, "create-chat");
    assert_eq!(
        (&chat["number"], &chat["name"]),
        (&json!(1), &json!("Order 4711"))
    );
    let messages = format!("{app}/chats/1/messages");
    let create = post(&*messages).form("message%5Bbody%5D=Where+is+my+parcel%3F+%F0%9F%93%A6");
    let first = create_twice(http, &create, "create-message");
    assert_eq!((&first["number"], &first["chat_number"]), (&json!(1), &json!(1)));
    assert_eq!(first["body"], "Where is my parcel? 📦");
    let reply = post(&*messages).json(&json!({ "message": { "body": "It was on its way." } }));
    assert_eq!(http.json(201, &reply)["number"], 2);

    let edited = put(format!("{messages}/2")).json(&json!({ "message": { "body": "On its way." } }));
    assert_eq!(http.json(200, &edited)["body"], "On its way.");
    assert_eq!(
        http.json(200, &get(format!("{messages}/2")))["body"],
        "On its way."
    );
    let retitled = patch(format!("{app}/chats/1")).json(&json!({ "chat": { "name": "Order 4712" } }));
    assert_eq!(http.json(200, &retitled)["messages_count"], 2);

    // Another chat says the same; a search stays in its own.
    http.send(201, &post(format!("{app}/chats")));
    let other = post(format!("{app}/chats/2/messages")).json(&json!({ "message": { "body": "parcel" } }));
    http.send(201, &other);
    assert_eq!(each(http, &format!("{messages}/search?q=PARC"), "number"), [1]);
    assert_eq!(each(http, &format!("{messages}/search?q=way"), "number"), [2]);
    assert!(each(http, &format!("{messages}/search?q=was+on"), "number").is_empty());

    assert_eq!(each(http, "/api/v1/applications", "name"), ["My shop"]);
    assert_eq!(each(http, &format!("{app}/chats"), "number"), [1, 2]);
    assert_eq!(each(http, &messages, "number"), [1, 2]);
    http.send(204, &delete(format!("{messages}/1")));
    assert_eq!(each(http, &messages, "number"), [2]);
    assert!(each(http, &format!("{messages}/search?q=parcel"), "number").is_empty());
    assert_eq!(
        http.json(200, &get(format!("{app}/chats/1")))["messages_count"],
        1
    );
    http.send(204, &delete(format!("{app}/chats/1")));
    assert_gone(
        http,
        &[&format!("{messages}/1"), &format!("{app}/chats/1"), &messages],
    );
    assert_eq!(http.json(200, &get(&*app))["chats_count"], 1);
    http.send(204, &delete(&*app));
    assert_gone(http, &[&app, &format!("{app}/chats")]);
    assert!(each(http, "/api/v1/applications", "token").is_empty());
}
