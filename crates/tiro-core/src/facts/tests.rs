//! What facts hold, and what a replay is answered from.

use std::convert::Infallible;

use super::*;
use crate::{
    Command, CreateApplication, CreateChat, Epoch, IdempotencyKey, ImportChat, Limits, Name, NewToken,
    Outcome, Rejection, Reply, Timestamp, decide,
};

/// State between two batches: what earlier facts knew.
struct Stored(Facts);

impl FactSource for Stored {
    type Error = Infallible;

    fn application_by_token(&self, token: &Token) -> Result<Option<Application>, Infallible> {
        let id = self.0.tokens.get(token).copied().flatten();
        Ok(id.and_then(|id| self.0.application(id)).cloned())
    }

    fn application(&self, id: ApplicationId) -> Result<Option<Application>, Infallible> {
        Ok(self.0.application(id).cloned())
    }

    fn chat(&self, application: ApplicationId, chat: u64) -> Result<Option<Chat>, Infallible> {
        Ok(self.0.chat(application, chat).cloned())
    }

    fn message(
        &self,
        application: ApplicationId,
        chat: u64,
        number: u64,
    ) -> Result<Option<Message>, Infallible> {
        Ok(self.0.message(application, chat, number).cloned())
    }

    fn marker(
        &self,
        id: ApplicationId,
        chat: u64,
        reader: &ReaderName,
    ) -> Result<Option<Marker>, Infallible> {
        Ok(self.0.marker(id, chat, reader).cloned())
    }

    fn key(
        &self,
        application: Option<ApplicationId>,
        name: &KeyName,
    ) -> Result<Option<BoundKey>, Infallible> {
        Ok(self
            .0
            .keys
            .get(&application)
            .and_then(|keys| keys.get(name))
            .cloned()
            .flatten())
    }

    fn deleted(&self, _: ApplicationId, _: DeletedPlace) -> Result<Option<Arc<DeletedNode>>, Infallible> {
        Ok(None)
    }
}

/// Decides one request in a batch of its own, on what the batches before stored.
fn write(stored: &mut Stored, request: &Request) -> Result<Reply, Rejection> {
    let mut facts = Facts::new(stored.0.next_application());
    let Ok(()) = facts.load(request, stored);
    let decision = decide(&facts, request, Timestamp::from_millis(0))?;
    for event in &decision.events {
        let Ok(()) = stored.0.load(request, &Stored(Facts::new(ApplicationId(0))));
        stored.0.apply(event);
    }
    Ok(decision.reply)
}

fn create(token: NewToken) -> Request {
    let command = Command::CreateApplication(CreateApplication {
        token,
        epoch: Epoch::generated([0; 5]),
        name: Name::new("application", &Limits::default()).unwrap(),
        metadata: None,
    });
    Request::keyed(command, IdempotencyKey::new("key").unwrap())
}

/// A client created an application without naming a token, lost the answer and sent the request again with its
/// key. The second request had another random token, so the application of the first was not among its facts,
/// and it was answered that the application had been deleted.
#[test]
fn a_create_sent_again_finds_the_application_that_got_another_generated_token() {
    let mut stored = Stored(Facts::new(ApplicationId(1)));
    let first = write(
        &mut stored,
        &create(NewToken::Generated(Token::generated([1; 16]))),
    )
    .unwrap();
    let again = write(
        &mut stored,
        &create(NewToken::Generated(Token::generated([2; 16]))),
    )
    .unwrap();
    assert_eq!((again.outcome, again.replayed), (first.outcome, true));
}

/// A client created an application and, before the answer was durable, sent a request into it twice under one key.
/// All came into one batch. No key had been looked up, since the application was not stored yet, so the first
/// request's key was not noted, and the second stored the same thing again under the same key.
#[test]
fn one_key_sent_twice_in_the_batch_that_creates_its_application_makes_one_chat() {
    let token = Token::generated([1; 16]);
    let mut application = create(NewToken::Chosen(token.clone()));
    application.key = None;
    let command = Command::CreateChat(CreateChat {
        token,
        title: None,
        metadata: None,
    });
    let chat = Request::keyed(command, IdempotencyKey::new("key").unwrap());
    let mut facts = Facts::new(ApplicationId(1));
    let nothing = Stored(Facts::new(ApplicationId(1)));
    let mut replayed = Vec::new();
    for request in [&application, &chat, &chat] {
        let Ok(()) = facts.load(request, &nothing);
    }
    for request in [&application, &chat, &chat] {
        let decision = decide(&facts, request, Timestamp::from_millis(0)).unwrap();
        decision.events.iter().for_each(|event| facts.apply(event));
        replayed.push(decision.reply.replayed);
    }
    assert_eq!(replayed, [false, false, true]);
}

/// A file of plain lines was imported a second time. The request to find its chat names it only by its key, so
/// the chat was not among the facts, and looking whether it was deleted ended in a panic.
#[test]
fn an_imported_chat_is_found_again_by_its_key_in_a_later_batch() {
    let mut stored = Stored(Facts::new(ApplicationId(1)));
    let token = Token::generated([1; 16]);
    write(&mut stored, &create(NewToken::Chosen(token.clone()))).unwrap();
    let command = Command::ImportChat(ImportChat {
        token,
        title: None,
        created_at: None,
    });
    let import = Request::keyed(command, IdempotencyKey::new("source/chat").unwrap());
    let found = |created| Outcome::ImportedChat { chat: 1, created };
    assert_eq!(write(&mut stored, &import).unwrap().outcome, found(true));
    assert_eq!(write(&mut stored, &import).unwrap().outcome, found(false));
}
