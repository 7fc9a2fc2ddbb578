//! Looking facts up: one statement a table, for all requests of a batch, all in one round trip.
//!
//! Every place is a whole primary or unique key, so every lookup is a range of an index.

use sqlx::Row;
use sqlx::mysql::MySqlRow;
use tiro_core::{ApplicationId, BoundKey, Namespace, NumberedList};

use super::facts::{Found, Wanted};
use super::rows::{self, Corrupt};
use super::script::{Cell, Script};
use super::session::Session;
use super::trouble::Trouble;

/// Most places that one statement looks for. Above 1,000 MariaDB makes a table of them, and plans anew with it.
const PLACES_MAX: usize = 500;

/// A table that is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Tokens,
    Applications,
    Chats,
    Messages,
    Markers,
    Keys,
    Deleted,
}

/// What a transaction that writes begins with.
#[derive(Debug, Default)]
pub(crate) struct Locked {
    /// Of the partition's latest change.
    pub(crate) position: u64,
    /// The number that the next application gets; 0 where the server's row was not locked.
    pub(crate) next_application: u32,
}

/// Whether a transaction locks the row of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// It stays in its partition.
    Partition,
    /// It makes or names applications.
    Server,
}

/// Begins a transaction, locks the partition, then the server where that is wanted, and looks for the first facts.
pub(crate) async fn begin(
    session: &mut Session,
    (partition, scope): (u16, Scope),
    found: &mut Found,
    wanted: &Wanted,
) -> Result<Locked, Trouble> {
    let mut script = Script::default();
    script.statement("BEGIN");
    script
        .sql("SELECT position FROM partitions WHERE id = ")
        .cell(partition)
        .sql(" FOR UPDATE")
        .end();
    let mut before = 2;
    if scope == Scope::Server {
        script.statement("SELECT next_application FROM server WHERE one = 1 FOR UPDATE");
        before += 1;
    }
    let tables = look_for(&mut script, wanted);
    found.know(wanted);
    let mut position = None;
    let mut locked = Locked::default();
    let each = |statement: usize, row: MySqlRow| match statement.checked_sub(before) {
        None if statement == 1 => {
            position = Some(row.try_get(0)?);
            Ok(())
        }
        None => {
            locked.next_application = row.try_get(0)?;
            Ok(())
        }
        Some(index) => take(found, tables[index], &row),
    };
    session.run(script, each).await?;
    locked.position = position.ok_or_else(|| Corrupt(format!("there is no partition {partition}")))?;
    Ok(locked)
}

/// Looks for more facts in the transaction that [`begin`] began.
pub(crate) async fn more(session: &mut Session, found: &mut Found, wanted: &Wanted) -> Result<(), Trouble> {
    let mut script = Script::default();
    let tables = look_for(&mut script, wanted);
    found.know(wanted);
    session
        .run(script, |statement, row| take(found, tables[statement], &row))
        .await
}

/// Writes the statements that look for facts; answers which table each of them looks into.
fn look_for(script: &mut Script, wanted: &Wanted) -> Vec<Table> {
    let mut look = Look {
        script,
        tables: Vec::new(),
    };
    let tokens = wanted.tokens.iter();
    look.places(Table::Tokens, tokens, |script, token| {
        script.tuple(&[Cell::Bytes(token.as_str().as_bytes()), Cell::Number(0)]);
    });
    look.places(Table::Applications, wanted.applications.iter(), |script, id| {
        script.cell(id.0);
    });
    look.places(Table::Chats, wanted.chats.iter(), |script, (id, chat)| {
        script.tuple(&[id.0.into(), (*chat).into()]);
    });
    let messages = wanted.messages.iter();
    look.places(Table::Messages, messages, |script, (id, chat, number)| {
        script.tuple(&[id.0.into(), (*chat).into(), (*number).into()]);
    });
    look.places(
        Table::Markers,
        wanted.markers.iter(),
        |script, (id, chat, reader)| {
            script.tuple(&[id.0.into(), (*chat).into(), Cell::Bytes(reader.as_bytes())]);
        },
    );
    look.places(Table::Keys, wanted.keys.iter(), |script, (scope, name)| {
        let scope = scope.map_or(0, |id| id.0);
        let namespace = namespace_number(name.namespace);
        script.tuple(&[scope.into(), namespace.into(), Cell::Bytes(name.key.as_bytes())]);
    });
    look.places(Table::Deleted, wanted.deleted.iter(), |script, (id, place)| {
        let chat = chat_of(place.list);
        script.tuple(&[id.0.into(), chat.into(), place.level.into(), place.block.into()]);
    });
    look.tables
}

struct Look<'a> {
    script: &'a mut Script,
    tables: Vec<Table>,
}

