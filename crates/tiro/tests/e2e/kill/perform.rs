//! From an attempt to a request, and from the answer to its effect.

use tiro_client::api::{Code, CreateChat, UpdateMessage};
use tiro_client::{Client, Error, Sending};

use super::diary::{Attempt, Change, Effect};
use crate::requests::message;

/// Sends a request once.
pub(super) async fn perform(client: &Client, token: &str, attempt: &Attempt) -> Result<Effect, Error> {
    let sending = attempt.key.as_ref().map_or_else(Sending::unkeyed, Sending::named);
    let sending = &sending;
    match &attempt.change {
        Change::CreateChat { title } => {
            let chat = CreateChat {
                title: Some(title),
                metadata: None,
            };
            let created = client.create_chat(token, &chat, sending).await?.value;
            Ok(Effect::Chat(created.number))
        }
        Change::DeleteChat { chat } => {
            client.delete_chat(token, *chat, sending).await?;
            Ok(Effect::Deleted)
        }
        Change::CreateMessage { chat, body } => {
            let created = client
                .create_message(token, *chat, &message(body), sending)
                .await?
                .value;
            assert_eq!(created.body.as_deref(), Some(body.as_str()));
            Ok(Effect::Messages {
                first: created.number,
                count: 1,
            })
        }
        Change::CreateBatch { chat, bodies } => {
            let messages: Vec<_> = bodies.iter().map(|body| message(body)).collect();
            let created = client
                .create_messages(token, *chat, &messages, sending)
                .await?
                .value;
            assert_eq!(created.last, created.first + created.count - 1);
            Ok(Effect::Messages {
                first: created.first,
                count: created.count,
            })
        }
        Change::UpdateMessage { chat, number, body } => {
            let update = UpdateMessage {
                body: Some(body),
                metadata: None,
            };
            let updated = client
                .update_message(token, *chat, *number, &update, sending)
                .await?
                .value;
            if updated.deleted_at.is_some() {
                return Ok(Effect::Gone);
            }
            assert_eq!(updated.body.as_deref(), Some(body.as_str()));
            Ok(Effect::Version(updated.version))
        }
        Change::DeleteMessage { chat, number } => {
            client.delete_message(token, *chat, *number, sending).await?;
            Ok(Effect::Deleted)
        }
    }
}

/// Whether the request was refused because its chat was deleted: the one refusal that writers meet.
pub(super) fn is_chat_deleted(error: &Error) -> bool {
    has_code(error, Code::ChatDeleted)
}

/// Whether the request was refused with this code.
pub(super) fn has_code(error: &Error, code: Code) -> bool {
    error
        .refusal()
        .is_some_and(|refusal| refusal.problem.code == code)
}
