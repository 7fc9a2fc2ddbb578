//! Nodes with Redis and one without it, under changes at random.

use tiro_conformance::address::in_database;
use tiro_core::{Body, Command, Failure, IfMatch, Lists, MetadataChange, NumberRange, UpdateMessage};

use super::super::database::Database;
use super::super::requests::*;
use super::{FIRST, LAST, counts, delete_chat, delete_message, open_alone, pages_of};

/// Chats, and ranges that are asked for again and again.
const CHATS: u64 = 3;
const RANGES: [NumberRange; 4] = [
    LAST,
    FIRST,
    NumberRange::Before { before: 8, limit: 4 },
    NumberRange::After {
        after: 3,
        before: Some(9),
        limit: 50,
    },
];

/// Something that may be refused.
fn some_change(random: &mut fastrand::Rng) -> Command {
    let (chat, number) = (random.u64(1..=CHATS), random.u64(1..=12));
    let text = format!("text {}", random.u32(..));
    match random.u32(..20) {
        0..8 => create_message("one", chat, &text),
        8..14 => Command::UpdateMessage(UpdateMessage {
            token: token("one"),
            chat,
            number,
            if_match: IfMatch::Any,
            body: Some(Body::stored(&text)),
            metadata: MetadataChange::Keep,
        }),
        14..18 => delete_message(chat, number),
        18 => create_chat("one"),
        _ => delete_chat(random.u64(1..=100)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_and_without_redis_answer_alike_and_redis_may_forget_all() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut database = Database::new();
    // A database of its own: to this test it is all of Redis, and others keep theirs.
    database.config.redis = in_database(&database.config.redis, "10");
    let nodes = [database.open().await, database.open().await];
    let alone = open_alone(&database).await;
    let (mut redis, _) = pages_of(&database).await;
    begin(&nodes[0], "one").await;
    for _ in 1..CHATS {
        write(&nodes[0], create_chat("one"))
            .await
            .expect("a chat is made");
    }
    for step in 0..150 {
        let changed = write(&nodes[random.usize(..2)], some_change(&mut random)).await;
        let refused_or_done = matches!(changed, Ok(_) | Err(Failure::Rejected(_)));
        assert!(refused_or_done, "{changed:?}");
        for _ in 0..6 {
            let (chat, range) = (random.u64(1..=CHATS), RANGES[random.usize(..RANGES.len())]);
            let expected = alone.messages(&token("one"), chat, range).await;
            for node in nodes.iter().chain(&nodes) {
                let page = node.messages(&token("one"), chat, range).await;
                assert_eq!(page, expected, "seed {seed}, step {step}, chat {chat}, {range:?}");
            }
        }
        if step % 40 == 39 {
            redis::cmd("FLUSHDB")
                .exec_async(&mut redis)
                .await
                .expect("Redis answers");
        }
    }
    for node in nodes {
        let counts = counts(&node);
        assert!(counts.shown > 0 && counts.changed > 0, "seed {seed}: {counts:?}");
        node.close().await;
    }
    assert_eq!(counts(&alone).shown, 0);
    alone.close().await;
}
