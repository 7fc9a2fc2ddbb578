//! Pages of live things, and whole lists.

use serde_json::Value;
use tiro_core::{Engine, NumberRange};

use super::{bases, each, get, messages, post, say, send, token};
use crate::support::TestApp;

#[tokio::test]
async fn lists_at_api_are_paged_unless_asked_otherwise_and_whole_everywhere_else() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    for number in 1..=12 {
        say(&app, &messages, &format!("message {number}")).await;
        post(&app, &format!("/apps/{token}/chats"), "").await.status(201);
        post(&app, "/apps", r#"{"name":"another"}"#).await.status(201);
    }
    let chats = format!("/{token}/chats");
    let lists = [("", 13), (chats.as_str(), 13), ("/1/messages", 12)];
    for base in bases() {
        let paged = ["/api/applications", "/api/apps"].contains(&base.as_str());
        for (list, all) in lists {
            let below = if list == "/1/messages" { chats.as_str() } else { "" };
            let path = format!("{base}{below}{list}");
            let length = async |query: &str| {
                let list = get(&app, &format!("{path}{query}")).await.status(200);
                list.json().as_array().unwrap().len()
            };
            assert_eq!(length("").await, if paged { 10 } else { all }, "{path}");
            assert_eq!(length("?page=1").await, 10, "{path}");
            assert_eq!(length("?page=2").await, all - 10, "{path}");
            assert_eq!(length("?limit=3").await, 3, "{path}");
            assert_eq!(length("?limit=1000&unknown=1").await, all, "{path}");
            assert_eq!(length("?page=99999999999999999999").await, 0, "{path}");
            for wrong in [
                "page=0",
                "page=-1",
                "page=",
                "page=x",
                "limit=0",
                "limit=1.5",
                "limit=%ff",
            ] {
                let name = wrong.split('=').next().unwrap();
                let violation = format!("invalid_parameter {name}");
                get(&app, &format!("{path}?{wrong}")).await.refuses(&[&violation]);
            }
        }
    }
}

#[tokio::test]
async fn every_page_of_a_list_with_deleted_things_equals_the_slow_way() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    for number in 1..=430 {
        say(&app, &messages, &format!("message {number}")).await;
    }
    for number in (1..=430).filter(|number| number % 7 == 0 || (200..280).contains(number)) {
        send(&app, http::Method::DELETE, &format!("{messages}/{number}"), "")
            .await
            .status(204);
    }
    let slow: Vec<Value> = (1..=430)
        .filter(|number| !(number % 7 == 0 || (200..280).contains(number)))
        .map(Value::from)
        .collect();
    for limit in [1, 7, 100] {
        let mut walked = Vec::new();
        for page in 1..=(slow.len() / limit + 2) {
            if limit == 1 && page > 5 && page < slow.len() - 5 {
                walked.push(slow[page - 1].clone());
                continue;
            }
            let list = get(&app, &format!("{messages}?page={page}&limit={limit}"))
                .await
                .status(200);
            let numbers = each(&list, "number");
            assert_eq!(
                numbers.len(),
                limit.min(slow.len().saturating_sub((page - 1) * limit))
            );
            walked.extend(numbers);
        }
        assert_eq!(walked, slow, "{limit}");
    }
    let whole = get(&app, &messages).await.status(200);
    assert_eq!(each(&whole, "number"), slow);
}

#[tokio::test]
async fn chats_and_applications_are_paged_without_those_that_were_deleted() {
    let app = TestApp::open().await;
    let mut tokens = Vec::new();
    for _ in 0..25 {
        tokens.push(token(&app).await);
    }
    let chats = format!("/apps/{}/chats", tokens[0]);
    for _ in 0..25 {
        post(&app, &chats, "").await.status(201);
    }
    for number in [1, 4, 11, 25] {
        send(&app, http::Method::DELETE, &format!("{chats}/{number}"), "")
            .await
            .status(204);
        send(
            &app,
            http::Method::DELETE,
            &format!("/apps/{}", tokens[number - 1 + usize::from(number == 1)]),
            "",
        )
        .await
        .status(204);
    }
    for (path, member, kept) in [(chats.as_str(), "number", 21), ("/apps", "token", 21)] {
        let whole = each(&get(&app, path).await, member);
        assert_eq!(whole.len(), kept, "{path}");
        let mut paged = Vec::new();
        for page in 1..=5 {
            paged.extend(each(
                &get(&app, &format!("{path}?page={page}&limit=6")).await,
                member,
            ));
        }
        assert_eq!(paged, whole, "{path}");
    }
}

#[tokio::test]
async fn a_whole_list_is_sent_in_pieces_of_one_engine_page() {
    const MESSAGES: u64 = 20_000;
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    let batch = format!("/v1{messages}/batch");
    let thousand: Vec<Value> = (0..1_000).map(|_| serde_json::json!({ "body": "x" })).collect();
    for _ in 0..MESSAGES / 1_000 {
        let body = serde_json::json!({ "messages": thousand });
        app.post(&batch, &body.to_string()).send().await.status(201);
    }
    let range = NumberRange::Last { limit: 1 };
    let parsed = tiro_core::Token::parse(&token).unwrap();
    assert_eq!(
        app.engine.messages(&parsed, 1, range).await.unwrap().items[0].number,
        MESSAGES
    );
    let pieces = app.get(&messages).pieces().await;
    assert_eq!(pieces.len() as u64, MESSAGES / 200 + 1);
    assert!(
        pieces.iter().all(|piece| piece.len() < 64 * 1024),
        "a piece is no engine page"
    );
    let list: Value = serde_json::from_slice(&pieces.concat()).unwrap();
    let numbers = list
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["number"].as_u64().unwrap());
    assert!(numbers.eq(1..=MESSAGES));
}
