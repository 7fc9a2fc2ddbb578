//! Search: by query and by path, in a chat and over everything.

use serde_json::json;
use tiro_core::{Failure, Shortage, Unavailable};

use super::{bases, each, get, messages, post, say, send, token};
use crate::support::{OPERATOR_KEY, PREFIXES, TestApp, keyed_config};

#[tokio::test]
async fn search_matches_parts_of_words_and_stays_in_its_chat_at_every_spelling() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let here = messages(&app, &token).await;
    let there = messages(&app, &token).await;
    for (path, body) in [
        (&here, "Invoice one"),
        (&there, "invoice elsewhere"),
        (&here, "the INVOICE two"),
        (&here, "nothing of it"),
    ] {
        say(&app, path, body).await;
    }
    let wanted = ["the INVOICE two", "Invoice one"];
    let mut paths = Vec::new();
    for base in bases() {
        let chat = format!("{base}/{token}/chats/1");
        for name in ["q", "query", "search_keyword"] {
            paths.push(format!("{chat}/messages/search?{name}=voic"));
            paths.push(format!("{chat}/messages/search/?{name}=voic"));
            paths.push(format!("{chat}/search?{name}=voic"));
            paths.push(format!("{chat}/search/?{name}=voic"));
        }
        paths.push(format!("{chat}/messages?query=voic"));
        paths.push(format!("{chat}/messages/?query=voic"));
    }
    for prefix in PREFIXES {
        for noun in ["chats", "messages"] {
            paths.push(format!("{prefix}/{noun}/{token}/1/search/voic"));
            paths.push(format!("{prefix}/{noun}/{token}/1/search/voic/"));
        }
    }
    for path in paths {
        let found = get(&app, &path).await.status(200);
        assert_eq!(each(&found, "body"), wanted, "{path}");
        assert_eq!(each(&found, "number"), [2, 1], "{path}");
        let page = format!(
            "{path}{}page=2&limit=1",
            if path.contains('?') { '&' } else { '?' }
        );
        assert_eq!(each(&get(&app, &page).await.status(200), "number"), [1], "{page}");
    }
    let listed = get(&app, &format!("{here}?query=")).await.status(200);
    assert_eq!(each(&listed, "number"), [1, 2, 3]);
}

