//! Histories that break the contract, one for each anomaly.

use super::*;

#[test]
fn a_write_that_is_gone_in_the_end_is_lost() {
    let mut story = Story::with_messages(&["a", "b"]);
    story.answered(list(), 4, page(vec![shown(1, 1, Some("a"))], None));
    story.answered(Sent::GetChat { chat: 1 }, 4, chat(1, Some("chat"), 1, 1));
    story.assert_finds(Anomaly::LostWrite);
}

#[test]
fn a_write_that_is_not_found_is_lost() {
    let mut story = Story::with_messages(&["a"]);
    story.refused(get(1), "message_not_found");
    assert_eq!(story.anomalies(), [Anomaly::LostWrite]);
}

#[test]
fn a_read_of_before_an_acknowledged_write_is_stale() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(update(1, "b", None), 4, message(1, 2, Some("b")));
    story.answered(get(1), 3, message(1, 1, Some("a")));
    story.answered(create("c"), 5, message(2, 1, Some("c")));
    assert_eq!(story.anomalies(), [Anomaly::StaleRead]);
}

#[test]
fn a_read_that_shows_less_than_its_position_is_stale() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(update(1, "b", None), 4, message(1, 2, Some("b")));
    story.answered(get(1), 4, message(1, 1, Some("a")));
    story.answered(create("c"), 5, message(2, 1, Some("c")));
    story.assert_finds(Anomaly::StaleRead);
}

#[test]
fn an_unknown_write_that_was_seen_must_stay() {
    let mut story = Story::with_messages(&["a"]);
    story.unknown(update(1, "b", None));
    story.answered(get(1), 4, message(1, 2, Some("b")));
    story.answered(get(1), 3, message(1, 1, Some("a")));
    story.answered(create("c"), 5, message(2, 1, Some("c")));
    assert_eq!(story.anomalies(), [Anomaly::SeenThenUnseen]);
    let mut same_place = Story::with_messages(&["a"]);
    same_place.unknown(update(1, "b", None));
    same_place.answered(get(1), 4, message(1, 2, Some("b")));
    same_place.answered(get(1), 4, message(1, 1, Some("a")));
    assert_eq!(same_place.anomalies(), [Anomaly::SeenThenUnseen]);
}

#[test]
fn a_read_does_not_show_what_comes_after_its_position() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(update(1, "b", None), 4, message(1, 2, Some("b")));
    story.answered(get(1), 3, message(1, 2, Some("b")));
    story.during(1);
    story.assert_finds(Anomaly::ReadAhead);
}

#[test]
fn a_number_and_a_position_are_given_out_once() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(create("b"), 4, message(1, 1, Some("b")));
    story.assert_finds(Anomaly::NumberTwice);
    let mut positions = Story::with_messages(&["a"]);
    positions.answered(create("b"), 3, message(2, 1, Some("b")));
    assert_eq!(positions.anomalies(), [Anomaly::PositionTwice]);
}

#[test]
fn no_number_and_no_position_is_left_out() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(create("c"), 4, message(3, 1, Some("c")));
    assert_eq!(story.anomalies(), [Anomaly::NumberMissing]);
    let mut positions = Story::with_messages(&["a"]);
    positions.answered(create("b"), 5, message(2, 1, Some("b")));
    assert_eq!(positions.anomalies(), [Anomaly::PositionMissing]);
}

#[test]
fn an_unknown_write_sent_later_accounts_for_no_hole_before() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(update(1, "b", None), 5, message(1, 2, Some("b")));
    story.unknown(update(1, "c", None));
    assert_eq!(story.anomalies(), [Anomaly::PositionMissing]);
}

#[test]
fn an_unknown_create_that_is_nowhere_accounts_for_no_hole() {
    let mut story = Story::with_chat();
    story.unknown(create("a"));
    story.answered(create("b"), 4, message(1, 1, Some("b")));
    story.answered(list(), 4, page(vec![shown(1, 1, Some("b"))], None));
    assert_eq!(story.anomalies(), [Anomaly::PositionMissing]);
}

#[test]
fn numbers_and_positions_rise_with_time() {
    let mut story = Story::with_chat();
    story.answered(create("b"), 4, message(1, 1, Some("b")));
    story.answered(create("a"), 3, message(2, 1, Some("a")));
    assert_eq!(
        story.anomalies(),
        [Anomaly::NumbersOutOfOrder, Anomaly::PositionsOutOfOrder]
    );
}

#[test]
fn a_position_that_was_read_is_not_given_out_later() {
    let mut story = Story::with_messages(&["a"]);
    story.unknown(create("b"));
    story.answered(get(1), 4, message(1, 1, Some("a")));
    story.answered(create("c"), 4, message(2, 1, Some("c")));
    assert_eq!(story.anomalies(), [Anomaly::PositionsOutOfOrder]);
}

#[test]
fn versions_rise_by_one() {
    let mut twice = Story::with_messages(&["a"]);
    twice.answered(update(1, "b", None), 4, message(1, 2, Some("b")));
    twice.answered(update(1, "c", None), 5, message(1, 2, Some("c")));
    twice.assert_finds(Anomaly::VersionTwice);
    let mut missing = Story::with_messages(&["a"]);
    missing.answered(update(1, "b", None), 4, message(1, 3, Some("b")));
    assert_eq!(missing.anomalies(), [Anomaly::VersionMissing]);
}

#[test]
fn an_acknowledged_update_keeps_its_content() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(update(1, "b", None), 4, message(1, 2, Some("b")));
    story.answered(get(1), 4, message(1, 2, Some("a")));
    story.assert_finds(Anomaly::LostUpdate);
}

