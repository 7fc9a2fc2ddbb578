//! How long to wait before something that failed is tried again: longer each time, never the same for two nodes.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Delays that double from the least to the most; each is drawn between half of it and all of it.
#[derive(Debug)]
pub(crate) struct Backoff {
    least: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(least: Duration, most: Duration) -> Backoff {
        Backoff {
            least,
            most,
            next: least,
        }
    }

    /// How long to wait now; the next one is twice as long.
    pub(crate) fn delay(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.most);
        let half = whole / 2;
        half + half.mul_f64(f64::from(random()) / f64::from(u32::MAX))
    }

    /// It worked: the next failure waits the least again.
    pub(crate) fn reset(&mut self) {
        self.next = self.least;
    }
}

/// 32 bits that differ from call to call and node to node; not for secrets.
fn random() -> u32 {
    let bits = RandomState::new().hash_one(());
    u32::try_from(bits >> 32).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_most_and_begin_anew() {
        let (least, most) = (Duration::from_millis(100), Duration::from_millis(1_000));
        let mut backoff = Backoff::new(least, most);
        let mut whole = least;
        for _ in 0..10 {
            let delay = backoff.delay();
            assert!(delay >= whole / 2 && delay <= whole, "{delay:?} of {whole:?}");
            whole = (whole * 2).min(most);
        }
        backoff.reset();
        assert!(backoff.delay() <= least);
    }

    #[test]
    fn two_nodes_do_not_wait_alike() {
        let delay = || Backoff::new(Duration::from_secs(60), Duration::from_secs(60)).delay();
        let first = delay();
        assert!((0..100).any(|_| delay() != first));
    }
}
