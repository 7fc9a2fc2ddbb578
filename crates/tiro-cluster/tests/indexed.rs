//! Searches beside an indexer that is always at work: candidates of the index, the tail, and both for one search.
//!
//! Other behaviours have nothing to do with an index, and making one for each would cost more than they do.

use std::sync::Arc;
use std::time::Duration;

use tiro_cluster::{Indexer, Member};
use tiro_conformance::{World, behaviours, run};
use tiro_core::Engine;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::InDatabase;

/// How often the indexer looks; without a worker nobody tells it.
const LOOKS_EVERY: Duration = Duration::from_millis(40);

/// A world that is indexed all the while.
struct Indexed {
    world: InDatabase,
    indexer: Indexer,
    indexing: JoinHandle<()>,
}

impl World for Indexed {
    async fn fresh() -> Indexed {
        let world = InDatabase::fresh().await;
        let member = Member::join(&world.config)
            .await
            .expect("the cluster takes another member");
        let indexer = member.indexer();
        let indexing = tokio::spawn(index_all(indexer.clone(), world.config.partitions));
        Indexed {
            world,
            indexer,
            indexing,
        }
    }

    fn engine(&self) -> Arc<dyn Engine> {
        self.world.engine()
    }

    async fn reopen(&mut self) {
        self.world.reopen().await;
    }
}

async fn index_all(indexer: Indexer, partitions: u16) {
    let mut looks = tokio::time::interval(LOOKS_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        for partition in 0..partitions {
            if let Err(error) = indexer.index_partition(partition, u64::MAX).await {
                panic!("partition {partition} is not indexed: {error}");
            }
        }
    }
}

impl Drop for Indexed {
    fn drop(&mut self) {
        let failed = self.indexing.is_finished();
        self.indexing.abort();
        let index = self.indexer.index().clone();
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(index.delete_all())
        });
        let removed = removed.join().expect("the thread that deletes an index ends");
        if let Err(error) = removed {
            eprintln!("the index of a test was not deleted: {error}");
        }
        assert!(
            !failed || std::thread::panicking(),
            "the indexer worked to the end"
        );
    }
}

macro_rules! beside_an_indexer {
    ($($name:ident,)+) => {
        $(
            #[test]
            fn $name() {
                run::<Indexed, _>(behaviours::$name);
            }
        )+
    };
}

beside_an_indexer! {
    a_search_finds_parts_of_words_in_any_case_newest_first,
    terms_of_one_and_two_characters_are_found,
    characters_that_mean_something_elsewhere_mean_themselves,
    every_write_is_found_by_the_next_search,
    each_scope_finds_what_lies_in_it,
    what_lies_below_something_deleted_is_not_found,
    pages_of_a_search_repeat_and_miss_nothing_while_others_write,
    over_everything_the_time_of_creation_decides,
    a_restored_application_is_found_when_it_is_complete,
    random_queries_find_what_reading_everything_finds,
}
