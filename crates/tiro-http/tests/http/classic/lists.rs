//! Pages of live things, and whole lists.

use http_body_util::BodyExt;
use serde_json::{Value, json};

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

/// Memory stays flat because nothing is read before the client took what was read before it.
#[tokio::test]
async fn a_list_of_200_000_messages_is_read_one_engine_page_at_a_time_as_the_client_takes_it() {
    const MESSAGES: usize = 200_000;
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    let thousand: Vec<Value> = (0..1_000).map(|_| json!({ "body": "x" })).collect();
    let batch = json!({ "messages": thousand }).to_string();
    for _ in 0..MESSAGES / 1_000 {
        let path = format!("/v1{messages}/batch");
        app.post(&path, &batch).send().await.status(201);
    }
    let before = app.engine.pages_of_messages();
    let mut body = app.get(&messages).streamed().await;
    let (mut list, mut pieces) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let piece = frame.unwrap().into_data().unwrap();
        pieces += 1;
        assert!(piece.len() < 64 * 1024, "a piece is no engine page");
        // Besides, one page was looked at to see that the list is longer.
        let read = app.engine.pages_of_messages() - before;
        assert_eq!(read, pieces + 1, "read ahead of the client");
        list.extend_from_slice(&piece);
    }
    assert_eq!(pieces, MESSAGES / 200);
    let list: Value = serde_json::from_slice(&list).unwrap();
    let numbers = list.as_array().unwrap().iter().map(|message| &message["number"]);
    assert!(numbers.eq((1..=MESSAGES).map(Value::from).collect::<Vec<_>>().iter()));
}

#[tokio::test]
async fn a_whole_list_passes_over_engine_pages_of_deleted_messages() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    for _ in 0..1_000 {
        say(&app, &messages, "x").await;
    }
    for number in (1..=200).chain(301..=900) {
        let path = format!("{messages}/{number}");
        send(&app, http::Method::DELETE, &path, "").await.status(204);
    }
    let whole = get(&app, &messages).await.status(200);
    let kept: Vec<Value> = (201..=300).chain(901..=1_000).map(Value::from).collect();
    assert_eq!(each(&whole, "number"), kept);
}

#[tokio::test]
async fn a_whole_list_is_of_the_moment_it_began_however_slowly_it_is_read() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    for number in 1..=500 {
        say(&app, &messages, &format!("message {number}")).await;
    }
    let as_it_was = get(&app, &messages).await.status(200);
    let mut body = app.get(&messages).streamed().await;
    let mut list = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
    let edited = format!("{messages}/450");
    send(&app, http::Method::PATCH, &edited, r#"{"body":"edited"}"#)
        .await
        .status(200);
    let deleted = format!("{messages}/451");
    send(&app, http::Method::DELETE, &deleted, "").await.status(204);
    say(&app, &messages, "later").await;
    while let Some(frame) = body.frame().await {
        list.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    assert_eq!(serde_json::from_slice::<Value>(&list).unwrap(), as_it_was.json());
}
