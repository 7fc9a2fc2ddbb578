//! Operations put together to writes: attempts under one key are one, and make at most one entry.

use std::collections::{BTreeMap, HashMap};

use super::History;
use super::anomaly::{Anomaly, Findings};
use super::operation::{Answer, Operation, Outcome, Sent, Thing};
use super::shown::Shown;

/// One wish of a client, with all attempts at it.
pub(super) struct Write<'h> {
    pub(super) sent: &'h Sent,
    /// When it was first sent: it was not carried out before.
    pub(super) invoked: u64,
    /// When it was first answered: it was carried out before; `None` if it was not answered.
    pub(super) returned: Option<u64>,
    /// The attempt that tells most about it.
    pub(super) operation: &'h Operation,
    /// The entries that it made, if an answer says so.
    pub(super) effect: Option<Effect>,
}

/// What a write did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) first_position: u64,
    pub(super) last_position: u64,
    /// Of the thing that was created, of a batch the first.
    number: Option<u64>,
    /// The version that an update made, if it was not only answered again.
    version: Option<u64>,
}

/// One step in the life of a thing.
pub(super) struct Change<'h> {
    pub(super) position: u64,
    /// `None` where no answer tells: deletes, and updates of which only a replay was answered.
    pub(super) version: Option<u64>,
    /// What it was given; `None` if it was deleted.
    pub(super) content: Option<&'h str>,
    pub(super) operation: &'h Operation,
    /// When it was first sent.
    pub(super) invoked: u64,
    /// When it was first answered.
    pub(super) returned: u64,
    pub(super) sent: &'h Sent,
}

#[derive(Default)]
pub(super) struct Writes<'h> {
    /// With an effect, by position.
    pub(super) known: Vec<Write<'h>>,
    /// Perhaps with an effect.
    pub(super) open: Vec<Write<'h>>,
    /// What is known of each thing, by position.
    pub(super) changes: BTreeMap<Thing, Vec<Change<'h>>>,
    /// Updates and deletes that may have been carried out.
    open_changes: HashMap<Thing, Vec<usize>>,
    /// When the last write was sent or answered: what is read after it is the end.
    last_time: u64,
}

impl<'h> Writes<'h> {
    pub(super) fn of(history: &'h History, findings: &mut Findings) -> Writes<'h> {
        let mut writes = Writes::default();
        for attempts in by_key(history) {
            let times = attempts.iter().map(|operation| operation.returned);
            writes.last_time = times.fold(writes.last_time, u64::max);
            check_replays(&attempts, findings);
            writes.add(&attempts);
        }
        writes.known.sort_by_key(|write| write.position());
        writes.note_changes();
        writes
    }

    /// Whether nothing was written any more when this was sent.
    pub(super) fn is_at_the_end(&self, operation: &Operation) -> bool {
        operation.invoked > self.last_time
    }

    /// Updates and deletes of a thing that may have been carried out.
    pub(super) fn open_changes(&self, thing: Thing) -> impl Iterator<Item = &Write<'h>> {
        let found = self.open_changes.get(&thing).into_iter().flatten();
        found.map(|index| &self.open[*index])
    }

    /// Creates of messages in a chat that may have been carried out.
    pub(super) fn open_messages(&self, of: u64) -> impl Iterator<Item = (&Write<'h>, &'h [String])> {
        self.open.iter().filter_map(move |write| match write.sent {
            Sent::CreateMessages { chat, bodies } if *chat == of => Some((write, bodies.as_slice())),
            _ => None,
        })
    }

    /// Creates of chats that may have been carried out.
    pub(super) fn open_chats(&self) -> impl Iterator<Item = (&Write<'h>, &'h str)> {
        self.open.iter().filter_map(|write| match write.sent {
            Sent::CreateChat { title } => Some((write, title.as_str())),
            _ => None,
        })
    }

