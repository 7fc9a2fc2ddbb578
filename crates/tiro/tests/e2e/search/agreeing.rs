//! Searches agree exactly with a linear scan of everything that lists show: the same hits, in the same order.

use std::cmp::Reverse;

use tiro_client::api::{Hit, UpdateMessage};
use tiro_client::{Client, SearchScope, Sending};
use tiro_conformance::generator::{Generator, Queries};
use tiro_core::{Folded, Limits, Query};

use super::find_all;
use crate::counts::{count, seed};
use crate::requests::{create_application, create_chat, create_messages, list_messages};
use crate::support::{Tiro, temp_folder};

const APPLICATIONS: usize = 2;
const CHATS: u64 = 3;
const BATCHES_OF_AN_APPLICATION: usize = 20;
/// One of so many messages is edited, and as many are deleted.
const CHANGED_ONE_IN: u64 = 10;
/// From so many hits on the pages are as long as allowed.
const SHORT_PAGES_HITS_MAX: usize = 400;

/// A message as a list shows it, and what was written down when it was created.
struct Row {
    token: String,
    chat: u64,
    number: u64,
    /// How many messages of its application were created before it.
    created: usize,
    created_at_ms: i64,
    body: String,
    folded: Folded,
}

/// Where messages were created, in the order in which they were.
type Creates = Vec<(u64, u64)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linear_scan_agrees_in_every_scope() {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = temp_folder();
    let mut tiro = Tiro::start(folder.path(), &[]);
    let mut rows = Vec::new();
    for _ in 0..APPLICATIONS {
        rows.extend(fill(&tiro.client(), &mut random).await);
    }
    let mut queries = Queries::new(seed, rows.iter().map(|row| row.body.clone()).collect());
    for _ in 0..2 {
        for _ in 0..count(100, 1_000) {
            assert_agreement(&tiro.client(), &rows, &queries.query(), &mut random).await;
        }
        tiro.stop();
        tiro = Tiro::start(folder.path(), &[]);
    }
}

/// An application with chats, edits and deletes; what its lists show.
async fn fill(client: &Client, random: &mut fastrand::Rng) -> Vec<Row> {
    let mut texts = Generator::new(random.u64(..));
    let token = create_application(client).await;
    for _ in 0..CHATS {
        create_chat(client, &token).await;
    }
    let mut creates = Creates::new();
    for _ in 0..BATCHES_OF_AN_APPLICATION {
        let chat = random.u64(1..=CHATS);
        let bodies: Vec<String> = (0..random.usize(1..=count(60, 500)))
            .map(|_| texts.message().body)
            .collect();
        let first = create_messages(client, &token, chat, &bodies).await;
        creates.extend((first..).take(bodies.len()).map(|number| (chat, number)));
    }
    change_some(client, &token, &creates, &mut texts, random).await;
    list(client, &token, &creates).await
}

async fn change_some(
    client: &Client,
    token: &str,
    creates: &Creates,
    texts: &mut Generator,
    random: &mut fastrand::Rng,
) {
    let sending = Sending::default();
    for &(chat, number) in creates {
        match random.u64(..CHANGED_ONE_IN) {
            0 => {
                let body = texts.message().body;
                let update = UpdateMessage {
                    body: Some(&body),
                    metadata: None,
                };
                let updated = client.update_message(token, chat, number, &update, &sending);
                updated.await.unwrap();
            }
            1 => {
                let deleted = client.delete_message(token, chat, number, &sending);
                deleted.await.unwrap();
            }
            _ => {}
        }
    }
}

async fn list(client: &Client, token: &str, creates: &Creates) -> Vec<Row> {
    let mut rows = Vec::new();
    for chat in 1..=CHATS {
        for listed in list_messages(client, token, chat).await {
            let Some(body) = listed.body else { continue };
            let place = (chat, listed.number);
            rows.push(Row {
                token: token.to_owned(),
                chat,
                number: listed.number,
                created: creates.iter().position(|create| *create == place).unwrap(),
                created_at_ms: listed.created_at.as_millis(),
                folded: Folded::of(&body),
                body: body.into_owned(),
            });
        }
    }
    rows
}

async fn assert_agreement(client: &Client, rows: &[Row], query: &str, random: &mut fastrand::Rng) {
    let parsed = Query::parse(query, &Limits::default()).unwrap();
    let mut matching: Vec<&Row> = rows.iter().filter(|row| parsed.is_match(&row.folded)).collect();
    matching.sort_by_key(|row| Reverse((row.created_at_ms, row.token.as_str(), row.created)));
    let limit = match matching.len() {
        ..SHORT_PAGES_HITS_MAX => [7, 50, 200][random.usize(..3)],
        _ => 200,
    };
    let hits = find_all(client, SearchScope::Everything, query, limit).await;
    assert_same(&hits, &matching, &parsed, query);

    let some = &rows[random.usize(..rows.len())];
    matching.retain(|row| row.token == some.token);
    matching.sort_by_key(|row| Reverse(row.created));
    let hits = find_all(client, SearchScope::Application(&some.token), query, limit).await;
    assert_same(&hits, &matching, &parsed, query);

    matching.retain(|row| row.chat == some.chat);
    let scope = SearchScope::Chat {
        token: &some.token,
        number: some.chat,
    };
    let hits = find_all(client, scope, query, limit).await;
    assert_same(&hits, &matching, &parsed, query);
}

fn assert_same(hits: &[Hit<'_>], rows: &[&Row], parsed: &Query, query: &str) {
    let found: Vec<_> = hits
        .iter()
        .map(|hit| (&*hit.application, hit.chat, hit.message.number))
        .collect();
    let expected: Vec<_> = rows
        .iter()
        .map(|row| (row.token.as_str(), row.chat, row.number))
        .collect();
    assert_eq!(found, expected, "{query:?}");
    for (hit, row) in hits.iter().zip(rows) {
        assert_eq!(hit.message.body.as_deref(), Some(row.body.as_str()));
        let shown = hit.highlights.iter().map(|part| (part.start, part.end));
        let wanted = parsed.matches(&row.body).unwrap();
        let wanted = wanted.iter().map(|part| (part.start as u64, part.end as u64));
        assert!(
            shown.eq(wanted),
            "{query:?} in {:?}: {:?}",
            row.body,
            hit.highlights
        );
    }
}
