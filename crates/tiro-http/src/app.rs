//! What all requests share: the engine, the configuration, the metrics.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tiro_core::{Command, Engine, IdempotencyKey, Limits, RateLimiter, Reply, Request};
use tokio::sync::watch;

use crate::config::{self, Config};
use crate::documents::Documents;
use crate::live::Chunks;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::rate_limits::LocalBuckets;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// See [`App`].
pub struct Shared {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) config: Config,
    /// The same as in `config`, for commands that carry them.
    pub(crate) limits: Arc<Limits>,
    /// Where `config.rate_limit` is kept, if there is one.
    pub(crate) rate_limiter: Option<Arc<dyn RateLimiter>>,
    /// Most bytes of the body of a request for one thing.
    pub(crate) request_bytes_max: usize,
    pub(crate) metrics: Metrics,
    /// What streams at one place of a feed share.
    pub(crate) chunks: Chunks,
    /// True once the server stops: what waits for as long as its client wants then ends.
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) started: Instant,
    /// Since 1970.
    pub(crate) started_at: Duration,
    /// Made with the first router.
    pub(crate) documents: OnceLock<Documents>,
}

impl App {
    /// An application over an engine.
    #[must_use]
    pub fn new(config: Config, engine: Arc<dyn Engine>) -> App {
        let rate_limiter = config.rate_limit.map(|limit| {
            let shared = engine.rate_limiter(limit);
            shared.unwrap_or_else(|| Arc::new(LocalBuckets::new(limit)))
        });
        App(Arc::new(Shared {
            metrics: Metrics::new(Arc::clone(&engine)),
            engine,
            rate_limiter,
            limits: Arc::new(config.limits.clone()),
            request_bytes_max: config::request_bytes_max(&config.limits),
            config,
            chunks: Chunks::default(),
            stopping: watch::Sender::new(false),
            started: Instant::now(),
            documents: OnceLock::new(),
            started_at: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or(Duration::ZERO),
        }))
    }

    /// Carries out a command. It is the engine's from here on: it goes on when the client goes away.
    ///
    /// # Errors
    /// What the engine refuses or cannot do.
    pub(crate) async fn write(
        &self,
        command: Command,
        key: Option<IdempotencyKey>,
    ) -> Result<Reply, Problem> {
        let request = match key {
            Some(key) => Request::keyed(command, key),
            None => Request::new(command),
        };
        let outcome = self.engine.write(request).await;
        self.metrics.wrote(&outcome);
        Ok(outcome?)
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
