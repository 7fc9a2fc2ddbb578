//! Chats with titles under `/applications`, and one search over everything at `/search/:query`.

use serde_json::json;

use super::talk::{Service, delete, get, patch, post};
use super::{assert_gone, create_twice, each, text};
use crate::support::{Tiro, temp_folder};

pub(crate) const KEY: &str = "a-key-that-nobody-guesses";

#[test]
fn the_life_of_an_application_with_titles_and_a_search_over_everything() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &["--operator-key", KEY]);
    whole_life(&Service::of(&tiro));
}

/// The whole life, wherever the service keeps it.
pub(crate) fn whole_life(http: &Service) {
    let bearer = format!("Bearer {KEY}");
    let create = post("/applications/").json(&json!({ "name": "Shop" }));
    http.send(401, &create);
    let shop = create_twice(http, &create.header("Authorization", &bearer), "shop-of-titled");
    let named = post("/applications/the_office_of_my_choice").json(&json!({ "name": "Office" }));
    let named = named.header("Authorization", &bearer);
    assert_eq!(
        create_twice(http, &named, "office")["token"],
        "the_office_of_my_choice"
    );
    http.send(409, &named);

    let app = format!("/applications/{}", text(&shop, "token"));
    let create = post(format!("{app}/chats")).json(&json!({ "title": "Order 4711" }));
    let chat = create_twice(http, &create, "chat");
    assert_eq!(
        (&chat["number"], &chat["title"]),
        (&json!(1), &json!("Order 4711"))
    );
    let messages = format!("{app}/chats/1/messages");
    let say = |messages: &str, body: &str| {
        let create = post(messages).json(&json!({ "body": body }));
        create_twice(http, &create, &body.replace(' ', "-"))["number"].clone()
    };
    assert_eq!(say(&messages, "see https://example.org/a/b"), 1);
    assert_eq!(say(&messages, "50% off"), 2);
    http.send(201, &post("/applications/the_office_of_my_choice/chats"));
    assert_eq!(
        say(
            "/applications/the_office_of_my_choice/chats/1/messages",
            "a/b test"
        ),
        1
    );
    let retitled = patch(format!("{app}/chats/1")).json(&json!({ "title": "Order 4712" }));
    assert_eq!(http.json(200, &retitled)["title"], "Order 4712");
    assert_eq!(each(http, &format!("{app}/chats"), "title"), ["Order 4712"]);

    http.send(401, &get("/search/a"));
    for query in ["/search/a/b", "/search/a%2Fb"] {
        let found = http.json(200, &get(query).header("Authorization", &bearer));
        let expected = json!([
            {
                "body": "a/b test", "message_number": 1, "chat_number": 1, "chat_title": null,
                "application_token": "the_office_of_my_choice", "application_name": "Office",
            },
            {
                "body": "see https://example.org/a/b", "message_number": 1, "chat_number": 1,
                "chat_title": "Order 4712", "application_token": shop["token"], "application_name": "Shop",
            },
        ]);
        assert_eq!(found, expected, "{query}");
    }
    assert_eq!(
        each(http, &format!("{app}/chats/1/search?q=50%25"), "number"),
        [2]
    );
    assert_eq!(each(http, &format!("{messages}/search?q=xample"), "number"), [1]);

    http.send(204, &delete(format!("{messages}/1")));
    http.send(204, &delete(format!("{app}/chats/1")));
    assert_gone(http, &[&messages, &format!("{app}/chats/1")]);
    http.send(401, &delete(&*app));
    http.send(204, &delete(&*app).header("Authorization", &bearer));
    assert_gone(http, &[&app]);
    let found = http.json(200, &get("/search/off").header("Authorization", &bearer));
    assert_eq!(found, json!([]));
}
