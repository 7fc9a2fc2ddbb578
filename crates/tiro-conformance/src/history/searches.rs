//! Searches for whole texts: the message that has the text is found, and nothing that does not have it.
//!
//! The position of a search is that up to which every message was searched; hits are as they are a little later. So what
//! was changed behind the position, before the answer came, may be shown either way.

use std::collections::HashMap;

use super::History;
use super::anomaly::{Anomaly, Findings};
use super::operation::{Operation, Sent, Thing};
use super::shown::{HitsShown, MessageShown, Shown};
use super::writes::{Change, Writes};

/// The change that gave each text.
type Given<'w> = HashMap<&'w str, (Thing, &'w Change<'w>)>;

pub(super) fn check(history: &History, writes: &Writes<'_>, findings: &mut Findings) {
    let mut given: Given<'_> = HashMap::new();
    for (thing, changes) in &writes.changes {
        let texts = changes
            .iter()
            .filter_map(|change| Some((change.content?, change)));
        given.extend(texts.map(|(text, change)| (text, (*thing, change))));
    }
    for operation in &history.operations {
        let (Sent::Search { text }, Some(answer)) = (&operation.sent, operation.answer()) else {
            continue;
        };
        if let (Shown::Hits(hits), Some(as_of)) = (&answer.shown, answer.position) {
            let found = given.get(text.as_str()).copied();
            check_hits(operation, text, hits, findings);
            if let Some((message @ Thing::Message { chat, number }, change)) = found {
                let hit = hits
                    .items
                    .iter()
                    .any(|(of, hit)| (*of, hit.number) == (chat, number));
                let after = Since {
                    writes,
                    message,
                    chat: Thing::Chat(chat),
                    change,
                };
                after.check((operation, as_of), hit, hits.has_more, findings);
            }
        }
    }
}

/// Each hit contains the text, and is listed once.
fn check_hits(operation: &Operation, text: &str, hits: &HitsShown, findings: &mut Findings) {
    let place = |(chat, hit): &(u64, MessageShown)| (*chat, hit.number);
    for (index, hit) in hits.items.iter().enumerate() {
        let has_it = hit.1.body.as_deref().is_some_and(|body| body.contains(text));
        let again = hits.items[..index].iter().any(|other| place(other) == place(hit));
        if !has_it || again {
            let detail = || format!("message {} of chat {} is a hit", hit.1.number, hit.0);
            findings.add(Anomaly::WrongContent, detail, [operation]);
        }
    }
}

/// What became of a message since a change gave it a text.
struct Since<'w, 'h> {
    writes: &'w Writes<'h>,
    message: Thing,
    chat: Thing,
    change: &'w Change<'h>,
}

impl<'h> Since<'_, 'h> {
    fn check(
        &self,
        (operation, as_of): (&'h Operation, u64),
        is_hit: bool,
        has_more: bool,
        findings: &mut Findings,
    ) {
        let message = self.message;
        let before = self.ends().find(|change| change.position <= as_of);
        if is_hit && let Some(end) = before {
            let detail = || format!("{message} had lost its text at position {}", end.position);
            findings.add(Anomaly::StaleRead, detail, [end.operation, operation]);
        }
        let is_new = self.change.position > as_of;
        let may_be_gone = self.ends().any(|change| change.invoked < operation.returned);
        let nobody_knows = [message, self.chat].map(|thing| self.writes.open_changes(thing).next().is_some());
        if !is_hit && !has_more && !is_new && !may_be_gone && nobody_knows == [false, false] {
            let detail = || format!("{message} is not found as of position {as_of}");
            findings.add(
                Anomaly::SearchIncomplete,
                detail,
                [self.change.operation, operation],
            );
        }
    }

    /// What took the text away again.
    fn ends(&self) -> impl Iterator<Item = &Change<'h>> {
        let of_message = self.writes.changes(self.message).iter();
        let later = of_message.filter(|other| other.position > self.change.position);
        let of_chat = self.writes.changes(self.chat).iter();
        later.chain(of_chat.filter(|change| change.is_delete()))
    }
}
