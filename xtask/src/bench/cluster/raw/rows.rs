//! The rows: those that a create makes, in applications and chats that one connection has for itself.

use std::ops::Range;

use anyhow::Context;
use serde_json::Value;

/// Applications of a connection, and chats of an application.
const APPLICATIONS: u64 = 4;
const CHATS: u64 = 4;

/// When all of it was written, in ms since 1970.
pub(super) const AT: i64 = 1_750_000_000_000;

pub(super) const ONE_MESSAGE: &str = "INSERT INTO messages (application, chat, number, body, sender, metadata, created_at, \
     updated_at, deleted_at, version, created_position) VALUES (?, ?, ?, ?, ?, NULL, ?, ?, NULL, 1, ?)";
const MESSAGES: &str = "INSERT INTO messages (application, chat, number, body, sender, metadata, created_at, updated_at, \
     deleted_at, version, created_position) VALUES ";
const CHANGES: &str = "INSERT INTO changes (application, position, partition_id, partition_position, at, kind, chat, \
     number, reader, version, key_scope, key_namespace, key_name, key_fingerprint, key_created_at) VALUES ";
/// `ChangeKind::MessageCreated`.
const CREATED: u8 = 7;

/// What a message says.
pub(super) struct Said {
    pub(super) sender: String,
    pub(super) body: String,
}

impl Said {
    /// Of the JSON of a create.
    pub(super) fn of(create: &str) -> anyhow::Result<Said> {
        let create: Value = serde_json::from_str(create)?;
        let text = |name: &str| {
            let text = create[name].as_str();
            text.map(str::to_owned)
                .with_context(|| format!("a create without `{name}`"))
        };
        Ok(Said {
            sender: text("sender")?,
            body: text("body")?,
        })
    }
}

/// Where a connection writes next. Each is a partition of its own, so connections do not meet.
pub(super) struct Place {
    partition: u64,
    partition_position: u64,
    /// Which application and chat is written to.
    turn: u64,
    positions: [u64; APPLICATIONS as usize],
    numbers: [u64; (APPLICATIONS * CHATS) as usize],
}

/// The numbers of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) application: u64,
    pub(super) chat: u64,
    pub(super) number: u64,
    pub(super) position: u64,
    partition: u64,
    partition_position: u64,
}

impl Place {
    pub(super) fn of(connection: usize) -> Place {
        Place {
            partition: connection as u64,
            partition_position: 0,
            turn: 0,
            positions: [0; _],
            numbers: [0; _],
        }
    }

    /// Goes on to the next application, and after all of them to the next chat.
    pub(super) fn turn(&mut self) {
        self.turn = (self.turn + 1) % (APPLICATIONS * CHATS);
    }

    /// The next message.
    pub(super) fn step(&mut self) -> Numbers {
        let (application, chat) = (self.turn % APPLICATIONS, self.turn / APPLICATIONS + 1);
        let position = &mut self.positions[application as usize];
        let number = &mut self.numbers[self.turn as usize];
        *position += 1;
        *number += 1;
        self.partition_position += 1;
        Numbers {
            application: self.partition * APPLICATIONS + application + 1,
            chat,
            number: *number,
            position: *position,
            partition: self.partition,
            partition_position: self.partition_position,
        }
    }
}

/// A transaction of many messages.
#[derive(Default)]
pub(super) struct Batch {
    messages: String,
    changes: String,
}

impl Batch {
    pub(super) fn add(&mut self, numbers: Numbers, said: &Said) {
        let Numbers {
            application,
            chat,
            number,
            position,
            partition,
            partition_position,
        } = numbers;
        let comma = if self.messages.is_empty() { "" } else { "," };
        self.messages
            .push_str(&format!("{comma}({application},{chat},{number},"));
        quote(&mut self.messages, &said.body);
        self.messages.push(',');
        quote(&mut self.messages, &said.sender);
        self.messages
            .push_str(&format!(",NULL,{AT},{AT},NULL,1,{position})"));
        self.changes.push_str(&format!(
            "{comma}({application},{position},{partition},{partition_position},{AT},{CREATED},{chat},{number},NULL,1,\
             NULL,NULL,NULL,NULL,NULL)"
        ));
    }

    /// All of it, to be sent at once.
    pub(super) fn into_statements(self) -> String {
        format!(
            "BEGIN;{MESSAGES}{};{CHANGES}{};COMMIT",
            self.messages, self.changes
        )
    }
}

