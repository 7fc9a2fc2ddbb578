//! Deleting a large chat while others write: the delete is quick and the others go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bench::Plan;
use crate::bench::compare::median;
use crate::bench::load::Load;
use crate::bench::report::{Bound, Row, Unit, thousands};
use crate::bench::requests::{Requests, post};
use crate::bench::server::Server;

const BATCH_MESSAGES: usize = 1_000;
/// Others that write at the same time; few, so that the delete does not wait for the processor.
const OTHERS: usize = 4;
/// Time for the others before the first delete and after each.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(plan.temporary_folder()?)?;
    let token = server.api().create_application()?;
    server.api().create_chats(&token, plan.rounds + 1)?;
    let messages = plan.messages(BATCH_MESSAGES);
    for chat in 1..=plan.rounds {
        for _ in 0..plan.large_chat_messages / BATCH_MESSAGES {
            server.api().create_batch(&token, chat, &messages)?;
        }
    }
    let other = format!("/v1/applications/{token}/chats/{}/messages", plan.rounds + 1);
    let others = Load {
        servers: vec![server.address()],
        requests: Arc::new(Requests::plain(vec![post(&other, &messages[0])])),
        connections: OTHERS,
        status: 201,
        lasts: PAUSE * (u32::try_from(plan.rounds)? + 2),
    };
    let (times_ms, counted) = std::thread::scope(|scope| {
        let others = scope.spawn(|| others.run());
        let mut times_ms = Vec::new();
        for chat in 1..=plan.rounds {
            std::thread::sleep(PAUSE);
            let begun = Instant::now();
            server.api().delete_chat(&token, chat)?;
            times_ms.push(begun.elapsed().as_secs_f64() * 1_000.0);
        }
        let counted = others.join().expect("the load does not panic")?;
        anyhow::Ok((times_ms, counted))
    })?;
    let worst = times_ms.iter().copied().fold(0.0, f64::max);
    Ok(vec![Row::held(
        "delete a large chat while others write",
        Unit::Milliseconds,
        median(times_ms),
        Bound::low(10.0, 10.0),
        format!(
            "median of {} chats of {} messages, worst {worst:.3} ms; {OTHERS} others wrote {}/s, 99 of 100 within {:.1} ms",
            plan.rounds,
            thousands(plan.large_chat_messages as f64),
            thousands(counted.rate),
            counted.p99.as_secs_f64() * 1_000.0,
        ),
    )])
}
