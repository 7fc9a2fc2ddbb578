//! Tiro lines: what leaves one server arrives in another exactly, or not at all.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use tiro_core::{Engine, Shortage};
use tiro_http::{Config, Transport};

use super::{TOKEN, Tiro, assert_refused, broken, detail, history, imported, in_time, line_of, post};

const OTHER: &str = "app_of_another_customer";
const DELETED: &str = "app_that_was_deleted";

/// A server with three applications in which much happened, one of them deleted.
async fn eventful() -> Tiro {
    let tiro = Tiro::new().await;
    history::eventful(&*tiro.engine, TOKEN).await;
    history::eventful(&*tiro.engine, DELETED).await;
    history::delete_application(&*tiro.engine, DELETED).await;
    history::create_application(&*tiro.engine, OTHER).await;
    let sample = tiro_conformance::sample::NDJSON;
    imported(
        tiro.import(&format!("?application={OTHER}&source=s"), sample)
            .await,
    );
    tiro
}

fn lines(export: &[u8]) -> Vec<Vec<u8>> {
    export
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}

/// A small export: one application with the sample.
async fn small() -> Vec<u8> {
    let tiro = Tiro::with_application().await;
    imported(tiro.import_plain(tiro_conformance::sample::NDJSON).await);
    history::edit_message(&*tiro.engine, TOKEN, 1, 3).await;
    history::delete_message(&*tiro.engine, TOKEN, 1, 4).await;
    tiro.export("").await
}

async fn assert_empty(tiro: &Tiro) {
    assert_eq!(tiro.export("").await, b"");
    let known = tiro.engine.application(&history::token(TOKEN)).await;
    assert!(known.is_err(), "nothing of a refused application is visible");
}

#[tokio::test]
async fn what_is_exported_and_imported_is_exported_again_as_the_same_bytes() {
    let from = eventful().await;
    let exported = from.export("").await;
    let to = Tiro::new().await;
    let report = imported(to.import("", exported.clone()).await);
    let all_lines = lines(&exported).len() as u64;
    assert_eq!(report, (all_lines, 4 + 3, 1_201 + 40, 0));
    assert!(to.export("").await == exported, "the same bytes");
    assert_eq!(to.engine.restores_given_up(), 0);
}

#[tokio::test]
async fn importing_what_is_there_changes_nothing() {
    let tiro = eventful().await;
    let exported = tiro.export("").await;
    let report = imported(tiro.import("", exported.clone()).await);
    assert_eq!(report, (lines(&exported).len() as u64, 0, 0, 1_201 + 40));
    let one = tiro.export(&format!("?application={OTHER}")).await;
    assert_eq!(imported(tiro.import("", one).await).3, 40);
    assert!(tiro.export("").await == exported, "the same bytes");
}

#[tokio::test]
async fn a_restored_application_goes_on_where_it_was() {
    let from = eventful().await;
    let to = Tiro::new().await;
    imported(to.import("", from.export("").await).await);
    // The same requests under the same keys are replayed, others go on with the same numbers and positions.
    for tiro in [&from, &to] {
        history::create_application(&*tiro.engine, TOKEN).await;
        history::rename_chat(&*tiro.engine, TOKEN, 1).await;
        history::edit_message(&*tiro.engine, TOKEN, 1, 1).await;
        history::delete_message(&*tiro.engine, TOKEN, 1, 1).await;
        let sample = tiro_conformance::sample::NDJSON;
        let query = format!("?application={OTHER}&source=s");
        assert_eq!(imported(tiro.import(&query, sample).await), (40, 0, 0, 40));
    }
    for token in [TOKEN, OTHER] {
        let token = history::token(token);
        let found = to.engine.application(&token).await.unwrap();
        let expected = from.engine.application(&token).await.unwrap();
        assert_eq!(found.cursor, expected.cursor);
        assert_eq!(found.thing.last_chat_number, expected.thing.last_chat_number);
    }
}