#[test]
fn a_condition_is_held() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(update(1, "b", None), 4, message(1, 2, Some("b")));
    story.answered(update(1, "c", Some(1)), 5, message(1, 3, Some("c")));
    assert_eq!(story.anomalies(), [Anomaly::ConditionIgnored]);
}

#[test]
fn what_is_deleted_is_not_written() {
    let mut story = Story::with_messages(&["a"]);
    story.answered(delete(1), 4, Shown::Nothing);
    story.answered(update(1, "b", None), 5, message(1, 3, Some("b")));
    story.assert_finds(Anomaly::WriteAfterDelete);
    let mut below = Story::with_messages(&["a"]);
    below.answered(Sent::DeleteChat { chat: 1 }, 4, Shown::Nothing);
    below.answered(create("b"), 5, message(2, 1, Some("b")));
    below.assert_finds(Anomaly::WriteAfterDelete);
}

#[test]
fn a_thing_has_the_content_it_was_given() {
    let mut story = Story::with_messages(&["a", "b"]);
    story.answered(get(1), 4, message(1, 1, Some("b")));
    assert_eq!(story.anomalies(), [Anomaly::WrongContent]);
    let mut deleted = Story::with_messages(&["a"]);
    deleted.answered(delete(1), 4, Shown::Nothing);
    let tombstone = MessageShown {
        deleted: true,
        ..shown(1, 2, Some("a"))
    };
    deleted.answered(list(), 4, page(vec![tombstone], None));
    assert_eq!(deleted.anomalies(), [Anomaly::WrongContent]);
}

#[test]
fn counts_fit_creates_and_deletes() {
    let mut story = Story::with_messages(&["a", "b"]);
    story.answered(delete(1), 5, Shown::Nothing);
    story.answered(Sent::GetChat { chat: 1 }, 5, chat(1, Some("chat"), 2, 2));
    assert_eq!(story.anomalies(), [Anomaly::WrongCount]);
    let mut chats = Story::with_chat();
    chats.answered(
        Sent::GetApplication,
        2,
        Shown::Application(super::super::ApplicationShown { chats_count: 2 }),
    );
    assert_eq!(chats.anomalies(), [Anomaly::WrongCount]);
}

#[test]
fn a_page_has_all_that_belongs_on_it() {
    let end = || vec![shown(1, 1, Some("a")), shown(2, 1, Some("b"))];
    let mut short = Story::with_messages(&["a", "b", "c"]);
    short.answered(list(), 5, page(end(), None));
    assert_eq!(short.anomalies(), [Anomaly::IncompletePage]);
    let mut hole = Story::with_messages(&["a", "b", "c"]);
    hole.answered(
        list(),
        5,
        page(vec![shown(1, 1, Some("a")), shown(3, 1, Some("c"))], None),
    );
    assert_eq!(hole.anomalies(), [Anomaly::IncompletePage]);
    let mut next = Story::with_messages(&["a", "b", "c"]);
    let range = Range::After { after: 0, limit: 2 };
    next.answered(Sent::ListMessages { chat: 1, range }, 5, page(end(), Some(3)));
    assert_eq!(next.anomalies(), [Anomaly::IncompletePage]);
}

#[test]
fn a_key_is_carried_out_once_and_answered_alike() {
    let keyed = |story: &mut Story, position, number, replayed| {
        let shown = message(number, 1, Some("k"));
        let answer = Answer {
            position: Some(position),
            replayed,
            shown,
        };
        story.add(create("k"), Outcome::Acknowledged(answer)).key = Some("k".to_owned());
    };
    let mut twice = Story::with_chat();
    keyed(&mut twice, 3, 1, false);
    twice.answered(create("b"), 4, message(2, 1, Some("b")));
    keyed(&mut twice, 5, 3, false);
    assert_eq!(twice.anomalies(), [Anomaly::CarriedOutTwice]);
    let mut differs = Story::with_chat();
    keyed(&mut differs, 3, 1, false);
    keyed(&mut differs, 3, 2, true);
    assert_eq!(differs.anomalies(), [Anomaly::ReplayDiffers]);
    let mut refused = Story::with_chat();
    keyed(&mut refused, 3, 1, false);
    refused.refused(create("k"), "idempotency_key_reused").key = Some("k".to_owned());
    refused.assert_finds(Anomaly::ReplayDiffers);
}

#[test]
fn success_has_an_effect_and_a_refusal_has_a_cause() {
    let mut nothing = Story::with_messages(&["a"]);
    let answer = Answer {
        position: None,
        replayed: false,
        shown: Shown::Nothing,
    };
    nothing.add(delete(1), Outcome::Acknowledged(answer));
    assert_eq!(nothing.anomalies(), [Anomaly::NoEffect]);
    let mut deleted = Story::with_messages(&["a"]);
    deleted.refused(get(1), "message_deleted");
    assert_eq!(deleted.anomalies(), [Anomaly::RefusedWithoutCause]);
    let mut condition = Story::with_messages(&["a"]);
    condition.refused(update(1, "b", Some(1)), "precondition_failed");
    assert_eq!(condition.anomalies(), [Anomaly::RefusedWithoutCause]);
    let mut internal = Story::with_messages(&["a"]);
    internal.refused(get(1), "internal");
    assert_eq!(internal.anomalies(), [Anomaly::UnexpectedRefusal]);
}

#[test]
fn a_contradiction_tells_who_did_what_and_when() {
    let mut story = Story::with_messages(&["a"]);
    story.refused(get(1), "message_not_found");
    let told = check(&story.history)[0].to_string();
    assert!(
        told.starts_with("LostWrite: an acknowledged write is not there"),
        "{told}"
    );
    assert!(told.contains("message 1 of chat 1 is not found"), "{told}");
    assert!(told.contains("[20, 25] client 0: CreateMessages"), "{told}");
    assert!(told.contains("[30, 35] client 0: GetMessage"), "{told}");
}
