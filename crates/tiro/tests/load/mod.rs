//! Many clients at one application of the real executable, killed and started again: what they sent and saw.
//!
//! All clients share chats and messages, so that they meet. Each request and answer has a tick of one clock. A kill is
//! sent by the client whose answer is the chosen one, so that it hits what the others have on their way. In the end
//! everything is read once more, when nothing is written any more.

mod client;
mod perform;
mod reading;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tiro_client::{Client, Options, Patience};
use tiro_conformance::history::{Answer, ApplicationShown, History, Operation, Outcome, Sent, Shown};
use tokio::task::JoinSet;

use crate::support::{Launch, Tiro, temp_folder};
use client::LoadClient;

const CLIENTS: usize = 32;
/// An answer that has not come by then has an unknown outcome; only a server that is stuck takes so long.
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

/// What all clients share while one process serves.
struct Stage {
    tiro: Tiro,
    clock: Arc<Clock>,
    board: Arc<Board>,
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

/// One clock for the whole history, also across kills.
#[derive(Default)]
struct Clock(AtomicU64);

/// Chats and messages that somebody knows of.
#[derive(Default)]
struct Board {
    chats: Mutex<Vec<u64>>,
    messages: Mutex<Vec<(u64, u64)>>,
}

impl Clock {
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

impl Stage {
    /// Notes an answer; the last one ends the server or the load.
    fn answered(&self) {
        if self.answers.fetch_add(1, Ordering::SeqCst) + 1 == self.end_at {
            self.ended.store(true, Ordering::SeqCst);
            if self.end == End::Kill {
                self.tiro.process().send_kill();
            }
        }
    }

    /// Whether the load goes on. A kill is noticed by what does not come.
    fn goes_on(&self) -> bool {
        self.end == End::Kill || !self.ended.load(Ordering::SeqCst)
    }
}

/// Runs the plan on a new data folder.
pub(crate) async fn run(plan: &Plan<'_>, random: &mut fastrand::Rng) -> Story {
    let folder = temp_folder();
    let (clock, board) = (Arc::<Clock>::default(), Arc::<Board>::default());
    let mut story = Story {
        history: History::default(),
        kills: 0,
        trouble: None,
    };
    let mut tiro = Tiro::launch(command(folder.path(), plan));
    assert_planted(&tiro, plan);
    let token = create_application(&tiro, &clock, &mut story.history).await;
    let mut clients: Vec<LoadClient> = (0..CLIENTS)
        .map(|name| LoadClient::new(name, &token, random.fork()))
        .collect();
    loop {
        let end = if story.kills < plan.kills {
            End::Kill
        } else {
            End::Stop
        };
        let stage = Stage {
            tiro,
            clock: Arc::clone(&clock),
            board: Arc::clone(&board),
            answers: AtomicU64::new(0),
            end_at: random.u64(ANSWERS_MIN..=ANSWERS_MAX),
            end,
            ended: AtomicBool::new(false),
        };
        let (stage, back) = serve(stage, clients, &mut story.history).await;
        clients = back;
        if !stage.ended.load(Ordering::SeqCst) {
            stage.tiro.process().send_kill();
            story.trouble = Some(format!("it went away by itself: {}", stage.tiro.wait().stderr));
            return story;
        }
        if end == End::Stop {
            let client = client_of(&stage.tiro);
            let read = reading::read_everything(&client, &token, &clock, &mut story.history).await;
            let ended = stage.tiro.stop();
            story.trouble = read
                .err()
                .map(|error| format!("it went away while it was read: {error}\n{}", ended.stderr));
            return story;
        }
        stage.tiro.wait();
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

/// A client that never sends anything again by itself, so that each outcome is seen.
fn client_of(tiro: &Tiro) -> Client {
    let options = Options {
        operator_key: None,
        patience: Patience {
            answer: SILENCE_MAX,
            ..Patience::one_attempt()
        },
    };
    Client::new(&tiro.address, options).unwrap()
}

/// Lets the clients at the server until its end.
async fn serve(stage: Stage, clients: Vec<LoadClient>, history: &mut History) -> (Stage, Vec<LoadClient>) {
    let client = client_of(&stage.tiro);
    let stage = Arc::new(stage);
    let mut running = JoinSet::new();
    for load_client in clients {
        running.spawn(load_client.run(client.clone(), Arc::clone(&stage)));
    }
    let mut clients = running.join_all().await;
    for client in &mut clients {
        history.operations.append(&mut client.done);
    }
    let stage = Arc::into_inner(stage).expect("the clients have ended");
    (stage, clients)
}

/// The application's token.
async fn create_application(tiro: &Tiro, clock: &Clock, history: &mut History) -> String {
    let invoked = clock.tick();
    let token = crate::requests::create_application(&tiro.client()).await;
    let (position, chats_count) = (Some(1), 0);
    history.operations.push(Operation {
        client: CLIENTS,
        sent: Sent::CreateApplication,
        key: None,
        invoked,
        returned: clock.tick(),
        outcome: Outcome::Acknowledged(Answer {
            position,
            replayed: false,
            shown: Shown::Application(ApplicationShown { chats_count }),
        }),
    });
    token
}
