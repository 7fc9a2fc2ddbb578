//! One outage: what is done, what clients may see of it meanwhile, and the row of the table that comes of it.

use std::fmt;
use std::time::{Duration, Instant};

use crate::load::{Kind, Said};
use crate::readiness::Named;
use crate::servers::System;
use crate::timeline::{Answer, Counts, Timeline};

/// Writes are served again so long after MySQL is back.
pub(crate) const BACK_WITHIN: Duration = Duration::from_secs(5);
const KINDS: [Kind; 4] = [Kind::Write, Kind::Read, Kind::Feed, Kind::Search];

/// What stays available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nothing but latency.
    Everything,
    /// Writes, reads and the feed; searches may be 503.
    AllButSearch,
    /// Reads, the feed and searches; a 503 says of writes that there are none, and they are served again so long after the
    /// end.
    AllButWrites { back_within: Duration },
    /// Nothing, but a 503 says so; and writes again so long after the end.
    Nothing { back_within: Duration },
    /// Everything on the other nodes, where a write waits so long at most.
    Elsewhere { node: usize, wait_max: Duration },
}

/// An outage as clients saw it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) promise: Promise,
    /// From its beginning until the cause was gone.
    lasted: Duration,
    /// From then until everything was served.
    recovered_after: Duration,
    /// From then to the first write that was served.
    writes_after: Duration,
    slowest_write: Duration,
    /// By `/readyz` of the nodes that it concerns, since its beginning.
    named: Named,
    /// When `/readyz` of no node named anything any more, since the cause was gone; `None` if it went on for too long.
    cleared_after: Option<Duration>,
    pub(crate) counts: Counts,
}

impl Promise {
    pub(crate) fn without(system: System) -> Promise {
        match system {
            System::Redis | System::RabbitMq => Promise::Everything,
            System::OpenSearch => Promise::AllButSearch,
            System::MySql => Promise::Nothing {
                back_within: BACK_WITHIN,
            },
        }
    }
}

impl Row {
    /// Looks at what was seen from the beginning to the recovery.
    pub(crate) fn of(
        name: String,
        promise: Promise,
        timeline: &Timeline,
        (begun, ended, recovered): (Instant, Instant, Instant),
        (named, cleared_after): (Named, Option<Duration>),
    ) -> Row {
        let mut answers = timeline.between(begun, recovered + Duration::from_secs(1));
        if let Promise::Elsewhere { node, .. } = promise {
            answers.retain(|one| one.node != node);
        }
        let during: Vec<Answer> = answers
            .iter()
            .filter(|one| one.at <= recovered)
            .copied()
            .collect();
        let writes: Vec<&Answer> = answers
            .iter()
            .filter(|one| (one.kind, one.said) == (Kind::Write, Said::Served))
            .collect();
        let first = writes.iter().find(|one| one.at >= ended);
        let writes_after = first.map_or(Duration::MAX, |one| one.at - ended);
        let slowest = writes.iter().map(|one| one.took).max();
        Row {
            name,
            promise,
            lasted: ended - begun,
            recovered_after: recovered.saturating_duration_since(ended).max(writes_after),
            writes_after,
            slowest_write: slowest.unwrap_or_default(),
            named,
            cleared_after,
            counts: Counts::of(&during),
        }
    }

    /// What was promised and not kept.
    pub(crate) fn broken(&self) -> Option<String> {
        let none = |kinds: &[Kind]| kinds.iter().all(|kind| self.counts.unserved(*kind) == 0);
        let kept = match self.promise {
            Promise::Everything => none(&KINDS),
            Promise::AllButSearch => none(&[Kind::Write, Kind::Read, Kind::Feed]),
            Promise::AllButWrites { back_within } => {
                none(&[Kind::Read, Kind::Feed, Kind::Search]) && self.is_back(back_within)
            }
            Promise::Nothing { back_within } => self.is_back(back_within),
            Promise::Elsewhere { wait_max, .. } => none(&KINDS) && self.slowest_write <= wait_max,
        };
        let told = !matches!(self.named, Named::Never) && self.cleared_after.is_some();
        match (kept, told) {
            (true, true) => None,
            (false, _) => Some(format!("{self} breaks {:?}", self.promise)),
            (true, false) => Some(format!("{self} is not what `/readyz` said")),
        }
    }

    /// Whether everybody was answered, and writes are served again.
    fn is_back(&self, within: Duration) -> bool {
        let silent = KINDS.map(|kind| self.counts.of_kind(kind, Said::Silent));
        self.writes_after <= within && silent == [0; 4]
    }
}

/// A row of the table in `docs/operations.md`.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        write!(
            f,
            "| {} | {} | {}; slowest write {} | {}, {} | nothing | {}, {} |",
            self.name,
            seconds(self.lasted),
            self.counts,
            seconds(self.slowest_write),
            match self.named {
                Named::NotDue => "–".to_owned(),
                Named::After(time) => seconds(time),
                Named::Never => "never".to_owned(),
            },
            self.cleared_after.map_or("never".to_owned(), seconds),
            seconds(self.writes_after),
            seconds(self.recovered_after),
        )
    }
}
