//! An index that only notes what it is told to index, and answers as the test wants.

use std::collections::HashMap;
use std::sync::Arc;

use tiro_cluster::opensearch::Below;
use tiro_cluster::worker::{IndexFailure, Indexer};
use tokio::sync::watch;

type Answer = dyn Fn(u16, usize) -> Result<(), IndexFailure> + Send + Sync;

pub(crate) struct NotedIndex {
    state: watch::Sender<State>,
    answer: Box<Answer>,
}

#[derive(Clone, Default)]
pub(crate) struct State {
    /// Partition and position of every call.
    pub(crate) calls: Vec<(u16, u64)>,
    pub(crate) indexed: HashMap<u16, u64>,
}

impl NotedIndex {
    /// `answer` is given the partition and how many calls there were before.
    pub(crate) fn new(
        answer: impl Fn(u16, usize) -> Result<(), IndexFailure> + Send + Sync + 'static,
    ) -> Arc<NotedIndex> {
        Arc::new(NotedIndex {
            state: watch::Sender::default(),
            answer: Box::new(answer),
        })
    }

    pub(crate) fn that_works() -> Arc<NotedIndex> {
        NotedIndex::new(|_, _| Ok(()))
    }

    /// Waits until the partition is indexed so far.
    pub(crate) async fn through(&self, partition: u16, position: u64) {
        let through = |state: &State| {
            state
                .indexed
                .get(&partition)
                .is_some_and(|indexed| *indexed >= position)
        };
        self.until(through).await;
    }

    pub(crate) async fn until(&self, holds: impl FnMut(&State) -> bool) -> State {
        self.state.subscribe().wait_for(holds).await.unwrap().clone()
    }
}

impl Indexer for NotedIndex {
    async fn index(&self, partition: u16, through: u64) -> Result<(), IndexFailure> {
        let answer = (self.answer)(partition, self.state.borrow().calls.len());
        self.state.send_modify(|state| {
            state.calls.push((partition, through));
            if answer.is_ok() {
                let indexed = state.indexed.entry(partition).or_default();
                *indexed = through.max(*indexed);
            }
        });
        answer
    }

    async fn indexed(&self, partitions: &[u16]) -> Result<Vec<u64>, IndexFailure> {
        let state = self.state.borrow();
        let indexed = |partition| state.indexed.get(partition).copied().unwrap_or(0);
        Ok(partitions.iter().map(indexed).collect())
    }

    async fn purge(&self, _: u16, _: &[Below]) -> Result<u64, IndexFailure> {
        Ok(0)
    }
}
