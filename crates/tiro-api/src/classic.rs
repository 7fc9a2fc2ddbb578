//! Wire types of the classic routes: one answer carries every spelling that clients of such services know.
//!
//! A thing is made by its `new`, so that the spellings of one value cannot differ. There is no member `id`, `_id`,
//! `application_id` or `chat_id`: tokens and numbers are the only names.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{Code, Problem, Time, Violation};

/// An application as classic clients know it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicApplication<'a> {
    /// Its name in URLs, and the capability for all inside it.
    #[schema(value_type = String)]
    token: &'a str,
    /// The same as `token`.
    #[schema(value_type = String)]
    app_token: &'a str,
    /// What people call it; `null` only in the repeated answer of an application that was deleted since.
    #[schema(value_type = Option<String>, required)]
    name: Option<&'a str>,
    /// Chats that are not deleted.
    chats_count: u64,
    /// The same as `chats_count`.
    chat_count: u64,
    /// When it was created.
    created_at: Time,
    /// When its own content last changed.
    updated_at: Time,
}

impl<'a> ClassicApplication<'a> {
    /// The application in every spelling.
    #[must_use]
    pub fn new(token: &'a str, name: Option<&'a str>, chats_count: u64, times: [Time; 2]) -> Self {
        let [created_at, updated_at] = times;
        ClassicApplication {
            token,
            app_token: token,
            name,
            chats_count,
            chat_count: chats_count,
            created_at,
            updated_at,
        }
    }
}

/// A chat as classic clients know it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicChat<'a> {
    /// 1, 2, 3 … in its application.
    #[schema(minimum = 1)]
    number: u64,
    /// The same as `number`.
    #[schema(minimum = 1)]
    chat_number: u64,
    /// The same as `number`.
    #[schema(minimum = 1)]
    per_app_id: u64,
    /// What people call it.
    #[schema(value_type = Option<String>, required)]
    title: Option<&'a str>,
    /// The same as `title`.
    #[schema(value_type = Option<String>, required)]
    name: Option<&'a str>,
    /// Messages that are not deleted.
    messages_count: u64,
    /// The same as `messages_count`.
    message_count: u64,
    /// When it was created.
    created_at: Time,
    /// When its own content last changed.
    updated_at: Time,
}

impl<'a> ClassicChat<'a> {
    /// The chat in every spelling.
    #[must_use]
    pub fn new(number: u64, title: Option<&'a str>, messages_count: u64, times: [Time; 2]) -> Self {
        let [created_at, updated_at] = times;
        ClassicChat {
            number,
            chat_number: number,
            per_app_id: number,
            title,
            name: title,
            messages_count,
            message_count: messages_count,
            created_at,
            updated_at,
        }
    }
}

/// A message as classic clients know it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicMessage<'a> {
    /// 1, 2, 3 … in its chat.
    #[schema(minimum = 1)]
    number: u64,
    /// The same as `number`.
    #[schema(minimum = 1)]
    message_number: u64,
    /// The same as `number`.
    #[schema(minimum = 1)]
    per_chat_id: u64,
    /// The number of its chat.
    #[schema(minimum = 1)]
    chat_number: u64,
    /// The text; `null` only in the repeated answer of a message that was deleted since.
    #[schema(value_type = Option<String>, required)]
    body: Option<&'a str>,
    /// When it was created.
    created_at: Time,
    /// When its content last changed.
    updated_at: Time,
}

impl<'a> ClassicMessage<'a> {
    /// The message in every spelling.
    #[must_use]
    pub fn new(chat_number: u64, number: u64, body: Option<&'a str>, times: [Time; 2]) -> Self {
        let [created_at, updated_at] = times;
        ClassicMessage {
            number,
            message_number: number,
            per_chat_id: number,
            chat_number,
            body,
            created_at,
            updated_at,
        }
    }
}

/// What a search over all applications finds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicHit<'a> {
    /// The text of the message.
    #[schema(value_type = Option<String>, required)]
    pub body: Option<&'a str>,
    /// The number of the message in its chat.
    #[schema(minimum = 1)]
    pub message_number: u64,
    /// The number of the chat in its application.
    #[schema(minimum = 1)]
    pub chat_number: u64,
    /// What people call the chat.
    #[schema(value_type = Option<String>, required)]
    pub chat_title: Option<&'a str>,
    /// The token of the application.
    #[schema(value_type = String)]
    pub application_token: &'a str,
    /// What people call the application.
    #[schema(value_type = Option<String>, required)]
    pub application_name: Option<&'a str>,
}

/// A list of applications, by creation time and token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicApplications<'a>(pub Vec<ClassicApplication<'a>>);

/// A list of chats, by number.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicChats<'a>(pub Vec<ClassicChat<'a>>);

/// A list of messages, by number; of a search, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicMessages<'a>(pub Vec<ClassicMessage<'a>>);

/// What a search over all applications found, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicHits<'a>(pub Vec<ClassicHit<'a>>);

/// Why a request was not carried out: a [`Problem`] in the words of classic clients.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicError {
    /// What the code means, in a few words.
    pub error: String,
    /// What happened this time, for people.
    pub message: String,
    /// What happened; stable, for programs.
    pub code: Code,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// The request's name in the server's log; also in `X-Request-Id`.
    pub request_id: String,
    /// Every value that was refused; empty if the error is not about values.
    pub errors: Vec<Violation>,
}

impl From<Problem> for ClassicError {
    fn from(problem: Problem) -> ClassicError {
        ClassicError {
            error: problem.title,
            message: problem.detail,
            code: problem.code,
            status: problem.status,
            request_id: problem.request_id,
            errors: problem.errors,
        }
    }
}

/// What a client sends to create or change an application; also as the member `application`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicApplicationBody {
    /// What people call it.
    pub name: String,
}

/// What a client sends to create or change a chat; also as the member `chat`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicChatBody {
    /// What people call it; blank is none.
    pub title: Option<String>,
    /// The same, if there is no `title`.
    pub name: Option<String>,
    /// The application, where the path does not name it.
    pub app_token: Option<String>,
}

/// What a client sends to create or change a message; also as the member `message`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassicMessageBody {
    /// The text.
    pub body: String,
    /// The application, where the path does not name it.
    pub app_token: Option<String>,
    /// The chat, where the path does not name it; a text of the number will do.
    pub chat_number: Option<u64>,
}