    pub(super) fn changes(&self, thing: Thing) -> &[Change<'h>] {
        self.changes.get(&thing).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, attempts: &[&'h Operation]) {
        let originals = attempts.iter().copied().filter(|attempt| is_original(attempt));
        let originals: Vec<&'h Operation> = originals.collect();
        if originals.len() > 1 {
            // An anomaly of its own, but what each of them made is there.
            let each = originals
                .iter()
                .filter_map(|original| Write::known(original, &[*original]));
            self.known.extend(each);
            return;
        }
        let mut answered = attempts.iter().filter(|attempt| attempt.answer().is_some());
        match originals.first().or_else(|| answered.next()) {
            Some(operation) => self.known.extend(Write::known(operation, attempts)),
            None if may_have_been_carried_out(attempts) => self.add_open(attempts[0]),
            None => {}
        }
    }

    fn add_open(&mut self, operation: &'h Operation) {
        if let Some(thing) = operation.sent.changes() {
            let open = self.open_changes.entry(thing).or_default();
            open.push(self.open.len());
        }
        self.open.push(Write {
            sent: &operation.sent,
            invoked: operation.invoked,
            returned: None,
            operation,
            effect: None,
        });
    }

    fn note_changes(&mut self) {
        for write in &self.known {
            let effect = write.effect.expect("known writes have one");
            let returned = write.returned.expect("known writes were answered");
            let (operation, invoked, sent) = (write.operation, write.invoked, write.sent);
            let changes = &mut self.changes;
            let mut note = |thing, position, version, content| {
                changes.entry(thing).or_default().push(Change {
                    position,
                    version,
                    content,
                    operation,
                    invoked,
                    returned,
                    sent,
                });
            };
            match (write.sent, effect.number) {
                (Sent::CreateChat { title }, Some(number)) => {
                    note(
                        Thing::Chat(number),
                        effect.last_position,
                        Some(1),
                        Some(title.as_str()),
                    );
                }
                (Sent::CreateMessages { chat, bodies }, Some(first)) => {
                    for (step, body) in (0..).zip(bodies) {
                        let thing = Thing::Message {
                            chat: *chat,
                            number: first + step,
                        };
                        note(thing, effect.first_position + step, Some(1), Some(body.as_str()));
                    }
                }
                (Sent::UpdateChat { chat, title, .. }, _) => {
                    note(
                        Thing::Chat(*chat),
                        effect.last_position,
                        effect.version,
                        Some(title.as_str()),
                    );
                }
                (
                    Sent::UpdateMessage {
                        chat, number, body, ..
                    },
                    _,
                ) => {
                    let thing = Thing::Message {
                        chat: *chat,
                        number: *number,
                    };
                    note(thing, effect.last_position, effect.version, Some(body.as_str()));
                }
                (sent, _) if sent.is_delete() => {
                    let thing = sent.changes().expect("a delete is of a thing");
                    note(thing, effect.last_position, None, None);
                }
                _ => {}
            }
        }
    }
}

impl<'h> Write<'h> {
    /// What an answer tells, of the attempts that were one write; `None` if it did nothing.
    fn known(operation: &'h Operation, attempts: &[&'h Operation]) -> Option<Write<'h>> {
        Some(Write {
            sent: &operation.sent,
            invoked: attempts[0].invoked,
            returned: first_answer(attempts),
            operation,
            effect: Some(Effect::of(operation)?),
        })
    }

    pub(super) fn position(&self) -> u64 {
        self.effect.map_or(0, |effect| effect.last_position)
    }
}

impl Effect {
    fn of(operation: &Operation) -> Option<Effect> {
        let Answer {
            position,
            replayed,
            shown,
        } = operation.answer()?;
        let last_position = (*position)?;
        let (number, version) = match (shown, &operation.sent) {
            (Shown::Chat(chat), Sent::CreateChat { .. }) => (Some(chat.number), Some(1)),
            (Shown::Message(message), Sent::CreateMessages { .. }) => (Some(message.number), Some(1)),
            (Shown::Numbers { first, .. }, _) => (Some(*first), Some(1)),
            // What is shown again is the present state.
            (Shown::Chat(chat), _) => (None, (!replayed).then_some(chat.version)),
            (Shown::Message(message), _) => (None, (!replayed).then_some(message.version)),
            _ => (None, None),
        };
        let first_position = (last_position + 1).saturating_sub(operation.sent.entries());
        Some(Effect {
            first_position,
            last_position,
            number,
            version,
        })
    }
}

/// Whether this attempt did the work.
fn is_original(operation: &Operation) -> bool {
    operation
        .answer()
        .is_some_and(|answer| !answer.replayed && answer.position.is_some())
}

fn first_answer(attempts: &[&Operation]) -> Option<u64> {
    let answered = attempts.iter().filter(|attempt| attempt.answer().is_some());
    answered.map(|attempt| attempt.returned).min()
}

/// An attempt of unknown outcome was not carried out if its key was found unbound later.
fn may_have_been_carried_out(attempts: &[&Operation]) -> bool {
    let unknown = attempts
        .iter()
        .filter(|attempt| attempt.outcome == Outcome::Unknown);
    unknown.map(|attempt| attempt.returned).max().is_some_and(|last| {
        let refused =
            |attempt: &&&Operation| matches!(attempt.outcome, Outcome::Refused(_)) && attempt.invoked > last;
        attempts.iter().find(refused).is_none()
    })
}

