//! Pages that Redis keeps: shown while the primary says that they are right, and never else.

mod random;

use std::time::Duration;

use sqlx::Row;
use tiro_conformance::{Fault, Proxy};
use tiro_core::{
    ApplicationId, Body, CachedPages, Command, Engine, Epoch, Failure, IfMatch, Lists, Message,
    MetadataChange, NumberRange, Page, Patch, ReaderName, Rejection, Title, UpdateChat, UpdateMessage,
};
use tokio::time::timeout;

use super::database::Database;
use super::requests::*;
use crate::{ClusterConfig, ClusterEngine, Options};

/// Far longer than anything here takes.
const WITHIN: Duration = Duration::from_secs(20);
const NOWHERE: &str = "redis://127.0.0.1:1/0";
pub(super) const LAST: NumberRange = NumberRange::Last { limit: 5 };
const FIRST: NumberRange = NumberRange::After {
    after: 0,
    before: None,
    limit: 5,
};

async fn open(config: &ClusterConfig) -> ClusterEngine {
    let engine = ClusterEngine::open(config, Options::default()).await;
    engine.expect("the cluster opens")
}

/// A node that has no Redis.
async fn open_alone(database: &Database) -> ClusterEngine {
    let mut config = database.config.clone();
    config.redis = NOWHERE.to_owned();
    open(&config).await
}

fn counts(engine: &ClusterEngine) -> CachedPages {
    engine.cached_pages().expect("a node counts")
}

type Read = Result<Page<Message>, Failure>;

async fn read(engine: &ClusterEngine, range: NumberRange) -> Read {
    engine.messages(&token("one"), 1, range).await
}

