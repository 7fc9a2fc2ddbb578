//! How a behaviour gets hold of an engine, stops it and opens it again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tiro_core::Engine;

/// Longest time that one behaviour may take; above it hangs.
const BEHAVIOUR_TIMEOUT: Duration = Duration::from_secs(300);

/// One engine with all that it stands on. Nothing is shared between two worlds.
pub trait World: Sized + Send + 'static {
    /// A new world whose engine is empty and open.
    fn fresh() -> impl Future<Output = Self> + Send;

    /// The engine as it is open now. No one keeps it across [`World::reopen`].
    fn engine(&self) -> Arc<dyn Engine>;

    /// Stops the engine cleanly and opens it again over what it stored.
    fn reopen(&mut self) -> impl Future<Output = ()> + Send;
}

/// Runs one behaviour in a fresh world, on a runtime of its own with two threads.
///
/// # Panics
/// If the behaviour does, or if it takes longer than five minutes.
pub fn run<W: World, F: Future<Output = ()>>(behaviour: impl FnOnce(W) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let world = W::fresh().await;
        tokio::time::timeout(BEHAVIOUR_TIMEOUT, behaviour(world))
            .await
            .expect("a behaviour ends within five minutes");
    });
}
