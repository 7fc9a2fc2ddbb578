//! What must hold on the real executable, over real connections, whatever else changes.

mod bodies;
mod crowds;
mod large;
pub(crate) mod numbers;
mod raw;
pub(crate) mod retries;
mod transfer;

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

/// Longest wait for anything; far beyond what a busy machine needs.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// What every task answered; fails if one of them does not end.
async fn all_of<T: 'static>(tasks: JoinSet<T>) -> Vec<T> {
    let ended = timeout(WAIT_MAX, tasks.join_all()).await;
    ended.expect("not every task ended in two minutes")
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waited = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    let in_time = timeout(WAIT_MAX, waited).await;
    in_time.unwrap_or_else(|_| panic!("waited two minutes until {what}"));
}

/// Fails unless the numbers are 1 to `count`, in any order, each once.
fn assert_exactly_1_to(count: u64, numbers: &[u64]) {
    assert_eq!(numbers.len() as u64, count);
    let unique: BTreeSet<u64> = numbers.iter().copied().collect();
    assert_eq!(unique, (1..=count).collect());
}