/// Reads a page of the chat until Redis has it.
pub(super) async fn read_until_shown(engine: &ClusterEngine, range: NumberRange) -> Page<Message> {
    let before = counts(engine).shown;
    let reading = async {
        loop {
            let page = read(engine, range).await.expect("the page is there");
            if counts(engine).shown > before {
                return page;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(WITHIN, reading).await.expect("the page comes into Redis")
}

async fn send(engine: &ClusterEngine, count: usize) {
    for number in 1..=count {
        let sent = write(engine, create_message("one", 1, &format!("text {number}"))).await;
        sent.expect("a message is stored");
    }
}

fn update_message(number: u64, text: &str) -> Command {
    Command::UpdateMessage(UpdateMessage {
        token: token("one"),
        chat: 1,
        number,
        if_match: IfMatch::Any,
        body: Some(Body::stored(text)),
        metadata: MetadataChange::Keep,
    })
}

fn delete_message(chat: u64, number: u64) -> Command {
    Command::DeleteMessage {
        token: token("one"),
        chat,
        number,
        if_match: IfMatch::Any,
    }
}

fn delete_chat(chat: u64) -> Command {
    Command::DeleteChat {
        token: token("one"),
        chat,
        if_match: IfMatch::Any,
    }
}

/// What the live messages of a page say.
pub(super) fn bodies(page: &Page<Message>) -> Vec<&str> {
    let contents = page.items.iter().filter_map(|message| message.content.as_deref());
    contents.map(|content| &*content.body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_comes_from_redis_while_its_chat_stays_as_it_is() {
    let database = Database::new();
    let engine = database.open().await;
    begin(&engine, "one").await;
    send(&engine, 3).await;
    read_until_shown(&engine, LAST).await;
    // Only here is a row changed and its chat not: so it shows where the page came from.
    database.rows("UPDATE messages SET body = 'forged'").await;
    let shown = counts(&engine).shown;
    let page = read(&engine, LAST).await.expect("the page is there");
    assert_eq!(bodies(&page), ["text 1", "text 2", "text 3"]);
    assert_eq!(counts(&engine).shown, shown + 1);
    let sent = write(&engine, create_message("one", 1, "text 4")).await;
    sent.expect("a message is stored");
    let page = read(&engine, LAST).await.expect("the page is there");
    assert_eq!(bodies(&page), ["forged", "forged", "forged", "text 4"]);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_feed_is_that_of_now_where_another_chat_changed() {
    let database = Database::new();
    let engine = database.open().await;
    begin(&engine, "one").await;
    send(&engine, 3).await;
    let page = read_until_shown(&engine, LAST).await;
    let made = write(&engine, create_chat("one")).await.expect("a chat is made");
    let shown = counts(&engine).shown;
    let later = read(&engine, LAST).await.expect("the page is there");
    assert_eq!(counts(&engine).shown, shown + 1);
    assert_eq!(later.as_of, made.cursor);
    assert_eq!((later.items, later.next), (page.items, page.next));
    engine.close().await;
}

/// This is what fails where a page is shown without asking the primary: what Redis has is as old as it can be here.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_another_node_changes_in_a_chat_is_seen_by_the_next_read() {
    let database = Database::new();
    let (node, other) = (database.open().await, database.open().await);
    let alone = open_alone(&database).await;
    begin(&node, "one").await;
    send(&node, 4).await;
    let retitled = UpdateChat {
        token: token("one"),
        chat: 1,
        if_match: IfMatch::Any,
        title: Patch::Set(Title::stored("other")),
        metadata: MetadataChange::Keep,
    };
    let marked = Command::SetRead {
        token: token("one"),
        chat: 1,
        reader: ReaderName::stored("somebody"),
        read: 2,
    };
    let several = Command::CreateMessages {
        token: token("one"),
        chat: 1,
        messages: (0..7).map(|index| content(&format!("more {index}"))).collect(),
    };
    let changes = [
        create_message("one", 1, "another"),
        update_message(3, "edited"),
        delete_message(1, 2),
        Command::UpdateChat(retitled),
        marked,
        several,
    ];
    for change in changes {
        for range in [LAST, FIRST] {
            read_until_shown(&node, range).await;
        }
        let what = format!("{change:?}");
        write(&other, change).await.expect("it is changed");
        for range in [LAST, FIRST] {
            let page = read(&node, range).await;
            assert_eq!(page, read(&alone, range).await, "after {what}");
        }
    }
    // Twelve, but for those that a busy machine was too slow to find.
    assert!(counts(&node).changed >= 6, "{:?}", counts(&node));
    read_until_shown(&node, LAST).await;
    write(&other, delete_chat(1)).await.expect("a chat is deleted");
    assert_eq!(read(&node, LAST).await, Err(Rejection::ChatDeleted.into()));
    for engine in [node, other, alone] {
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_with_its_application_and_its_history() {
    let database = Database::new();
    let engine = database.open().await;
    begin(&engine, "one").await;
    send(&engine, 3).await;
    let page = read_until_shown(&engine, LAST).await;
    let epoch = Epoch::parse("newer").expect("an epoch");
    let renew = Command::RenewEpoch {
        application: ApplicationId(1),
        epoch: epoch.clone(),
    };
    write(&engine, renew).await.expect("the epoch is renewed");
    let renewed = read(&engine, LAST).await.expect("the page is there");
    assert_eq!(renewed.items, page.items);
    assert_eq!(renewed.as_of.map(|cursor| cursor.epoch), Some(epoch));
    read_until_shown(&engine, LAST).await;
    let delete = Command::DeleteApplication {
        token: token("one"),
        if_match: IfMatch::Any,
    };
    write(&engine, delete).await.expect("it is deleted");
    assert_eq!(
        read(&engine, LAST).await,
        Err(Rejection::ApplicationDeleted.into())
    );
    engine.close().await;
}

/// A connection of the test's own, and the names of all pages of the database.
async fn pages_of(database: &Database) -> (redis::aio::MultiplexedConnection, Vec<String>) {
    let client = redis::Client::open(database.config.redis.as_str()).expect("`redis` is an address");
    let connection = client.get_multiplexed_async_connection().await;
    let mut connection = connection.expect("Redis answers");
    let data_set = database.rows("SELECT LOWER(HEX(data_set)) FROM server").await;
    let data_set: String = data_set[0].try_get(0).expect("a text was asked for");
    let pattern = format!("{}.page.1.{data_set}.*", database.config.name);
    let keys = redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await;
    (connection, keys.expect("Redis answers"))
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_stands_in_redis_in_place_of_a_page_is_not_shown() {
    let database = Database::new();
    let (engine, alone) = (database.open().await, open_alone(&database).await);
    begin(&engine, "one").await;
    send(&engine, 9).await;
    for range in [LAST, FIRST] {
        read_until_shown(&engine, range).await;
    }
    let (mut redis, keys) = pages_of(&database).await;
    let find = |end: &str| {
        keys.iter()
            .find(|key| key.ends_with(end))
            .expect("it was put there")
    };
    let (last, first) = (find(".last.5"), find(".after.0..5"));
    let get = |key: String| {
        let mut redis = redis.clone();
        async move {
            let value = redis::cmd("GET")
                .arg(key)
                .query_async::<Vec<u8>>(&mut redis)
                .await;
            value.expect("Redis answers")
        }
    };
    let (right, of_another) = (get(last.clone()).await, get(first.clone()).await);
    let mut flipped = right.clone();
    flipped[right.len() / 2] ^= 0x20;
    let wrong = [
        Vec::new(),
        b"{\"data\": []}".to_vec(),
        vec![0xff; 10_000],
        right[..right.len() - 1].to_vec(),
        flipped,
        of_another,
    ];
    let expected = read(&alone, LAST).await;
    for value in wrong {
        let what = format!("{:?}", &value[..value.len().min(20)]);
        let set = redis::cmd("SET")
            .arg(last)
            .arg(value)
            .exec_async(&mut redis)
            .await;
        set.expect("Redis answers");
        assert_eq!(read(&engine, LAST).await, expected, "{what}");
        read_until_shown(&engine, LAST).await;
    }
    // Six, but for those that a busy machine was too slow to find.
    assert!(counts(&engine).unreadable >= 3, "{:?}", counts(&engine));
    // Something that is no text at all is an error of Redis.
    let (mut del, mut push) = (redis::cmd("DEL"), redis::cmd("LPUSH"));
    for command in [del.arg(last), push.arg(last).arg("x")] {
        command.exec_async(&mut redis).await.expect("Redis answers");
    }
    assert_eq!(read(&engine, LAST).await, expected);
    for engine in [engine, alone] {
        engine.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_read_whether_redis_is_frozen_or_away() {
    let mut database = Database::new();
    let proxy = Proxy::start(&database.config.redis).await;
    database.config.redis = proxy.url().to_owned();
    let engine = database.open().await;
    begin(&engine, "one").await;
    send(&engine, 3).await;
    let expected = read_until_shown(&engine, LAST).await;
    for fault in [Fault::StallAnswers, Fault::StallQuestions, Fault::Refuse] {
        proxy.set(fault);
        // One of them waits, for a tenth of a second; waiting as long as for a connection would take a hundred seconds.
        let reads = async {
            for _ in 0..200 {
                assert_eq!(read(&engine, LAST).await, Ok(expected.clone()), "{fault:?}");
            }
        };
        let reads = timeout(WITHIN, reads).await;
        reads.expect("nobody waits for Redis");
        proxy.cut();
        read_until_shown(&engine, LAST).await;
    }
    engine.close().await;
}
