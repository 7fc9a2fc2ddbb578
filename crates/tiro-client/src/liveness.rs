//! Tells a slow server from one that has vanished, during imports and exports that may take long.
//!
//! As long as bytes move, nothing is asked. In a silence the server is asked `/healthz` on another connection:
//! an answer buys another silence, up to a bound; no answer ends the wait.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::patience::{PROBE, SILENCE, STANDSTILL_MAX};
use crate::{Client, Error};

/// Counts the bytes that moved, and remembers when they last did.
#[derive(Clone)]
pub(crate) struct Pulse(Arc<Moved>);

struct Moved {
    began: Instant,
    bytes: AtomicU64,
    /// After `began`.
    last_ms: AtomicU64,
}

impl Pulse {
    /// Begins now.
    pub(crate) fn new() -> Pulse {
        Pulse(Arc::new(Moved {
            began: Instant::now(),
            bytes: AtomicU64::new(0),
            last_ms: AtomicU64::new(0),
        }))
    }

    /// Adds bytes and tells how many moved so far.
    pub(crate) fn moved(&self, bytes: usize) -> u64 {
        let ms = u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last_ms.store(ms, Ordering::Relaxed);
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64
    }

    /// When bytes last moved, or the beginning.
    fn last(&self) -> Instant {
        self.0.began + Duration::from_millis(self.0.last_ms.load(Ordering::Relaxed))
    }
}

/// Waits for `work` while bytes move or the server answers that it lives.
///
/// # Errors
/// Those of `work`; [`Error::Vanished`] within 30 s after the server vanished, and after a standstill of
/// [`STANDSTILL_MAX`] in any case.
pub(crate) async fn while_alive<T>(
    client: &Client,
    pulse: &Pulse,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut work = pin!(work);
    let mut quiet_until = pulse.last() + SILENCE;
    loop {
        if let Ok(result) = timeout_at(quiet_until, &mut work).await {
            return result;
        }
        if pulse.last() + SILENCE > Instant::now() {
            quiet_until = pulse.last() + SILENCE;
            continue;
        }
        let still = pulse.last().elapsed();
        if still >= STANDSTILL_MAX {
            return Err(client.silent(still));
        }
        tokio::select! {
            result = &mut work => return result,
            alive = is_alive(client) => if !alive {
                return Err(client.silent(still));
            }
        }
        quiet_until = Instant::now() + SILENCE;
    }
}

/// Whether anything answers `/healthz` within [`PROBE`]; what it answers does not matter here.
async fn is_alive(client: &Client) -> bool {
    let url = client.server.url(&["healthz"], &[]);
    let probe = client.http.get(url).timeout(PROBE);
    probe.send().await.is_ok()
}
