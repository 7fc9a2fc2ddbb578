//! A connection of a pool that goes back only when nothing is on its way on it any more.
//!
//! A pool waits for what is still to come before it has a connection again, for ever where the network lost it. So whoever
//! gives up, or is given up, in the middle of a statement lets its connection go: a new one costs less.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::MySql;
use sqlx::mysql::MySqlConnection;
use sqlx::pool::PoolConnection;
use tokio::time::timeout;

/// Longest wait for an answer to what reads nothing.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(1);

/// A connection that is let go unless it is given back. Letting go closes the socket and says nothing, so it waits for nobody.
#[derive(Debug)]
pub(crate) struct Loan(Option<PoolConnection<MySql>>);

impl Loan {
    pub(super) fn of(connection: PoolConnection<MySql>) -> Loan {
        Loan(Some(connection))
    }

    /// Nothing is on its way. The pool asks the connection whether it lives before it takes it back, in a task; one that does
    /// not answer is let go.
    pub(crate) fn give_back(mut self) {
        if let Some(mut connection) = self.0.take() {
            let returning = connection.return_to_pool();
            tokio::spawn(async move {
                if timeout(ANSWER_MAX, returning).await.is_err() {
                    tracing::debug!("a connection to MySQL fell silent and was let go");
                }
            });
        }
    }

    /// Takes it out of the pool, for good.
    pub(super) fn keep(mut self) -> MySqlConnection {
        self.0.take().expect("it is taken at the end").detach()
    }
}

impl Deref for Loan {
    type Target = MySqlConnection;

    fn deref(&self) -> &MySqlConnection {
        self.0.as_ref().expect("it is taken at the end")
    }
}

impl DerefMut for Loan {
    fn deref_mut(&mut self) -> &mut MySqlConnection {
        self.0.as_mut().expect("it is taken at the end")
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}
