//! What clients saw and when: every answer of the load, to be counted per outage.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use crate::load::{Kind, Request, Said, Watch};

/// Longest wait for anything.
const WAIT_MAX: Duration = Duration::from_secs(90);
/// The timeline is looked at after so many answers.
const LOOK_EVERY: usize = 20;
/// Nothing is amiss where everything was served for so long.
const CALM: Duration = Duration::from_secs(1);

/// Every answer of the load, oldest first.
pub(crate) struct Timeline {
    answers: Mutex<Vec<Answer>>,
    count: watch::Sender<usize>,
    has_ended: AtomicBool,
}

#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) at: Instant,
    pub(crate) node: usize,
    pub(crate) kind: Kind,
    pub(crate) said: Said,
    pub(crate) took: Duration,
}

/// How often each was said.
#[derive(Default)]
pub(crate) struct Counts(BTreeMap<(Kind, Said), u64>);

impl Timeline {
    pub(crate) fn new() -> Timeline {
        Timeline {
            answers: Mutex::default(),
            count: watch::Sender::new(0),
            has_ended: AtomicBool::new(false),
        }
    }

    pub(crate) fn end(&self) {
        self.has_ended.store(true, Ordering::SeqCst);
    }

    /// Answers from one time to another.
    pub(crate) fn between(&self, from: Instant, to: Instant) -> Vec<Answer> {
        let answers = self.answers.lock().unwrap();
        let window = |answer: &&Answer| (from..=to).contains(&answer.at);
        answers.iter().filter(window).copied().collect()
    }

    /// Waits until everything has been served for a while, by each node; answers when that began.
    pub(crate) async fn calm(&self, since: Instant, nodes: usize) -> Instant {
        let mut began = None;
        self.until("everything is served again", |answers| {
            began = calm_since(answers, since, nodes);
            began.is_some()
        })
        .await;
        began.expect("it was waited for")
    }

    /// Waits for so many answers.
    pub(crate) async fn reached(&self, count: usize) {
        self.until("the load has gone on", |answers| answers.len() >= count)
            .await;
    }

    async fn until(&self, what: &str, mut is_so: impl FnMut(&[Answer]) -> bool) {
        let mut count = self.count.subscribe();
        let waited = async {
            loop {
                let seen = *count.borrow_and_update();
                if is_so(&self.answers.lock().unwrap()) {
                    return;
                }
                count.wait_for(|now| *now >= seen + LOOK_EVERY).await.unwrap();
            }
        };
        if timeout(WAIT_MAX, waited).await.is_err() {
            let now = Instant::now();
            let last = Counts::of(&self.between(now - 2 * CALM, now));
            panic!("waited {WAIT_MAX:?} until {what}; in the last seconds: {last}");
        }
    }
}

impl Watch for Timeline {
    fn ended(&self, request: &Request) {
        let mut answers = self.answers.lock().unwrap();
        answers.push(Answer {
            at: Instant::now(),
            node: request.node,
            kind: request.kind,
            said: request.said,
            took: request.took,
        });
        self.count.send_replace(answers.len());
    }

    fn goes_on(&self) -> bool {
        !self.has_ended.load(Ordering::SeqCst)
    }
}

fn calm_since(answers: &[Answer], since: Instant, nodes: usize) -> Option<Instant> {
    let begins = answers.partition_point(|answer| answer.at < since);
    let answers = &answers[begins..];
    let unserved = answers.iter().rposition(|answer| answer.said != Said::Served);
    let calm = &answers[unserved.map_or(0, |place| place + 1)..];
    let (first, last) = (calm.first()?.at, calm.last()?.at);
    let all = |kind: Kind| (0..nodes).all(|node| calm.iter().any(|one| (one.node, one.kind) == (node, kind)));
    let kinds = [Kind::Write, Kind::Read, Kind::Feed, Kind::Search];
    // What was under way when all went well again may have taken long; then it is not well yet.
    (last - first >= CALM && kinds.into_iter().all(all)).then(|| unserved.map_or(since, |_| first))
}

impl Counts {
    pub(crate) fn of(answers: &[Answer]) -> Counts {
        let mut counts = Counts::default();
        for answer in answers {
            *counts.0.entry((answer.kind, answer.said)).or_default() += 1;
        }
        counts
    }

    pub(crate) fn of_kind(&self, kind: Kind, said: Said) -> u64 {
        self.0.get(&(kind, said)).copied().unwrap_or_default()
    }

    /// Requests of the kind that were not served.
    pub(crate) fn unserved(&self, kind: Kind) -> u64 {
        [Said::Unavailable, Said::Unknown, Said::Silent]
            .into_iter()
            .map(|said| self.of_kind(kind, said))
            .sum()
    }
}

/// What was not served of each kind, beside what was; or `nothing`.
impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = [
            (Kind::Write, "writes"),
            (Kind::Read, "reads"),
            (Kind::Feed, "feed"),
            (Kind::Search, "searches"),
        ];
        let unserved = [
            (Said::Unavailable, "503"),
            (Said::Unknown, "503 of unknown outcome"),
            (Said::Silent, "without an answer"),
        ];
        let mut parts = Vec::new();
        for (kind, name) in names.into_iter().filter(|(kind, _)| self.unserved(*kind) > 0) {
            let counts = unserved.map(|(said, what)| (self.of_kind(kind, said), what));
            let counts = counts.into_iter().filter(|(count, _)| *count > 0);
            let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
            let served = self.of_kind(kind, Said::Served);
            parts.push(format!("{name}: {} beside {served} served", counts.join(", ")));
        }
        if parts.is_empty() {
            parts.push("nothing".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}