#[tokio::test]
async fn a_text_in_a_path_may_hold_anything() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    for body in ["see a/b/c here", "50% off", "C++ 世界", "what? #1", "a / b"] {
        say(&app, &messages, body).await;
    }
    for (text, wanted) in [
        ("a/b/c", "see a/b/c here"),
        ("a%2Fb%2Fc", "see a/b/c here"),
        ("a/b%2F", "see a/b/c here"),
        ("50%25", "50% off"),
        ("C++", "C++ 世界"),
        ("%E4%B8%96", "C++ 世界"),
        ("what%3F%20%231", "what? #1"),
    ] {
        for path in [
            format!("/search/{text}"),
            format!("/api/search/{text}"),
            format!("/api/v1/chats/{token}/1/search/{text}"),
            format!("/messages/{token}/1/search/{text}"),
        ] {
            assert_eq!(
                each(&get(&app, &path).await.status(200), "body"),
                [wanted],
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_search_over_everything_names_application_and_chat() {
    let app = TestApp::open().await;
    let (first, second) = (token(&app).await, token(&app).await);
    for token in [&first, &second] {
        let path = format!("/apps/{token}/chats");
        post(&app, &path, r#"{"title":"lobby"}"#).await.status(201);
        say(&app, &format!("{path}/1/messages"), "hello").await;
    }
    for prefix in PREFIXES {
        let found = get(&app, &format!("{prefix}/search/ell")).await.status(200);
        let mut tokens = each(&found, "application_token");
        tokens.sort_by_key(ToString::to_string);
        let mut wanted = [json!(first), json!(second)];
        wanted.sort_by_key(ToString::to_string);
        assert_eq!(tokens, wanted);
        let hit = &found.json()[0];
        for (name, value) in [
            ("body", json!("hello")),
            ("message_number", json!(1)),
            ("chat_number", json!(1)),
            ("chat_title", json!("lobby")),
            ("application_name", json!("shop")),
        ] {
            assert_eq!(hit[name], value);
        }
        assert_eq!(hit.as_object().unwrap().len(), 6);
    }
}

#[tokio::test]
async fn a_search_is_refused_that_asks_for_nothing_or_too_deep() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    for (query, violation) in [
        ("", "missing q"),
        ("?q=", "blank q"),
        ("?query=%20", "blank query"),
        ("?q=a&page=101&limit=100", "invalid_parameter page"),
        ("?q=a&page=99999999999999999999", "invalid_parameter page"),
        ("?q=a&page=0", "invalid_parameter page"),
        ("?q=%ff", "invalid_parameter q"),
    ] {
        get(&app, &format!("{messages}/search{query}"))
            .await
            .refuses(&[violation]);
    }
    get(&app, &format!("{messages}/search?q=a&page=100&limit=100"))
        .await
        .status(200);
    get(&app, &format!("/chats/{token}/1/search/%20"))
        .await
        .refuses(&["blank query"]);
    get(&app, "/search/%ff")
        .await
        .refuses(&["invalid_parameter query"]);
    get(&app, "/search").await.status(404);
}

#[tokio::test]
async fn a_search_without_a_page_gives_at_most_a_thousand() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    let bodies: Vec<_> = (0..501).map(|_| json!({ "body": "same" })).collect();
    for _ in 0..2 {
        let batch = json!({ "messages": bodies }).to_string();
        app.post(&format!("/v1{messages}/batch"), &batch)
            .send()
            .await
            .status(201);
    }
    let found = get(&app, &format!("{messages}/search?q=same")).await.status(200);
    assert!(each(&found, "number").into_iter().eq((3..=1_002).rev()));
}

#[tokio::test]
async fn a_search_over_everything_and_the_applications_need_the_operators_key() {
    let app = TestApp::with(keyed_config()).await;
    let name = r#"{"name":"a"}"#;
    let created = app
        .post("/apps", name)
        .header("authorization", &format!("Bearer {OPERATOR_KEY}"))
        .send()
        .await
        .status(201);
    let token = created.json()["token"].as_str().unwrap().to_owned();
    for prefix in PREFIXES {
        get(&app, &format!("{prefix}/search/a"))
            .await
            .problem(401, "unauthorized");
        get(&app, &format!("{prefix}/apps"))
            .await
            .problem(401, "unauthorized");
        post(&app, &format!("{prefix}/apps"), name)
            .await
            .problem(401, "unauthorized");
        post(&app, &format!("{prefix}/apps/a_token_of_my_choice"), name)
            .await
            .problem(401, "unauthorized");
        send(&app, http::Method::DELETE, &format!("{prefix}/apps/{token}"), "")
            .await
            .problem(401, "unauthorized");
        get(&app, &format!("{prefix}/apps/{token}")).await.status(200);
    }
}

#[tokio::test]
async fn a_search_that_cannot_be_answered_says_so() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    app.engine.fall_behind(None, std::time::Duration::from_secs(2));
    let behind = app.get(&format!("{messages}/search?q=a")).send().await;
    assert_eq!(behind.problem(503, "search_behind").header("retry-after"), "2");
    app.engine.fail_writes(Failure::Unavailable(Unavailable {
        shortage: Shortage::Overloaded,
        retry_after: std::time::Duration::from_secs(1),
    }));
    app.post(&messages, r#"{"body":"a"}"#)
        .send()
        .await
        .problem(503, "overloaded");
}

#[tokio::test(start_paused = true)]
async fn a_search_that_does_not_end_is_given_up_at_its_deadline() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    app.engine.hang_searches();
    for path in [format!("{messages}/search?q=a"), "/search/a".to_owned()] {
        let given_up = app.get(&path).send().await.problem(503, "overloaded");
        assert_eq!(given_up.header("retry-after"), "1");
    }
}
