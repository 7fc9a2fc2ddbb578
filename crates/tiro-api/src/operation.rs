//! Operations: creates that were parked, and what became of them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{BatchCreated, Chat, Message, Problem};

/// An asynchronous create, answered 202 before it was carried out.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "ReceivedOperation")]
pub struct Operation<'a> {
    /// The name of the operation; the same request with the same key has the same one.
    #[schema(value_type = String, min_length = 1, max_length = 420, pattern = "^op_[A-Za-z0-9_-]+$")]
    pub operation: Cow<'a, str>,
    /// `pending`, `applied` or `rejected`.
    pub status: OperationStatus,
    /// If applied: the created thing; if it was changed or deleted since, its present state.
    #[schema(value_type = Option<OperationResult>, required)]
    pub result: Option<OperationResult<'a>>,
    /// If rejected: the problem that a synchronous create would have been answered with.
    #[schema(required)]
    pub problem: Option<Problem>,
}

/// The state of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    /// Not yet carried out, as far as the server knows; not an acknowledgement.
    Pending,
    /// It was carried out, and is acknowledged.
    Applied,
    /// It was refused, and changed nothing.
    Rejected,
}

/// What a parked create made.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum OperationResult<'a> {
    /// A chat.
    #[schema(value_type = Chat)]
    Chat(Chat<'a>),
    /// A message.
    #[schema(value_type = Message)]
    Message(Message<'a>),
    /// A batch of messages.
    Messages(BatchCreated),
}

/// An operation as it is received: what `result` is comes out of its members.
#[derive(Deserialize)]
struct ReceivedOperation {
    operation: String,
    status: OperationStatus,
    result: Option<Box<RawValue>>,
    problem: Option<Problem>,
}

impl TryFrom<ReceivedOperation> for Operation<'_> {
    type Error = serde_json::Error;

    fn try_from(received: ReceivedOperation) -> Result<Self, serde_json::Error> {
        let result = received.result.map(|result| OperationResult::read(result.get()));
        Ok(Operation {
            operation: Cow::Owned(received.operation),
            status: received.status,
            result: result.transpose()?,
            problem: received.problem,
        })
    }
}

impl OperationResult<'_> {
    fn read(json: &str) -> serde_json::Result<Self> {
        /// Members that only one of the three has.
        #[derive(Deserialize)]
        struct Members {
            count: Option<u64>,
            messages_count: Option<u64>,
        }
        let members: Members = serde_json::from_str(json)?;
        if members.count.is_some() {
            serde_json::from_str(json).map(OperationResult::Messages)
        } else if members.messages_count.is_some() {
            serde_json::from_str(json).map(OperationResult::Chat)
        } else {
            serde_json::from_str(json).map(OperationResult::Message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(result: &str) -> (bool, Option<OperationResult<'static>>) {
        let json =
            format!("{{\"operation\":\"op_a\",\"status\":\"applied\",\"result\":{result},\"problem\":null}}");
        let operation: Operation<'static> = serde_json::from_str(&json).unwrap();
        (
            serde_json::to_string(&operation).unwrap() == json,
            operation.result,
        )
    }

    #[test]
    fn what_was_made_is_read_by_its_members_and_written_as_it_was() {
        let batch = r#"{"first":3,"last":4,"count":2}"#;
        assert!(matches!(read(batch), (true, Some(OperationResult::Messages(made))) if made.first == 3));
        let times = r#""created_at":"1970-01-01T00:00:00.000Z","updated_at":"1970-01-01T00:00:00.000Z","deleted_at":null"#;
        let chat = format!(
            r#"{{"number":2,"title":"a","metadata":{{"b": 1.0}},"messages_count":0,"last_message_number":0,"last_message_at":null,{times},"version":1}}"#
        );
        assert!(matches!(read(&chat), (true, Some(OperationResult::Chat(chat))) if chat.number == 2));
        let message =
            format!(r#"{{"number":5,"body":"a","sender":null,"metadata":null,{times},"version":1}}"#);
        assert!(
            matches!(read(&message), (true, Some(OperationResult::Message(message))) if message.number == 5)
        );
        assert!(matches!(read("null"), (true, None)));
    }
}
