//! Plain lines: what is imported, and that importing again changes nothing.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tiro_conformance::sample;
use tiro_core::{Engine, Shortage};

use super::{TOKEN, Tiro, assert_refused, broken, history, imported, line_of, post, sample_until};

const ALL: (u64, u64, u64, u64) = (40, 3, 40, 0);
const AGAIN: (u64, u64, u64, u64) = (40, 0, 0, 40);

/// The bodies of the sample, chat by chat.
fn expected() -> Vec<Vec<Option<String>>> {
    let bodies = |lines: Vec<sample::Line>| lines.into_iter().map(|line| Some(line.body)).collect();
    sample::chats()
        .into_iter()
        .map(|(_, lines)| bodies(lines))
        .collect()
}

async fn assert_sample_is_there(tiro: &Tiro) {
    for (chat, bodies) in (1..).zip(expected()) {
        assert_eq!(tiro.bodies(chat).await, bodies);
    }
}

#[tokio::test]
async fn importing_again_changes_nothing_and_equal_lines_stay_separate() {
    let tiro = Tiro::with_application().await;
    assert_eq!(imported(tiro.import_plain(sample::NDJSON).await), ALL);
    assert_sample_is_there(&tiro).await;
    let before = tiro.export("").await;
    assert_eq!(imported(tiro.import_plain(sample::NDJSON).await), AGAIN);
    assert_eq!(tiro.export("").await, before);
}

#[tokio::test]
async fn at_becomes_created_at_of_the_message_and_of_its_chat() {
    let tiro = Tiro::with_application().await;
    let lines = "{\"chat\":\"c\",\"at\":\"2004-12-25T09:14:00+01:00\",\"body\":\"a\"}\n{\"chat\":\"c\",\"body\":\"b\"}";
    assert_eq!(imported(tiro.import_plain(lines).await), (2, 1, 2, 0));
    let token = history::token(TOKEN);
    let chat = tiro.engine.chat(&token, 1).await.unwrap().thing;
    let first = tiro.engine.message(&token, 1, 1).await.unwrap().thing;
    let second = tiro.engine.message(&token, 1, 2).await.unwrap().thing;
    let said_at = 1_103_962_440_000;
    assert_eq!(chat.title.as_deref(), Some("c"));
    assert_eq!(
        (chat.created_at.as_millis(), first.created_at.as_millis()),
        (said_at, said_at)
    );
    assert!(second.created_at.as_millis() > said_at);
}

#[tokio::test]
async fn an_import_that_was_cut_anywhere_goes_on_where_it_stopped() {
    for cut in [1, 17, 700, 2_600, sample::NDJSON.len() - 1] {
        let tiro = Tiro::with_application().await;
        let whole_lines = sample::NDJSON[..cut].matches('\n').count() as u64;
        let refused = tiro.import_plain(broken(&sample::NDJSON.as_bytes()[..cut])).await;
        assert_refused(&refused, (400, "malformed_request", "truncated", whole_lines + 1));
        let report = imported(tiro.import_plain(sample::NDJSON).await);
        assert_eq!(
            (report.0, report.2, report.3),
            (40, 40 - whole_lines, whole_lines)
        );
        assert_sample_is_there(&tiro).await;
    }
}

#[tokio::test]
async fn a_longer_file_adds_what_is_new() {
    let tiro = Tiro::with_application().await;
    let report = imported(tiro.import_plain(sample_until(25)).await);
    assert_eq!((report.0, report.2, report.3), (25, 25, 0));
    let report = imported(tiro.import_plain(sample::NDJSON).await);
    assert_eq!((report.0, report.2, report.3), (40, 15, 25));
    assert_sample_is_there(&tiro).await;
}

#[tokio::test]
async fn a_renamed_chat_is_still_found() {
    let tiro = Tiro::with_application().await;
    imported(tiro.import_plain(sample_until(25)).await);
    history::rename_chat(&*tiro.engine, TOKEN, 1).await;
    assert_eq!(imported(tiro.import_plain(sample::NDJSON).await).3, 25);
    assert_sample_is_there(&tiro).await;
}

#[tokio::test]
async fn another_source_gets_chats_of_its_own() {
    let tiro = Tiro::with_application().await;
    assert_eq!(imported(tiro.import_plain(sample::NDJSON).await), ALL);
    let query = format!("?application={TOKEN}");
    assert_eq!(imported(tiro.import(&query, sample::NDJSON).await), ALL);
    let named = format!("?application={TOKEN}&source=import");
    assert_eq!(imported(tiro.import(&named, sample::NDJSON).await), AGAIN);
    let token = history::token(TOKEN);
    assert_eq!(
        tiro.engine.application(&token).await.unwrap().thing.chats_count,
        6
    );
}

#[tokio::test]
async fn a_deleted_chat_stops_the_import_and_the_lines_before_it_stay() {
    let tiro = Tiro::with_application().await;
    imported(tiro.import_plain("{\"chat\":\"gone\",\"body\":\"b\"}").await);
    history::delete_chat(&*tiro.engine, TOKEN, 1).await;
    let lines = "{\"chat\":\"a\",\"body\":\"1\"}\n{\"chat\":\"a\",\"body\":\"2\"}\n{\"chat\":\"gone\",\"body\":\"b\"}\n{\"chat\":\"a\",\"body\":\"3\"}";
    for _ in 0..2 {
        let refused = tiro.import_plain(lines).await;
        assert_refused(&refused, (410, "chat_deleted", "chat_deleted", 3));
        assert_eq!(tiro.bodies(2).await, [Some("1".to_owned()), Some("2".to_owned())]);
    }
}

