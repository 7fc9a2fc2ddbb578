//! Pages of hits: one walk repeats nothing, misses nothing, and goes on in its own scope only.

use serde_json::Value;

use super::{hits, say, scopes, token_of};
use crate::support::{Answer, TestApp};

/// Application, chat and number of a hit.
fn place(hit: &Value) -> String {
    format!(
        "{} {} {}",
        hit["application"], hit["chat"], hit["message"]["number"]
    )
}

fn places(answer: &Answer) -> Vec<String> {
    hits(answer).iter().map(place).collect()
}

fn next(answer: &Answer) -> Option<String> {
    let json = answer.json();
    assert_eq!(json["has_more"], !json["next"].is_null());
    json["next"].as_str().map(str::to_owned)
}

/// The page behind a place.
async fn page(app: &TestApp, path: &str, limit: usize, after: Option<&str>) -> Answer {
    let after = after.map_or(String::new(), |after| format!("&after={after}"));
    app.get(&format!("{path}?q=message&limit={limit}{after}"))
        .send()
        .await
        .status(200)
}

#[tokio::test]
async fn small_pages_together_are_one_large_page_in_every_scope() {
    let app = TestApp::open().await;
    let chat = app.chat_of(7).await;
    app.chat_of(5).await;
    for (path, total) in scopes(&chat).into_iter().zip([7, 7, 12]) {
        let whole = page(&app, &path, 200, None).await;
        assert_eq!((places(&whole).len(), next(&whole)), (total, None));
        for limit in 1..=total {
            let (mut walked, mut after) = (Vec::new(), None);
            loop {
                let page = page(&app, &path, limit, after.as_deref()).await;
                assert!(!places(&page).is_empty() && places(&page).len() <= limit);
                walked.extend(places(&page));
                after = next(&page);
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(walked, places(&whole), "{path} by {limit}");
        }
    }
}

#[tokio::test]
async fn a_page_has_50_hits_unless_it_says_otherwise() {
    let app = TestApp::open().await;
    let chat = app.chat_of(51).await;
    let first = app.get(&format!("{}?q=message", scopes(&chat)[0])).send().await;
    assert_eq!(places(&first).len(), 50);
    let rest = page(&app, &scopes(&chat)[0], 50, next(&first).as_deref()).await;
    assert_eq!((places(&rest).len(), next(&rest)), (1, None));
}

#[tokio::test]
async fn a_walk_is_not_disturbed_by_writes_of_others() {
    let app = TestApp::open().await;
    let chat = app.chat_of(9).await;
    for path in scopes(&chat) {
        let before = places(&page(&app, &path, 200, None).await);
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let page = page(&app, &path, 2, after.as_deref()).await;
            walked.extend(places(&page));
            after = next(&page);
            if after.is_none() {
                break;
            }
            say(&app, &chat, "a newer message").await;
            let edit = r#"{"body":"an edited message"}"#;
            app.patch(&format!("{chat}/messages/1"), edit)
                .send()
                .await
                .status(200);
        }
        assert_eq!(
            walked, before,
            "{path}: what is newer than the walk stays out of it"
        );
    }
}

#[tokio::test]
async fn what_is_deleted_behind_the_place_of_a_walk_is_left_out() {
    let app = TestApp::open().await;
    let chat = app.chat_of(6).await;
    let path = &scopes(&chat)[1];
    let first = page(&app, path, 2, None).await;
    for number in [5, 3] {
        app.delete(&format!("{chat}/messages/{number}"))
            .send()
            .await
            .status(204);
    }
    let rest = page(&app, path, 200, next(&first).as_deref()).await;
    let numbers: Vec<u64> = hits(&rest)
        .iter()
        .map(|hit| hit["message"]["number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [4, 2, 1], "also where the place itself was deleted");
}

#[tokio::test]
async fn a_place_of_one_scope_is_refused_in_every_other_and_shows_no_token() {
    let app = TestApp::open().await;
    let chat = app.chat_of(3).await;
    let mut nexts = Vec::new();
    for path in scopes(&chat) {
        let next = next(&page(&app, &path, 1, None).await).unwrap();
        assert!(!next.contains(token_of(&chat)), "{next}");
        nexts.push(next);
    }
    let [in_chat, in_application, everything] = scopes(&chat);
    for (own, path) in [in_chat, in_application, everything].iter().enumerate() {
        for (of, next) in nexts.iter().enumerate() {
            let answer = app.get(&format!("{path}?q=message&after={next}")).send().await;
            if own == of {
                answer.status(200);
            } else {
                answer.refuses(&["invalid_parameter after"]);
            }
        }
    }
    app.get(&format!("/v1/applications?after={}", nexts[2]))
        .send()
        .await
        .refuses(&["invalid_parameter after"]);
}

#[tokio::test]
async fn a_large_page_of_hits_is_compressed_for_those_who_take_it() {
    let app = TestApp::open().await;
    let chat = app.chat_of(20).await;
    let path = format!("{}?q=message", scopes(&chat)[0]);
    let zipped = app.get(&path).header("accept-encoding", "gzip").send().await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    let plain = app.get(&path).send().await;
    assert!(!plain.has_header("content-encoding") && plain.header("vary").contains("accept-encoding"));
}
