//! What became of a parked create: one statement, so one state of its key, of what the key made, and of its rejection.

use std::sync::LazyLock;

use sqlx::Row;
use tiro_core::{Operation, OperationFacts, OperationState, Token, operation_state};

use super::head::{AFTER_HEAD, HEAD_BY_TOKEN, HEAD_COLUMNS, token_bytes};
use super::session::{Read, ReadError, Session};
use super::single::there;
use crate::mysql::fetch::namespace_number;
use crate::mysql::refused;
use crate::mysql::rows::{
    self, CHANGE_COLUMNS, CHANGE_COLUMNS_COUNT, CHAT_COLUMNS, CHAT_COLUMNS_COUNT, MESSAGE_COLUMNS,
    MESSAGE_COLUMNS_COUNT,
};

static OPERATION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {HEAD_COLUMNS}, {CHAT_COLUMNS}, {MESSAGE_COLUMNS}, {CHANGE_COLUMNS}, refused_operations.reason \
         FROM applications AS head \
         LEFT JOIN changes ON changes.key_scope = head.id AND changes.key_namespace = ? AND changes.key_name = ? \
         LEFT JOIN chats ON chats.application = head.id AND chats.number = changes.chat \
         LEFT JOIN messages ON messages.application = head.id AND messages.chat = changes.chat \
         AND messages.number = changes.number \
         LEFT JOIN refused_operations ON refused_operations.application = head.id \
         AND refused_operations.operation = ? WHERE {HEAD_BY_TOKEN}"
    )
});

const CHAT: usize = AFTER_HEAD;
const MESSAGE: usize = CHAT + CHAT_COLUMNS_COUNT;
const CHANGE: usize = MESSAGE + MESSAGE_COLUMNS_COUNT;
const REASON: usize = CHANGE + CHANGE_COLUMNS_COUNT;

/// An operation of an application.
pub(super) struct OneOperation<'a> {
    pub(super) token: &'a Token,
    pub(super) operation: &'a Operation,
}

impl Read for OneOperation<'_> {
    type Answer = OperationState;

    async fn read(&self, session: &mut Session<'_>) -> Result<OperationState, ReadError> {
        let key = self.operation.key_name();
        let statement = sqlx::query(OPERATION.as_str())
            .bind(namespace_number(key.namespace))
            .bind(key.key.as_bytes().to_vec())
            .bind(self.operation.digest().to_vec())
            .bind(token_bytes(self.token));
        let row = there(session.one(statement).await?)?;
        let application = session.heads().live(&row)?;
        let is_bound = row.try_get::<Option<u32>, _>(CHANGE)?.is_some();
        let bound = is_bound.then(|| rows::change(&row, CHANGE)).transpose()?;
        let reason: Option<u8> = row.try_get(REASON)?;
        let facts = OperationFacts {
            application: &application,
            bound: bound.as_ref().map(|stored| &stored.change),
            chat: rows::chat(&row, CHAT)?.map(|(_, chat)| chat),
            message: rows::message(&row, MESSAGE)?.map(|stored| stored.message),
            rejected: reason.map(refused::rejection).transpose()?,
        };
        Ok(operation_state(self.operation, facts))
    }
}