/// Statements that make the applications and chats of these connections, in a database.
pub(super) fn parents(database: &str, connections: Range<usize>) -> String {
    let ids = connections.flat_map(|connection| {
        let first = connection as u64 * APPLICATIONS + 1;
        first..first + APPLICATIONS
    });
    let (mut applications, mut chats) = (String::new(), String::new());
    for id in ids {
        let comma = if applications.is_empty() { "" } else { "," };
        applications.push_str(&format!(
            "{comma}({id},'raw-{id}',0,0,'raw',{CHATS},{CHATS},0,{AT},{AT},1,1)"
        ));
        for chat in 1..=CHATS {
            let comma = if chats.is_empty() { "" } else { "," };
            chats.push_str(&format!("{comma}({id},{chat},0,0,{AT},{AT},1,0,0,0,0)"));
        }
    }
    format!(
        "INSERT INTO `{database}`.applications (id, token, restoring, partition_id, epoch, chats_count, last_chat_number, \
         last_position, created_at, updated_at, version, listed) VALUES {applications}; \
         INSERT INTO `{database}`.chats (application, number, messages_count, last_message_number, created_at, updated_at, \
         version, activity_position, live_activity, change_position, markers_count) VALUES {chats};"
    )
}

/// A transaction of one message whose number and position come from the rows of its chat and its application.
pub(super) fn numbered(numbers: Numbers, said: &Said) -> String {
    let Numbers {
        application,
        chat,
        partition,
        partition_position,
        ..
    } = numbers;
    let mut statements = format!(
        "BEGIN; UPDATE applications SET last_position = (@position := last_position + 1) WHERE id = {application}; \
         UPDATE chats SET last_message_number = (@number := last_message_number + 1), messages_count = messages_count + 1, \
         last_message_at = {AT}, activity_position = @position, live_activity = @position, change_position = @position \
         WHERE application = {application} AND number = {chat}; {MESSAGES}({application},{chat},@number,"
    );
    quote(&mut statements, &said.body);
    statements.push(',');
    quote(&mut statements, &said.sender);
    statements.push_str(&format!(
        ",NULL,{AT},{AT},NULL,1,@position); {CHANGES}({application},@position,{partition},{partition_position},{AT},\
         {CREATED},{chat},@number,NULL,1,NULL,NULL,NULL,NULL,NULL); COMMIT"
    ));
    statements
}

/// A text in quotes, as SQL without `NO_BACKSLASH_ESCAPES` reads it.
fn quote(statement: &mut String, text: &str) {
    statement.push('\'');
    for letter in text.chars() {
        if matches!(letter, '\'' | '\\') {
            statement.push('\\');
        }
        statement.push(letter);
    }
    statement.push('\'');
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_connections_and_no_two_steps_make_the_same_row() {
        let mut messages = HashSet::new();
        let mut positions = HashSet::new();
        for connection in 0..3 {
            let mut place = Place::of(connection);
            for _ in 0..40 {
                place.turn();
                let row = place.step();
                assert!(
                    messages.insert((row.application, row.chat, row.number)),
                    "{row:?}"
                );
                assert!(positions.insert((row.application, row.position)), "{row:?}");
            }
        }
        let applications: HashSet<u64> = positions.iter().map(|(application, _)| *application).collect();
        assert_eq!(applications.len(), 12);
        assert!(messages.contains(&(1, 1, 1)) && messages.contains(&(12, 4, 2)));
    }

    #[test]
    fn a_batch_is_one_transaction_of_two_statements_and_quotes_what_people_write() {
        let said = Said::of(r#"{"sender": "ann", "body": "it's \\ done"}"#).unwrap();
        let mut place = Place::of(0);
        let mut batch = Batch::default();
        batch.add(place.step(), &said);
        batch.add(place.step(), &said);
        let text = batch.into_statements();
        assert!(text.contains(r"(1,1,2,'it\'s \\ done','ann',NULL,"), "{text}");
        assert!(text.contains(r"),(1,2,0,2,"), "{text}");
        assert_eq!(text.matches("INSERT INTO").count(), 2);
        assert!(text.starts_with("BEGIN;") && text.ends_with(";COMMIT"));
        assert!(Said::of("{}").is_err());
    }

    #[test]
    fn every_numbered_message_has_parents() {
        let parents = parents("raw", 3..5);
        let said = Said::of(r#"{"sender": "ann", "body": "hello"}"#).unwrap();
        for connection in 3..5 {
            let mut place = Place::of(connection);
            for _ in 0..APPLICATIONS * CHATS {
                place.turn();
                let row = place.step();
                let (application, chat) = (row.application, row.chat);
                assert!(parents.contains(&format!("({application},'raw-{application}',")));
                assert!(parents.contains(&format!("({application},{chat},0,0,")));
                let text = numbered(row, &said);
                assert!(text.contains(&format!("WHERE application = {application} AND number = {chat};")));
                assert!(
                    text.contains(&format!("({application},{chat},@number,'hello','ann',")),
                    "{text}"
                );
            }
        }
    }
}
