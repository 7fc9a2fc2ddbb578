//! Requests that come into one batch see what the ones before them made.

use tiro_core::{Command, Engine, IfMatch, MetadataChange, UpdateMessage};

use crate::store::{Store, block_on, send};
use crate::workload::{body, create_application, create_chat, create_message, keyed, token};

/// The writer loaded what a request needs only when its turn came: a message that an earlier request of the same batch
/// had created was in no store yet, and to change or delete it was refused with "not found".
#[test]
fn a_message_that_is_created_updated_and_deleted_in_one_batch_is_found_each_time() {
    let store = Store::empty();
    let engine = store.open().unwrap();
    for (number, command) in [create_application(), create_chat()].into_iter().enumerate() {
        send(&engine, &keyed(command, number)).unwrap();
    }
    for number in 1..=300 {
        let update = Command::UpdateMessage(UpdateMessage {
            token: token(),
            chat: 1,
            number,
            if_match: IfMatch::OneOf(vec![1]),
            body: Some(body("changed")),
            metadata: MetadataChange::Keep,
        });
        let delete = Command::DeleteMessage {
            token: token(),
            chat: 1,
            number,
            if_match: IfMatch::OneOf(vec![2]),
        };
        let key = 10 + 3 * number as usize;
        let commands = [create_message(1, "new"), update, delete];
        let answers: Vec<_> = (key..)
            .zip(commands)
            .map(|(key, command)| engine.write(keyed(command, key)))
            .collect();
        for (step, answer) in answers.into_iter().enumerate() {
            let answer = block_on(answer);
            assert!(answer.is_ok(), "step {step} of message {number}: {answer:?}");
        }
    }
}
