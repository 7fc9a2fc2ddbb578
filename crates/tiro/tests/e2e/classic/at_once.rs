//! What these services call the hard part: many clients at once, and a message right behind its chat.

use std::thread;

use serde_json::json;

use super::talk::{Service, get, post};
use super::{each, text};
use crate::support::{Tiro, temp_folder};

const CLIENTS: usize = 8;
const CHATS_EACH: usize = 5;

#[test]
fn clients_at_once_never_get_one_number_and_a_new_chat_takes_messages_at_once() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let http = Service::of(&tiro);
    let shop = http.json(201, &post("/apps").json(&json!({ "name": "Shop" })));
    let token = text(&shop, "token");
    let mut numbers = thread::scope(|scope| {
        let client = || {
            let chat = || {
                let chat = http.json(201, &post(format!("/apps/{token}/chats")))["number"].clone();
                let body = json!({ "app_token": token, "chat_number": chat, "body": "at once" });
                assert_eq!(http.json(201, &post("/messages").json(&body))["number"], 1);
                let messages = format!("/apps/{token}/chats/{chat}/messages");
                assert_eq!(http.json(201, &post(messages).json(&body))["number"], 2);
                chat.as_u64().unwrap()
            };
            (0..CHATS_EACH).map(|_| chat()).collect::<Vec<u64>>()
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let numbers = clients.into_iter().flat_map(|client| client.join().unwrap());
        numbers.collect::<Vec<u64>>()
    });
    numbers.sort_unstable();
    let all = (CLIENTS * CHATS_EACH) as u64;
    assert_eq!(numbers, (1..=all).collect::<Vec<u64>>());
    assert_eq!(http.json(200, &get(format!("/apps/{token}")))["chats_count"], all);
    let counts = each(&http, &format!("/apps/{token}/chats"), "messages_count");
    assert!(counts.iter().all(|count| *count == 2), "{counts:?}");
}
