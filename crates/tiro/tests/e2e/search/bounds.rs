//! At the full rate of writing the memory stays bounded and a search is complete at once, however long it lasts.

use std::time::{Duration, Instant};

use tiro_client::{Client, Options, Patience, SearchScope};

use super::load::Load;
use super::{finds, mark};
use crate::counts::{count, seed};
use crate::memory::anonymous_memory_mib;
use crate::requests::{create_application, create_chat, create_message};
use crate::support::{Tiro, temp_folder};

const WRITERS: usize = 8;
const MEMORY_MAX_MIB: u64 = 512;
/// Longest time from a write to the answer of the search for it; more than the server's own deadline is never right.
const LAG_MAX: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_lag_stay_bounded_at_the_full_rate() {
    let mut random = fastrand::Rng::with_seed(seed());
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let options = Options {
        operator_key: None,
        patience: Patience::one_attempt(),
    };
    let client = Client::new(&tiro.address, options).unwrap();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    let load = Load::start(&client, &token, WRITERS).await;
    let until = Instant::now() + Duration::from_secs(count(3, 600) as u64);
    let (mut memory_mib, mut lag) = (0, Duration::ZERO);
    while Instant::now() < until {
        lag = lag.max(write_and_find(&client, &token, chat, &mut random).await);
        memory_mib = memory_mib.max(anonymous_memory_mib(tiro.process().id()));
        assert!(memory_mib < MEMORY_MAX_MIB, "{memory_mib} MiB");
    }
    let written = load.end().await;
    let at_the_end = write_and_find(&client, &token, chat, &mut random).await;
    println!("{written} messages, {memory_mib} MiB, lag at most {lag:?}, at the end {at_the_end:?}");
    assert!(written > 0);
    assert!(lag.max(at_the_end) < LAG_MAX, "{lag:?}, {at_the_end:?}");
}

/// How long it takes from the acknowledgement of a message until a search has answered it.
async fn write_and_find(client: &Client, token: &str, chat: u64, random: &mut fastrand::Rng) -> Duration {
    let mark = mark(random);
    let number = create_message(client, token, chat, &mark).await;
    let acknowledged = Instant::now();
    let scope = SearchScope::Application(token);
    assert!(
        finds(client, scope, &mark, chat, number).await,
        "{mark} is missed"
    );
    acknowledged.elapsed()
}
