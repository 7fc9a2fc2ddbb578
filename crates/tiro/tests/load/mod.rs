//! Many clients at one application of the real executable: what they sent and saw, as a history to check.
//!
//! All clients share chats and messages, so that they meet. Each request and answer has a tick of one clock. Where the
//! requests go, and what happens to who serves them, is the caller's: one process that is killed and started again is
//! `process.rs`. In the end everything is read once more, when nothing is written any more.

mod client;
mod feed;
mod perform;
#[allow(dead_code, reason = "tests of several nodes have processes of their own")]
mod process;
mod reading;
mod stage;

use std::sync::Arc;

use tiro_conformance::history::{Answer, ApplicationShown, History, Operation, Outcome, Sent, Shown};
use tokio::task::JoinSet;

pub(crate) use client::LoadClient;
#[allow(unused_imports, reason = "only tests of several nodes follow feeds")]
pub(crate) use feed::{entry_shown, epoch};
#[allow(unused_imports, reason = "tests of several nodes have processes of their own")]
pub(crate) use process::{Plan, Story, run};
pub(crate) use reading::read_everything;
#[allow(
    unused_imports,
    reason = "one process is watched by the number of its answers only"
)]
pub(crate) use stage::{Board, Clock, Kind, Pace, Request, Said, Stage, Watch, client_of};

/// Writes down that the application was made, before anything else.
pub(crate) async fn create_application(client: &tiro_client::Client, clock: &Clock) -> (String, History) {
    let invoked = clock.tick();
    let token = crate::requests::create_application(client).await;
    let (position, chats_count) = (Some(1), 0);
    let created = Operation {
        client: 0,
        sent: Sent::CreateApplication,
        key: None,
        invoked,
        returned: clock.tick(),
        outcome: Outcome::Acknowledged(Answer {
            position,
            replayed: false,
            shown: Shown::Application(ApplicationShown { chats_count }),
        }),
    };
    let operations = vec![created];
    (token, History { operations })
}

/// Lets the clients work until the watch ends the load, or nobody serves them any more.
pub(crate) async fn serve(
    stage: &Arc<Stage>,
    clients: Vec<LoadClient>,
    history: &mut History,
) -> Vec<LoadClient> {
    let mut running = JoinSet::new();
    for load_client in clients {
        running.spawn(load_client.run(Arc::clone(stage)));
    }
    let mut clients = running.join_all().await;
    for client in &mut clients {
        history.operations.append(&mut client.done);
    }
    clients
}
