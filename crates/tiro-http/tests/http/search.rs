//! Search over HTTP: scopes, parameters, literal queries, highlights, and who may search where.

mod behind;
mod walking;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tiro_core::Limits;
use tiro_http::Transport;

use crate::support::{Answer, Persona, TestApp};

/// Where to search: the paths of the three scopes, for a chat's path.
fn scopes(chat: &str) -> [String; 3] {
    let application = application_of(chat);
    [
        format!("{chat}/messages/search"),
        format!("{application}/search"),
        "/v1/search".to_owned(),
    ]
}

/// The path of the application that a chat's path goes through.
fn application_of(chat: &str) -> &str {
    chat.rsplit_once("/chats").unwrap().0
}

fn token_of(chat: &str) -> &str {
    application_of(chat).rsplit_once('/').unwrap().1
}

async fn say(app: &TestApp, chat: &str, body: &str) {
    app.post(&format!("{chat}/messages"), &json!({ "body": body }).to_string())
        .send()
        .await
        .status(201);
}

async fn search(app: &TestApp, path: &str, query: &str) -> Answer {
    let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
    app.get(&format!("{path}?q={query}")).send().await
}

fn hits(answer: &Answer) -> Vec<Value> {
    answer.json()["data"].as_array().unwrap().clone()
}

fn bodies(answer: &Answer) -> Vec<String> {
    let body = |hit: &Value| hit["message"]["body"].as_str().unwrap().to_owned();
    hits(answer).iter().map(body).collect()
}

#[tokio::test]
async fn each_scope_finds_what_is_in_it_newest_first() {
    let app = TestApp::open().await;
    let (first, other) = (app.chat().await, app.chat().await);
    let chats = format!("{}/chats", application_of(&first));
    let second = app.post(&chats, "").send().await.header("location").to_owned();
    for (chat, body) in [
        (&first, "Invoice one"),
        (&second, "invoice two"),
        (&other, "INVOICE three"),
        (&first, "nothing of it"),
    ] {
        say(&app, chat, body).await;
    }
    let [in_chat, in_application, everything] = scopes(&first);
    let found = search(&app, &in_chat, "voic").await.status(200);
    assert_eq!(bodies(&found), ["Invoice one"]);
    let found = search(&app, &in_application, "voic").await.status(200);
    assert_eq!(bodies(&found), ["invoice two", "Invoice one"]);
    let cursor = app.get(application_of(&first)).send().await;
    assert_eq!(found.json()["searched_through"], cursor.header("tiro-cursor"));
    let found = search(&app, &everything, "voic").await.status(200);
    let mut all = bodies(&found);
    all.sort();
    assert_eq!(all, ["INVOICE three", "Invoice one", "invoice two"]);
    assert_eq!(found.json()["searched_through"], Value::Null);
}

#[tokio::test]
async fn a_hit_is_the_message_as_getting_it_answers_and_says_where_it_is() {
    let app = TestApp::open().await;
    let chat = app.chat_of(3).await;
    app.patch(
        &format!("{chat}/messages/2"),
        r#"{"body":"edited","metadata":{"n":1e2}}"#,
    )
    .send()
    .await
    .status(200);
    let message = app.get(&format!("{chat}/messages/2")).send().await.json();
    for path in scopes(&chat) {
        let found = search(&app, &path, "edited").await.status(200);
        let wanted = json!({
            "application": token_of(&chat),
            "chat": 1,
            "message": message,
            "highlights": [{"start": 0, "end": 6}],
        });
        assert_eq!(hits(&found), [wanted], "{path}");
        assert_eq!(found.json()["has_more"], false);
        assert_eq!(found.json()["next"], Value::Null);
        assert_eq!(
            hits(&search(&app, &path, "message 2").await.status(200)),
            [] as [Value; 0]
        );
    }
}

