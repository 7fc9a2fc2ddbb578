//! The last reading: every chat and every message, when nothing is written any more.

use tiro_client::{Client, Error, Sending};
use tiro_conformance::history::{History, Operation, Outcome, Range, Sent, Shown};

use super::perform::perform;
use super::{CLIENTS, Clock};

const PAGE: u64 = 100;

/// Reads everything, page by page. What is refused is part of the history too. Errors: the server went away.
pub(super) async fn read_everything(
    client: &Client,
    token: &str,
    clock: &Clock,
    history: &mut History,
) -> Result<(), Error> {
    let mut reader = Reader {
        client,
        token,
        clock,
        history,
    };
    reader.read(Sent::GetApplication).await?;
    let mut chats = Vec::new();
    let mut after = Some(0);
    while let Some(place) = after.take() {
        let range = Range::After {
            after: place,
            limit: PAGE,
        };
        if let Some(Shown::Chats(page)) = reader.read(Sent::ListChats { range }).await? {
            let live = page.items.iter().filter(|chat| !chat.deleted);
            chats.extend(live.map(|chat| chat.number));
            after = page.next;
        }
    }
    for chat in chats {
        reader.read(Sent::GetChat { chat }).await?;
        let mut after = Some(0);
        while let Some(place) = after.take() {
            let range = Range::After {
                after: place,
                limit: PAGE,
            };
            if let Some(Shown::Messages(page)) = reader.read(Sent::ListMessages { chat, range }).await? {
                after = page.next;
            }
        }
    }
    Ok(())
}

struct Reader<'a> {
    client: &'a Client,
    token: &'a str,
    clock: &'a Clock,
    history: &'a mut History,
}

impl Reader<'_> {
    async fn read(&mut self, sent: Sent) -> Result<Option<Shown>, Error> {
        let invoked = self.clock.tick();
        let outcome = perform(self.client, self.token, &sent, &Sending::unkeyed()).await?;
        let shown = match &outcome {
            Outcome::Acknowledged(answer) => Some(answer.shown.clone()),
            Outcome::Refused(_) | Outcome::Unknown => None,
        };
        self.history.operations.push(Operation {
            client: CLIENTS,
            sent,
            key: None,
            invoked,
            returned: self.clock.tick(),
            outcome,
        });
        Ok(shown)
    }
}
