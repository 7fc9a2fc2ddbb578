//! Every statement that reads or changes rows uses an index, also for its order: those of a run of everything are explained by MySQL.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Row};
use tiro_core::{
    ChangesFilter, ChangesRequest, Command, Engine, Export, IfBehind, IfDeleted, IfMatch, Limits, Lists,
    LiveRange, NumberRange, Operation, OperationNames, OperationState, Query, ReaderName, SearchRequest,
    SearchScope, Token, UpdateMessage,
};

use super::database::Database;
use super::proxy::Proxy;
use super::requests::*;
use crate::ClusterEngine;
use crate::mysql::{Pool, index_garbage, purge, restores};

/// Tables whose rows are few, whatever is stored.
const SMALL: [&str; 5] = ["server", "partitions", "relays", "nodes", "schema_version"];

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_uses_an_index_and_sorts_nothing() {
    let mut database = Database::new();
    let direct = database.config.clone();
    let proxy = Proxy::start(database.address()).await;
    database.reach_through(proxy.port());
    let engine = database.open().await;
    proxy.asked();
    fill(&engine).await;
    change(&engine).await;
    read(&engine).await;
    ask_for_an_operation(&engine, &database).await;
    let mut asked = statements(&proxy.asked());
    let pool = Pool::new(database.config.mysql.parse().expect("it is an address"), 1);
    while purge::round(&pool, tiro_core::Timestamp::from_millis(0))
        .await
        .expect("rows are removed")
        .more
    {}
    for partition in index_garbage::partitions(&pool).await.expect("MySQL answers") {
        let things = index_garbage::indexed_through(&pool, partition, u64::MAX).await;
        let things = things.expect("MySQL answers");
        let forgotten = index_garbage::forget(&pool, partition, &things[..1]).await;
        forgotten.expect("a row is removed");
    }
    give_up_restores(&pool).await;
    asked.extend(statements(&proxy.asked()));
    engine.close().await;
    database.config = direct;
    // Purged rows are filled in again, or there would be nothing to choose an index for.
    let engine = database.open().await;
    fill_again(&engine).await;
    engine.close().await;
    fill_with_rows(&database).await;
    database
        .rows("INSERT INTO refused_operations SELECT application, UNHEX(SHA2(position, 256)), 1, position FROM changes")
        .await;
    database
        .rows(
            "ANALYZE TABLE applications, chats, messages, changes, markers, deleted_counts, garbage, \
               index_garbage, transactions, refused_operations",
        )
        .await;
    let mut wrong = Vec::new();
    for statement in asked.values() {
        wrong.extend(explain(&database, statement).await);
    }
    assert!(
        asked.len() >= 30,
        "only {} statements were seen: {:#?}",
        asked.len(),
        asked.keys()
    );
    assert!(
        wrong.is_empty(),
        "{} of {} statements: {wrong:#?}",
        wrong.len(),
        asked.len()
    );
}

async fn give_up_restores(pool: &Pool) {
    let hour = Duration::from_secs(3_600);
    assert_eq!(restores::still(pool, hour).await.expect("MySQL answers").len(), 0);
    let none = restores::Still {
        application: 9,
        partition: 0,
    };
    assert!(!restores::give_up(pool, none, hour).await.expect("MySQL answers"));
}

async fn fill(engine: &ClusterEngine) {
    for application in ["one", "two", "three"] {
        let made = write(engine, create_application(application)).await;
        made.expect("an application is made");
        for chat in 1..=30 {
            let made = engine
                .write(keyed(create_chat(application), &format!("chat {chat}")))
                .await;
            made.expect("a chat is made");
            let messages = (1..=40).map(|index| content_from("somebody", &format!("text {index}")));
            let command = Command::CreateMessages {
                token: token(application),
                chat,
                messages: messages.collect(),
            };
            engine
                .write(keyed(command, &format!("messages {chat}")))
                .await
                .expect("messages are stored");
            set_read(engine, application, chat, "somebody").await;
        }
    }
}

async fn fill_again(engine: &ClusterEngine) {
    let names: Vec<String> = (0..200).map(|index| format!("more{index}")).collect();
    let made = join_all(names.iter().map(|name| write(engine, create_application(name)))).await;
    assert!(made.iter().all(Result::is_ok));
    let made = join_all((0..120).map(|index| write(engine, create_chat(&names[index % 2])))).await;
    assert!(made.iter().all(Result::is_ok));
}

