//! One process under load, killed and started again.
//!
//! A kill is sent by the client whose answer is the chosen one, so that it hits what the others have on their way.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tiro_conformance::history::History;

use super::{
    Board, Clock, LoadClient, Pace, Request, Stage, Watch, client_of, create_application, read_everything,
    serve,
};
use crate::support::{Launch, Tiro, temp_folder};

const CLIENTS: usize = 32;
/// Only a server that is stuck takes so long.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// A run of the server ends with a random one of so many answers.
const ANSWERS_MIN: u64 = 300;
const ANSWERS_MAX: u64 = 1_500;

/// What is to be done to the server.
pub(crate) struct Plan<'a> {
    /// How often it is killed; after that it serves once more.
    pub(crate) kills: usize,
    /// The bug to plant, or `none` for the disk that forgets; without it the program is the ordinary one.
    pub(crate) bug: Option<&'a str>,
}

/// What came of it.
pub(crate) struct Story {
    pub(crate) history: History,
    pub(crate) kills: usize,
    /// Why it ended early: the server went away by itself, or did not start again.
    pub(crate) trouble: Option<String>,
}

/// Counts the answers of one run of the process, and ends it.
struct Countdown {
    tiro: Tiro,
    answers: AtomicU64,
    end_at: u64,
    end: End,
    ended: AtomicBool,
}

/// What happens with the last answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Kill,
    Stop,
}

impl Watch for Countdown {
    fn ended(&self, _: &Request) {
        if self.answers.fetch_add(1, Ordering::SeqCst) + 1 == self.end_at {
            self.ended.store(true, Ordering::SeqCst);
            if self.end == End::Kill {
                self.tiro.process().send_kill();
            }
        }
    }

    /// A kill is noticed by what does not come.
    fn goes_on(&self) -> bool {
        self.end == End::Kill || !self.ended.load(Ordering::SeqCst)
    }
}

/// Runs the plan on a new data folder.
pub(crate) async fn run(plan: &Plan<'_>, random: &mut fastrand::Rng) -> Story {
    let folder = temp_folder();
    let (clock, board) = (Arc::<Clock>::default(), Arc::<Board>::default());
    let mut tiro = Tiro::launch(command(folder.path(), plan));
    assert_planted(&tiro, plan);
    let (token, history) = create_application(&tiro.client(), &clock).await;
    let mut story = Story {
        history,
        kills: 0,
        trouble: None,
    };
    let mut clients: Vec<LoadClient> = (1..=CLIENTS)
        .map(|name| LoadClient::new(name, random.fork()))
        .collect();
    loop {
        let end = if story.kills < plan.kills {
            End::Kill
        } else {
            End::Stop
        };
        let node = client_of(&tiro.address, SILENCE_MAX);
        let countdown = Arc::new(Countdown {
            tiro,
            answers: AtomicU64::new(0),
            end_at: random.u64(ANSWERS_MIN..=ANSWERS_MAX),
            end,
            ended: AtomicBool::new(false),
        });
        let stage = Arc::new(Stage {
            token: token.clone(),
            clock: Arc::clone(&clock),
            board: Arc::clone(&board),
            nodes: vec![node],
            pace: Pace::default(),
            watch: countdown.clone(),
        });
        clients = serve(&stage, clients, &mut story.history).await;
        if !countdown.ended.load(Ordering::SeqCst) {
            drop(stage);
            let served = take(countdown);
            served.process().send_kill();
            story.trouble = Some(format!("it went away by itself: {}", served.wait().stderr));
            return story;
        }
        if end == End::Stop {
            let read = read_everything(&stage, &mut story.history).await;
            drop(stage);
            let ended = take(countdown).stop();
            story.trouble = read
                .err()
                .map(|error| format!("it went away while it was read: {error}\n{}", ended.stderr));
            return story;
        }
        drop(stage);
        take(countdown).wait();
        story.kills += 1;
        tiro = match Tiro::try_launch(command(folder.path(), plan)) {
            Ok(tiro) => tiro,
            Err(ended) => {
                story.trouble = Some(format!("it did not start again: {}", ended.stderr));
                return story;
            }
        };
    }
}

fn take(countdown: Arc<Countdown>) -> Tiro {
    Arc::into_inner(countdown).expect("the clients have ended").tiro
}

fn command(folder: &Path, plan: &Plan<'_>) -> Launch {
    let launch = Tiro::command(folder, &[]);
    match plan.bug {
        Some(bug) => launch.env("TIRO_PLANTED_BUG", bug),
        None => launch,
    }
}

/// Another build may have replaced the executable: then nothing is planted, and nothing could be found.
fn assert_planted(tiro: &Tiro, plan: &Plan<'_>) {
    if plan.bug.is_none() {
        return;
    }
    let first = |line: &str| line.contains("a bug is planted") || line.contains("listening");
    let said = tiro.process().stderr.find_line(first);
    let is_planted = said.is_some_and(|line| line.contains("a bug is planted"));
    assert!(
        is_planted,
        "the executable was built without the feature planted-bugs"
    );
}