#[tokio::test]
async fn a_deleted_application_is_two_lines_and_keeps_its_token_taken() {
    let from = Tiro::with_application().await;
    history::delete_application(&*from.engine, TOKEN).await;
    let exported = from.export("").await;
    assert_eq!(lines(&exported).len(), 2);
    let to = Tiro::new().await;
    assert_eq!(imported(to.import("", exported.clone()).await), (2, 0, 0, 0));
    assert_eq!(to.export("").await, exported);
    assert_eq!(imported(to.import("", exported).await), (2, 0, 0, 0));
    let live = Tiro::with_application().await;
    let refused = to.import("", live.export("").await).await;
    assert_refused(&refused, (409, "import_conflict", "token_taken", 1));
}

#[tokio::test]
async fn any_difference_to_what_is_there_is_a_conflict_at_the_application() {
    let tiro = Tiro::with_application().await;
    let first = tiro.export("").await;
    history::create_application(&*tiro.engine, OTHER).await;
    let older = tiro.export("").await;
    imported(
        tiro.import(
            &format!("?application={OTHER}"),
            "{\"chat\":\"c\",\"body\":\"b\"}",
        )
        .await,
    );
    let before = tiro.export("").await;
    let refused = tiro.import("", older).await;
    let line = lines(&first).len() as u64 + 1;
    assert_refused(&refused, (409, "import_conflict", "token_taken", line));
    let mut edited = lines(&before);
    let text = String::from_utf8(edited[1].clone()).unwrap();
    edited[1] = text.replace("n\u{e4}me", "name").into_bytes();
    let refused = tiro.import("", edited.concat()).await;
    assert_refused(&refused, (409, "import_conflict", "token_taken", 1));
    assert!(detail(&refused).contains("line 2 "));
    assert!(tiro.export("").await == before, "the same bytes");
}

#[tokio::test]
async fn an_export_cut_after_any_line_is_refused_and_leaves_nothing() {
    let exported = small().await;
    let all = lines(&exported);
    let tiro = Tiro::new().await;
    for kept in 1..all.len() {
        let refused = tiro.import("", all[..kept].concat()).await;
        let expected = (422, "invalid_request", "truncated", kept as u64 + 1);
        assert_refused(&refused, expected);
        assert_empty(&tiro).await;
    }
    assert_eq!(tiro.engine.restores_given_up(), all.len() - 1);
    imported(tiro.import("", exported.clone()).await);
    assert_eq!(tiro.export("").await, exported);
}

#[tokio::test]
async fn an_export_of_all_cut_between_two_applications_is_noticed() {
    let from = Tiro::with_application().await;
    let one = lines(&from.export("").await).len();
    history::create_application(&*from.engine, OTHER).await;
    let exported = lines(&from.export("").await);
    let tiro = Tiro::new().await;
    let refused = tiro.import("", exported[..one].concat()).await;
    assert_refused(&refused, (422, "invalid_request", "truncated", one as u64 + 1));
    // What is complete stays, so the whole file goes on from there.
    imported(tiro.import("", exported.concat()).await);
    assert_eq!(tiro.export("").await, exported.concat());
}

#[tokio::test]
async fn exports_of_single_applications_can_be_joined() {
    let from = eventful().await;
    let mut joined = from.export(&format!("?application={OTHER}")).await;
    joined.extend(from.export(&format!("?application={TOKEN}")).await);
    let tiro = Tiro::new().await;
    imported(tiro.import("", joined).await);
    for token in [TOKEN, OTHER] {
        let query = format!("?application={token}");
        assert!(tiro.export(&query).await == from.export(&query).await);
    }
}

