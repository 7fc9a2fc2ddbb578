//! What an import or export does not take, and how it says so.

use http::StatusCode;
use tiro_http::{Config, OperatorKey};

use super::{TOKEN, Tiro, assert_refused, detail, get, history, imported, post};

const GOOD: &str = "{\"chat\":\"c\",\"body\":\"b\"}\n";

#[tokio::test]
async fn a_bad_line_stops_with_its_number_and_the_lines_before_it_stay() {
    for (bad, code) in [
        ("{\"chat\":\"c\",\"body\":\"b\"", "malformed_json"),
        ("hello", "malformed_json"),
        ("[\"c\",null,null,\"b\",null]", "invalid_line"),
        ("{\"chat\":\"c\"}", "missing"),
        ("{\"body\":\"b\"}", "missing"),
        ("{\"chat\":\"c\",\"body\":\" \"}", "blank"),
        ("{\"chat\":\"c\",\"body\":\"b\",\"x\":1}", "invalid_line"),
        ("{\"chat\":\"c\",\"body\":\"b\",\"at\":\"noon\"}", "invalid_time"),
        ("{\"chat\":\"c\",\"body\":\"b\",\"metadata\":[]}", "wrong_type"),
        ("{\"tiro\":1}", "invalid_line"),
    ] {
        let tiro = Tiro::with_application().await;
        let refused = tiro.import_plain(format!("{GOOD}\n{GOOD}{bad}\n{GOOD}")).await;
        assert_refused(&refused, (422, "invalid_request", code, 4));
        assert!(detail(&refused).starts_with("line 4: "));
        assert_eq!(tiro.bodies(1).await.len(), 2, "{bad}");
    }
}

#[tokio::test]
async fn texts_are_taken_at_their_limits_and_refused_one_above() {
    let tiro = Tiro::with_application().await;
    let line = |chat: usize, sender: usize, body: usize, metadata: usize| {
        format!(
            "{{\"chat\":\"{}\",\"sender\":\"{}\",\"body\":\"{}\",\"metadata\":{{\"a\":\"{}\"}}}}",
            "c".repeat(chat),
            "s".repeat(sender),
            "\\u0001".repeat(body),
            "m".repeat(metadata - 8)
        )
    };
    let report = imported(tiro.import_plain(line(255, 255, 65_536, 4_096)).await);
    assert_eq!(report, (1, 1, 1, 0));
    for above in [
        line(256, 255, 65_536, 4_096),
        line(255, 256, 65_536, 4_096),
        line(255, 255, 65_537, 4_096),
        line(255, 255, 65_536, 4_097),
    ] {
        let refused = tiro.import_plain(above).await;
        assert_refused(&refused, (422, "invalid_request", "too_long", 1));
    }
    let endless = "x".repeat(1024 * 1024 + 6 * 65_536 + 1);
    let refused = tiro.import_plain(format!("{GOOD}{endless}")).await;
    assert_refused(&refused, (422, "invalid_request", "too_long", 2));
}

#[tokio::test]
async fn plain_lines_need_an_application_that_is_there() {
    let tiro = Tiro::with_application().await;
    for body in [GOOD, ""] {
        let refused = tiro.import("", body).await;
        assert_eq!(refused.code, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json()["errors"][0]["parameter"], "application");
        assert_eq!(refused.json()["errors"][0]["code"], "missing");
    }
    assert_eq!(imported(tiro.import_plain("\n \n").await), (0, 0, 0, 0));
    let unknown = "?application=app_that_does_not_exist";
    tiro.import(unknown, GOOD)
        .await
        .problem(404, "application_not_found");
    history::delete_application(&*tiro.engine, TOKEN).await;
    tiro.import_plain(GOOD).await.problem(410, "application_deleted");
}

#[tokio::test]
async fn parameters_are_checked_and_do_not_go_with_tiro_lines() {
    let tiro = Tiro::with_application().await;
    let too_long = "s".repeat(256);
    for query in [
        "?application=short".to_owned(),
        format!("?application={TOKEN}&source="),
        format!("?application={TOKEN}&source={too_long}"),
        format!("?application={TOKEN}&x=1"),
    ] {
        let refused = tiro.import(&query, GOOD).await;
        assert_eq!(refused.code, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    let lines = tiro.export("").await;
    let refused = tiro
        .import(&format!("?application={TOKEN}&source=s"), lines)
        .await;
    assert_eq!(refused.code, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = refused.json();
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2);
    assert!(
        errors
            .iter()
            .all(|error| error["code"] == "conflicting_parameters")
    );
}

#[tokio::test]
async fn forms_and_other_compressions_are_refused_with_what_to_send() {
    let tiro = Tiro::with_application().await;
    let query = format!("?application={TOKEN}");
    for (name, value) in [
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-type", "multipart/form-data; boundary=x"),
        ("content-encoding", "br"),
        ("content-encoding", "gzip, gzip"),
    ] {
        let mut request = post(&query, GOOD);
        request.headers_mut().insert(name, value.parse().unwrap());
        let refused = tiro.send(request).await;
        assert_eq!(refused.code, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{value}");
    }
    let mut request = post(&query, GOOD);
    request
        .headers_mut()
        .insert("content-encoding", "gzip".parse().unwrap());
    let refused = tiro.send(request).await;
    assert_refused(&refused, (422, "invalid_request", "invalid_line", 1));
}

#[tokio::test]
async fn an_export_is_of_an_application_that_is_there() {
    let tiro = Tiro::with_application().await;
    let status = async |query: &str| tiro.send(get(&format!("/v1/export{query}"))).await.code;
    assert_eq!(
        status("?application=app_that_does_not_exist").await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        status("?application=short").await,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(status("?x=1").await, StatusCode::UNPROCESSABLE_ENTITY);
    let query = format!("?application={TOKEN}");
    assert_eq!(status(&query).await, StatusCode::OK);
    history::delete_application(&*tiro.engine, TOKEN).await;
    assert_eq!(status(&query).await, StatusCode::GONE);
}

#[tokio::test]
async fn both_need_the_operators_key() {
    let config = Config {
        operator_key: Some(OperatorKey::new("the-operator").unwrap()),
        ..Config::default()
    };
    let tiro = Tiro::with(config).await;
    history::create_application(&*tiro.engine, TOKEN).await;
    let query = format!("?application={TOKEN}");
    let export = format!("/v1/export{query}");
    for (key, expected) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some("unknown-unknown-unknown"), StatusCode::UNAUTHORIZED),
        (Some(TOKEN), StatusCode::FORBIDDEN),
        (Some("the-operator"), StatusCode::OK),
    ] {
        for mut request in [post(&query, GOOD), get(&export)] {
            if let Some(key) = key {
                let value = format!("Bearer {key}").parse().unwrap();
                request.headers_mut().insert("authorization", value);
            }
            assert_eq!(tiro.send(request).await.code, expected);
        }
    }
}

#[tokio::test]
async fn exports_at_one_time_are_bounded_and_a_finished_one_makes_room() {
    let tiro = Tiro::with_application().await;
    let mut running = Vec::new();
    for _ in 0..4 {
        let response = tiro.send_unread(get("/v1/export")).await;
        assert_eq!(response.status(), StatusCode::OK);
        running.push(response);
    }
    let refused = tiro.send(get("/v1/export")).await;
    assert!(refused.problem(503, "overloaded").has_header("retry-after"));
    running.pop();
    tiro.send(get("/v1/export")).await.status(200);
}
