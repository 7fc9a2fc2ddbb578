//! Parked creates: how one is decided when it is delivered, and what an operation says of itself afterwards.
//!
//! An operation ends once. What was rejected stays rejected, however often it is delivered: whoever asked was told so. What was
//! applied is known from its key, for ever. A direct request under the key is decided on its own: a refusal binds nothing.

use super::{Decision, chat, decide};
use crate::{
    Application, Change, Chat, Creation, Facts, Message, Operation, OperationState, Outcome, Rejection,
    Reply, Request, Subject, Timestamp,
};

/// Decides a parked create; `rejected` is why it was rejected when it was delivered before.
///
/// # Errors
/// Why it is refused. To be remembered with the operation in the transaction that decides it, unless
/// [`is_told_by_the_application`].
///
/// # Panics
/// As [`decide`].
pub fn decide_parked(
    facts: &Facts,
    request: &Request,
    rejected: Option<Rejection>,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    match rejected {
        Some(rejection) => Err(rejection),
        None => decide(facts, request, now),
    }
}

/// Whether whoever asks for the operation is told so by its application in any case.
#[must_use]
pub fn is_told_by_the_application(rejection: &Rejection) -> bool {
    matches!(
        rejection,
        Rejection::ApplicationNotFound | Rejection::ApplicationDeleted
    )
}

/// What is known of an operation.
#[derive(Clone, Debug)]
pub struct OperationFacts<'a> {
    /// Its application, which is live.
    pub application: &'a Application,
    /// The change that its key is bound to.
    pub bound: Option<&'a Change>,
    /// The chat that this change is about or in, as it is now.
    pub chat: Option<Chat>,
    /// The message that this change made, as it is now; `None` also where it is gone with its chat.
    pub message: Option<Message>,
    /// Why it was rejected when it was delivered.
    pub rejected: Option<Rejection>,
}

/// What became of an operation. An applied one tells what it made as it was created; what was changed since, or deleted, is told
/// as it is now: the request is not there any more to answer from.
///
/// # Panics
/// If the change has no key, or what it made is not there.
#[must_use]
pub fn operation_state(operation: &Operation, facts: OperationFacts<'_>) -> OperationState {
    let bound = facts.bound.map(|change| {
        let binding = change.key.as_ref().expect("a bound key stays with its change");
        (change, binding.fingerprint == operation.fingerprint)
    });
    match (bound, facts.rejected) {
        (Some((change, true)), _) => {
            let chat = facts.chat.expect("what a key made lies in a chat");
            OperationState::Applied(applied(
                operation.creation,
                facts.application,
                change,
                chat,
                facts.message,
            ))
        }
        (_, Some(rejection)) => OperationState::Rejected(rejection),
        (Some((_, false)), None) => OperationState::Rejected(Rejection::KeyReused),
        (None, None) => OperationState::Pending,
    }
}

fn applied(
    creation: Creation,
    application: &Application,
    change: &Change,
    chat: Chat,
    message: Option<Message>,
) -> Reply {
    let (outcome, last_position) = match (creation, &change.subject) {
        (Creation::Messages { count }, &Subject::Message { number, .. }) => {
            let count = u64::from(count);
            let outcome = Outcome::Messages { first: number, count };
            (outcome, change.position + count - 1)
        }
        (_, &Subject::Message { number, .. }) => {
            let message = message_of(&chat, message, number, change);
            (Outcome::Message(message), change.position)
        }
        _ => (Outcome::Chat(chat_of(chat, change)), change.position),
    };
    Reply {
        outcome,
        cursor: Some(application.cursor_at(last_position)),
        replayed: false,
    }
}

/// What is made in a chat raises no version of it.
fn chat_of(now: Chat, change: &Change) -> Chat {
    if now.version > change.version {
        return now;
    }
    chat::new(now.number, change.position, now.title, now.metadata, change.at)
}

