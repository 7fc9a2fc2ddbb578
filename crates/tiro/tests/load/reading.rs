//! The last reading: everything there is, when nothing is written any more.

use tiro_client::{Client, Error, Sending};
use tiro_conformance::history::{History, Operation, Outcome, Range, Sent, Shown};

use super::perform::perform;
use super::stage::Stage;

const PAGE: u64 = 100;
const ENTRIES: u64 = 1_000;

/// Reads every chat, every message and the whole feed, page by page, and searches for the newest texts. What is
/// refused is part of the history too.
///
/// # Errors
/// The server went away.
pub(crate) async fn read_everything(stage: &Stage, history: &mut History) -> Result<(), Error> {
    let mut reader = Reader {
        client: &stage.nodes[0],
        stage,
        history,
    };
    reader.read(Sent::GetApplication).await?;
    for chat in reader.read_chats().await? {
        reader.read(Sent::GetChat { chat }).await?;
        reader.read_messages(chat).await?;
    }
    reader.read_feed().await?;
    for text in stage.board.texts() {
        reader.read(Sent::Search { text }).await?;
    }
    Ok(())
}

struct Reader<'a> {
    client: &'a Client,
    stage: &'a Stage,
    history: &'a mut History,
}

impl Reader<'_> {
    /// The live ones.
    async fn read_chats(&mut self) -> Result<Vec<u64>, Error> {
        let mut chats = Vec::new();
        let mut next = Some(0);
        while let Some(after) = next.take() {
            let range = Range::After { after, limit: PAGE };
            if let Some(Shown::Chats(page)) = self.read(Sent::ListChats { range }).await? {
                let live = page.items.iter().filter(|chat| !chat.deleted);
                chats.extend(live.map(|chat| chat.number));
                next = page.next;
            }
        }
        Ok(chats)
    }

    async fn read_messages(&mut self, chat: u64) -> Result<(), Error> {
        let mut next = Some(0);
        while let Some(after) = next.take() {
            let range = Range::After { after, limit: PAGE };
            if let Some(Shown::Messages(page)) = self.read(Sent::ListMessages { chat, range }).await? {
                next = page.next;
            }
        }
        Ok(())
    }

    async fn read_feed(&mut self) -> Result<(), Error> {
        let mut next = Some(0);
        while let Some(after) = next.take() {
            let limit = ENTRIES;
            if let Some(Shown::Entries(page)) = self.read(Sent::ReadFeed { after, limit }).await? {
                let last = page.items.last().map(|entry| entry.position);
                next = last.filter(|_| page.has_more);
            }
        }
        Ok(())
    }

    async fn read(&mut self, sent: Sent) -> Result<Option<Shown>, Error> {
        let (stage, clock) = (self.stage, &self.stage.clock);
        let invoked = clock.tick();
        let outcome = perform(self.client, &stage.token, &sent, &Sending::unkeyed()).await?;
        let shown = match &outcome {
            Outcome::Acknowledged(answer) => Some(answer.shown.clone()),
            Outcome::Refused(_) | Outcome::Declined | Outcome::Unknown => None,
        };
        self.history.operations.push(Operation {
            client: 0,
            sent,
            key: None,
            invoked,
            returned: clock.tick(),
            outcome,
        });
        Ok(shown)
    }
}
