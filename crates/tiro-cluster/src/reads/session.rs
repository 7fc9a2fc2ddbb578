//! How a read runs: on a connection, in one state.
//!
//! A read is a value, so that it can be carried out again on another connection. One statement is one state, whatever it
//! joins, so a read begins without a transaction; where it turns out to need a second statement it says so with
//! [`ReadError::NeedsSnapshot`] and is begun again in a consistent snapshot.

use std::future::Future;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlArguments, MySqlConnection, MySqlRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, MySql};
use tiro_core::Rejection;

use super::head::Heads;
use crate::mysql::rows::Corrupt;
use crate::routes::Routes;

/// Begins a transaction that reads one state until it ends.
pub(crate) const BEGIN_SNAPSHOT: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// Why a read has no answer.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The state of things refuses it.
    Refused(Rejection),
    /// More than one statement is needed, and the connection is in no snapshot.
    NeedsSnapshot,
    /// A row is not what it can be.
    Corrupt(Corrupt),
    /// MySQL did not answer in time.
    Late,
    /// MySQL answers with an error, or not at all.
    MySql(sqlx::Error),
}

impl From<Rejection> for ReadError {
    fn from(rejection: Rejection) -> ReadError {
        ReadError::Refused(rejection)
    }
}

impl From<Corrupt> for ReadError {
    fn from(corrupt: Corrupt) -> ReadError {
        ReadError::Corrupt(corrupt)
    }
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> ReadError {
        ReadError::MySql(error)
    }
}

/// Rows disagree with each other.
pub(super) fn corrupt(what: &str) -> ReadError {
    ReadError::Corrupt(Corrupt(what.to_owned()))
}

/// Something to be read.
pub(crate) trait Read: Sync {
    /// What is found.
    type Answer: Send;

    /// Reads it. Carried out again, it answers of the state that is the newest then.
    fn read(&self, session: &mut Session<'_>)
    -> impl Future<Output = Result<Self::Answer, ReadError>> + Send;
}

/// A connection at the service of one read.
pub(crate) struct Session<'c> {
    connection: &'c mut MySqlConnection,
    /// Where what is learnt of applications is remembered.
    routes: Option<&'c Routes>,
    in_snapshot: bool,
    statements: u32,
    /// Rows are still to come that nobody wants.
    is_cut: bool,
}

/// A statement with its values.
pub(crate) type Statement = Query<'static, MySql, MySqlArguments>;

impl<'c> Session<'c> {
    /// Each statement sees a state of its own.
    pub(super) fn single(connection: &'c mut MySqlConnection) -> Session<'c> {
        Session {
            connection,
            routes: None,
            in_snapshot: false,
            statements: 0,
            is_cut: false,
        }
    }

    /// All statements see the state of the transaction that was begun with [`BEGIN_SNAPSHOT`].
    pub(crate) fn in_snapshot(connection: &'c mut MySqlConnection) -> Session<'c> {
        Session {
            in_snapshot: true,
            ..Session::single(connection)
        }
    }

    /// Remembers which applications it meets.
    pub(super) fn learning(self, routes: &'c Routes) -> Session<'c> {
        Session {
            routes: Some(routes),
            ..self
        }
    }

    /// Reads the heads of rows.
    pub(crate) fn heads(&self) -> Heads<'c> {
        Heads(self.routes)
    }

    /// Whether rows were left unread, which whoever uses the connection next would have to wait for.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What was read so far is no part of the answer, so the next statement may be another state.
    pub(super) fn begin_again(&mut self) {
        self.statements = 0;
    }

    /// Refuses an answer to which what was read before [`Session::begin_again`] belongs after all, unless that is one state.
    pub(super) fn in_one_state(&self) -> Result<(), ReadError> {
        if self.in_snapshot {
            Ok(())
        } else {
            Err(ReadError::NeedsSnapshot)
        }
    }

    fn count(&mut self) -> Result<(), ReadError> {
        if self.statements > 0 && !self.in_snapshot {
            return Err(ReadError::NeedsSnapshot);
        }
        self.statements += 1;
        Ok(())
    }

    /// Hands rows to `visit` as they come, until it wants no more.
    pub(crate) async fn each(
        &mut self,
        statement: Statement,
        mut visit: impl FnMut(&MySqlRow) -> Result<Wanted, ReadError> + Send,
    ) -> Result<(), ReadError> {
        self.count()?;
        let mut rows = statement.fetch(&mut *self.connection);
        while let Some(row) = rows.try_next().await? {
            if visit(&row)? == Wanted::NoMore {
                drop(rows);
                self.is_cut = true;
                break;
            }
        }
        Ok(())
    }

    /// The same for a text whose values are numbers in it: it is not prepared, so it costs one round trip.
    pub(crate) async fn each_of_text(
        &mut self,
        text: String,
        mut visit: impl FnMut(&MySqlRow) -> Result<Wanted, ReadError> + Send,
    ) -> Result<(), ReadError> {
        self.count()?;
        let mut rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch(&mut *self.connection);
        while let Some(row) = rows.try_next().await? {
            if visit(&row)? == Wanted::NoMore {
                drop(rows);
                self.is_cut = true;
                break;
            }
        }
        Ok(())
    }

    /// The only row, if there is one.
    pub(crate) async fn one(&mut self, statement: Statement) -> Result<Option<MySqlRow>, ReadError> {
        self.count()?;
        Ok(statement.fetch_optional(&mut *self.connection).await?)
    }
}

/// Whether further rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    More,
    NoMore,
}

/// Numbers as a list of SQL; one that no number equals where there are none.
pub(crate) fn number_list(numbers: impl IntoIterator<Item = u64>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    if numbers.is_empty() {
        "NULL".to_owned()
    } else {
        numbers.join(", ")
    }
}
