//! Flat `/chats` and `/messages`, where the body, the query or the path says which application and chat is meant.

use serde_json::json;

use super::talk::{Service, delete, get, patch, post};
use super::{assert_gone, create_twice, each, text};
use crate::support::{Tiro, temp_folder};

#[test]
fn the_life_of_an_application_with_flat_chats_and_messages() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    whole_life(&Service::of(&tiro));
}

/// The whole life, wherever the service keeps it.
pub(crate) fn whole_life(http: &Service) {
    http.send(200, &get("/up"));
    let shop = create_twice(
        http,
        &post("/applications").json(&json!({ "name": "Shop" })),
        "shop-of-flat",
    );
    let token = text(&shop, "app_token");

    let create = post("/chats").json(&json!({ "app_token": token, "name": "Order 4711" }));
    let chat = create_twice(http, &create, "chat");
    assert_eq!(
        (&chat["chat_number"], &chat["name"]),
        (&json!(1), &json!("Order 4711"))
    );
    let say = |chat: serde_json::Value, body: &str| {
        let create =
            post("/messages").json(&json!({ "app_token": token, "chat_number": chat, "body": body }));
        create_twice(http, &create, &body.replace(' ', "-"))["message_number"].clone()
    };
    assert_eq!(say(json!(1), "Where is my parcel?"), 1);
    assert_eq!(say(json!("1"), "It is late"), 2);
    http.send(201, &post("/chats").json(&json!({ "app_token": token })));
    assert_eq!(say(json!(2), "another parcel"), 1);

    let at_query = format!("/chats/1?app_token={token}");
    assert_eq!(http.json(200, &get(&*at_query))["messages_count"], 2);
    let at_path = format!("/chats/{token}/1");
    assert_eq!(http.json(200, &get(&*at_path)), http.json(200, &get(&*at_query)));
    http.send(400, &get("/chats/1"));
    let renamed = patch("/chats/1").json(&json!({ "app_token": token, "title": "Order 4712" }));
    assert_eq!(http.json(200, &renamed)["name"], "Order 4712");
    let edited =
        patch("/messages/2").json(&json!({ "app_token": token, "chat_number": 1, "body": "Is it late?" }));
    assert_eq!(http.json(200, &edited)["body"], "Is it late?");
    let second = format!("/messages/{token}/1/2");
    assert_eq!(http.json(200, &get(&*second))["body"], "Is it late?");

    let messages = format!("/chats/{token}/1/messages");
    assert_eq!(each(http, &messages, "message_number"), [1, 2]);
    assert_eq!(
        each(http, &format!("{messages}?page=2&limit=1"), "message_number"),
        [2]
    );
    for search in [
        format!("/chats/{token}/1/search"),
        format!("/messages/{token}/1/search"),
    ] {
        assert_eq!(each(http, &format!("{search}/PARC"), "message_number"), [1]);
        assert_eq!(each(http, &format!("{search}/late%3F"), "message_number"), [2]);
    }

    let nested = format!("/applications/{token}/chats/1");
    http.send(204, &delete(format!("{nested}/messages/2")));
    assert_eq!(each(http, &messages, "message_number"), [1]);
    http.send(204, &delete(&*nested));
    assert_gone(http, &[&at_query, &at_path, &second, &messages]);
    let late = post("/messages").json(&json!({ "app_token": token, "chat_number": 1, "body": "too late" }));
    http.send(404, &late);
    http.send(204, &delete(format!("/applications/{token}")));
    assert_gone(http, &[&format!("/chats/{token}/2")]);
}
