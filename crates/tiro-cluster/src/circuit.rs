//! Whether MySQL can be asked, as this node knows it: an open circuit refuses requests at once.
//!
//! Who is refused waits in no queue and opens no connection. One probe at a time asks: soon after somebody met trouble, and
//! while the circuit is open about once a second, never at the same time as another node's. A transaction that is carried
//! out closes it too. Trouble that another node's lock makes opens nothing, for it is of one partition and passes.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use parking_lot::Mutex;
use tiro_core::{Failure, Shortage};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::backoff::Backoff;
use crate::errors::unavailable;
use crate::mysql::trouble::Trouble;

/// The most from one probe to the next while MySQL is not known to take writes; at least half of it passes.
const PROBED_EVERY: Duration = Duration::from_secs(1);
/// For how long a transaction proves that MySQL takes writes.
const PROVEN_FOR: Duration = Duration::from_secs(3);
/// A probe that takes longer is connected, for that takes less, and met a MySQL that takes no writes, such as one that waits
/// for space on its disk.
const PROBE_WITHIN: Duration = Duration::from_secs(4);
/// From one suspicion that proved wrong to the next probe, at least.
const SUSPECTED_EVERY: Duration = Duration::from_millis(100);

/// Closed while MySQL is not known to fail.
pub(crate) struct Circuit {
    /// Why it is open, if it is.
    trouble: watch::Sender<Option<Trouble>>,
    /// When a transaction was carried out last.
    proven: Mutex<Option<Instant>>,
    suspected: Notify,
}

impl Default for Circuit {
    fn default() -> Circuit {
        Circuit {
            trouble: watch::Sender::new(None),
            proven: Mutex::default(),
            suspected: Notify::new(),
        }
    }
}

impl Circuit {
    /// Why writes cannot be served, and what MySQL said, if so.
    pub(crate) fn blocked(&self) -> Option<(Shortage, String)> {
        let trouble = self.trouble.borrow();
        let trouble = trouble.as_ref()?;
        Some((trouble.shortage(), trouble.text().to_owned()))
    }

    /// Refuses a write while MySQL takes none.
    pub(crate) fn admit_write(&self) -> Result<(), Failure> {
        match &*self.trouble.borrow() {
            Some(trouble) => Err(unavailable(trouble.shortage())),
            None => Ok(()),
        }
    }

    /// Refuses a read while MySQL cannot be reached; one that only takes no writes can be read.
    pub(crate) fn admit_read(&self) -> Result<(), Failure> {
        match &*self.trouble.borrow() {
            Some(trouble) if is_unreached(trouble) => Err(unavailable(trouble.shortage())),
            _ => Ok(()),
        }
    }

