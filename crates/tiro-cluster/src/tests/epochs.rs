//! A database that was put back to an earlier state.

use tiro_core::{
    ChangesFilter, ChangesRequest, Cursor, Engine, Epoch, Failure, IfBehind, IfDeleted, Limits, Query,
    Rejection, SearchRequest, SearchScope, Searched,
};

use super::database::Database;
use super::pages::{LAST, bodies, read_until_shown};
use super::requests::*;
use crate::{ClusterConfig, ClusterEngine, Indexer, Member, OpenError, Options, new_epoch};

/// What a backup has; who runs is not put back.
const TABLES: [&str; 12] = [
    "server",
    "partitions",
    "applications",
    "chats",
    "messages",
    "changes",
    "markers",
    "deleted_counts",
    "garbage",
    "index_garbage",
    "transactions",
    "relays",
];

async fn back_up(database: &Database) {
    for table in TABLES {
        database
            .rows(&format!("CREATE TABLE backup_{table} AS SELECT * FROM {table}"))
            .await;
    }
}

async fn put_back(database: &Database) {
    for table in TABLES {
        database.rows(&format!("DELETE FROM {table}")).await;
        database
            .rows(&format!("INSERT INTO {table} SELECT * FROM backup_{table}"))
            .await;
    }
}

/// A node that closes, and what indexes for it meanwhile.
async fn with_node(config: &ClusterConfig, work: impl AsyncFnOnce(&ClusterEngine, &Indexer)) {
    let engine = ClusterEngine::open(config, Options::default()).await;
    let engine = engine.expect("the cluster opens");
    let indexer = Member::join(config)
        .await
        .expect("the cluster is there")
        .indexer();
    work(&engine, &indexer).await;
    engine.close().await;
}

async fn index_all(indexer: &Indexer) {
    for (partition, end) in indexer.positions().await.expect("MySQL answers") {
        let indexed = indexer.index_partition(partition, end).await;
        indexed.expect("a partition is indexed");
    }
    let serving = indexer.index().current().await.expect("there is an index");
    indexer
        .index()
        .refresh(&serving)
        .await
        .expect("OpenSearch answers");
}

/// Numbers of the messages of chat 1 that match.
async fn found(engine: &ClusterEngine, query: &str) -> Vec<u64> {
    let request = SearchRequest {
        scope: SearchScope::Application(token("one")),
        query: Query::parse(query, &Limits::default()).expect("it has terms"),
        after: None,
        limit: 10,
        if_behind: IfBehind::Refuse,
    };
    let Ok(Searched::Found(found)) = engine.search(request).await else {
        panic!("a search is answered");
    };
    found.hits.iter().map(|hit| hit.message.number).collect()
}

fn since(cursor: Option<Cursor>) -> ChangesRequest {
    ChangesRequest {
        token: token("one"),
        after: cursor,
        limit: 100,
        filter: ChangesFilter::default(),
        if_deleted: IfDeleted::Refuse,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_put_back_database_undid_is_believed_after_a_new_epoch() {
    let database = Database::new();
    let mut config = database.config.clone();
    config.name = database.name().replace('_', "-");
    let old = Epoch::parse("abc").expect("an epoch");
    with_node(&config, async |engine, indexer| {
        begin(engine, "one").await;
        write(engine, create_message("one", 1, "kept"))
            .await
            .expect("stored");
        back_up(&database).await;
        write(engine, create_message("one", 1, "undone"))
            .await
            .expect("stored");
        index_all(indexer).await;
        assert_eq!(found(engine, "undone").await, [2]);
        assert_eq!(bodies(&read_until_shown(engine, LAST).await), ["kept", "undone"]);
    })
    .await;
    put_back(&database).await;
    assert_eq!(new_epoch(&config).await.expect("epochs are renewed"), 1);
    with_node(&config, async |engine, indexer| {
        let undone = Cursor {
            epoch: old,
            position: 3,
        };
        let refused = engine.changes(since(Some(undone))).await;
        assert!(
            matches!(refused, Err(Failure::Rejected(Rejection::HistoryChanged { .. }))),
            "{refused:?}"
        );
        assert_eq!(
            engine.changes(since(None)).await.expect("a page").entries.len(),
            3
        );
        // Takes the number, version and position of what was undone: an index that was believed would lack it, and a page
        // that was believed would show the other.
        write(engine, create_message("one", 1, "instead"))
            .await
            .expect("stored");
        assert_eq!(found(engine, "instead").await, [2]);
        assert_eq!(bodies(&read_until_shown(engine, LAST).await), ["kept", "instead"]);
        index_all(indexer).await;
        assert_eq!(found(engine, "instead").await, [2]);
        assert_eq!(found(engine, "undone").await, [0; 0]);
        assert_eq!(found(engine, "kept").await, [1]);
        indexer.index().delete_all().await.expect("an index is removed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_epoch_is_renewed_while_a_node_runs() {
    let database = Database::new();
    let engine = database.open().await;
    begin(&engine, "one").await;
    while database.number("SELECT COUNT(*) FROM nodes").await == 0 {}
    let refused = new_epoch(&database.config).await;
    assert!(
        matches!(refused, Err(OpenError::InUse { nodes: 1 })),
        "{refused:?}"
    );
    let kept = "SELECT COUNT(*) FROM applications WHERE epoch = 'abc'";
    assert_eq!(database.number(kept).await, 1);
    engine.close().await;
    assert_eq!(new_epoch(&database.config).await.expect("epochs are renewed"), 1);
    assert_eq!(database.number(kept).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_a_cluster_gets_no_epoch_and_no_tables() {
    let database = Database::new();
    database.open().await.close().await;
    database.rows("DROP TABLE schema_version").await;
    let refused = new_epoch(&database.config).await;
    assert!(matches!(refused, Err(OpenError::MySql(_))), "{refused:?}");
}
