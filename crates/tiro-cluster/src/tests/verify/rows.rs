//! Damaged rows: each kind is found and named, and put right where the other rows still tell what was there.

use super::world::{World, assert_only, delete, done, places};
use crate::{Remedy, VerifyOptions};

#[tokio::test(flavor = "multi_thread")]
async fn counts_that_are_off_are_counted_again() {
    let world = World::full().await;
    world
        .damage("UPDATE chats SET messages_count = messages_count + 1 WHERE application = 1 AND number = 2")
        .await;
    world
        .assert_repaired("application 1, chat 2", "messages_count is 2, its rows say 1")
        .await;
    world
        .damage("UPDATE applications SET chats_count = 7 WHERE id = 1")
        .await;
    world
        .assert_repaired("application 1", "chats_count is 7, its rows say 3")
        .await;
    world
        .damage("UPDATE chats SET markers_count = 0 WHERE application = 1 AND number = 1")
        .await;
    world
        .assert_repaired("chat 1", "markers_count is 0, its rows say 2")
        .await;
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lists_are_read_by_is_derived_again() {
    let world = World::full().await;
    world
        .damage("UPDATE applications SET listed = 0 WHERE id = 1")
        .await;
    world
        .assert_repaired("application 1 (one_____…)", "`listed`")
        .await;
    world
        .damage("UPDATE chats SET live_activity = 3 WHERE application = 1 AND number = 3")
        .await;
    world.assert_repaired("chat 3", "live_activity").await;
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_counts_are_told_again_by_tombstones() {
    let world = World::full().await;
    world
        .damage(
            "UPDATE deleted_counts SET counts = REPEAT(CHAR(0), 32) \
             WHERE application = 1 AND chat = 1 AND level = 0 AND block = 1",
        )
        .await;
    world
        .assert_repaired("chat 1", "1 rows of its deleted counts")
        .await;
    world
        .damage("DELETE FROM deleted_counts WHERE application = 1 AND chat = 0")
        .await;
    world
        .assert_repaired("application 1", "1 rows of its deleted counts")
        .await;
    world
        .damage("INSERT INTO deleted_counts VALUES (1, 2, 0, 0, REPEAT(CHAR(1), 32))")
        .await;
    world
        .assert_repaired("chat 2", "1 rows of its deleted counts")
        .await;
    // Whoever deletes next finds them right.
    done(&world.engine, delete("one", 1, 258)).await;
    world.assert_clean().await;
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_missing_is_named_and_counts_are_put_right() {
    let world = World::full().await;
    world
        .damage("DELETE FROM messages WHERE application = 1 AND chat = 1 AND number = 100")
        .await;
    let found = world.look().await;
    assert_eq!(found.findings_count, 2, "{:#?}", found.findings);
    let found = places(&found);
    assert!(found["application 1, chat 1"].contains("messages_count is 595, its rows say 594"));
    assert_eq!(
        found["application 1 (one_____…), chat 1"],
        "message 100 is missing"
    );
    let repaired = world.verify(VerifyOptions { repair: true }).await;
    assert_eq!((repaired.findings_count, repaired.repaired_count), (2, 1));
    assert!(!repaired.is_sound());
    assert_only(
        &world.look().await,
        "chat 1",
        "message 100 is missing",
        Remedy::None,
    );
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_are_missing_or_out_of_order_are_named() {
    let world = World::full().await;
    // That of the last message but one of chat 1, which is position 704.
    let position = world
        .database
        .number("SELECT CAST(created_position AS SIGNED) FROM messages WHERE application = 1 AND chat = 2")
        .await;
    world
        .damage(&format!(
            "DELETE FROM changes WHERE application = 1 AND position = {position}"
        ))
        .await;
    let found = world.look().await;
    let found = places(&found);
    assert_eq!(
        found["application 1 (one_____…)"],
        format!("change {position} is missing")
    );
    assert_eq!(
        found["application 1 (one_____…), chat 2, message 1"],
        format!("change {position} did not create it")
    );
    assert!(found["application 1 (one_____…), chat 2"].contains("activity_position"));
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_held_to_the_changes() {
    let world = World::full().await;
    world
        .damage("UPDATE changes SET version = 9 WHERE application = 1 AND kind = 8 AND version = 3")
        .await;
    let found = world.look().await;
    assert!(
        places(&found)
            .values()
            .any(|problem| *problem == "it makes version 9, the one before is 2"),
        "{:#?}",
        found.findings
    );
    let message = "application 1 (one_____…), chat 1, message 5";
    assert_eq!(places(&found)[message], "its version is 3, its changes say 9");
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_are_named() {
    let world = World::full().await;
    let damages = [
        (
            "UPDATE markers SET last_read = 9999 WHERE application = 1 AND reader = 'bob'",
            "chat 1",
            "a reader has read up to 9999, the last message is 601",
            "UPDATE markers SET last_read = 9 WHERE application = 1 AND reader = 'bob'",
        ),
        (
            "UPDATE applications SET epoch = 'A!' WHERE id = 1",
            "application 1",
            "its epoch",
            "UPDATE applications SET epoch = 'abc' WHERE id = 1",
        ),
        (
            "UPDATE messages SET body = 'back' WHERE application = 1 AND chat = 1 AND number = 2",
            "chat 1, message 2",
            "a tombstone has no content",
            "UPDATE messages SET body = NULL WHERE application = 1 AND chat = 1 AND number = 2",
        ),
        (
            "UPDATE relays SET position = 1000000 WHERE partition_id = 3",
            "partition 3",
            "relayed through 1000000",
            "UPDATE relays SET position = 0 WHERE partition_id = 3",
        ),
        (
            "INSERT INTO garbage VALUES (1, 2, 0)",
            "chat 2",
            "it is live and to be removed as garbage",
            "DELETE FROM garbage WHERE application = 1 AND chat = 2",
        ),
        (
            "INSERT INTO markers VALUES (77, 1, 'ann', 1, 1)",
            "markers of application 77",
            "there is no such application",
            "DELETE FROM markers WHERE application = 77",
        ),
        (
            "UPDATE server SET next_application = 4",
            "server",
            "next_application is 4",
            "UPDATE server SET next_application = 5",
        ),
        (
            "UPDATE changes SET key_scope = 9, key_namespace = 1, key_name = 'k', key_fingerprint = REPEAT('x', 32) \
             WHERE application = 1 AND position = 4",
            "change 4",
            "its key",
            "UPDATE changes SET key_scope = NULL, key_namespace = NULL, key_name = NULL, key_fingerprint = NULL \
             WHERE application = 1 AND position = 4",
        ),
    ];
    for (damage, place, problem, undo) in damages {
        world.damage(damage).await;
        assert_only(&world.look().await, place, problem, Remedy::None);
        world.damage(undo).await;
    }
    world.assert_clean().await;
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_below_deleted_things_are_named_to_the_workers_again() {
    let world = World::full().await;
    world.damage("DELETE FROM garbage WHERE application = 1").await;
    world.assert_repaired("chat 3", "garbage does not name").await;
    world.damage("DELETE FROM garbage WHERE application = 2").await;
    world
        .assert_repaired("application 2", "garbage does not name")
        .await;
    world.purge().await;
    world.assert_clean().await;
    world.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_without_a_change_is_a_finding_unless_a_restore_was_given_up() {
    let world = World::full().await;
    world.purge().await;
    let partition = world.partition(1).await;
    let raise = format!("UPDATE partitions SET position = position + 5 WHERE id = {partition}");
    world.damage(&raise).await;
    let report = world.assert_clean().await;
    let told = format!("partition {partition} has");
    assert!(
        report.remarks.iter().any(|remark| remark.starts_with(&told)),
        "{:?}",
        report.remarks
    );
    // A row in the place of the one that was given up: now nothing explains it.
    world
        .damage(
            "INSERT INTO applications SELECT 3, 'a-token-of-a-test', 0, NULL, partition_id, epoch, NULL, NULL, 0, 0, \
             0, 0, 0, 0, 0, 0, NULL FROM applications WHERE id = 1",
        )
        .await;
    let report = world.look().await;
    let found = places(&report);
    let problem = found[format!("partition {partition}").as_str()];
    assert!(problem.contains("of its positions have no change"), "{problem}");
    world.engine.close().await;
}
