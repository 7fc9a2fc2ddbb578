//! What many clients send and see across kills is one history that the contract allows.
//!
//! `tests/history` has the same load with planted bugs: there the checker is seen to find them.

use tiro_conformance::history::{Contradiction, check};

use crate::counts::{count, seed};
use crate::load::{Plan, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_see_across_kills_is_what_the_contract_allows() {
    let kills = count(5, 50);
    let story = run(&Plan { kills, bug: None }, &mut fastrand::Rng::with_seed(seed())).await;
    assert_eq!((story.trouble, story.kills), (None, kills));
    let contradictions = check(&story.history);
    let stories: Vec<String> = contradictions.iter().map(Contradiction::to_string).collect();
    assert!(stories.is_empty(), "{}", stories.join("\n"));
}
