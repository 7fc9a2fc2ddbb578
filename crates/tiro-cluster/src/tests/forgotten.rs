//! A network that forgets connections, as a firewall does: nobody ends them, and nothing comes through any more.

use std::time::Duration;

use futures_util::future::join_all;
use tiro_conformance::address::with_parameter;
use tiro_conformance::{Fault, Proxy};
use tiro_core::{
    Engine, Failure, IfBehind, Limits, Lists, NumberRange, Query, SearchRequest, SearchScope, Searched,
    Shortage,
};
use tokio::time::timeout;

use super::database::Database;
use super::pages::read_until_shown;
use super::requests::*;
use crate::ClusterEngine;
use crate::mysql::{Pool, connection};

/// As many as an engine holds at once.
const HELD: usize = 8;
const RANGE: NumberRange = NumberRange::Last { limit: 5 };
/// A read of a snapshot gives up after 10 s.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(14);
/// Any other tries another connection after 4 s.
const FOUND_WITHIN: Duration = Duration::from_secs(8);

/// What waits for the other side differs: both are tried, at once.
const ENCRYPTIONS: [&str; 2] = ["DISABLED", "REQUIRED"];
/// A node that carries nothing out.
const CLOSED_WITHIN: Duration = Duration::from_secs(12);

/// A proxy before MySQL, which is reached with this `ssl-mode`.
async fn through_proxy(database: &mut Database, encryption: &str) -> Proxy {
    let proxy = Proxy::start(&with_parameter(&database.config.mysql, "ssl-mode", encryption)).await;
    proxy.url().clone_into(&mut database.config.mysql);
    proxy
}

/// An engine that has connections of every kind through a proxy, with an application `one` that has a message.
async fn connected(encryption: &str) -> (Database, Proxy, ClusterEngine) {
    let mut database = Database::new();
    let proxy = through_proxy(&mut database, encryption).await;
    let engine = database.open().await;
    begin(&engine, "one").await;
    let sent = write(&engine, create_message("one", 1, "a text")).await;
    sent.expect("a message is stored");
    search(&engine).await.expect("it is found");
    hold(&engine).await;
    (database, proxy, engine)
}

async fn search(engine: &ClusterEngine) -> Result<Searched, Failure> {
    let request = SearchRequest {
        scope: SearchScope::Application(token("one")),
        query: Query::parse("text", &Limits::default()).expect("it has a term"),
        after: None,
        limit: 10,
        if_behind: IfBehind::Refuse,
    };
    engine.search(request).await
}

/// Lists of as many snapshots as there can be, each read once.
async fn hold(engine: &ClusterEngine) -> Vec<Box<dyn Lists>> {
    let mut held = Vec::new();
    for _ in 0..HELD {
        let lists = engine.lists().await.expect("a snapshot is held");
        let page = lists.messages(&token("one"), 1, RANGE).await;
        assert_eq!(page.expect("a page").items.len(), 1);
        held.push(lists);
    }
    held
}