impl Look<'_> {
    fn places<T>(&mut self, table: Table, places: impl Iterator<Item = T>, write: impl Fn(&mut Script, T)) {
        let (columns, from) = table.select();
        let mut in_statement = 0;
        for place in places {
            if in_statement == PLACES_MAX {
                self.script.sql(")").end();
                in_statement = 0;
            }
            if in_statement == 0 {
                self.script.sql("SELECT ").sql(columns).sql(from);
                self.tables.push(table);
            } else {
                self.script.sql(",");
            }
            write(self.script, place);
            in_statement += 1;
        }
        if in_statement > 0 {
            self.script.sql(")").end();
        }
    }
}

impl Table {
    fn select(self) -> (&'static str, &'static str) {
        match self {
            Table::Tokens => (
                rows::APPLICATION_COLUMNS,
                " FROM applications WHERE (token, restoring) IN (",
            ),
            Table::Applications => (rows::APPLICATION_COLUMNS, " FROM applications WHERE id IN ("),
            Table::Chats => (rows::CHAT_COLUMNS, " FROM chats WHERE (application, number) IN ("),
            Table::Messages => (
                rows::MESSAGE_COLUMNS,
                " FROM messages WHERE (application, chat, number) IN (",
            ),
            Table::Markers => (
                rows::MARKER_COLUMNS,
                " FROM markers WHERE (application, chat, reader) IN (",
            ),
            Table::Keys => (
                rows::CHANGE_COLUMNS,
                " FROM changes WHERE (key_scope, key_namespace, key_name) IN (",
            ),
            Table::Deleted => (
                rows::DELETED_COLUMNS,
                " FROM deleted_counts WHERE (application, chat, level, block) IN (",
            ),
        }
    }
}

fn take(found: &mut Found, table: Table, row: &MySqlRow) -> Result<(), Corrupt> {
    match table {
        Table::Tokens | Table::Applications => {
            if let Some(stored) = rows::application(row, 0)? {
                let id = stored.application.id;
                if table == Table::Tokens {
                    found.tokens.insert(stored.application.token.clone(), Some(id));
                }
                found.applications.insert(id, Some(stored));
            }
        }
        Table::Chats => {
            if let Some((id, chat)) = rows::chat(row, 0)? {
                found.chats.insert((id, chat.number), Some(chat));
            }
        }
        Table::Messages => {
            if let Some(stored) = rows::message(row, 0)? {
                let place = (stored.application, stored.chat, stored.message.number);
                found.messages.insert(place, Some(stored.message));
            }
        }
        Table::Markers => {
            if let Some((id, marker)) = rows::marker(row, 0)? {
                let place = (id, marker.chat, marker.reader.clone());
                found.markers.insert(place, Some(marker));
            }
        }
        Table::Keys => take_key(found, row)?,
        Table::Deleted => {
            let (id, place, node) = rows::deleted(row, 0)?;
            found.deleted.insert((id, place), Some(node));
        }
    }
    Ok(())
}

fn take_key(found: &mut Found, row: &MySqlRow) -> Result<(), Corrupt> {
    let stored = rows::change(row, 0)?;
    let binding = stored.change.key.as_ref();
    let name = binding.map(|binding| binding.name.clone());
    let name = name.ok_or_else(|| Corrupt("a key was found that no change has".to_owned()))?;
    let scope = key_scope(stored.application, name.namespace);
    let bound = BoundKey {
        application: stored.application,
        change: Some(stored.change),
    };
    found.keys.insert((scope, name), Some(bound));
    Ok(())
}

/// Where a key of a namespace counts.
pub(crate) fn key_scope(id: ApplicationId, namespace: Namespace) -> Option<ApplicationId> {
    (namespace != Namespace::Server).then_some(id)
}

/// The number that stands for a namespace in `changes.key_namespace`.
pub(crate) fn namespace_number(namespace: Namespace) -> u8 {
    match namespace {
        Namespace::Server => 0,
        Namespace::Application => 1,
        Namespace::Import => 2,
    }
}

/// What `deleted_counts.chat` is for a list.
pub(crate) fn chat_of(list: NumberedList) -> u64 {
    match list {
        NumberedList::Chats => 0,
        NumberedList::Messages { chat } => chat,
    }
}

/// Whether a transaction left its id; locks the partition before it looks.
pub(crate) async fn transaction(
    session: &mut Session,
    partition: u16,
    id: [u8; 16],
) -> Result<bool, Trouble> {
    let mut script = Script::default();
    script.statement("BEGIN");
    script
        .sql("SELECT position FROM partitions WHERE id = ")
        .cell(partition)
        .sql(" FOR UPDATE")
        .end();
    script
        .sql("SELECT at FROM transactions WHERE id = ")
        .cell(Cell::Bytes(&id))
        .end();
    let mut found = false;
    session
        .run(script, |statement, _| {
            found |= statement == 2;
            Ok(())
        })
        .await?;
    Ok(found)
}
