//! How long single creates take while the view flushes and merges its tables, against when it has nothing to do.
//!
//! The creates are paced, far below what the server can do, so that a pause shows as waiting. Beside a load of batches
//! they share processor and log with it as well; straight after a fill only the view's own work is beside them.

use std::cell::RefCell;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::bench::Plan;
use crate::bench::api::batch_body;
use crate::bench::compare::{in_turns, median};
use crate::bench::load::{Counted, Load};
use crate::bench::paced::Paced;
use crate::bench::report::{Row, Unit, thousands};
use crate::bench::requests::{Requests, post};
use crate::bench::series::Series;
use crate::bench::server::Server;

const CHATS: usize = 200;
const CONNECTIONS: u32 = 8;
const PER_SECOND: u32 = 2_000;
const BATCH_MESSAGES: usize = 1_000;
const BATCHES: usize = 16;
const FILLING_CONNECTIONS: usize = 4;
/// The batches beside begin before the creates and end after them.
const MARGIN: Duration = Duration::from_secs(1);
/// The server's threads that write the view.
const VIEW_THREADS: [&str; 2] = ["tiro-follower", "tiro-compactor"];

const QUIET: &str = "quiet";
const AFTER_FILL: &str = "after a fill";
const BESIDE_BATCHES: &str = "beside batches";

/// What one contender's rounds found.
#[derive(Default)]
struct Found {
    counted: Vec<Counted>,
    view_seconds: f64,
}

struct Bench<'a> {
    plan: &'a Plan,
    server: Server,
    batches: Arc<Requests>,
    creates: Paced,
}

pub(super) fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let bench = Bench::prepare(plan)?;
    let (quiet, after, beside) = (RefCell::default(), RefCell::default(), RefCell::default());
    let rounds = in_turns(
        plan.rounds,
        &mut [
            (QUIET, Box::new(|| bench.quiet(&quiet))),
            (AFTER_FILL, Box::new(|| bench.after_fill(&after))),
            (BESIDE_BATCHES, Box::new(|| bench.beside_batches(&beside))),
        ],
    )?;
    let row = |what: &str, name: &str, found: RefCell<Found>| {
        let found = found.into_inner();
        let ms = |of: fn(&Counted) -> Duration| {
            median(
                found
                    .counted
                    .iter()
                    .map(|counted| of(counted).as_secs_f64() * 1_000.0)
                    .collect(),
            )
        };
        let note = format!(
            "{:.1} x quiet (p50 {:.3} ms, worst of a round {:.1} ms, medians); the view's threads used {:.1} s in {} rounds",
            rounds.ratio(name, QUIET),
            ms(|counted| counted.median),
            ms(|counted| counted.worst),
            found.view_seconds,
            plan.rounds,
        );
        Row::reported(what, Unit::Milliseconds, rounds.median(name), note)
    };
    Ok(vec![
        row("create p99, 2,000 a second, view quiet", QUIET, quiet),
        row("create p99, the same, right after a fill", AFTER_FILL, after),
        row("create p99, the same, beside batches", BESIDE_BATCHES, beside),
    ])
}

impl Bench<'_> {
    fn prepare(plan: &Plan) -> anyhow::Result<Bench<'_>> {
        let server = Server::start(plan.temporary_folder()?)?;
        let token = server.api().create_application()?;
        server.api().create_chats(&token, CHATS)?;
        let texts = plan.messages(BATCHES * BATCH_MESSAGES);
        let path = |place: usize| format!("/v1/applications/{token}/chats/{}/messages", place % CHATS + 1);
        let batch = |place: usize| {
            let first = place % BATCHES * BATCH_MESSAGES;
            let body = batch_body(&texts[first..first + BATCH_MESSAGES]);
            post(&format!("{}/batch", path(place)), &body)
        };
        let create = |(place, text): (usize, &String)| post(&path(place), text);
        let creates = Paced {
            servers: vec![server.address()],
            requests: Arc::new(Requests::plain(texts.iter().enumerate().map(create).collect())),
            connections: CONNECTIONS,
            per_second: PER_SECOND,
            status: 201,
            lasts: plan.lasts,
        };
        Ok(Bench {
            plan,
            batches: Arc::new(Requests::plain((0..CHATS).map(batch).collect())),
            server,
            creates,
        })
    }

    fn quiet(&self, found: &RefCell<Found>) -> anyhow::Result<f64> {
        self.server.process().wait_until_idle()?;
        self.paced(found)
    }

    fn after_fill(&self, found: &RefCell<Found>) -> anyhow::Result<f64> {
        let batches = Arc::clone(&self.batches);
        let fill = Series {
            server: self.server.address(),
            make: Arc::new(move |place| batches.plain_at(place).to_vec()),
            count: self.plan.fill_messages / BATCH_MESSAGES,
            connections: FILLING_CONNECTIONS,
            status: 201,
            name: format!("a fill of {}", thousands(self.plan.fill_messages as f64)),
        };
        fill.run()?;
        self.paced(found)
    }

    fn beside_batches(&self, found: &RefCell<Found>) -> anyhow::Result<f64> {
        let load = Load {
            servers: vec![self.server.address()],
            requests: Arc::clone(&self.batches),
            connections: 1,
            status: 201,
            lasts: self.plan.lasts + 2 * MARGIN,
        };
        thread::scope(|scope| {
            let load = scope.spawn(move || load.run());
            thread::sleep(MARGIN);
            let figure = self.paced(found);
            load.join().expect("the load does not panic")?;
            figure
        })
    }

    /// The p99 of the paced creates, in milliseconds.
    fn paced(&self, found: &RefCell<Found>) -> anyhow::Result<f64> {
        let before = self.server.process().seconds_of(&VIEW_THREADS)?;
        let counted = self.creates.run()?;
        let p99_ms = counted.p99.as_secs_f64() * 1_000.0;
        let mut found = found.borrow_mut();
        found.view_seconds += self.server.process().seconds_of(&VIEW_THREADS)? - before;
        found.counted.push(counted);
        Ok(p99_ms)
    }
}
