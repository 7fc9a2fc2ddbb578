//! Histories of the feed, of searches and of writes that were declined: legal ones, and those that break the contract.

use super::super::{EntriesShown, EntryKind, EntryShown, HitsShown};
use super::*;

fn feed(after: u64) -> Sent {
    Sent::ReadFeed { after, limit: 10 }
}

fn created(position: u64, number: Option<u64>, content: &str) -> EntryShown {
    EntryShown {
        position,
        kind: EntryKind::Created,
        chat: Some(1),
        number,
        version: 1,
        content: Some(content.to_owned()),
    }
}

fn entries(items: Vec<EntryShown>) -> Shown {
    Shown::Entries(EntriesShown {
        items,
        has_more: false,
    })
}

fn search(text: &str) -> Sent {
    Sent::Search {
        text: text.to_owned(),
    }
}

fn hits(items: Vec<MessageShown>) -> Shown {
    Shown::Hits(HitsShown {
        items: items.into_iter().map(|message| (1, message)).collect(),
        has_more: false,
    })
}

#[test]
fn feed_and_search_show_what_was_written() {
    let mut story = Story::with_messages(&["a.", "b."]);
    let page = entries(vec![created(3, Some(1), "a."), created(4, Some(2), "b.")]);
    story.answered(feed(2), 4, page);
    story.answered(feed(4), 4, entries(vec![]));
    story.answered(search("b."), 4, hits(vec![shown(2, 1, Some("b."))]));
    story.answered(update(2, "c.", None), 5, message(2, 2, Some("c.")));
    story.answered(search("b."), 5, hits(vec![]));
    // Changed behind the position, while the search was under way.
    story.answered(search("b."), 4, hits(vec![]));
    story.during(2);
    story.answered(list(), 5, page_of_both("c."));
    story.assert_legal();
}

#[test]
fn a_text_that_a_write_of_unknown_outcome_may_have_replaced_need_not_be_found() {
    let mut story = Story::with_messages(&["a.", "b."]);
    story.unknown(update(2, "c.", None));
    story.answered(search("b."), 5, hits(vec![]));
    story.answered(
        list(),
        5,
        page(vec![shown(1, 1, Some("a.")), shown(2, 2, Some("c."))], None),
    );
    story.assert_legal();
}

#[test]
fn the_feed_leaves_nothing_out() {
    let mut hole = Story::with_messages(&["a.", "b."]);
    hole.answered(feed(2), 4, entries(vec![created(4, Some(2), "b.")]));
    assert_eq!(hole.anomalies(), [Anomaly::FeedIncomplete]);
    let mut end = Story::with_messages(&["a.", "b."]);
    end.answered(feed(2), 4, entries(vec![created(3, Some(1), "a.")]));
    assert_eq!(end.anomalies(), [Anomaly::FeedIncomplete]);
    let mut twice = Story::with_messages(&["a."]);
    let entry = created(3, Some(1), "a.");
    twice.answered(feed(2), 3, entries(vec![entry.clone(), entry]));
    assert_eq!(twice.anomalies(), [Anomaly::FeedIncomplete]);
}

#[test]
fn an_entry_is_what_was_acknowledged_at_its_position() {
    let mut story = Story::with_messages(&["a.", "b."]);
    let exchanged = vec![created(3, Some(2), "b."), created(4, Some(1), "a.")];
    story.answered(feed(2), 4, entries(exchanged));
    assert_eq!(story.anomalies(), [Anomaly::FeedDiffers]);
}

#[test]
fn a_search_finds_every_message_that_has_the_text() {
    let mut story = Story::with_messages(&["a.", "b."]);
    story.answered(search("b."), 4, hits(vec![]));
    assert_eq!(story.anomalies(), [Anomaly::SearchIncomplete]);
}

#[test]
fn a_search_finds_nothing_that_has_not_the_text_and_nothing_twice() {
    let mut other = Story::with_messages(&["a.", "b."]);
    other.answered(
        search("b."),
        4,
        hits(vec![shown(1, 1, Some("a.")), shown(2, 1, Some("b."))]),
    );
    assert_eq!(other.anomalies(), [Anomaly::WrongContent]);
    let mut twice = Story::with_messages(&["a."]);
    let hit = shown(1, 1, Some("a."));
    twice.answered(search("a."), 3, hits(vec![hit.clone(), hit]));
    assert_eq!(twice.anomalies(), [Anomaly::WrongContent]);
}

#[test]
fn a_search_that_shows_an_older_text_is_stale() {
    let mut story = Story::with_messages(&["a."]);
    story.answered(update(1, "b.", None), 4, message(1, 2, Some("b.")));
    story.answered(search("a."), 4, hits(vec![shown(1, 1, Some("a."))]));
    story.answered(create("c."), 5, message(2, 1, Some("c.")));
    assert_eq!(story.anomalies(), [Anomaly::StaleRead]);
}

#[test]
fn a_declined_write_did_nothing() {
    let mut story = Story::with_messages(&["a."]);
    story.add(create("b."), Outcome::Declined);
    story.add(create("c."), Outcome::Declined).key = Some("k".to_owned());
    story.answered(create("c."), 4, message(2, 1, Some("c."))).key = Some("k".to_owned());
    story.answered(
        list(),
        4,
        page(vec![shown(1, 1, Some("a.")), shown(2, 1, Some("c."))], None),
    );
    story.assert_legal();
}

#[test]
fn a_declined_write_that_was_carried_out_is_found() {
    let mut story = Story::with_messages(&["a."]);
    story.add(create("b."), Outcome::Declined);
    story.answered(
        list(),
        4,
        page(vec![shown(1, 1, Some("a.")), shown(2, 1, Some("b."))], None),
    );
    story.assert_finds(Anomaly::DoneThoughDeclined);
    let mut keyed = Story::with_messages(&["a."]);
    keyed.add(create("b."), Outcome::Declined).key = Some("k".to_owned());
    keyed.replayed(create("b."), 4, message(2, 1, Some("b."))).key = Some("k".to_owned());
    keyed.assert_finds(Anomaly::ReplayDiffers);
}

fn page_of_both(second: &str) -> Shown {
    page(vec![shown(1, 1, Some("a.")), shown(2, 2, Some(second))], None)
}
