//! The reference engine keeps the contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tiro_conformance::{ReferenceEngine, World, conformance_tests, model_test};
use tiro_core::{Engine, Timestamp};

struct InMemory {
    engine: Arc<ReferenceEngine>,
}

impl World for InMemory {
    /// Every third write finds the clock a millisecond later, so that equal and different times both occur.
    async fn fresh() -> InMemory {
        let thirds = AtomicI64::new(3 * 1_772_600_000_000);
        let clock = move || Timestamp::from_millis(thirds.fetch_add(1, Ordering::Relaxed) / 3);
        InMemory {
            engine: Arc::new(ReferenceEngine::with_clock(Arc::new(clock))),
        }
    }

    fn engine(&self) -> Arc<dyn Engine> {
        self.engine.clone()
    }

    async fn reopen(&mut self) {
        self.engine.reopen();
    }
}

conformance_tests!(InMemory);
model_test!(InMemory);