fn is_away<T>(answer: &Result<T, Failure>) -> bool {
    matches!(answer, Err(Failure::Unavailable(away)) if away.shortage == Shortage::StorageUnavailable)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_while_it_was_used_is_given_up_in_time_and_keeps_nobody_out() {
    join_all(ENCRYPTIONS.map(given_up_in_time)).await;
}

async fn given_up_in_time(encryption: &str) {
    let (_database, proxy, engine) = connected(encryption).await;
    let held = hold(&engine).await;
    proxy.forget();
    let one = token("one");
    let reads = held.iter().map(|lists| lists.messages(&one, 1, RANGE));
    let reads = timeout(GIVEN_UP_WITHIN, join_all(reads))
        .await
        .expect("they are given up");
    assert!(reads.iter().all(is_away), "{reads:?}");
    drop(held);
    timeout(FOUND_WITHIN, hold(&engine))
        .await
        .expect("there is room for others");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_connections_were_forgotten_each_kind_of_request_is_served_again() {
    join_all(ENCRYPTIONS.map(served_again)).await;
}

async fn served_again(encryption: &str) {
    let (_database, proxy, engine) = connected(encryption).await;
    proxy.forget();
    let found = timeout(FOUND_WITHIN, search(&engine))
        .await
        .expect("it is answered");
    assert!(matches!(found, Ok(Searched::Found(_))), "{found:?}");
    timeout(FOUND_WITHIN, hold(&engine))
        .await
        .expect("snapshots are held");
    let one = token("one");
    let unknown = create_message("two", 1, "a text");
    let (page, unknown) = tokio::join!(
        timeout(FOUND_WITHIN, engine.messages(&one, 1, RANGE)),
        timeout(FOUND_WITHIN, write(&engine, unknown)),
    );
    let page = page.expect("it is answered").expect("a page");
    assert_eq!(page.items.len(), 1);
    let unknown = unknown.expect("it is answered");
    assert!(matches!(unknown, Err(Failure::Rejected(_))), "{unknown:?}");
    let sent = timeout(
        GIVEN_UP_WITHIN,
        write(&engine, create_message("one", 1, "another")),
    )
    .await;
    assert_eq!(number(&sent.expect("it is answered").expect("it is stored")), 2);
    engine.close().await;
}

/// A node did not end on SIGTERM: the library waits until the other side has closed what is encrypted.
#[tokio::test(flavor = "multi_thread")]
async fn an_engine_whose_connections_were_forgotten_is_closed_in_time() {
    let closed = ENCRYPTIONS.map(async |encryption| {
        let (_database, proxy, engine) = connected(encryption).await;
        proxy.forget();
        let closed = timeout(CLOSED_WITHIN, engine.close()).await;
        assert!(closed.is_ok(), "{encryption}");
    });
    join_all(closed).await;
}

/// A worker that is stopped gives up what it asks. Where that was being prepared the answer makes no sense to the library, which
/// then gives the connection up and waits for its end: with TLS for hours, and its place was taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_given_up_while_it_is_prepared_takes_no_place_of_a_pool() {
    let given_up = ENCRYPTIONS.map(async |encryption| {
        let mut database = Database::new();
        let proxy = through_proxy(&mut database, encryption).await;
        let options = connection::options(&database.config).expect("the file names a database");
        let pool = Pool::new(options.database("information_schema"), 1);
        let one = sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(&pool);
        assert_eq!(one.await.expect("MySQL answers"), 1);
        proxy.set(Fault::StallAnswers);
        let two = sqlx::query_scalar::<_, i64>("SELECT CAST(? AS SIGNED)").bind(2);
        let given_up = timeout(Duration::from_millis(200), two.fetch_one(&pool)).await;
        assert!(given_up.is_err(), "{given_up:?}");
        proxy.set(Fault::None);
        let three = sqlx::query_scalar::<_, i64>("SELECT CAST(? AS SIGNED)").bind(3);
        let three = timeout(FOUND_WITHIN, three.fetch_one(&pool)).await;
        let three = three.unwrap_or_else(|_| panic!("{encryption}: no connection is free"));
        assert_eq!(three.expect("MySQL answers"), 3, "{encryption}");
        let closed = timeout(FOUND_WITHIN, pool.close()).await;
        assert!(closed.is_ok(), "{encryption}: a place is taken");
    });
    join_all(given_up).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_come_from_redis_again_after_its_connections_were_forgotten() {
    let mut database = Database::new();
    let proxy = Proxy::start(&database.config.redis).await;
    proxy.url().clone_into(&mut database.config.redis);
    let engine = database.open().await;
    begin(&engine, "one").await;
    let sent = write(&engine, create_message("one", 1, "a text")).await;
    sent.expect("a message is stored");
    let kept = read_until_shown(&engine, RANGE).await;
    proxy.forget();
    assert_eq!(read_until_shown(&engine, RANGE).await, kept);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_on_a_forgotten_connection_leaves_room_for_others() {
    join_all(ENCRYPTIONS.map(leaves_room)).await;
}

async fn leaves_room(encryption: &str) {
    let (_database, proxy, engine) = connected(encryption).await;
    let one = token("one");
    let fill = (0..64).map(|_| engine.messages(&one, 1, RANGE));
    join_all(fill)
        .await
        .into_iter()
        .for_each(|page| assert!(page.is_ok(), "{page:?}"));
    proxy.forget();
    let impatient = (0..64).map(|_| timeout(Duration::from_millis(200), engine.messages(&one, 1, RANGE)));
    let answered = join_all(impatient).await;
    assert!(answered.iter().all(Result::is_err), "{answered:?}");
    let page = timeout(FOUND_WITHIN, engine.messages(&one, 1, RANGE))
        .await
        .expect("it is answered");
    assert_eq!(page.expect("a page").items.len(), 1);
    engine.close().await;
}
