//! What requests met lately, for operators.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Where nobody tries again nobody would find out that it is over.
const TOLD_FOR: Duration = Duration::from_secs(10);

/// Trouble that the last try of something met, told for ten seconds.
pub(crate) struct Lately {
    met: Mutex<Option<(Instant, String)>>,
    /// What the log says when it begins, and when a try goes well again.
    says: (&'static str, &'static str),
}

impl Lately {
    pub(crate) fn new(begins: &'static str, ends: &'static str) -> Lately {
        Lately {
            met: Mutex::new(None),
            says: (begins, ends),
        }
    }

    /// What the last try met, unless that was long ago.
    pub(crate) fn trouble(&self) -> Option<String> {
        let met = self.met.lock();
        let (at, text) = met.as_ref()?;
        (at.elapsed() < TOLD_FOR).then(|| text.clone())
    }

    /// How a try ended. Logged where it changes, however many meet the same.
    pub(crate) fn note(&self, outcome: Result<(), String>) {
        let (begins, ends) = self.says;
        let mut met = self.met.lock();
        match (&*met, &outcome) {
            (None, Err(text)) => tracing::warn!(text, "{begins}"),
            (Some(_), Ok(())) => tracing::info!("{ends}"),
            (None, Ok(())) | (Some(_), Err(_)) => {}
        }
        *met = outcome.err().map(|text| (Instant::now(), text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn trouble_is_told_until_a_try_goes_well_or_nobody_tried_for_long() {
        let lately = Lately::new("it begins", "it ends");
        assert_eq!(lately.trouble(), None);
        lately.note(Err("away".to_owned()));
        assert_eq!(lately.trouble().as_deref(), Some("away"));
        lately.note(Ok(()));
        assert_eq!(lately.trouble(), None);
        lately.note(Err("away again".to_owned()));
        tokio::time::advance(TOLD_FOR / 2).await;
        assert_eq!(lately.trouble().as_deref(), Some("away again"));
        tokio::time::advance(TOLD_FOR).await;
        assert_eq!(lately.trouble(), None);
    }
}
