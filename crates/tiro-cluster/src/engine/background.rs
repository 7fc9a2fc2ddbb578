//! What an API node does that no request waits for: it rings Redis after commits, listens for the rings of others, puts
//! pages there, looks after the other systems, and is listed among the nodes.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::Client;
use tiro_core::ApplicationId;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::watch::Watch;
use crate::ClusterConfig;
use crate::mysql::pool::Pool;
use crate::nodes::Node;
use crate::opensearch::SearchIndex;
use crate::planted::{self, Bug};
use crate::redis::{Doorbell, Puts, Rung};
use crate::waiting::Waiting;

/// How long the parts may take to end; what they still had to say is only a hint.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// The parts that run beside the requests.
pub(super) struct Background {
    stop: watch::Sender<bool>,
    /// Taken when the engine is closed.
    parts: Mutex<JoinSet<()>>,
    watch: Watch,
}

impl Background {
    /// Starts them. Whoever waits here is told through `waiting` what other nodes committed.
    pub(super) fn start(
        config: &ClusterConfig,
        (redis, doorbell, puts): (&Client, &Doorbell, Puts),
        waiting: Arc<Waiting>,
        pool: Pool,
        index: SearchIndex,
    ) -> Background {
        let (stop, stopped) = watch::channel(false);
        let mut parts = JoinSet::new();
        parts.spawn(doorbell.clone().send(stopped.clone()));
        let listening = doorbell.clone();
        let heard = stopped.clone();
        parts.spawn(async move { listening.listen(move |rung| hear(&waiting, rung), heard).await });
        parts.spawn(puts.send(stopped.clone()));
        let watch = Watch::start(config, redis, (pool.clone(), index), &mut parts, &stopped);
        parts.spawn(Node::new(pool, "api").run(stopped));
        Background {
            stop,
            parts: Mutex::new(parts),
            watch,
        }
    }

    /// Which systems are away and what that means, for operators.
    pub(super) fn remarks(&self) -> impl Iterator<Item = String> {
        self.watch.remarks()
    }

    /// Ends them. A second call does nothing.
    pub(super) async fn stop(&self) {
        self.stop.send_replace(true);
        let parts = std::mem::take(&mut *self.parts.lock());
        if timeout(STOP_WITHIN, parts.join_all()).await.is_err() {
            tracing::warn!("what a node does in the background did not end in time and was dropped");
        }
    }
}

/// Rings that may have been missed need nothing: all that are waited for are looked at now and then anyway.
fn hear(waiting: &Waiting, rung: Rung) {
    if let Rung::Moved {
        application,
        position,
    } = rung
        && !planted::is(Bug::DeafWaiters)
    {
        waiting.tell(application, position);
    }
}

/// Tells those who wait at this node at once, and the others through Redis.
pub(super) fn told(waiting: Arc<Waiting>, doorbell: Doorbell) -> impl Fn(&[(ApplicationId, u64)]) {
    move |moved| {
        for (application, position) in moved {
            waiting.tell(*application, *position);
            doorbell.ring(*application, *position);
        }
    }
}