/// Below a deleted chat it is a tombstone, whether its row is removed yet or not.
fn message_of(chat: &Chat, now: Option<Message>, number: u64, change: &Change) -> Message {
    let Some(deleted_at) = chat.deleted_at else {
        return now.expect("the messages of a live chat stay");
    };
    Message {
        number,
        content: None,
        created_at: change.at,
        updated_at: deleted_at,
        deleted_at: Some(deleted_at),
        version: change.version,
        created_position: change.position,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        Action, ApplicationId, Body, Command, Epoch, Fingerprint, IdempotencyKey, KeyBinding, MessageContent,
        Stage, Title, Token,
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(1_000 * second)
    }

    fn application() -> Application {
        Application {
            id: ApplicationId(1),
            token: Token::generated([1; 16]),
            epoch: Epoch::generated([1; 5]),
            stage: Stage::Ready,
            name: None,
            metadata: None,
            chats_count: 1,
            last_chat_number: 1,
            last_position: 9,
            created_at: at(0),
            updated_at: at(0),
            deleted_at: None,
            version: 1,
        }
    }

    fn operation(creation: Creation) -> Operation {
        Operation {
            creation,
            key: IdempotencyKey::new("k").unwrap(),
            fingerprint: Fingerprint([1; 32]),
        }
    }

    fn change(subject: Subject, fingerprint: u8) -> Change {
        Change {
            position: 4,
            at: at(4),
            subject,
            action: Action::Created,
            version: 1,
            key: Some(Arc::new(KeyBinding {
                name: operation(Creation::Chat).key_name(),
                fingerprint: Fingerprint([fingerprint; 32]),
                created_at: None,
            })),
        }
    }

    fn a_chat() -> Chat {
        let title = Some(Title::stored("parcels"));
        chat::new(1, 4, title, None, at(4))
    }

    fn a_message() -> Message {
        Message {
            number: 3,
            content: Some(Arc::new(MessageContent {
                body: Body::stored("late"),
                sender: None,
                metadata: None,
            })),
            created_at: at(4),
            updated_at: at(4),
            deleted_at: None,
            version: 1,
            created_position: 4,
        }
    }

    fn state(
        creation: Creation,
        bound: Option<&Change>,
        things: (Option<Chat>, Option<Message>),
        rejected: Option<Rejection>,
    ) -> OperationState {
        let facts = OperationFacts {
            application: &application(),
            bound,
            chat: things.0,
            message: things.1,
            rejected,
        };
        operation_state(&operation(creation), facts)
    }

    fn applied_outcome(state: OperationState) -> (Outcome, u64) {
        let OperationState::Applied(reply) = state else {
            panic!("{state:?}")
        };
        (reply.outcome, reply.cursor.unwrap().position)
    }

    #[test]
    fn what_its_key_made_says_that_it_was_applied_and_another_request_under_it_that_it_was_rejected() {
        let subject = Subject::Chat { chat: 1 };
        let pending = state(Creation::Chat, None, (None, None), None);
        assert_eq!(pending, OperationState::Pending);
        let ours = change(subject.clone(), 1);
        let applied = state(Creation::Chat, Some(&ours), (Some(a_chat()), None), None);
        assert_eq!(applied_outcome(applied), (Outcome::Chat(a_chat()), 4));
        let another = change(subject, 2);
        let rejected = state(Creation::Chat, Some(&another), (Some(a_chat()), None), None);
        assert_eq!(rejected, OperationState::Rejected(Rejection::KeyReused));
    }

    #[test]
    fn a_rejection_stays_unless_the_same_request_was_accepted_directly() {
        let rejected = Some(Rejection::ChatNotFound);
        let alone = state(Creation::Message, None, (None, None), rejected.clone());
        assert_eq!(alone, OperationState::Rejected(Rejection::ChatNotFound));
        let subject = Subject::Message { chat: 1, number: 3 };
        let things = (Some(a_chat()), Some(a_message()));
        let another = change(subject.clone(), 2);
        let beside = state(
            Creation::Message,
            Some(&another),
            things.clone(),
            rejected.clone(),
        );
        assert_eq!(beside, OperationState::Rejected(Rejection::ChatNotFound));
        let ours = change(subject, 1);
        let direct = state(Creation::Message, Some(&ours), things, rejected);
        assert_eq!(applied_outcome(direct), (Outcome::Message(a_message()), 4));
    }

    #[test]
    fn a_chat_is_told_as_it_was_created_until_it_was_itself_changed() {
        let ours = change(Subject::Chat { chat: 1 }, 1);
        let told = |chat: Chat| state(Creation::Chat, Some(&ours), (Some(chat), None), None);
        let with_messages = Chat {
            messages_count: 7,
            last_message_number: 7,
            last_message_at: Some(at(8)),
            change_position: 9,
            activity_position: 9,
            ..a_chat()
        };
        assert_eq!(applied_outcome(told(with_messages)).0, Outcome::Chat(a_chat()));
        let renamed = Chat {
            title: None,
            version: 2,
            ..a_chat()
        };
        assert_eq!(applied_outcome(told(renamed.clone())).0, Outcome::Chat(renamed));
    }

    #[test]
    fn a_message_below_a_deleted_chat_is_told_without_its_content_whether_its_row_is_there_or_not() {
        let ours = change(Subject::Message { chat: 1, number: 3 }, 1);
        let deleted = Chat {
            title: None,
            deleted_at: Some(at(6)),
            version: 2,
            ..a_chat()
        };
        for row in [None, Some(a_message())] {
            let told = state(Creation::Message, Some(&ours), (Some(deleted.clone()), row), None);
            let (Outcome::Message(message), 4) = applied_outcome(told) else {
                panic!("a message was made")
            };
            assert_eq!((message.number, message.content), (3, None));
            assert_eq!((message.created_at, message.deleted_at), (at(4), Some(at(6))));
        }
    }

    #[test]
    fn a_batch_tells_its_numbers_and_the_entry_of_its_last_message() {
        let ours = change(Subject::Message { chat: 1, number: 3 }, 1);
        let things = (Some(a_chat()), Some(a_message()));
        let told = state(Creation::Messages { count: 5 }, Some(&ours), things, None);
        assert_eq!(
            applied_outcome(told),
            (Outcome::Messages { first: 3, count: 5 }, 8)
        );
    }

    #[test]
    fn what_was_rejected_is_not_decided_again() {
        let command = Command::CreateMessage {
            token: application().token,
            chat: 1,
            content: a_message().content.unwrap(),
        };
        let request = Request::keyed(command, IdempotencyKey::new("k").unwrap());
        let mut facts = Facts::new(ApplicationId(0));
        let before = Some(Rejection::ChatDeleted);
        assert_eq!(
            decide_parked(&facts, &request, before, at(1)),
            Err(Rejection::ChatDeleted)
        );
        let Ok(()) = facts.load(&request, &Nothing);
        let first = decide_parked(&facts, &request, None, at(1));
        assert_eq!(first, Err(Rejection::ApplicationNotFound));
    }

    /// Nothing is stored.
    struct Nothing;

    impl crate::FactSource for Nothing {
        type Error = std::convert::Infallible;

        fn application_by_token(&self, _: &Token) -> Result<Option<Application>, Self::Error> {
            Ok(None)
        }

        fn application(&self, _: ApplicationId) -> Result<Option<Application>, Self::Error> {
            Ok(None)
        }

        fn chat(&self, _: ApplicationId, _: u64) -> Result<Option<Chat>, Self::Error> {
            Ok(None)
        }

        fn message(&self, _: ApplicationId, _: u64, _: u64) -> Result<Option<Message>, Self::Error> {
            Ok(None)
        }

        fn marker(
            &self,
            _: ApplicationId,
            _: u64,
            _: &crate::ReaderName,
        ) -> Result<Option<crate::Marker>, Self::Error> {
            Ok(None)
        }

        fn key(
            &self,
            _: Option<ApplicationId>,
            _: &crate::KeyName,
        ) -> Result<Option<crate::BoundKey>, Self::Error> {
            Ok(None)
        }

        fn deleted(
            &self,
            _: ApplicationId,
            _: crate::DeletedPlace,
        ) -> Result<Option<Arc<crate::DeletedNode>>, Self::Error> {
            Ok(None)
        }
    }
}
