//! Each thing through its life: versions rise by one, and every answer shows what the entries up to its position made.

use std::collections::{BTreeSet, HashMap};

use super::anomaly::{Anomaly, Findings};
use super::operation::{Sent, Thing};
use super::seen::{Observation, Seen};
use super::writes::{Change, Writes};

pub(super) fn check(writes: &Writes<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let things: BTreeSet<Thing> = writes
        .changes
        .keys()
        .chain(seen.observations.keys())
        .copied()
        .collect();
    for thing in things {
        let life = Life::of(thing, writes);
        life.check_changes(findings);
        let observations = seen.of_thing(thing);
        for observation in observations {
            life.check_state(observation, findings);
            life.check_content(observation, findings);
        }
        life.check_stable(observations, findings);
    }
}

/// What is known of one thing.
struct Life<'w, 'h> {
    thing: Thing,
    writes: &'w Writes<'h>,
    changes: &'w [Change<'h>],
    /// What it may have been given by writes of unknown outcome.
    open_texts: Vec<&'h str>,
    open_changes: u64,
    open_delete: bool,
}

impl<'w, 'h> Life<'w, 'h> {
    fn of(thing: Thing, writes: &'w Writes<'h>) -> Life<'w, 'h> {
        let changes = writes.changes(thing);
        let mut open_texts = Vec::new();
        let (mut open_changes, mut open_delete) = (0, false);
        for write in writes.open_changes(thing) {
            open_changes += 1;
            match write.sent {
                Sent::UpdateChat { title: text, .. } | Sent::UpdateMessage { body: text, .. } => {
                    open_texts.push(text.as_str());
                }
                sent => open_delete |= sent.is_delete(),
            }
        }
        if !changes.first().is_some_and(Change::is_create) {
            match thing {
                Thing::Chat(_) => open_texts.extend(writes.open_chats().map(|(_, title)| title)),
                Thing::Message { chat, .. } => {
                    let bodies = writes.open_messages(chat).flat_map(|(_, bodies)| bodies);
                    open_texts.extend(bodies.map(String::as_str));
                }
            }
        }
        Life {
            thing,
            writes,
            changes,
            open_texts,
            open_changes,
            open_delete,
        }
    }

    /// Versions rise by one; where they do not, writes of unknown outcome must have had those between.
    fn check_changes(&self, findings: &mut Findings) {
        let thing = self.thing;
        // A thing of unknown create has had version 1 all the same.
        let unseen = u64::from(!self.changes.first().is_some_and(Change::is_create));
        let mut reached: Option<&Change<'_>> = None;
        for (before, change) in (unseen..).zip(self.changes) {
            let both = || reached.into_iter().chain([change]).map(|change| change.operation);
            if let Some(version) = change.version.filter(|_| !change.is_create()) {
                if version <= before {
                    let detail = || {
                        format!("{thing} was changed {before} times before and then got version {version}")
                    };
                    findings.add(Anomaly::VersionTwice, detail, both());
                } else if version > before + 1 + self.open_changes {
                    let detail = || {
                        format!("{thing} was changed {before} times before and then got version {version}")
                    };
                    findings.add(Anomaly::VersionMissing, detail, both());
                }
            }
            if reached.is_some_and(Change::is_delete) {
                findings.add(Anomaly::WriteAfterDelete, || format!("{thing}"), both());
            }
            reached = Some(change);
        }
        if let Thing::Message { chat, .. } = thing
            && let Some(delete) = self
                .writes
                .changes(Thing::Chat(chat))
                .iter()
                .find(|change| change.is_delete())
            && let Some(late) = self
                .changes
                .iter()
                .find(|change| change.position > delete.position)
        {
            findings.add(
                Anomaly::WriteAfterDelete,
                || format!("{thing}"),
                [delete.operation, late.operation],
            );
        }
    }