/// So many that an index is worth it: of a handful of rows MySQL reads and sorts all.
async fn fill_with_rows(database: &Database) {
    let digits = "(SELECT 0 AS digit UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 \
                  UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let numbers = format!(
        "(SELECT a.digit + 10 * b.digit + 100 * c.digit + 1000 * d.digit + 10000 * e.digit AS n \
         FROM {digits} a, {digits} b, {digits} c, {digits} d, {digits} e) numbers"
    );
    for into in [
        "INSERT INTO applications (id, token, restoring, partition_id, epoch, chats_count, last_chat_number, last_position, \
         created_at, updated_at, version, listed) \
         SELECT 1000 + n, CONCAT('filled-', n), 0, n % 4, 'abc', 1, 1, 3, n, n, 1, 1",
        "INSERT INTO messages (application, chat, number, body, created_at, updated_at, version, created_position) \
         SELECT 1000 + n, 1, 1, 'text', n, n, 1, 3",
        "INSERT INTO changes (application, position, partition_id, partition_position, at, kind, chat, number, version) \
         SELECT 1000 + n, 2, n % 4, 1000000 + 2 * n, n, 4, 1, NULL, 1",
        "INSERT INTO changes (application, position, partition_id, partition_position, at, kind, chat, number, version) \
         SELECT 1000 + n, 3, n % 4, 1000001 + 2 * n, n, 7, 1, 1, 1",
        "INSERT INTO index_garbage (partition_id, position, application, chat) SELECT n % 4, n, 1000 + n, 1",
    ] {
        database.rows(&format!("{into} FROM {numbers}")).await;
    }
}

async fn ask_for_an_operation(engine: &ClusterEngine, database: &Database) {
    let secret = database
        .config
        .secret
        .as_deref()
        .expect("the cluster has a secret");
    let operation = Operation::of(&keyed(create_message("one", 3, "text"), "parked"));
    let operation = operation.expect("it can be parked");
    let name = OperationNames::new(secret).name(&token("one"), &operation);
    let state = engine.operation(&token("one"), &name).await;
    assert_eq!(state, Ok(OperationState::Pending));
}

async fn set_read(engine: &ClusterEngine, application: &str, chat: u64, reader: &str) {
    let command = Command::SetRead {
        token: token(application),
        chat,
        reader: ReaderName::stored(reader),
        read: 3,
    };
    write(engine, command).await.expect("a marker is set");
}

async fn change(engine: &ClusterEngine) {
    let (one, three) = (token("one"), token("three"));
    let delete = |number| Command::DeleteMessage {
        token: one.clone(),
        chat: 2,
        number,
        if_match: IfMatch::Any,
    };
    for number in 1..20 {
        write(engine, delete(number)).await.expect("a message is deleted");
    }
    let update = Command::UpdateMessage(UpdateMessage {
        token: one.clone(),
        chat: 3,
        number: 4,
        if_match: IfMatch::Any,
        body: Some(tiro_core::Body::stored("other")),
        metadata: tiro_core::MetadataChange::Keep,
    });
    for _ in 0..2 {
        engine
            .write(keyed(update.clone(), "update"))
            .await
            .expect("it is changed");
    }
    write(engine, create_message("one", 3, "more"))
        .await
        .expect("a message is stored");
    set_read(engine, "one", 2, "another").await;
    let delete = Command::DeleteChat {
        token: one,
        chat: 5,
        if_match: IfMatch::Any,
    };
    write(engine, delete).await.expect("a chat is deleted");
    let delete = Command::DeleteApplication {
        token: three,
        if_match: IfMatch::Any,
    };
    write(engine, delete).await.expect("an application is deleted");
}