#[tokio::test]
async fn an_export_with_a_line_missing_moved_or_edited_is_refused_and_leaves_nothing() {
    let all = lines(&small().await);
    let tiro = Tiro::new().await;
    for at in 1..all.len() - 1 {
        let mut gone = all.clone();
        gone.remove(at);
        let mut twice = all.clone();
        twice.insert(at, all[at].clone());
        let mut swapped = all.clone();
        swapped.swap(at, at + 1);
        for file in [gone, twice, swapped] {
            let refused = tiro.import("", file.concat()).await;
            let refused = refused.problem(422, "invalid_request");
            let line = line_of(&refused);
            assert!(
                (at as u64 + 1..=at as u64 + 2).contains(&line),
                "{}",
                refused.text()
            );
        }
        let mut edited = all.clone();
        let text = String::from_utf8(edited[at].clone()).unwrap();
        edited[at] = text
            .replacen("2024-", "2023-", 1)
            .replacen("\"at\":\"20", "\"at\":\"19", 1)
            .into_bytes();
        assert_ne!(edited[at], all[at]);
        let refused = tiro.import("", edited.concat()).await;
        let refused = refused.problem(422, "invalid_request");
        assert_eq!(refused.json()["errors"][0]["code"], "invalid_line");
        assert_empty(&tiro).await;
    }
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_nothing_behind() {
    let exported = small().await;
    let tiro = Tiro::new().await;
    let refused = tiro.import("", broken(&exported[..exported.len() / 2])).await;
    let refused = refused.problem(400, "malformed_request");
    assert_eq!(refused.json()["errors"][0]["code"], "truncated");
    assert_eq!(tiro.engine.restores_given_up(), 1);
    assert_empty(&tiro).await;
}

#[tokio::test]
async fn a_request_that_is_dropped_in_the_middle_is_given_up() {
    let exported = small().await;
    let transport = Transport {
        body_timeout: Duration::from_millis(50),
        ..Transport::default()
    };
    let tiro = Tiro::with(Config {
        transport,
        ..Config::default()
    })
    .await;
    let half = Bytes::copy_from_slice(&exported[..exported.len() / 2]);
    let (taken, taken_up) = tokio::sync::oneshot::channel();
    let begin = stream::once(async move { Ok::<_, Infallible>(half) });
    let told = stream::once(async move {
        taken.send(()).unwrap();
        Ok(Bytes::new())
    });
    let body = Body::from_stream(begin.chain(told).chain(stream::pending()));
    let request = Box::pin(tiro.send(post("", body)));
    tokio::select! {
        answer = request => panic!("answered {answer:?}"),
        told = taken_up => told.unwrap(),
    }
    in_time(tiro.engine.restore_given_up()).await;
    assert_empty(&tiro).await;
}

#[tokio::test]
async fn a_shortage_in_the_middle_leaves_nothing_and_overload_is_waited_out() {
    let exported = small().await;
    let tiro = Tiro::new().await;
    for shortage in [Shortage::StorageFull, Shortage::OutcomeUnknown] {
        for writes in 0..3 {
            tiro.engine.run_short(vec![None; writes]);
            tiro.engine.run_short([Some(shortage)]);
            let refused = tiro.import("", exported.clone()).await;
            assert_eq!(refused.code, StatusCode::SERVICE_UNAVAILABLE);
            assert_empty(&tiro).await;
        }
    }
    tiro.engine
        .run_short([Some(Shortage::Overloaded), None, Some(Shortage::Overloaded)]);
    imported(tiro.import("", exported.clone()).await);
    assert_eq!(tiro.export("").await, exported);
}

#[tokio::test]
async fn line_ends_of_another_system_and_blank_lines_change_nothing() {
    let exported = small().await;
    let text = String::from_utf8(exported.clone())
        .unwrap()
        .replace('\n', "\r\n\r\n");
    let tiro = Tiro::new().await;
    imported(tiro.import("", text.clone()).await);
    assert_eq!(tiro.export("").await, exported);
    assert_eq!(imported(tiro.import("", text).await).2, 0);
}

#[tokio::test]
async fn lines_of_another_format_are_refused_by_name() {
    let text = String::from_utf8(small().await)
        .unwrap()
        .replacen("\"tiro\":1", "\"tiro\":2", 1);
    let refused = Tiro::new().await.import("", text).await;
    assert_refused(&refused, (422, "invalid_request", "invalid_line", 1));
    assert!(detail(&refused).contains("format 2"));
}
