//! Creates on one listener and reads on another, under `/apps`: a service of two programs, answered by one.

use serde_json::json;

use super::talk::{Service, delete, get, post, put};
use super::{assert_gone, create_twice, each, text};
use crate::support::{Tiro, temp_folder};

#[test]
fn the_life_of_an_application_created_on_one_listener_and_read_on_another() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &["--listen", "127.0.0.1:0"]);
    let [writes, reads] = tiro.hosts().try_into().expect("there are two listeners");
    assert_ne!(writes, reads);
    whole_life(&Service::at(&writes), &Service::at(&reads));
}

/// The whole life, written in one place and read in another.
pub(crate) fn whole_life(writes: &Service, reads: &Service) {
    let shop = create_twice(
        writes,
        &post("/apps").json(&json!({ "name": "Shop" })),
        "shop-of-listeners",
    );
    let app = format!("/apps/{}", text(&shop, "app_token"));
    assert_eq!(reads.json(200, &get(&*app)), shop);
    let chat = create_twice(writes, &post(format!("{app}/chats")), "chat");
    assert_eq!(chat["chat_number"], 1);
    let messages = format!("{app}/chats/1/messages");
    for number in 1..=20 {
        // What one listener acknowledged the other shows in the very next request.
        let body = json!({ "body": format!("line {number} of twenty") });
        let message = create_twice(writes, &post(&*messages).json(&body), &format!("line-{number}"));
        assert_eq!(message["message_number"], number);
        assert_eq!(reads.json(200, &get(format!("{messages}/{number}"))), message);
        let found = format!("{messages}/search?search_keyword=ine+{number}+of");
        assert_eq!(each(reads, &found, "message_number"), [number]);
        let count = &reads.json(200, &get(format!("{app}/chats/1")))["messages_count"];
        assert_eq!(*count, number);
    }
    let edited = put(format!("{messages}/3")).json(&json!({ "body": "the third line" }));
    writes.send(200, &edited);
    assert_eq!(
        reads.json(200, &get(format!("{messages}/3")))["body"],
        "the third line"
    );
    let renamed = put(&*app).json(&json!({ "name": "My shop" }));
    writes.send(200, &renamed);
    assert_eq!(each(reads, "/apps", "name"), ["My shop"]);
    assert_eq!(each(reads, &format!("{app}/chats"), "chat_number"), [1]);
    assert_eq!(each(reads, &messages, "message_number").len(), 20);

    writes.send(204, &delete(format!("{messages}/3")));
    assert_eq!(each(reads, &messages, "message_number").len(), 19);
    writes.send(204, &delete(format!("{app}/chats/1")));
    assert_gone(reads, &[&messages, &format!("{app}/chats/1")]);
    writes.send(204, &delete(&*app));
    assert_gone(reads, &[&app]);
}
