//! Whole chats in the order in which they were written: what search is measured on.
//!
//! The corpus has 153 of them, one after the other. Where it is not at hand the generator's lines are dealt out alike.

use super::Plan;
use super::api::batch_body;
use super::requests::post;
use super::texts::{Line, corpus_lines, create, generated_lines};
use crate::chat_data::{CORPUS_FILE, corpus};

/// What the generator makes is as long as half of the corpus, in chats of the corpus' length.
const GENERATED_LINES: usize = 100_000;
const GENERATED_CHAT_LINES: usize = 1_285;
const BATCH_MESSAGES_MAX: usize = 1_000;

/// A message and the number of its chat.
pub(crate) struct Said {
    pub(crate) chat: usize,
    pub(crate) body: String,
    create: String,
}

/// Chats 1 to `chats`.
pub(crate) struct Talk {
    pub(crate) said: Vec<Said>,
    pub(crate) chats: usize,
}

impl Talk {
    /// The chats of this machine, as much of them as the plan wants.
    pub(crate) fn at_hand(plan: &Plan) -> anyhow::Result<Talk> {
        let lines = match corpus()? {
            Some(folder) => corpus_lines(&folder.join(CORPUS_FILE), plan.search_lines_max)?,
            None => {
                let mut lines = generated_lines(GENERATED_LINES.min(plan.search_lines_max));
                for (place, line) in lines.iter_mut().enumerate() {
                    line.chat = (place / GENERATED_CHAT_LINES).to_string();
                }
                lines
            }
        };
        Ok(Talk::of(lines))
    }

    /// Lines of one chat stand together.
    fn of(lines: Vec<Line>) -> Talk {
        let mut said: Vec<Said> = Vec::with_capacity(lines.len());
        let (mut chats, mut name) = (0, None);
        for line in lines {
            let create = create(&line.sender, &line.body);
            if name.as_ref() != Some(&line.chat) {
                chats += 1;
                name = Some(line.chat);
            }
            said.push(Said {
                chat: chats,
                body: line.body,
                create,
            });
        }
        Talk { said, chats }
    }

    /// Bytes of the bodies.
    pub(crate) fn text_bytes(&self) -> usize {
        self.said.iter().map(|said| said.body.len()).sum()
    }

    /// All of it as batches, in order.
    pub(crate) fn batches(&self, token: &str) -> Vec<Vec<u8>> {
        let chats = self.said.chunk_by(|one, next| one.chat == next.chat);
        let batches = chats.flat_map(|chat| chat.chunks(BATCH_MESSAGES_MAX));
        let request = |batch: &[Said]| {
            let messages: Vec<String> = batch.iter().map(|said| said.create.clone()).collect();
            let path = format!("/v1/applications/{token}/chats/{}/messages/batch", batch[0].chat);
            post(&path, &batch_body(&messages))
        };
        batches.map(request).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_holds_lines_of_one_chat_in_order() {
        let mut lines = generated_lines(1_502);
        lines[1_501].chat = "another".to_owned();
        let talk = Talk::of(lines);
        assert_eq!((talk.chats, talk.said.len()), (2, 1_502));
        let batches = talk.batches("t");
        let messages: Vec<usize> = batches
            .iter()
            .map(|batch| String::from_utf8_lossy(batch).matches(r#""sender":"#).count())
            .collect();
        assert_eq!(messages, [1_000, 501, 1]);
        assert!(batches[2].starts_with(b"POST /v1/applications/t/chats/2/messages/batch "));
    }
}
