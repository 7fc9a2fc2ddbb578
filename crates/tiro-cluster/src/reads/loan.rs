//! A connection of a pool that goes back only when nothing is on its way on it any more.
//!
//! A pool waits for what is still to come before it has a connection again, for ever where the network lost it. So whoever
//! gives up, or is given up, in the middle of a read lets its connection go: a new one costs less.

use sqlx::MySql;
use sqlx::pool::PoolConnection;
use tokio::time::timeout;

use super::pools::ANSWER_MAX;

/// A connection that is let go unless it is given back.
pub(super) struct Loan(Option<PoolConnection<MySql>>);

impl Loan {
    pub(super) fn of(connection: PoolConnection<MySql>) -> Loan {
        Loan(Some(connection))
    }

    /// The connection, which stays on loan.
    pub(super) fn connection(&mut self) -> &mut PoolConnection<MySql> {
        self.0.as_mut().expect("it is taken at the end")
    }

    /// Nothing is on its way. The pool asks the connection whether it lives before it takes it back, in a task; one that does
    /// not answer is let go.
    pub(super) fn give_back(mut self) {
        if let Some(mut connection) = self.0.take() {
            let returning = connection.return_to_pool();
            tokio::spawn(async move {
                if timeout(ANSWER_MAX, returning).await.is_err() {
                    tracing::debug!("a connection to MySQL fell silent and was let go");
                }
            });
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}
