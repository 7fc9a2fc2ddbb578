//! Pages of a large chat with random messages deleted, against the slow way: everything, without what was deleted.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::talk::{Service, delete, get, post};
use super::{each, text};
use crate::counts::{count, seed};
use crate::support::{Tiro, temp_folder};

const BATCH_MESSAGES: usize = 1_000;

#[test]
fn pages_of_a_chat_with_random_messages_deleted_equal_the_slow_way() {
    let mut random = fastrand::Rng::with_seed(seed());
    let messages = count(3_000, 100_000);
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let http = Service::of(&tiro);
    let list = chat_of(&http, messages);
    let mut deleted = BTreeSet::new();
    for round in 0..3 {
        for number in some_of(messages as u64, &mut random) {
            if deleted.insert(number) {
                http.send(204, &delete(format!("{list}/{number}")));
            }
        }
        assert_pages_equal_the_slow_way(&http, &list, messages as u64, &deleted, &mut random);
        println!("round {round}: {} of {messages} deleted", deleted.len());
    }
    // The same from the view, and from what the log says.
    tiro.kill();
    let tiro = Tiro::start(folder.path(), &[]);
    assert_pages_equal_the_slow_way(&Service::of(&tiro), &list, messages as u64, &deleted, &mut random);
}

fn chat_of(http: &Service, messages: usize) -> String {
    let shop = http.json(201, &post("/apps").json(&json!({ "name": "Shop" })));
    let chats = format!("/apps/{}/chats", text(&shop, "token"));
    http.send(201, &post(&*chats));
    let v1 = chats.replace("/apps", "/v1/applications");
    let batch = json!({ "messages": vec![json!({ "body": "x" }); BATCH_MESSAGES] });
    for _ in 0..messages / BATCH_MESSAGES {
        http.send(201, &post(format!("{v1}/1/messages/batch")).json(&batch));
    }
    format!("{chats}/1/messages")
}

/// Single numbers and runs, the first and the last among them.
fn some_of(last: u64, random: &mut fastrand::Rng) -> Vec<u64> {
    let mut numbers = vec![1, last];
    for _ in 0..40 {
        let first = random.u64(1..=last);
        let run = if random.bool() { 0 } else { random.u64(0..60) };
        numbers.extend(first..=last.min(first + run));
    }
    numbers
}

fn assert_pages_equal_the_slow_way(
    http: &Service,
    list: &str,
    last: u64,
    deleted: &BTreeSet<u64>,
    random: &mut fastrand::Rng,
) {
    let slow: Vec<Value> = (1..=last)
        .filter(|number| !deleted.contains(number))
        .map(Value::from)
        .collect();
    assert!(each(http, list, "number") == slow, "the whole list");
    for limit in [random.usize(1..100), 100] {
        let pages = slow.len().div_ceil(limit);
        for _ in 0..30 {
            let page = random.usize(1..=pages);
            let expected = &slow[(page - 1) * limit..slow.len().min(page * limit)];
            let found = each(http, &format!("{list}?page={page}&limit={limit}"), "number");
            assert_eq!(found, expected, "page {page} of {limit}");
        }
        let behind = format!("{list}?page={}&limit={limit}", pages + 1);
        assert_eq!(http.json(200, &get(behind)), json!([]));
    }
}