    /// Carries out what needs a connection; gives up as soon as MySQL is known to be out of reach.
    pub(crate) async fn unless_unreached<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        self.admit_read()?;
        let mut trouble = self.trouble.subscribe();
        tokio::select! {
            biased;
            done = work => Ok(done),
            _ = trouble.wait_for(|trouble| trouble.as_ref().is_some_and(is_unreached)) => {
                Err(unavailable(Shortage::StorageUnavailable))
            }
        }
    }

    /// Waits until it is closed.
    pub(crate) async fn closed(&self) {
        let mut trouble = self.trouble.subscribe();
        // The sender lives as long as this.
        drop(trouble.wait_for(Option::is_none).await);
    }

    /// Somebody met trouble: the next probe is soon, whatever was proven before.
    pub(crate) fn suspect(&self) {
        if self.trouble.borrow().is_none() {
            self.proven.lock().take();
            self.suspected.notify_one();
        }
    }

    /// Writes cannot be served.
    pub(crate) fn open(&self, trouble: Trouble) {
        let text = trouble.text().to_owned();
        if self.trouble.send_replace(Some(trouble)).is_none() {
            tracing::warn!(
                text,
                "MySQL takes no writes; they go on by themselves when it does"
            );
        }
    }

    /// A transaction was carried out.
    pub(crate) fn close(&self) {
        *self.proven.lock() = Some(Instant::now());
        let was_open = self.trouble.send_if_modified(|trouble| trouble.take().is_some());
        if was_open {
            tracing::info!("MySQL takes writes again");
        }
    }

    fn is_proven(&self) -> bool {
        let proven = *self.proven.lock();
        self.trouble.borrow().is_none() && proven.is_some_and(|proven| proven.elapsed() < PROVEN_FOR)
    }

    /// Probes whenever MySQL is not known to take writes. Whoever sends requests only to a node that is ready would never
    /// send the one that finds out; and a node that nobody sends any has to know too. A probe has to end by itself.
    pub(crate) async fn keep_probing<P: Future<Output = Result<(), Trouble>>>(&self, probe: impl Fn() -> P) {
        let mut pause = Backoff::new(PROBED_EVERY, PROBED_EVERY);
        loop {
            sleep(SUSPECTED_EVERY).await;
            tokio::select! {
                () = sleep(pause.delay()) => {}
                () = self.suspected.notified() => {}
            }
            if self.is_proven() {
                continue;
            }
            let mut probing = pin!(probe());
            let probed = match timeout(PROBE_WITHIN, &mut probing).await {
                Ok(probed) => probed,
                Err(_) => {
                    let text = format!("no answer to a write within {PROBE_WITHIN:?}");
                    self.open(Trouble::Closed(text));
                    // One that was let go would wait on in MySQL, and one more each time.
                    probing.await
                }
            };
            match probed {
                Ok(()) => self.close(),
                Err(trouble) => self.open(trouble),
            }
        }
    }
}

fn is_unreached(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Lost(_))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn text() -> String {
        "as the test wants it".to_owned()
    }

    #[tokio::test]
    async fn what_takes_no_writes_can_be_read_and_what_is_out_of_reach_cannot() {
        let circuit = Circuit::default();
        assert!(circuit.admit_write().is_ok() && circuit.admit_read().is_ok());
        circuit.open(Trouble::Closed(text()));
        assert!(circuit.admit_write().is_err() && circuit.admit_read().is_ok());
        assert_eq!(circuit.unless_unreached(async { 7 }).await, Ok(7));
        circuit.open(Trouble::Lost(text()));
        assert!(circuit.admit_write().is_err() && circuit.admit_read().is_err());
        assert!(circuit.unless_unreached(async { 7 }).await.is_err());
        circuit.close();
        circuit.closed().await;
        assert!(circuit.admit_write().is_ok() && circuit.admit_read().is_ok());
    }

    #[tokio::test]
    async fn who_waits_for_a_connection_is_refused_when_mysql_turns_out_to_be_away() {
        let circuit = Circuit::default();
        let waits = circuit.unless_unreached(std::future::pending::<()>());
        let (waited, ()) = tokio::join!(waits, async { circuit.open(Trouble::Lost(text())) });
        assert!(waited.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_circuit_is_probed_once_a_second_at_most_twice_and_a_proven_one_never() {
        let (circuit, probes) = (Arc::new(Circuit::default()), Arc::new(AtomicUsize::new(0)));
        circuit.open(Trouble::Lost(text()));
        let (probed, count) = (Arc::clone(&circuit), Arc::clone(&probes));
        let probing = tokio::spawn(async move {
            let refused = || async {
                count.fetch_add(1, Ordering::SeqCst);
                Err(Trouble::Lost(text()))
            };
            probed.keep_probing(refused).await;
        });
        for _ in 0..100 {
            circuit.suspect();
            tokio::time::advance(SUSPECTED_EVERY).await;
            tokio::task::yield_now().await;
        }
        let while_open = probes.swap(0, Ordering::SeqCst);
        assert!((8..=20).contains(&while_open), "{while_open} probes in 10 s");
        for _ in 0..100 {
            circuit.close();
            tokio::time::advance(SUSPECTED_EVERY).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(probes.swap(0, Ordering::SeqCst), 0);
        circuit.suspect();
        circuit
            .trouble
            .subscribe()
            .wait_for(Option::is_some)
            .await
            .unwrap();
        assert_eq!(probes.load(Ordering::SeqCst), 1);
        probing.abort();
    }
}
