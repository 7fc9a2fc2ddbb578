//! A snapshot of now, for more than one read: on a connection of its own, until it is dropped.
//!
//! Each use is bounded in time and ends as soon as MySQL is known to be out of reach.

use std::sync::Arc;

use sqlx::Executor;
use tiro_core::Failure;
use tokio::time::timeout;

use super::pools::{READ_MAX, failure, storage_away};
use super::session::{BEGIN_SNAPSHOT, Read, ReadError, Session};
use crate::circuit::Circuit;
use crate::mysql::loan::{ANSWER_MAX, Loan};

/// A connection in a transaction that sees one state.
pub(crate) struct Snapshot {
    /// Until it is dropped.
    loan: Option<Loan>,
    circuit: Arc<Circuit>,
    left: Left,
}

/// What is still on its way to this end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    /// Rows that nobody wants; whoever reads next skips them.
    Rows,
    /// Nobody knows: a use of it failed, or is not over.
    Unknown,
}

impl Snapshot {
    /// Begins one; `None` if the connection does not answer, which is let go then.
    pub(super) async fn begin(mut loan: Loan, circuit: &Arc<Circuit>) -> Option<Snapshot> {
        let begun = timeout(ANSWER_MAX, loan.execute(BEGIN_SNAPSHOT)).await;
        matches!(begun, Ok(Ok(_))).then(|| Snapshot {
            loan: Some(loan),
            circuit: Arc::clone(circuit),
            left: Left::Nothing,
        })
    }

    /// Reads something of its state.
    pub(crate) async fn read<R: Read>(&mut self, wanted: &R) -> Result<R::Answer, Failure> {
        self.carry_out(async |session| wanted.read(session).await).await
    }

    /// Carries out what reads of its state, in ten seconds at most.
    pub(crate) async fn carry_out<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Session<'_>) -> Result<T, ReadError>,
    ) -> Result<T, Failure> {
        let loan = self.loan.as_mut().filter(|_| self.left != Left::Unknown);
        let mut session = Session::in_snapshot(loan.ok_or_else(storage_away)?);
        self.left = Left::Unknown;
        let bounded = timeout(READ_MAX, work(&mut session));
        let answer = self.circuit.unless_unreached(bounded).await?;
        let answer = answer.unwrap_or(Err(ReadError::Late));
        if !matches!(answer, Err(ReadError::MySql(_) | ReadError::Late)) {
            self.left = if session.is_cut() {
                Left::Rows
            } else {
                Left::Nothing
            };
        }
        answer.map_err(failure)
    }
}

/// Ends the transaction, off the way of whoever drops it, before the pool has the connection again.
impl Drop for Snapshot {
    fn drop(&mut self) {
        let Some(mut loan) = self.loan.take().filter(|_| self.left == Left::Nothing) else {
            return;
        };
        tokio::spawn(async move {
            let ended = timeout(ANSWER_MAX, loan.execute("ROLLBACK")).await;
            if matches!(ended, Ok(Ok(_))) {
                loan.give_back();
            }
        });
    }
}
