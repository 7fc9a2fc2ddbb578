//! What a check of a running cluster finds, puts right, and leaves alone.

mod index;
mod rows;
mod world;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{ClusterEngine, VerifyError};

use super::database::Database;
use super::requests::*;
use world::{World, delete, done, edit, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_cluster_verifies_clean_before_and_after_its_garbage_is_removed() {
    let world = World::full().await;
    let report = world.assert_clean().await;
    assert_eq!((report.partitions, report.applications), (4, 3));
    // Of `one` and of what is being restored.
    assert_eq!((report.chats, report.messages, report.markers), (5, 604, 2));
    // All but that of the deleted chat.
    assert_eq!(report.index_documents, 602);
    world.purge().await;
    let purged = world.assert_clean().await;
    assert_eq!(purged.messages, 603);
    assert_eq!(purged.remarks.len(), 1, "{:?}", purged.remarks);
    assert!(purged.remarks[0].contains("given up"), "{:?}", purged.remarks);
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_verifies_clean_while_it_is_written_and_indexed() {
    let world = World::full().await;
    let is_over = AtomicBool::new(false);
    let writing = async {
        let mut round = 0;
        while !is_over.load(Ordering::Relaxed) {
            round += 1;
            done(&world.engine, create_message("one", 1, "more")).await;
            done(&world.engine, edit("one", 1, 10 + round, "other")).await;
            done(&world.engine, delete("one", 1, 400 + round % 190)).await;
            done(&world.engine, read("one", 1, "bob", 20 + round)).await;
            done(&world.engine, create_chat("one")).await;
            assert!(round < 380, "the check ends before there is nothing left to edit");
        }
    };
    let indexing = async {
        while !is_over.load(Ordering::Relaxed) {
            world.index_all().await;
        }
    };
    let looking = async {
        for _ in 0..3 {
            world.assert_clean().await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(writing, indexing, looking);
    world.assert_clean().await;
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_a_cluster_is_refused() {
    let mut database = Database::new();
    // A used cluster of the same name has left a search index of things that this one lacks.
    database.config.name = format!("verify-{:08x}", fastrand::u32(..));
    database.open().await.close().await;
    database.rows("DROP TABLE schema_version").await;
    let refused = crate::verify(&database.config, crate::VerifyOptions::default(), &mut |_| {}).await;
    assert!(matches!(refused, Err(VerifyError::Empty)), "{refused:?}");
    // It is made anew by a node, and then holds nothing that could be wrong.
    let engine: ClusterEngine = database.open().await;
    let checked = crate::verify(&database.config, crate::VerifyOptions::default(), &mut |_| {}).await;
    assert!(checked.expect("the check ends").is_sound());
    engine.close().await;
}
