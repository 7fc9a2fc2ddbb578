//! C1 and C6: a client that goes away takes nothing half with it.

use std::collections::BTreeMap;

use tiro_core::Request;
use tokio::task::JoinSet;

use crate::World;
use crate::commands::{content, create_message, create_messages};
use crate::holder::{Holder, bodies};

pub async fn a_write_whose_answer_is_dropped_is_stored_whole_and_blocks_no_one<W: World>(world: W) {
    let mut world = world;
    let holder = Holder::of_new_application(&world, "impatient").await;
    holder.create_chat("chat").await;
    let mut tasks = JoinSet::new();
    for sender in 0..20 {
        let holder = holder.clone();
        tasks.spawn(async move {
            for step in 0..10 {
                let text = format!("{sender}/{step}");
                let single = create_message(&holder.token, 1, &format!("single {text}"));
                drop(holder.engine.write(Request::new(single)));
                let lines = (0..5).map(|line| content(&format!("batch {text}/{line}")));
                let batch = create_messages(&holder.token, 1, lines.collect());
                let mut answer = holder.engine.write(Request::new(batch));
                // Asked once for the answer, then given up, as a server does whose client hung up.
                tokio::select! {
                    biased;
                    _ = &mut answer => {}
                    () = std::future::ready(()) => {}
                }
                drop(answer);
                holder.send(1, "answered").await;
            }
        });
    }
    tasks.join_all().await;
    let last = holder.send(1, "last").await;
    let stored = holder.all_messages(1).await;
    assert_eq!(stored.len() as u64, last.number);
    check_whole(&bodies(&stored));
    let holder = holder.across_reopen(&mut world).await;
    assert_eq!(holder.all_messages(1).await, stored, "what was seen stays");
}

/// Every message was taken over when it was sent, so each is there exactly once and each batch in one piece.
fn check_whole(bodies: &[Option<&str>]) {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, text) in bodies.iter().flatten().enumerate() {
        *times.entry(text).or_default() += 1;
        if let Some(batch) = text.strip_prefix("batch ").and_then(|rest| rest.strip_suffix("/0")) {
            for line in 1..5 {
                let expected = format!("batch {batch}/{line}");
                assert_eq!(bodies[index + line], Some(&*expected), "a batch is in one piece");
            }
        }
    }
    assert_eq!(times.remove("answered"), Some(200));
    assert_eq!(times.remove("last"), Some(1));
    assert!(times.values().all(|times| *times == 1), "nothing is stored twice");
    assert_eq!(times.len(), 20 * 10 * 6, "what was taken over is stored");
}