async fn read(engine: &ClusterEngine) {
    let one = &token("one");
    let (live, numbers) = (LiveRange { skip: 3, limit: 10 }, NumberRange::Last { limit: 10 });
    engine.application(one).await.expect("it is there");
    engine.chat(one, 2).await.expect("it is there");
    engine.message(one, 2, 30).await.expect("it is there");
    engine.applications(None, 10).await.expect("a page");
    engine.chats(one, numbers).await.expect("a page");
    engine.messages(one, 2, numbers).await.expect("a page");
    let none = NumberRange::After {
        after: 1_000,
        before: None,
        limit: 10,
    };
    engine.messages(one, 2, none).await.expect("an empty page");
    engine.live_chats(one, live).await.expect("a page");
    engine.live_messages(one, 2, live).await.expect("a page");
    engine.chats_by_activity(one, None, 10).await.expect("a page");
    engine
        .chats_by_activity(one, Some(900), 10)
        .await
        .expect("a page");
    let reader = ReaderName::stored("somebody");
    engine.reader(one, 2, &reader).await.expect("a state");
    engine.unread_chats(one, &reader, 0, 10).await.expect("a page");
    engine.changed(one, 3).await.expect("it went on");
    engine.changes(changes(one)).await.expect("a page");
    let mut narrowed = changes(one);
    narrowed.filter.chats = Some(vec![2, 3]);
    engine.changes(narrowed).await.expect("a page");
    let application = SearchScope::Application(one.clone());
    let chat = SearchScope::Chat {
        token: one.clone(),
        number: 2,
    };
    for scope in [application, chat, SearchScope::Everything] {
        engine.search(search(scope)).await.expect("a page");
    }
    let mut export = engine.export(Some(one.clone())).await.expect("an export");
    while Export::next(&mut *export).await.expect("it goes on").is_some() {}
    let lists = engine.lists().await.expect("lists are kept");
    Lists::applications(&*lists, None, 5).await.expect("a page");
}

/// The statements that look for rows, one for each form: what differs in values alone is one.
fn statements(packets: &[String]) -> BTreeMap<String, String> {
    let all = packets.iter().flat_map(|packet| packet.split(';'));
    let looking = all.map(str::trim).filter(|statement| {
        let first = statement
            .trim_start_matches('(')
            .split_whitespace()
            .next()
            .unwrap_or_default();
        matches!(first, "SELECT" | "UPDATE" | "DELETE") && statement.contains(' ') && !statement.contains('@')
    });
    looking
        .map(|statement| (form(statement), statement.to_owned()))
        .collect()
}

fn form(statement: &str) -> String {
    let mut form = String::new();
    for letter in statement.chars() {
        let letter = if letter.is_ascii_digit() { '0' } else { letter };
        if !(letter == '0' && form.ends_with('0')) {
            form.push(letter);
        }
    }
    form.split("IN (")
        .next()
        .unwrap_or_default()
        .split("x'")
        .next()
        .unwrap_or_default()
        .to_owned()
}

async fn explain(database: &Database, statement: &str) -> Vec<String> {
    let filled = statement.replace("LIMIT ?", "LIMIT 10").replace('?', "'1'");
    let mut connection = database.connect().await;
    let plan = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN FORMAT=TRADITIONAL {filled}")))
        .fetch_all(&mut connection)
        .await;
    let plan = plan.unwrap_or_else(|error| panic!("{filled}: {error}"));
    let small: BTreeSet<&str> = SMALL.into();
    let scans = plan.iter().filter_map(|row| {
        let table: Option<String> = row.try_get("table").expect("a plan names tables");
        let table = table?;
        let kind: Option<String> = row.try_get("type").expect("a plan names how it looks");
        let key: Option<String> = row.try_get("key").expect("a plan names indexes");
        let extra: Option<String> = row.try_get("Extra").expect("a plan says what else it does");
        let derived = table.starts_with('<') || small.contains(table.as_str());
        let sorts = extra.is_some_and(|extra| extra.contains("filesort"));
        let scans = kind.as_deref() == Some("ALL") || key.is_none() || sorts;
        (scans && !derived).then(|| format!("{table} by {kind:?} with {key:?}: {}", shortened(&filled)))
    });
    scans.collect()
}

fn shortened(statement: &str) -> String {
    statement.chars().take(600).collect()
}

fn search(scope: SearchScope) -> SearchRequest {
    SearchRequest {
        scope,
        query: Query::parse("text 3", &Limits::default()).expect("it has terms"),
        after: None,
        limit: 10,
        if_behind: IfBehind::Refuse,
    }
}

fn changes(token: &Token) -> ChangesRequest {
    ChangesRequest {
        token: token.clone(),
        after: None,
        limit: 100,
        filter: ChangesFilter::default(),
        if_deleted: IfDeleted::Refuse,
    }
}
