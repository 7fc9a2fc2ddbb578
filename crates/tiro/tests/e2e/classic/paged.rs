//! Pages under `/api/applications`: `page`, `limit` and `query`, ten things unless something else is asked for.

use serde_json::{Value, json};

use super::talk::{Service, delete, get, post, put};
use super::{assert_gone, create_twice, each, text};
use crate::support::{Tiro, temp_folder};

const MESSAGES: u64 = 25;
const DELETED: [u64; 4] = [1, 9, 10, 24];

#[test]
fn the_life_of_an_application_in_pages_under_api() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    whole_life(&Service::of(&tiro));
}

/// The whole life, wherever the service keeps it.
pub(crate) fn whole_life(http: &Service) {
    let create = post("/api/applications").json(&json!({ "name": "Shop" }));
    let shop = create_twice(http, &create, "shop-of-paged");
    let app = format!("/api/applications/{}", text(&shop, "token"));
    let create = post(format!("{app}/chats"));
    assert_eq!(create_twice(http, &create, "chat")["number"], 1);
    let messages = format!("{app}/chats/1/messages");
    for number in 1..=MESSAGES {
        let create = post(&*messages).json(&json!({ "body": format!("invoice-{number}.pdf") }));
        assert_eq!(
            create_twice(http, &create, &format!("message-{number}"))["number"],
            number
        );
    }
    assert_eq!(
        http.json(200, &get(format!("{app}/chats/1")))["message_count"],
        MESSAGES
    );
    let edited = put(format!("{messages}/7")).json(&json!({ "body": "receipt-7.pdf" }));
    http.send(200, &edited);
    for number in DELETED {
        http.send(204, &delete(format!("{messages}/{number}")));
    }
    assert_pages_are_the_whole(http, &messages);
    assert_found_is_paged_alike(http, &messages);

    for _ in 0..11 {
        http.send(201, &post(format!("{app}/chats")));
    }
    assert_eq!(each(http, &format!("{app}/chats"), "number").len(), 10);
    assert_eq!(each(http, &format!("{app}/chats?page=2"), "number"), [11, 12]);
    assert_eq!(each(http, "/api/applications?page=1&limit=100", "token").len(), 1);
    assert!(each(http, "/api/applications?page=2", "token").is_empty());
    let error = http.json(422, &get(format!("{messages}?page=0")));
    assert_eq!(error["errors"][0]["parameter"], "page");
    http.send(204, &delete(&*app));
    assert_gone(http, &[&app, &messages, &format!("{messages}?page=1&query=pdf")]);
}

fn live() -> Vec<Value> {
    let numbers = (1..=MESSAGES).filter(|number| !DELETED.contains(number));
    numbers.map(Value::from).collect()
}

fn assert_pages_are_the_whole(http: &Service, messages: &str) {
    assert_eq!(each(http, messages, "number"), live()[..10]);
    for limit in [1, 4, 10, 100] {
        let mut walked = Vec::new();
        for page in 1.. {
            let numbers = each(http, &format!("{messages}?page={page}&limit={limit}"), "number");
            if numbers.is_empty() {
                break;
            }
            walked.extend(numbers);
        }
        assert_eq!(walked, live(), "{limit} a page");
    }
}

fn assert_found_is_paged_alike(http: &Service, messages: &str) {
    let found: Vec<Value> = live().into_iter().rev().filter(|number| *number != 7).collect();
    let page = |page| {
        each(
            http,
            &format!("{messages}?query=VOICE-&page={page}&limit=15"),
            "number",
        )
    };
    assert_eq!(page(1), found[..15]);
    assert_eq!(page(2), found[15..]);
    assert_eq!(each(http, &format!("{messages}?query=eipt"), "number"), [7]);
    assert_eq!(each(http, &format!("{messages}?query="), "number"), live()[..10]);
}
