//! `verify` proves that the index says what the log says, and names each way in which it does not.

use tiro_core::{
    Fingerprint, IdempotencyKey, ImportLine, KeyBinding, KeyName, Message, Namespace, Timestamp,
};

use super::medium::copy;
use super::*;
use crate::disk::RealDisk;
use crate::log::scan;
use crate::search::proof::planting::Planting;
use crate::search::proof::{IndexProof, Listener, Proven, Standing};
use crate::view::View;
use crate::view::space::ViewOptions;
use crate::{Report, verify};

fn verified(store: &Store) -> Report {
    verify(store.path(), &mut |_| {}).unwrap()
}

/// Two chats with edits and deletes, one with imported lines, one that is deleted; closed.
fn stopped() -> Store {
    let mut store = written();
    // From then on the index follows, and the close brings it to the end.
    assert_eq!(store.found("pear"), [(1, 7)]);
    let third = store.create_chat();
    store.write(Command::ImportMessages {
        token: store.token.clone(),
        chat: third,
        lines: (0..40).map(imported).collect(),
    });
    let fourth = store.create_chat();
    store.send(fourth, 50);
    store.delete_chat(fourth);
    store.close();
    store
}

/// A line of long ago, each one earlier than the line before.
fn imported(n: i64) -> ImportLine {
    let content = content(&format!("imported {n} 世界"));
    let created_at = Some(Timestamp::from_millis(1_000_000 - n));
    let binding = KeyBinding {
        name: KeyName {
            namespace: Namespace::Import,
            key: IdempotencyKey::new(&format!("line-{n}")).unwrap(),
        },
        fingerprint: Fingerprint::of_line(&content, created_at),
        created_at: None,
    };
    ImportLine {
        key: Arc::new(binding),
        content,
        created_at,
    }
}

fn message(store: &mut Store, chat: u64, number: u64) -> Message {
    store.engine = Some(open(store.path()).unwrap());
    let token = store.token.clone();
    let found = block_on(store.engine().message(&token, chat, number)).unwrap();
    store.close();
    found.thing
}

fn saying(message: &Message, body: &str) -> Message {
    Message {
        content: Some(content(body)),
        ..message.clone()
    }
}

/// Asserts that something is found, that it says this, and that the report says how to be rid of it.
fn assert_found(store: &Store, expected: &str) {
    let report = verified(store);
    let findings: Vec<String> = report
        .findings
        .iter()
        .map(|found| format!("{}: {}", found.place, found.problem))
        .collect();
    assert!(
        findings.iter().any(|finding| finding.contains(expected)),
        "{expected} is not in {findings:?}"
    );
    assert!(
        findings.iter().all(|finding| finding.starts_with("index")),
        "{findings:?}"
    );
    let said = format!("{findings:?} {:?}", report.remarks);
    let advice = format!("delete the folder {}", store.index().display());
    assert!(said.contains(&advice), "{said}");
}

#[test]
fn nothing_is_found_in_a_sound_index() {
    let mut store = stopped();
    for _ in 0..2 {
        let report = verified(&store);
        assert_eq!((&*report.findings, &*report.remarks), (&[][..], &[][..]));
        // 500 messages are 31 runs and a bit; there are two such chats, 40 lines, and one edit.
        assert!(report.index_documents > 2 * 32 + 3, "{}", report.index_documents);
        std::fs::remove_dir_all(store.index()).unwrap();
        store.engine = Some(open(store.path()).unwrap());
        assert_eq!(store.found("pear"), [(1, 7)]);
        store.close();
    }
}

#[test]
fn an_index_that_is_missing_or_was_only_begun_is_no_fault() {
    let store = stopped();
    std::fs::remove_dir_all(store.index()).unwrap();
    let report = verified(&store);
    assert_eq!(report.findings, []);
    assert!(
        report.remarks[0].contains("index is missing"),
        "{:?}",
        report.remarks
    );
    // An engine to which nothing was written commits nothing.
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap().close().unwrap();
    assert_eq!(verify(folder.path(), &mut |_| {}).unwrap().findings, []);
}

#[test]
fn a_damaged_index_is_found_and_the_report_says_how_to_be_rid_of_it() {
    for (name, expected) in [("idx", "idx is damaged"), ("meta.json", "the checksum is wrong")] {
        let store = stopped();
        let mut files = std::fs::read_dir(store.index())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let file = files
            .find(|path| path.to_str().is_some_and(|path| path.ends_with(name)))
            .unwrap();
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[20] ^= 1;
        // A new file: the old one may still be mapped.
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, bytes).unwrap();
        assert_found(&store, expected);
    }
}

