//! An index that lacks, lags or is ahead: what is a finding, what is put right, and what is only a remark.

use super::super::requests::*;
use super::world::{World, done, edit};

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_missing_is_indexed_again() {
    let world = World::full().await;
    world.forget("1.1.7", 1).await;
    world
        .assert_repaired("chat 1, message 7", "it is not in the search index")
        .await;
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_document_is_indexed_again() {
    let world = World::full().await;
    // As if the index had lost the last edit: its row and change say 4, the index has 3.
    world
        .damage("UPDATE messages SET version = 4 WHERE application = 1 AND chat = 1 AND number = 5")
        .await;
    world
        .damage("UPDATE changes SET version = 4 WHERE application = 1 AND kind = 8 AND version = 3")
        .await;
    let found = world.look().await;
    let stale = found.findings.iter().find(|found| {
        found
            .problem
            .contains("the search index has its version 3, its row has 4")
    });
    assert!(stale.is_some(), "{:#?}", found.findings);
    let repaired = world.verify(crate::VerifyOptions { repair: true }).await;
    assert_eq!(repaired.repaired_count, 1, "{:#?}", repaired.findings);
    let after = world.look().await;
    assert!(
        after
            .findings
            .iter()
            .all(|found| !found.problem.contains("search index"))
    );
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_that_is_found_is_hidden_again() {
    let world = World::full().await;
    world.forge("1.1.2", 2).await;
    world
        .assert_repaired(
            "chat 1, message 2",
            "it is deleted, and the search index finds it",
        )
        .await;
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_lags_is_no_finding() {
    let world = World::full().await;
    done(&world.engine, create_message("one", 1, "not indexed yet")).await;
    done(&world.engine, edit("one", 1, 8, "nor is this")).await;
    let report = world.assert_clean().await;
    // Neither the one that is new nor the one that is changed was looked for.
    assert_eq!(report.index_documents, 601);
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_ahead_of_the_database_is_made_anew() {
    let world = World::full().await;
    let generation = world.indexer.index().current().await.expect("there is an index");
    let set = world.indexer.index().set_watermark(&generation, 2, 1_000_000);
    set.await.expect("the watermark is set");
    world
        .assert_repaired("partition 2", "it is indexed through 1000000")
        .await;
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_another_database_is_made_anew() {
    let world = World::full().await;
    let other = "UPDATE server SET data_set = UNHEX(REPLACE(UUID(), '-', ''))";
    world.damage(other).await;
    world
        .assert_repaired("search index", "it was made of another database")
        .await;
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_index_the_rows_are_checked_and_that_is_remarked() {
    let mut world = World::full().await;
    world.indexer.index().delete_all().await.expect("it is deleted");
    let report = world.assert_clean().await;
    assert_eq!(report.index_documents, 0);
    assert!(
        report
            .remarks
            .iter()
            .any(|remark| remark.contains("no search index yet")),
        "{:?}",
        report.remarks
    );
    // Nothing listens there: a port that was given out and closed.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    world.config.opensearch = format!("http://{address}");
    let report = world.assert_clean().await;
    assert!(
        report
            .remarks
            .iter()
            .any(|remark| remark.contains("cannot be reached")),
        "{:?}",
        report.remarks
    );
    world.engine.close().await;
}