    /// The version is between that of the last entry before the position and that of the first behind it.
    fn check_state(&self, observation: &Observation<'_>, findings: &mut Findings) {
        let (thing, as_of, shown) = (self.thing, observation.as_of, observation.version);
        let split = self.changes.partition_point(|change| change.position <= as_of);
        let (before, behind) = self.changes.split_at(split);
        let known = before.iter().fold(0, |version, change| {
            change.version.unwrap_or(version + 1).max(version)
        });
        let older = before
            .last()
            .filter(|change| shown < known || (change.is_delete() && !observation.deleted));
        if let Some(change) = older {
            let at_the_end = self.writes.is_at_the_end(observation.operation);
            let anomaly = if at_the_end {
                Anomaly::LostWrite
            } else {
                Anomaly::StaleRead
            };
            let detail =
                || format!("{thing} has version {known} at position {as_of}, and is shown with {shown}");
            findings.add(anomaly, detail, [change.operation, observation.operation]);
        }
        let newer = behind
            .iter()
            .find(|change| change.version.is_some_and(|version| shown >= version));
        let deleted_later = || {
            behind
                .iter()
                .find(|change| change.is_delete() && observation.deleted)
        };
        let alone = |change: &&Change<'_>| {
            self.changes
                .iter()
                .all(|other| other.position == change.position || other.version != change.version)
        };
        if let Some(change) = newer.or_else(deleted_later).filter(alone) {
            let detail = || {
                format!(
                    "{thing} is shown as of position {as_of}, and changed at {}",
                    change.position
                )
            };
            findings.add(
                Anomaly::ReadAhead,
                detail,
                [change.operation, observation.operation],
            );
        }
    }

    /// The content is the one that the write of that version gave, if that is known, or one of unknown outcome.
    fn check_content(&self, observation: &Observation<'_>, findings: &mut Findings) {
        let (thing, version) = (self.thing, observation.version);
        if observation.deleted {
            let by_somebody = self.open_delete || self.changes.iter().any(Change::is_delete);
            if observation.content.is_some() || !by_somebody {
                let detail = || format!("{thing} is shown as deleted, with {:?}", observation.content);
                findings.add(Anomaly::WrongContent, detail, [observation.operation]);
            }
            return;
        }
        let given: Vec<&Change<'_>> = self
            .changes
            .iter()
            .filter(|change| change.version == Some(version))
            .collect();
        let expected = if given.is_empty() {
            let untold = self.changes.iter().filter(|change| change.version.is_none());
            let mut texts = untold
                .filter_map(|change| change.content)
                .chain(self.open_texts.iter().copied());
            texts.any(|text| observation.content == Some(text))
        } else {
            given.iter().any(|change| change.content == observation.content)
        };
        if !expected {
            let updated = given.iter().any(|change| !change.is_create());
            let anomaly = if updated {
                Anomaly::LostUpdate
            } else {
                Anomaly::WrongContent
            };
            let detail = || {
                format!(
                    "{thing} is shown in version {version} with {:?}",
                    observation.content
                )
            };
            let operations = given
                .iter()
                .map(|change| change.operation)
                .chain([observation.operation]);
            findings.add(anomaly, detail, operations);
        }
    }

    /// What was seen once stays: versions never fall with positions, and one version always has one content.
    fn check_stable(&self, observations: &[Observation<'_>], findings: &mut Findings) {
        let thing = self.thing;
        let mut highest: Option<&Observation<'_>> = None;
        let mut contents: HashMap<u64, &Observation<'_>> = HashMap::new();
        for observation in observations {
            if let Some(before) = highest
                && (observation.version < before.version
                    || (observation.as_of == before.as_of && observation.version != before.version))
            {
                let detail = || {
                    let (one, other) = (before.as_of, observation.as_of);
                    format!(
                        "{thing} has version {} at position {one} and {} at {other}",
                        before.version, observation.version
                    )
                };
                findings.add(
                    Anomaly::SeenThenUnseen,
                    detail,
                    [before.operation, observation.operation],
                );
            }
            let first = *contents.entry(observation.version).or_insert(observation);
            if (first.content, first.deleted) != (observation.content, observation.deleted) {
                let detail = || format!("{thing} has two contents in version {}", observation.version);
                findings.add(
                    Anomaly::WrongContent,
                    detail,
                    [first.operation, observation.operation],
                );
            }
            if highest.is_none_or(|before| observation.version >= before.version) {
                highest = Some(observation);
            }
        }
    }
}

impl Change<'_> {
    pub(super) fn is_create(&self) -> bool {
        self.sent.changes().is_none()
    }

    pub(super) fn is_delete(&self) -> bool {
        self.sent.is_delete()
    }
}
