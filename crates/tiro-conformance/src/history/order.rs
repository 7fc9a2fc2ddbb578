//! Positions: each given out once, none left out, and in the order of time.

use super::anomaly::{Anomaly, Findings};
use super::operation::Operation;
use super::seen::Seen;
use super::writes::{Write, Writes};

/// A write or read at its place in the feed.
struct Event<'h> {
    /// A read comes behind the entry that it shows.
    place: (u64, Kind),
    operation: &'h Operation,
    invoked: u64,
    returned: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Write,
    Read,
}

pub(super) fn check(writes: &Writes<'_>, seen: &Seen<'_>, findings: &mut Findings) {
    let mut events: Vec<Event<'_>> = writes.known.iter().map(of_write).collect();
    events.extend(seen.reads.iter().map(|(operation, as_of)| Event {
        place: (*as_of, Kind::Read),
        operation,
        invoked: operation.invoked,
        returned: operation.returned,
    }));
    events.sort_by_key(|event| event.place);
    check_time(writes, &events, findings);
    check_dense(writes, seen, &events, findings);
}

fn of_write<'h>(write: &'h Write<'_>) -> Event<'h> {
    Event {
        place: (write.position(), Kind::Write),
        operation: write.operation,
        invoked: write.invoked,
        returned: write.returned.unwrap_or(u64::MAX),
    }
}

/// What was answered before another was sent has the lower place. One walk from the end finds every event that comes
/// after one with a higher place.
fn check_time(writes: &Writes<'_>, events: &[Event<'_>], findings: &mut Findings) {
    let mut first_answered: Option<&Event<'_>> = None;
    for same_place in events.chunk_by(|one, next| one.place == next.place).rev() {
        if let Some(higher) = first_answered {
            for event in same_place.iter().filter(|event| event.invoked > higher.returned) {
                report(writes, event, higher, findings);
            }
        }
        let earliest = same_place.iter().min_by_key(|event| event.returned);
        first_answered = [first_answered, earliest]
            .into_iter()
            .flatten()
            .min_by_key(|event| event.returned);
    }
}

fn report(writes: &Writes<'_>, event: &Event<'_>, higher: &Event<'_>, findings: &mut Findings) {
    let ((position, kind), (above, kind_above)) = (event.place, higher.place);
    let anomaly = match (kind, kind_above) {
        (Kind::Write, _) => Anomaly::PositionsOutOfOrder,
        (Kind::Read, _) if writes.is_at_the_end(event.operation) => Anomaly::LostWrite,
        (Kind::Read, Kind::Write) => Anomaly::StaleRead,
        (Kind::Read, Kind::Read) => Anomaly::SeenThenUnseen,
    };
    let detail = || format!("position {above} was answered before this was sent, which is at {position}");
    findings.add(anomaly, detail, [higher.operation, event.operation]);
}

/// Every position up to the last is of a known write, or can be of one of unknown outcome. The later a hole, the more
/// such writes can be in it, so it is enough to count from the first hole on.
fn check_dense(writes: &Writes<'_>, seen: &Seen<'_>, events: &[Event<'_>], findings: &mut Findings) {
    let last = events.last().map_or(0, |event| event.place.0);
    let mut holes = Vec::new();
    let (mut reached, mut holder): (u64, Option<&Write<'_>>) = (0, None);
    for write in &writes.known {
        let effect = write.effect.expect("known writes have one");
        if effect.first_position <= reached {
            let position = effect.first_position;
            let both = holder.into_iter().chain([write]).map(|write| write.operation);
            findings.add(Anomaly::PositionTwice, || format!("position {position}"), both);
        }
        holes.extend(reached + 1..effect.first_position);
        reached = reached.max(effect.last_position);
        holder = Some(write);
    }
    holes.extend(reached + 1..=last);
    let mut open: Vec<(u64, u64)> = writes
        .open
        .iter()
        .filter(|write| !seen.rules_out(write))
        .map(|write| (write.invoked, write.sent.entries()))
        .collect();
    open.sort_unstable();
    // For each hole, when the first event behind it was answered: who was sent later is not in it.
    let mut bounds = vec![0; holes.len()];
    let (mut bound, mut behind) = (u64::MAX, events.iter().rev().peekable());
    for (hole, place) in holes.iter().zip(&mut bounds).rev() {
        while let Some(event) = behind.next_if(|event| event.place >= (*hole, Kind::Read)) {
            bound = bound.min(event.returned);
        }
        *place = bound;
    }
    let (mut capacity, mut candidates) = (0, open.into_iter().peekable());
    for (count, (hole, bound)) in (1..).zip(holes.iter().zip(bounds)) {
        while let Some((_, entries)) = candidates.next_if(|(invoked, _)| *invoked <= bound) {
            capacity += entries;
        }
        if count > capacity {
            let detail = || {
                format!(
                    "position {hole} of {last}: {count} holes so far, for {capacity} entries of unknown outcome"
                )
            };
            findings.add(Anomaly::PositionMissing, detail, []);
        }
    }
}
