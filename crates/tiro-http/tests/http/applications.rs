//! `/v1/applications`.

use http::Method;
use serde_json::Value;

use crate::support::{Persona, TestApp};

#[tokio::test]
async fn create_answers_the_whole_application_and_where_it_is() {
    let app = TestApp::open().await;
    let created = app
        .post(
            "/v1/applications",
            r#"{"name":"shop","metadata":{"b": 1.50, "a":[ ]}}"#,
        )
        .send()
        .await;
    let created = created.status(201);
    let json = created.json();
    let token = json["token"].as_str().unwrap();
    assert_eq!((token.len(), &token[..4]), (30, "app_"));
    assert_eq!(created.header("location"), format!("/v1/applications/{token}"));
    assert_eq!(created.header("etag"), "\"1-1\"");
    assert!(created.header("tiro-cursor").ends_with(".1"));
    assert!(
        created.text().contains(r#""metadata":{"b":1.50,"a":[]}"#),
        "{}",
        created.text()
    );
    assert_eq!(
        (&json["chats_count"], &json["version"]),
        (&Value::from(0), &Value::from(1))
    );
    assert_eq!(
        (&json["deleted_at"], &json["created_at"]),
        (&Value::Null, &json["updated_at"])
    );
    let got = app.get(created.header("location")).send().await.status(200);
    assert_eq!(got.text(), created.text());
}

#[tokio::test]
async fn the_members_of_an_application_are_exactly_the_documented_ones() {
    let app = TestApp::open().await;
    let path = app.application().await;
    let json = app.get(&path).send().await.json();
    let members: Vec<&String> = json.as_object().unwrap().keys().collect();
    let mut wanted = [
        "token",
        "name",
        "metadata",
        "chats_count",
        "created_at",
        "updated_at",
        "deleted_at",
        "version",
    ];
    wanted.sort_unstable();
    assert_eq!(members, wanted);
}

#[tokio::test]
async fn create_refuses_every_wrong_member_at_once() {
    let app = TestApp::open().await;
    let create = |body: &str| app.post("/v1/applications", body).send();
    create("{}").await.refuses(&["missing /name"]);
    create(r#"{"name":" ","metadata":1,"x":2}"#).await.refuses(&[
        "blank /name",
        "wrong_type /metadata",
        "unknown_field /x",
    ]);
    create("[]").await.refuses(&["wrong_type "]);
    create("{").await.problem(400, "malformed_json");
    create("").await.problem(400, "malformed_json");
    let invalid = app
        .request(Method::POST, "/v1/applications")
        .raw_body(b"{\"name\":\"\xff\"}".to_vec());
    invalid.send().await.problem(400, "malformed_json");
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_counts_as_an_update_when_empty() {
    let app = TestApp::open().await;
    let path = app.application().await;
    let patched = app
        .patch(&path, r#"{"name":"store","metadata":{"a":1}}"#)
        .send()
        .await
        .status(200);
    assert_eq!(
        (&patched.json()["name"], &patched.json()["version"]),
        (&"store".into(), &2.into())
    );
    assert_eq!(patched.header("etag"), "\"2-2\"");
    let empty = app.patch(&path, "{}").send().await.status(200).json();
    assert_eq!((&empty["name"], &empty["version"]), (&"store".into(), &3.into()));
    let merged = app.patch(&path, r#"{"metadata":{"a":null,"b":2}}"#);
    let merged = merged
        .only_header("content-type", "application/merge-patch+json")
        .send()
        .await
        .status(200);
    assert!(merged.text().contains(r#""metadata":{"b":2}"#));
    let cleared = app
        .patch(&path, r#"{"metadata":null}"#)
        .send()
        .await
        .status(200)
        .json();
    assert_eq!(cleared["metadata"], Value::Null);
    app.patch(&path, r#"{"name":null}"#)
        .send()
        .await
        .refuses(&["missing /name"]);
}

#[tokio::test]
async fn a_deleted_application_is_gone_with_all_below_it() {
    let app = TestApp::open().await;
    let chat = app.chat_of(1).await;
    let path = chat.rsplit_once("/chats").unwrap().0.to_owned();
    let deleted = app.delete(&path).send().await.status(204);
    assert!(deleted.header("tiro-cursor").ends_with(".4"));
    let again = app.delete(&path).send().await.status(204);
    assert!(!again.has_header("tiro-cursor"));
    for below in [
        path.clone(),
        format!("{path}/chats"),
        chat.clone(),
        format!("{chat}/messages/1"),
    ] {
        app.get(&below).send().await.problem(410, "application_deleted");
    }
    app.post(&format!("{chat}/messages"), r#"{"body":"x"}"#)
        .send()
        .await
        .problem(410, "application_deleted");
}

#[tokio::test]
async fn the_list_of_applications_pages_through_all_live_ones() {
    let app = TestApp::open().await;
    let mut paths = Vec::new();
    for _ in 0..5 {
        paths.push(app.application().await);
    }
    app.delete(&paths[2]).send().await.status(204);
    let mut seen = Vec::new();
    let mut query = String::new();
    loop {
        let page = app
            .get(&format!("/v1/applications?limit=2{query}"))
            .send()
            .await
            .status(200)
            .json();
        seen.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|thing| thing["token"].as_str().unwrap().to_owned()),
        );
        assert_eq!(page["as_of"], Value::Null);
        assert_eq!(page["has_more"], page["next"].is_string());
        match page["next"].as_str() {
            Some(next) => query = format!("&after={next}"),
            None => break,
        }
    }
    let mut wanted: Vec<String> = paths
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != 2)
        .map(|(_, path)| path[17..].to_owned())
        .collect();
    wanted.sort();
    seen.sort();
    assert_eq!(seen, wanted);
}

#[tokio::test]
async fn what_cannot_be_a_token_names_no_application() {
    let app = TestApp::open().await;
    for token in [
        "short",
        "has%20spaces_in_the_token",
        "%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff",
    ] {
        app.get(&format!("/v1/applications/{token}"))
            .send()
            .await
            .problem(404, "application_not_found");
    }
    let unknown = app.as_persona(
        &Persona::Stranger,
        Method::GET,
        "/v1/applications/app_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    );
    unknown.send().await.problem(404, "application_not_found");
}