/// The attempts at each write.
fn by_key(history: &History) -> Vec<Vec<&Operation>> {
    let mut keyed: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    let mut writes = Vec::new();
    for operation in history
        .operations
        .iter()
        .filter(|operation| operation.sent.is_write())
    {
        match &operation.key {
            Some(key) => keyed.entry(key).or_default().push(operation),
            None => writes.push(vec![operation]),
        }
    }
    for mut attempts in keyed.into_values() {
        attempts.sort_by_key(|attempt| attempt.invoked);
        assert!(
            attempts.iter().all(|attempt| attempt.sent == attempts[0].sent),
            "a key is for one request: {}",
            attempts[0]
        );
        writes.push(attempts);
    }
    writes
}

fn check_replays(attempts: &[&Operation], findings: &mut Findings) {
    let all = || attempts.iter().copied();
    let originals = attempts.iter().filter(|attempt| is_original(attempt)).count();
    if originals > 1 {
        findings.add(Anomaly::CarriedOutTwice, || format!("{originals} times"), all());
    }
    let answers: Vec<&Answer> = attempts.iter().filter_map(|attempt| attempt.answer()).collect();
    if answers.len() > 1 && originals <= 1 {
        let differs = attempts
            .iter()
            .filter_map(|attempt| Effect::of(attempt))
            .collect::<Vec<_>>();
        let same = |one: &Effect, next: &Effect| {
            (one.number, one.last_position) == (next.number, next.last_position)
        };
        let all_have_effect = differs.len() == answers.len() || differs.is_empty();
        if !all_have_effect || differs.windows(2).any(|pair| !same(&pair[0], &pair[1])) {
            findings.add(Anomaly::ReplayDiffers, || "number or position".to_owned(), all());
        }
    }
    let unknown = attempts.iter().any(|attempt| attempt.outcome == Outcome::Unknown);
    if originals == 0 && !unknown && answers.iter().any(|answer| answer.replayed) {
        findings.add(
            Anomaly::ReplayDiffers,
            || "no attempt was the first".to_owned(),
            all(),
        );
    }
    // A delete that found nothing to do binds no key, so its repetition may be refused.
    let bound = attempts.iter().filter(|attempt| Effect::of(attempt).is_some());
    if let Some(answered) = bound.map(|attempt| attempt.returned).min()
        && attempts
            .iter()
            .any(|attempt| matches!(attempt.outcome, Outcome::Refused(_)) && attempt.invoked > answered)
    {
        findings.add(
            Anomaly::ReplayDiffers,
            || "refused after it was answered".to_owned(),
            all(),
        );
    }
    for attempt in attempts {
        check_answer(attempt, findings);
    }
}

/// What an answer must show by itself.
fn check_answer(operation: &Operation, findings: &mut Findings) {
    let Some(answer) = operation.answer() else { return };
    if answer.position.is_none() && !operation.sent.is_delete() {
        findings.add(Anomaly::NoEffect, || "no position".to_owned(), [operation]);
    }
    let fits = match (&operation.sent, &answer.shown) {
        (Sent::CreateChat { title }, Shown::Chat(chat)) => {
            (chat.version, chat.messages_count, chat.last_message_number) == (1, 0, 0)
                && chat.title.as_ref() == Some(title)
        }
        (Sent::CreateMessages { bodies, .. }, Shown::Message(message)) => {
            message.version == 1 && bodies.len() == 1 && message.body.as_ref() == Some(&bodies[0])
        }
        (Sent::CreateMessages { bodies, .. }, Shown::Numbers { count, .. }) => bodies.len() as u64 == *count,
        (Sent::UpdateChat { chat, title, .. }, Shown::Chat(shown)) => {
            shown.number == *chat && (answer.replayed || shown.title.as_ref() == Some(title))
        }
        (Sent::UpdateMessage { number, body, .. }, Shown::Message(shown)) => {
            shown.number == *number && (answer.replayed || shown.body.as_ref() == Some(body))
        }
        (Sent::CreateApplication, Shown::Application(_)) => true,
        (sent, Shown::Nothing) => sent.is_delete(),
        _ => false,
    };
    if !fits {
        findings.add(
            Anomaly::WrongContent,
            || "the answer does not fit the request".to_owned(),
            [operation],
        );
    }
}
