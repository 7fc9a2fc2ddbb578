//! Bugs that a test plants into an engine, so that the history checker can be seen to find each of them: which one was
//! chosen, and what is alike in every engine.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use tiro_core::{ApplicationId, Command, Facts, IfMatch, Message, Request};

/// Chooses one bug by its name, or `none`; while it is not set the program is the ordinary one.
const VARIABLE: &str = "TIRO_PLANTED_BUG";
/// What happens now and then happens with one of so many.
const ONE_IN: u32 = 8;

/// The bug of a process, out of those that its engine can have. Their names are what `Bug` is deserialized from.
pub struct Planted<Bug> {
    chosen: OnceLock<Option<Bug>>,
    asked: AtomicU32,
}

impl<Bug: Copy + Debug + DeserializeOwned + PartialEq> Planted<Bug> {
    /// Nothing is chosen yet.
    #[expect(clippy::new_without_default, reason = "it is for statics")]
    pub const fn new() -> Planted<Bug> {
        Planted {
            chosen: OnceLock::new(),
            asked: AtomicU32::new(1),
        }
    }

    /// Reads which bug is wanted; later calls change nothing.
    ///
    /// # Errors
    /// No bug has the name; says which there are.
    pub fn choose(&self) -> Result<(), String> {
        let Some(name) = std::env::var_os(VARIABLE) else {
            return Ok(());
        };
        let bug = named(&name.to_string_lossy())?;
        tracing::warn!(?bug, "a bug is planted: this is for tests");
        self.chosen.get_or_init(|| bug);
        Ok(())
    }

    /// Whether there is a choice, if only of none.
    pub fn is_chosen(&self) -> bool {
        self.chosen.get().is_some()
    }

    /// Whether the bug is the one that was chosen.
    pub fn is(&self, bug: Bug) -> bool {
        self.chosen.get() == Some(&Some(bug))
    }

    /// The same once in eight times that it is so.
    pub fn now_and_then(&self, bug: Bug) -> bool {
        self.is(bug) && self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(ONE_IN)
    }
}

/// Whether this process is one that a test plants bugs into, if only none.
pub fn is_planting() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// The bug of a name; `None` for the name `none`.
fn named<Bug: DeserializeOwned>(name: &str) -> Result<Option<Bug>, String> {
    if name == "none" {
        return Ok(None);
    }
    let text: StrDeserializer<'_, Error> = name.into_deserializer();
    let bug = Bug::deserialize(text).map_err(|error| format!("{VARIABLE}: {error}; or none"))?;
    Ok(Some(bug))
}

/// The request without its condition.
pub fn without_condition(request: &Request) -> Cow<'_, Request> {
    let mut request = request.clone();
    match &mut request.command {
        Command::UpdateMessage(update) => update.if_match = IfMatch::Any,
        Command::UpdateChat(update) => update.if_match = IfMatch::Any,
        _ => {}
    }
    Cow::Owned(request)
}

/// Gives a message the content that it had before its event.
pub fn restore_content(message: &mut Message, facts: &Facts, application: ApplicationId, chat: u64) {
    let before = facts.message(application, chat, message.number);
    message.content = before.and_then(|before| before.content.clone());
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum Bug {
        ForgetKey,
        LoseUpdate,
    }

    #[test]
    fn a_bug_is_chosen_by_its_name_and_an_unknown_name_is_answered_with_those_there_are() {
        assert_eq!(named("lose-update"), Ok(Some(Bug::LoseUpdate)));
        assert_eq!(named::<Bug>("none"), Ok(None));
        let said = named::<Bug>("lose-updates").unwrap_err();
        for part in [VARIABLE, "lose-updates", "forget-key", "lose-update", "none"] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn only_the_chosen_bug_is_there_and_now_and_then_is_one_in_eight() {
        let planted = Planted::new();
        assert!(!planted.is_chosen() && !planted.is(Bug::ForgetKey));
        planted.chosen.get_or_init(|| Some(Bug::ForgetKey));
        assert!(planted.is(Bug::ForgetKey) && !planted.is(Bug::LoseUpdate));
        let times = |bug| (0..80).filter(|_| planted.now_and_then(bug)).count();
        assert_eq!((times(Bug::ForgetKey), times(Bug::LoseUpdate)), (10, 0));
    }
}