#[tokio::test]
async fn edited_and_deleted_messages_stay_as_they_are() {
    let tiro = Tiro::with_application().await;
    imported(tiro.import_plain(sample::NDJSON).await);
    history::edit_message(&*tiro.engine, TOKEN, 1, 1).await;
    history::delete_message(&*tiro.engine, TOKEN, 1, 2).await;
    let before = tiro.export("").await;
    assert_eq!(imported(tiro.import_plain(sample::NDJSON).await), AGAIN);
    assert_eq!(tiro.export("").await, before);
}

#[tokio::test]
async fn a_changed_line_stops_the_import_and_the_lines_before_it_stay() {
    let tiro = Tiro::with_application().await;
    let line = |chat: &str, body: &str| format!("{{\"chat\":\"{chat}\",\"body\":\"{body}\"}}\n");
    imported(tiro.import_plain([line("a", "1"), line("a", "2")].concat()).await);
    let changed = [
        line("b", "x"),
        line("a", "1"),
        line("a", "CHANGED"),
        line("a", "3"),
    ]
    .concat();
    let refused = tiro.import_plain(changed).await;
    assert_refused(
        &refused,
        (422, "idempotency_key_reused", "idempotency_key_reused", 3),
    );
    assert_eq!(tiro.bodies(1).await, [Some("1".to_owned()), Some("2".to_owned())]);
    assert_eq!(tiro.bodies(2).await, [Some("x".to_owned())]);
}

#[tokio::test]
async fn nothing_after_a_changed_line_of_its_chat_is_stored_however_lines_are_batched() {
    let tiro = Tiro::with_application().await;
    let line = |chat: &str, body: &str| format!("{{\"chat\":\"{chat}\",\"body\":\"{body}\"}}\n");
    let limits = tiro_core::Limits {
        batch_messages_max: 2,
        ..tiro_core::Limits::default()
    };
    let config = tiro_http::Config {
        limits,
        ..tiro_http::Config::default()
    };
    let small = Tiro::with(config).await;
    history::create_application(&*small.engine, TOKEN).await;
    for tiro in [tiro, small] {
        let lines: String = (0..5).map(|n| line("a", &n.to_string())).collect();
        imported(tiro.import_plain(lines).await);
        let mut lines: Vec<String> = (0..9).map(|n| line("a", &n.to_string())).collect();
        lines[4] = line("a", "CHANGED");
        let refused = tiro.import_plain(lines.concat()).await;
        assert_eq!(line_of(&refused), 5);
        assert_eq!(tiro.bodies(1).await.len(), 5);
    }
}

#[tokio::test]
async fn gzip_is_recognised_with_and_without_its_header() {
    let tiro = Tiro::with_application().await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(sample::NDJSON.as_bytes()).unwrap();
    let gzip = encoder.finish().unwrap();
    assert_eq!(imported(tiro.import_plain(gzip.clone()).await), ALL);
    let query = format!("?application={TOKEN}&source=sample");
    let mut request = post(&query, gzip.clone());
    request
        .headers_mut()
        .insert("content-encoding", "gzip".parse().unwrap());
    assert_eq!(imported(tiro.send(request).await), AGAIN);
    let refused = tiro.import_plain(gzip[..gzip.len() / 2].to_vec()).await;
    refused.problem(422, "invalid_request");
}

#[tokio::test]
async fn windows_and_batches_keep_the_order_of_every_chat() {
    let tiro = Tiro::with_application().await;
    let lines: String = (0..30_000)
        .map(|n| format!("{{\"chat\":\"chat {}\",\"body\":\"{n}\"}}\n", n * n % 7))
        .collect();
    let report = imported(tiro.import_plain(lines.clone()).await);
    assert_eq!((report.0, report.2, report.3), (30_000, 30_000, 0));
    let before = tiro.export("").await;
    let mut last_of_chat = std::collections::HashMap::new();
    for line in before
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let line: serde_json::Value = serde_json::from_slice(line).unwrap();
        let Some(body) = line["data"]["body"].as_str() else {
            continue;
        };
        let body: i64 = body.parse().unwrap();
        let before = last_of_chat.insert(line["chat"].as_u64().unwrap(), body);
        assert!(before.is_none_or(|before| before < body));
    }
    assert_eq!(imported(tiro.import_plain(lines).await), (30_000, 0, 0, 30_000));
    assert_eq!(tiro.export("").await, before);
}

#[tokio::test]
async fn overload_is_waited_out_and_a_full_disk_is_told_with_its_line() {
    let tiro = Tiro::with_application().await;
    let overloaded = Some(Shortage::Overloaded);
    let unknown = Some(Shortage::OutcomeUnknown);
    tiro.engine
        .run_short([overloaded, None, unknown, None, None, overloaded, unknown]);
    assert_eq!(imported(tiro.import_plain(sample::NDJSON).await), ALL);
    // A chat whose request had to be repeated may come after the others.
    let mut found = [tiro.bodies(1).await, tiro.bodies(2).await, tiro.bodies(3).await];
    found.sort();
    let mut expected = expected();
    expected.sort();
    assert_eq!(found.as_slice(), expected);
    assert_eq!(imported(tiro.import_plain(sample::NDJSON).await), AGAIN);

    tiro.engine.run_short([Some(Shortage::StorageFull)]);
    let line = "{\"chat\":\"new\",\"body\":\"b\"}";
    let refused = tiro.import_plain(line).await;
    assert_refused(&refused, (503, "storage_full", "storage_full", 1));
    assert_eq!(imported(tiro.import_plain(line).await), (1, 1, 1, 0));
}