#[test]
fn documents_that_were_taken_away_are_found() {
    let store = stopped();
    Planting::begin(&store.index()).remove_chat(2);
    assert_found(
        &store,
        "chat 2, message 1: no document stands for it and 15 others",
    );
    let store = stopped();
    Planting::begin(&store.index()).remove_edit(1, 7);
    assert_found(
        &store,
        "chat 1, messages 1 to 16: its document lacks grams of message 7",
    );
}

#[test]
fn a_gram_that_was_left_out_is_found() {
    let mut store = stopped();
    let pear = message(&mut store, 1, 7);
    // All that is well stays well.
    Planting::begin(&store.index()).edit(1, &pear);
    assert_eq!(verified(&store).findings, []);
    Planting::begin(&store.index()).edit(1, &saying(&pear, "a pea"));
    assert_found(&store, "chat 1, message 7: its document lacks grams of message 7");
}

#[test]
fn documents_for_what_the_log_has_not_are_found() {
    let mut store = stopped();
    let pear = message(&mut store, 1, 7);
    for (chat, number, expected) in [
        (1, 501, "messages that the log has not"),
        (99, 7, "a chat that the log has not"),
        (4, 7, "a deleted chat"),
    ] {
        let store = stopped();
        let foreign = Message {
            number,
            ..pear.clone()
        };
        Planting::begin(&store.index()).create(chat, &foreign);
        assert_found(&store, expected);
    }
}

#[test]
fn a_wrong_position_or_time_is_found() {
    let mut store = stopped();
    let pear = message(&mut store, 1, 7);
    let earlier = Timestamp::from_millis(pear.created_at.as_millis() - 1);
    let wrongs = [
        Message {
            created_position: pear.created_position + 1,
            ..pear.clone()
        },
        Message {
            created_at: earlier,
            ..pear
        },
    ];
    for wrong in wrongs {
        Planting::begin(&store.index()).edit(1, &wrong);
        assert_found(&store, "chat 1, message 7: the positions or times");
    }
}

#[test]
fn an_index_of_another_log_or_ahead_of_this_one_is_found() {
    let store = stopped();
    let mut ahead = stopped();
    ahead.engine = Some(open(ahead.path()).unwrap());
    assert_eq!(ahead.found("pear"), [(1, 7)]);
    for _ in 0..5 {
        ahead.send_text(1, "more");
    }
    ahead.close();
    for (other, expected) in [(stopped(), "no place of this log"), (ahead, "the log ends at")] {
        std::fs::remove_dir_all(store.index()).unwrap();
        copy(&other.index(), &store.index());
        assert_found(&store, expected);
    }
}

/// As after a kill: the index is as of an earlier commit.
#[test]
fn of_an_index_that_is_behind_what_it_has_to_have_is_proven_and_no_more() {
    let mut store = stopped();
    let old = tempfile::tempdir().unwrap();
    copy(&store.index(), old.path());
    store.engine = Some(open(store.path()).unwrap());
    store.edit(1, 7, "a plum");
    store.edit(2, 9, "a cherry");
    store.send_text(2, "the newest plum");
    store.create_chat();
    store.send(5, 30);
    store.delete_message(1, 20);
    store.delete_chat(3);
    store.close();
    std::fs::remove_dir_all(store.index()).unwrap();
    copy(old.path(), &store.index());
    let report = verified(&store);
    assert_eq!(report.findings, []);
    assert!(
        report.remarks[0].contains("was compared up to there"),
        "{:?}",
        report.remarks
    );
    Planting::begin(&store.index()).remove_chat(1);
    assert_found(&store, "chat 1, message 1: no document");
}

/// Whatever is in memory together, down to one document.
#[test]
fn in_passes_of_any_size_the_same_is_found() {
    let store = stopped();
    Planting::begin(&store.index()).remove_edit(1, 7);
    for grams_together in [1, 500, 1 << 20] {
        let Ok(Standing::Whole(mut proof)) = IndexProof::open(&store.index()) else {
            panic!("the index opens")
        };
        let log = store.path().join("log");
        let mut on_batch = |after, payload: &[u8]| proof.batch(after, payload);
        scan(&RealDisk, &log, &mut on_batch, &mut |_| {}).unwrap();
        let view = View::open(&store.path().join("view"), ViewOptions::default()).unwrap();
        let (mut found, mut steps) = (Vec::new(), Vec::new());
        let mut listener = Listener {
            on_finding: &mut |place, _| found.push(place),
            on_progress: &mut |done, total| steps.push((done, total)),
        };
        let proven = proof
            .prove(&view.current(), grams_together, &mut listener)
            .unwrap();
        let Proven::Through { documents, .. } = proven else {
            panic!("the index is of this log")
        };
        assert_eq!(found, ["index, application 1, chat 1, messages 1 to 16"]);
        assert_eq!(steps.last(), Some(&(documents, documents)));
        let passes = steps.len() as u64;
        assert!(
            grams_together > 1 || passes >= documents,
            "{passes} of {documents}"
        );
    }
}
