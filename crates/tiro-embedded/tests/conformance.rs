//! The embedded engine keeps the contract.

use std::sync::Arc;

use tempfile::TempDir;
use tiro_conformance::{World, conformance_tests, model_test};
use tiro_core::Engine;
use tiro_embedded::log::LogOptions;
use tiro_embedded::{EmbeddedEngine, Options};

/// A data folder of its own, with segments so small that behaviours cross from one to the next.
struct InFolder {
    folder: TempDir,
    engine: Option<Arc<EmbeddedEngine>>,
}

impl InFolder {
    fn open(folder: &TempDir) -> Arc<EmbeddedEngine> {
        let log = LogOptions {
            segment_bytes: 9 << 20,
            free_floor_bytes: 1 << 20,
            ..LogOptions::default()
        };
        let options = Options {
            log,
            ..Options::default()
        };
        let engine = EmbeddedEngine::open(folder.path(), options).expect("the data folder opens");
        Arc::new(engine)
    }
}

impl World for InFolder {
    async fn fresh() -> InFolder {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let engine = Some(InFolder::open(&folder));
        InFolder { folder, engine }
    }

    fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(self.engine.as_ref().expect("the engine is open between reopens")) as Arc<dyn Engine>
    }

    async fn reopen(&mut self) {
        let engine = self.engine.take().expect("the engine is open between reopens");
        tokio::task::block_in_place(|| engine.close().expect("the engine closes cleanly"));
        drop(engine);
        self.engine = Some(InFolder::open(&self.folder));
    }
}

conformance_tests!(InFolder);
model_test!(InFolder);