#[tokio::test]
async fn every_wrong_parameter_is_refused_by_name_in_every_scope() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let terms = |count: usize| "x%20".repeat(count);
    for path in scopes(&chat) {
        for (query, refused) in [
            (String::new(), "missing q"),
            ("limit=5".to_owned(), "missing q"),
            ("q".to_owned(), "blank q"),
            ("q=".to_owned(), "blank q"),
            ("q=%20+%E3%80%80".to_owned(), "blank q"),
            ("q=%22%22".to_owned(), "blank q"),
            ("q=%CC%81".to_owned(), "blank q"),
            ("q=a%00b".to_owned(), "nul_character q"),
            ("q=%ff".to_owned(), "invalid_parameter q"),
            ("q=a&q=b".to_owned(), "duplicate_parameter q"),
            (format!("q={}", "%C3%A9".repeat(513)), "too_long q"),
            (format!("q={}", terms(17)), "too_many_terms q"),
            ("q=a&limit=0".to_owned(), "invalid_parameter limit"),
            ("q=a&limit=201".to_owned(), "invalid_parameter limit"),
            ("q=a&after=".to_owned(), "invalid_parameter after"),
            ("q=a&after=7".to_owned(), "invalid_parameter after"),
            ("q=a&partial=maybe".to_owned(), "invalid_parameter partial"),
            ("q=a&partial=".to_owned(), "invalid_parameter partial"),
            ("q=a&query=b".to_owned(), "unknown_parameter query"),
            ("q=a&before=7".to_owned(), "unknown_parameter before"),
        ] {
            app.get(&format!("{path}?{query}"))
                .send()
                .await
                .refuses(&[refused]);
        }
        app.get(&path).send().await.refuses(&["missing q"]);
        app.get(&format!("{path}?limit=0&x=1")).send().await.refuses(&[
            "missing q",
            "invalid_parameter limit",
            "unknown_parameter x",
        ]);
        app.get(&format!("{path}?q=&after=x"))
            .send()
            .await
            .refuses(&["blank q", "invalid_parameter after"]);
        for accepted in [
            format!("q={}", "%C3%A9".repeat(512)),
            format!("q={}", terms(16)),
            "q=a&limit=1".to_owned(),
            "q=a&limit=200".to_owned(),
            "q=a&partial=true".to_owned(),
            "q=a&partial=false".to_owned(),
        ] {
            app.get(&format!("{path}?{accepted}")).send().await.status(200);
        }
    }
}

#[tokio::test]
async fn the_limits_of_queries_are_those_that_the_operator_configured() {
    let limits = Limits {
        query_chars_max: 9,
        query_terms_max: 2,
        ..Limits::default()
    };
    let app = TestApp::limited(limits, Transport::default()).await;
    search(&app, "/v1/search", "123456 89").await.status(200);
    search(&app, "/v1/search", "123456 890")
        .await
        .refuses(&["too_long q"]);
    search(&app, "/v1/search", "a b c")
        .await
        .refuses(&["too_many_terms q"]);
}

#[tokio::test]
async fn a_query_is_taken_literally() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let said = [
        "a*b",
        "why?",
        "100%",
        "snake_case",
        r"back\slash",
        "f(x)",
        "C++",
        "a:b",
        "5\" disk",
        "one  two",
        "two one",
    ];
    for body in said {
        say(&app, &chat, body).await;
    }
    for (query, found) in [
        ("*", vec!["a*b"]),
        ("?", vec!["why?"]),
        ("%", vec!["100%"]),
        ("_", vec!["snake_case"]),
        (r"\", vec![r"back\slash"]),
        ("(", vec!["f(x)"]),
        (")", vec!["f(x)"]),
        (":", vec!["a:b"]),
        ("a:b", vec!["a:b"]),
        ("C++", vec!["C++"]),
        ("c+", vec!["C++"]),
        ("5\"", vec!["5\" disk"]),
        ("wh?", vec![]),
        ("*b", vec!["a*b"]),
        ("a%b", vec![]),
        ("one two", vec!["two one", "one  two"]),
        ("\"two one\"", vec!["two one"]),
        ("\"two one", vec![]),
    ] {
        for path in scopes(&chat) {
            let answer = search(&app, &path, query).await.status(200);
            assert_eq!(bodies(&answer), found, "{query} in {path}");
        }
    }
    let path = &scopes(&chat)[0];
    let plus = app.get(&format!("{path}?q=one+two")).send().await.status(200);
    assert_eq!(bodies(&plus), ["two one", "one  two"], "a bare + is a space");
    let escaped = app.get(&format!("{path}?q=C%2B%2b")).send().await.status(200);
    assert_eq!(bodies(&escaped), ["C++"]);
}

#[tokio::test]
async fn highlights_count_characters_and_cut_none() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    for (body, query, ranges) in [
        ("👋🏽 hello, hello", "hello", vec![(3, 8), (10, 15)]),
        ("cafe\u{301} au lait", "café", vec![(0, 5)]),
        ("cafe\u{301} zwei", "CAFE zwei", vec![(0, 5), (6, 10)]),
        ("🏳\u{fe0f}\u{200d}🌈x世界", "世界", vec![(5, 7)]),
    ] {
        say(&app, &chat, body).await;
        for path in scopes(&chat) {
            let found = search(&app, &path, query).await.status(200);
            let newest = &hits(&found)[0];
            assert_eq!(newest["message"]["body"], body);
            let wanted: Vec<Value> = ranges
                .iter()
                .map(|(start, end)| json!({"start": start, "end": end}))
                .collect();
            assert_eq!(newest["highlights"], Value::Array(wanted), "{body} in {path}");
        }
    }
}

