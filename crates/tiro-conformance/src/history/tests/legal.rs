//! Histories that the contract allows.

use super::*;

#[test]
fn writes_and_reads_in_turn() {
    let mut story = Story::with_messages(&["a", "b"]);
    story.answered(update(1, "c", Some(1)), 5, message(1, 2, Some("c")));
    story.answered(delete(2), 6, Shown::Nothing);
    story.answered(
        list(),
        6,
        page(vec![shown(1, 2, Some("c")), shown(2, 2, None)], None),
    );
    story.answered(Sent::GetChat { chat: 1 }, 6, chat(1, Some("chat"), 1, 2));
    story.refused(get(2), "message_deleted");
    story.refused(update(1, "d", Some(1)), "precondition_failed");
    story.assert_legal();
}

#[test]
fn a_read_during_a_write_sees_it_or_not() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(update(1, "b", None), 4, message(1, 2, Some("b")));
    story.answered(get(1), 3, message(1, 1, Some("a")));
    story.during(1);
    story.answered(get(1), 4, message(1, 2, Some("b")));
    story.during(2);
    story.assert_legal();
}

#[test]
fn an_unknown_create_may_have_been_carried_out() {
    let mut story = Story::with_chat();
    story.unknown(create_batch(&["a", "b"]));
    story.answered(create("c"), 5, message(3, 1, Some("c")));
    let both = vec![
        shown(1, 1, Some("a")),
        shown(2, 1, Some("b")),
        shown(3, 1, Some("c")),
    ];
    story.answered(list(), 5, page(both, None));
    story.assert_legal();
}

#[test]
fn an_unknown_create_may_have_been_lost() {
    let mut story = Story::with_chat();
    story.unknown(create("a"));
    story.answered(create("b"), 3, message(1, 1, Some("b")));
    story.answered(list(), 3, page(vec![shown(1, 1, Some("b"))], None));
    story.assert_legal();
}

#[test]
fn unknown_updates_and_deletes_may_have_been_carried_out() {
    let mut story = Story::with_messages(&["a", "b"]);
    story.unknown(update(1, "c", None));
    story.unknown(delete(2));
    story.answered(get(1), 6, message(1, 2, Some("c")));
    story.refused(get(2), "message_deleted");
    story.answered(Sent::GetChat { chat: 1 }, 6, chat(1, Some("chat"), 1, 2));
    story.answered(update(1, "d", Some(2)), 7, message(1, 3, Some("d")));
    story.assert_legal();
}

#[test]
fn a_write_of_unknown_outcome_is_answered_again_under_its_key() {
    let mut story = Story::with_chat();
    story.unknown(create("a")).key = Some("k".to_owned());
    story.answered(create("b"), 4, message(2, 1, Some("b")));
    story.replayed(create("a"), 3, message(1, 1, Some("a"))).key = Some("k".to_owned());
    story.answered(
        list(),
        4,
        page(vec![shown(1, 1, Some("a")), shown(2, 1, Some("b"))], None),
    );
    story.assert_legal();
}

#[test]
fn a_replayed_update_shows_the_present_thing() {
    let mut story = Story::with_messages(&["a"]);
    story
        .answered(update(1, "b", None), 4, message(1, 2, Some("b")))
        .key = Some("k".to_owned());
    story.answered(delete(1), 5, Shown::Nothing);
    story.replayed(update(1, "b", None), 4, message(1, 3, None)).key = Some("k".to_owned());
    story.assert_legal();
}

#[test]
fn a_key_refused_after_an_unknown_attempt_did_nothing() {
    let mut story = Story::with_messages(&["a"]);
    story.unknown(update(1, "b", None)).key = Some("k".to_owned());
    story.answered(delete(1), 4, Shown::Nothing);
    story.refused(update(1, "b", None), "message_deleted").key = Some("k".to_owned());
    story.answered(list(), 4, page(vec![shown(1, 2, None)], None));
    story.assert_legal();
}

#[test]
fn a_repeated_delete_makes_no_entry() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(delete(1), 4, Shown::Nothing);
    let answer = Answer {
        position: None,
        replayed: false,
        shown: Shown::Nothing,
    };
    story.add(delete(1), Outcome::Acknowledged(answer)).key = Some("k".to_owned());
    // It binds no key either.
    story.answered(Sent::DeleteChat { chat: 1 }, 5, Shown::Nothing);
    story.refused(delete(1), "chat_deleted").key = Some("k".to_owned());
    story.assert_legal();
}

#[test]
fn pages_end_where_the_list_ends() {
    let mut story = Story::with_messages(&["a", "b", "c"]);
    let after = |after, limit| Sent::ListMessages {
        chat: 1,
        range: Range::After { after, limit },
    };
    story.answered(
        after(0, 2),
        5,
        page(vec![shown(1, 1, Some("a")), shown(2, 1, Some("b"))], Some(2)),
    );
    story.answered(after(2, 2), 5, page(vec![shown(3, 1, Some("c"))], None));
    story.answered(after(3, 2), 5, page(vec![], None));
    let last = Sent::ListMessages {
        chat: 1,
        range: Range::Last { limit: 2 },
    };
    story.answered(
        last,
        5,
        page(vec![shown(2, 1, Some("b")), shown(3, 1, Some("c"))], Some(2)),
    );
    story.assert_legal();
}
