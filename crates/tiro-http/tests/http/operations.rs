//! `Prefer: respond-async` and operations.

use tiro_core::{Failure, OperationState, Rejection, Reply, Request, Shortage, Unavailable};

use crate::support::TestApp;

const MESSAGE: &str = r#"{"body":"a"}"#;

/// An application that has a chat, on an engine that parks.
async fn parking() -> (TestApp, String) {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    app.engine.park_creates();
    (app, chat)
}

async fn applied(app: &TestApp, request: Request) -> Reply {
    tiro_core::Engine::write(&*app.engine, request).await.unwrap()
}

#[tokio::test]
async fn a_create_under_a_key_is_answered_202_with_its_operation_before_it_is_carried_out() {
    let (app, chat) = parking().await;
    let chats = chat.strip_suffix("/1").unwrap();
    let batch = r#"{"messages":[{"body":"a"},{"body":"b"}]}"#;
    for (path, body) in [
        (chats.to_owned(), "{}"),
        (format!("{chat}/messages"), MESSAGE),
        (format!("{chat}/messages/batch"), batch),
    ] {
        let parked = app
            .post(&path, body)
            .key("k")
            .header("prefer", "respond-async, wait=5")
            .send()
            .await
            .status(202);
        let name = format!("op_{}", app.engine.parked().len());
        assert_eq!(
            parked.json(),
            serde_json::json!({"operation": name, "status": "pending", "result": null, "problem": null})
        );
        assert_eq!(parked.header("preference-applied"), "respond-async");
        let (application, _) = chats.rsplit_once('/').unwrap();
        let operation = format!("{application}/operations/{name}");
        assert_eq!(parked.header("location"), operation);
        let asked = app.get(&operation).send().await.status(200);
        assert_eq!(asked.json(), parked.json());
    }
    assert_eq!(app.engine.parked().len(), 3);
    assert_eq!(app.get(&chat).send().await.json()["messages_count"], 0);
}

#[tokio::test]
async fn without_a_key_or_the_preference_or_an_engine_that_parks_it_is_carried_out_at_once() {
    let (app, chat) = parking().await;
    let path = format!("{chat}/messages");
    let direct = app.post(&path, MESSAGE).header("prefer", "respond-async");
    let direct = direct.send().await.status(201);
    assert!(!direct.has_header("preference-applied"));
    let keyed = app.post(&path, MESSAGE).key("k").header("prefer", "wait=10");
    keyed.send().await.status(201);
    assert_eq!(app.engine.parked(), []);

    let app = TestApp::open().await;
    let path = format!("{}/messages", app.chat().await);
    for replayed in [false, true] {
        let direct = app
            .post(&path, MESSAGE)
            .key("k")
            .header("prefer", "respond-async");
        let direct = direct.send().await.status(201);
        assert_eq!(direct.has_header("idempotent-replayed"), replayed);
    }
}

#[tokio::test]
async fn updates_and_deletes_and_what_can_never_be_valid_are_not_parked() {
    let (app, chat) = parking().await;
    let prefer = |call: crate::support::Call| call.header("prefer", "respond-async").send();
    let path = format!("{chat}/messages");
    let blank = prefer(app.post(&path, r#"{"body":" "}"#).key("k")).await;
    blank.refuses(&["blank /body"]);
    let twice = prefer(app.post(&path, MESSAGE).key("a").key("b")).await;
    twice.refuses(&["invalid_key Idempotency-Key"]);
    prefer(app.patch(&chat, r#"{"title":"b"}"#).key("k"))
        .await
        .status(200);
    prefer(app.delete(&chat).key("l")).await.status(204);
    assert_eq!(app.engine.parked(), []);
}

#[tokio::test]
async fn what_is_not_parked_for_now_is_503_with_a_time_to_come_back() {
    let (app, chat) = parking().await;
    for (shortage, code) in [
        (Shortage::StorageUnavailable, "storage_unavailable"),
        (Shortage::Overloaded, "overloaded"),
        (Shortage::OutcomeUnknown, "outcome_unknown"),
    ] {
        app.engine.fail_parking(Failure::Unavailable(Unavailable {
            shortage,
            retry_after: std::time::Duration::from_secs(2),
        }));
        let refused = app
            .post(&format!("{chat}/messages"), MESSAGE)
            .key("k")
            .header("prefer", "respond-async")
            .send()
            .await;
        assert_eq!(refused.problem(503, code).header("retry-after"), "2");
    }
    assert_eq!(app.get(&chat).send().await.json()["messages_count"], 0);
}

#[tokio::test]
async fn an_operation_that_ended_tells_what_the_create_would_have_been_answered() {
    let (app, chat) = parking().await;
    let chats = chat.strip_suffix("/1").unwrap();
    let (application, _) = chats.rsplit_once('/').unwrap();
    let park = |path: String, body: &'static str| {
        let call = app.post(&path, body).key("k").header("prefer", "respond-async");
        async move { call.send().await.status(202).header("location").to_owned() }
    };
    let batch = r#"{"messages":[{"body":"b"},{"body":"c"}]}"#;
    for (path, body, created) in [
        (chats.to_owned(), r#"{"title":"t"}"#, format!("{chats}/2")),
        (format!("{chat}/messages"), MESSAGE, format!("{chat}/messages/1")),
        (format!("{chat}/messages/batch"), batch, String::new()),
    ] {
        let operation = park(path, body).await;
        let request = app.engine.parked().pop().unwrap();
        let reply = applied(&app, Request::new(request.command)).await;
        let cursor = reply.cursor.clone().unwrap().to_string();
        app.engine.settle(OperationState::Applied(reply));
        let told = app.get(&operation).send().await.status(200);
        assert_eq!(told.json()["status"], "applied");
        assert_eq!(told.json()["problem"], serde_json::Value::Null);
        assert_eq!(told.header("tiro-cursor"), cursor);
        let expected = match created.as_str() {
            "" => serde_json::json!({"first": 2, "last": 3, "count": 2}),
            created => app.get(created).send().await.json(),
        };
        assert_eq!(told.json()["result"], expected);
    }
    app.engine
        .settle(OperationState::Rejected(Rejection::ChatDeleted));
    let path = format!("{application}/operations/op_1");
    let told = app.get(&path).header("x-request-id", "mine").send().await;
    let told = told.status(200).json();
    assert_eq!(
        (&told["status"], &told["result"]),
        (&"rejected".into(), &serde_json::Value::Null)
    );
    assert_eq!(told["problem"]["code"], "chat_deleted");
    assert_eq!(told["problem"]["status"], 410);
    assert_eq!(told["problem"]["request_id"], "mine");
}

#[tokio::test]
async fn a_name_that_was_not_given_out_is_404() {
    let app = TestApp::open().await;
    let application = app.application().await;
    let unknown = app
        .get(&format!("{application}/operations/op_forged"))
        .send()
        .await;
    unknown.problem(404, "operation_not_found");
}