#[tokio::test]
async fn what_is_deleted_is_not_found_and_what_is_above_it_answers_410() {
    let app = TestApp::open().await;
    let chat = app.chat_of(3).await;
    let paths = scopes(&chat);
    app.delete(&format!("{chat}/messages/2")).send().await.status(204);
    for path in &paths {
        let found = search(&app, path, "message").await.status(200);
        assert_eq!(bodies(&found), ["message 3", "message 1"], "{path}");
    }
    app.delete(&chat).send().await.status(204);
    search(&app, &paths[0], "message")
        .await
        .problem(410, "chat_deleted");
    for path in &paths[1..] {
        assert!(bodies(&search(&app, path, "message").await.status(200)).is_empty());
    }
    app.delete(application_of(&chat)).send().await.status(204);
    for path in &paths[..2] {
        search(&app, path, "message")
            .await
            .problem(410, "application_deleted");
    }
    assert!(bodies(&search(&app, &paths[2], "message").await.status(200)).is_empty());
}

#[tokio::test]
async fn a_scope_that_is_not_there_is_404() {
    let app = TestApp::open().await;
    let application = app.application().await;
    for (path, code) in [
        (
            "/v1/applications/app_aaaaaaaaaaaaaaaaaaaaaaaaaa/search".to_owned(),
            "application_not_found",
        ),
        (
            "/v1/applications/short/search".to_owned(),
            "application_not_found",
        ),
        (format!("{application}/chats/1/messages/search"), "chat_not_found"),
        (format!("{application}/chats/01/messages/search"), "not_found"),
    ] {
        search(&app, &path, "a").await.problem(404, code);
    }
}

#[tokio::test]
async fn applications_with_the_same_texts_find_only_their_own() {
    let app = TestApp::keyed().await;
    let chats = [app.chat_of(4).await, app.chat_of(4).await];
    for (own, other) in [(0, 1), (1, 0)] {
        let (own, other) = (token_of(&chats[own]), token_of(&chats[other]));
        let found = search(&app, &format!("/v1/applications/{own}/search"), "message")
            .await
            .status(200);
        assert_eq!(hits(&found).len(), 4);
        assert!(hits(&found).iter().all(|hit| hit["application"] == own));
        assert!(!found.text().contains(other));
        let foreign = search(&app, &format!("/v1/applications/{own}/search"), other)
            .await
            .status(200);
        assert!(hits(&foreign).is_empty(), "a token is no text of a message");
    }
}

#[tokio::test]
async fn the_token_in_the_path_lets_in_and_everything_is_for_the_operator() {
    let app = TestApp::keyed().await;
    let (chat, other) = (app.chat_of(1).await, app.chat_of(1).await);
    let holder = |chat: &str| Persona::Holder(token_of(chat).to_owned());
    let unknown = Persona::Holder("an-unknown-key-of-some-length".to_owned());
    let [in_chat, in_application, everything] = scopes(&chat).map(|path| format!("{path}?q=message"));
    let send = |persona: &Persona, path: &str| app.as_persona(persona, Method::GET, path).send();
    for persona in [
        Persona::Stranger,
        Persona::Operator,
        holder(&chat),
        holder(&other),
    ] {
        for path in [&in_chat, &in_application] {
            let found = send(&persona, path).await.status(200);
            assert!(
                hits(&found)
                    .iter()
                    .all(|hit| hit["application"] == token_of(&chat))
            );
        }
    }
    for path in [&in_chat, &in_application, &everything] {
        send(&unknown, path).await.problem(401, "unauthorized");
    }
    send(&Persona::Stranger, &everything)
        .await
        .problem(401, "unauthorized");
    send(&holder(&chat), &everything).await.problem(403, "forbidden");
    assert_eq!(
        hits(&send(&Persona::Operator, &everything).await.status(200)).len(),
        2
    );
    let without_query = send(&holder(&chat), "/v1/search").await;
    without_query.problem(403, "forbidden");
}

#[tokio::test]
async fn a_search_answers_get_head_and_options_only_and_takes_no_message_s_place() {
    let app = TestApp::open().await;
    let chat = app.chat_of(1).await;
    for path in scopes(&chat) {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = app
                .request(method, &path)
                .send()
                .await
                .problem(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
        }
        let options = app.request(Method::OPTIONS, &path).send().await.status(204);
        assert_eq!(options.header("allow"), "GET, HEAD, OPTIONS");
        let query = format!("{path}?q=message");
        let got = app.get(&query).send().await.status(200);
        let head = app.request(Method::HEAD, &query).send().await.status(200);
        assert!(head.bytes.is_empty() && !got.has_header("tiro-cursor") && !got.has_header("etag"));
        assert_eq!(head.header("content-length"), got.bytes.len().to_string());
    }
    for other in ["searc", "search1", "Search"] {
        app.get(&format!("{chat}/messages/{other}"))
            .send()
            .await
            .problem(404, "not_found");
    }
    app.get(&format!("{chat}/messages/1")).send().await.status(200);
}
