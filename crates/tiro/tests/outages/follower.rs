//! A follower of one application's feed on one node: whatever happens, it receives every entry once and in order.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tiro_client::Feed;
use tiro_conformance::history::{Answer, EntriesShown, EntryShown, Operation, Outcome, Sent, Shown};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::load::{Stage, entry_shown, epoch};

/// After the end is known, the rest comes within so long.
const LATE_MAX: Duration = Duration::from_secs(8);

/// The end of the feed that a page showed.
pub(crate) fn feed_end(operation: &Operation) -> Option<u64> {
    match (&operation.sent, &operation.outcome) {
        (Sent::ReadFeed { .. }, Outcome::Acknowledged(answer)) => answer.position,
        _ => None,
    }
}

/// Follows from the beginning until the place that `end` names, and tells it as one long page. A stream that is cut, or
/// a node that is away, is no end: it goes on where it was.
pub(crate) async fn follow(
    stage: Arc<Stage>,
    node: usize,
    mut end: watch::Receiver<Option<u64>>,
) -> Operation {
    let invoked = stage.clock.tick();
    let client = &stage.nodes[node];
    let epoch = epoch(client, &stage.token).await.unwrap();
    let mut items: Vec<EntryShown> = Vec::new();
    let reached = |items: &[EntryShown]| items.last().map_or(0, |entry| entry.position);
    let mut follower = client.follow(&stage.token, Feed::after(format!("{epoch}.0")));
    let mut deadline = None;
    loop {
        let last = *end.borrow_and_update();
        if last.is_some_and(|last| reached(&items) >= last) {
            break;
        }
        deadline = deadline.or(last.map(|_| Instant::now() + LATE_MAX));
        let too_late = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        tokio::select! {
            entry = follower.next() => match entry {
                // What it shows of the thing is as of a moment that is not known.
                Ok(Some(entry)) => items.push(EntryShown { content: None, ..entry_shown(&entry) }),
                Ok(None) => break,
                Err(error) => {
                    println!("    a follower on node {node} begins again: {error}");
                    let after = format!("{epoch}.{}", reached(&items));
                    follower = client.follow(&stage.token, Feed::after(after));
                }
            },
            changed = end.changed() => changed.unwrap(),
            () = too_late => break,
        }
    }
    let last = end.borrow().unwrap_or_default();
    Operation {
        client: 0,
        sent: Sent::ReadFeed {
            after: 0,
            limit: u64::MAX,
        },
        key: None,
        invoked,
        returned: stage.clock.tick(),
        outcome: Outcome::Acknowledged(Answer {
            position: Some(last),
            replayed: false,
            shown: Shown::Entries(EntriesShown {
                items,
                has_more: false,
            }),
        }),
    }
}
