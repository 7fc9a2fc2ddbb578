//! Pages of lists with deleted things among them: each equals the slow way, and costs no more for lying deep.

use std::collections::BTreeSet;

use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{each, get, messages, post, send, token};
use crate::support::TestApp;

const MESSAGES_MAX: u64 = 600;

/// A chat with so many messages, of which these were deleted; the path of its messages.
async fn chat_of(app: &TestApp, count: u64, body: &str, deleted: &BTreeSet<u64>) -> String {
    let token = token(app).await;
    let messages = messages(app, &token).await;
    let bodies = vec![json!({ "body": body }); usize::try_from(count).unwrap()];
    for bodies in bodies.chunks(50) {
        let batch = json!({ "messages": bodies }).to_string();
        app.post(&format!("/v1{messages}/batch"), &batch)
            .send()
            .await
            .status(201);
    }
    for number in deleted {
        send(app, Method::DELETE, &format!("{messages}/{number}"), "")
            .await
            .status(204);
    }
    messages
}

/// Every number but the deleted ones.
fn left(count: u64, deleted: &BTreeSet<u64>) -> Vec<Value> {
    let left = (1..=count).filter(|number| !deleted.contains(number));
    left.map(Value::from).collect()
}

/// Page after page until one is empty.
async fn walked(app: &TestApp, list: &str, limit: usize) -> Vec<Value> {
    let mut numbers = Vec::new();
    for page in 1.. {
        let answer = get(app, &format!("{list}?page={page}&limit={limit}")).await;
        let found = each(&answer.status(200), "number");
        assert!(found.len() <= limit.min(100), "{limit}");
        if found.is_empty() {
            break;
        }
        numbers.extend(found);
    }
    numbers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_pages_of_a_chat_equal_the_slow_way_whatever_was_deleted(
        count in 1..=MESSAGES_MAX,
        runs in prop::collection::vec((1..=MESSAGES_MAX, 0..90_u64), 0..10),
        limit in prop_oneof![1..12_usize, 90..130_usize],
    ) {
        let runs = runs.into_iter().flat_map(|(first, more)| first..=first + more);
        let deleted: BTreeSet<u64> = runs.filter(|number| *number <= count).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let numbers = runtime.block_on(async {
            let app = TestApp::open().await;
            let list = chat_of(&app, count, "x", &deleted).await;
            walked(&app, &list, limit).await
        });
        prop_assert_eq!(numbers, left(count, &deleted));
    }

    #[test]
    fn the_pages_of_an_application_equal_the_slow_way_whatever_was_deleted(
        count in 1..=60_u64,
        deleted in prop::collection::btree_set(1..=60_u64, 0..40),
        limit in 1..20_usize,
    ) {
        let deleted: BTreeSet<u64> = deleted.into_iter().filter(|number| *number <= count).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let numbers = runtime.block_on(async {
            let app = TestApp::open().await;
            let chats = format!("/apps/{}/chats", token(&app).await);
            for _ in 0..count {
                post(&app, &chats, "").await.status(201);
            }
            for number in &deleted {
                send(&app, Method::DELETE, &format!("{chats}/{number}"), "").await.status(204);
            }
            walked(&app, &chats, limit).await
        });
        prop_assert_eq!(numbers, left(count, &deleted));
    }
}

#[tokio::test]
async fn a_deep_page_costs_one_engine_page_whatever_was_deleted() {
    let app = TestApp::open().await;
    let deleted: BTreeSet<u64> = (1..=1_000).filter(|number| number % 3 == 0).collect();
    let list = chat_of(&app, 1_500, "x", &deleted).await;
    let left = left(1_500, &deleted);
    for page in [1, 5, 11] {
        let before = app.engine.pages_of_messages();
        let answer = get(&app, &format!("{list}?page={page}&limit=100")).await;
        assert_eq!(app.engine.pages_of_messages() - before, 1);
        assert_eq!(each(&answer, "number"), left[(page - 1) * 100..page * 100]);
    }
}

/// An engine's page ends at 4 MiB; one of a classic client does not.
#[tokio::test]
async fn a_page_of_large_messages_is_whole() {
    let app = TestApp::open().await;
    let deleted = BTreeSet::from([2, 65, 66, 67, 90]);
    let list = chat_of(&app, 120, &"x".repeat(60_000), &deleted).await;
    let left = left(120, &deleted);
    let answer = get(&app, &format!("{list}?page=1&limit=100")).await;
    assert_eq!(each(&answer, "number"), left[..100]);
    let answer = get(&app, &format!("{list}?page=2&limit=100")).await;
    assert_eq!(each(&answer, "number"), left[100..]);
}
