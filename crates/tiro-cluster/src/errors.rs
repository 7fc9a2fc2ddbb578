//! What can go wrong with the engine as a whole: opening it, and serving now.

use std::fmt;
use std::time::Duration;

use tiro_core::{Failure, Shortage, Unavailable};

use crate::mysql::Unsafe;
use crate::mysql::trouble;

/// When a client should ask again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a cluster did not open.
#[derive(Debug)]
pub enum OpenError {
    /// `mysql` names no database, or is no URL.
    Address,
    /// MySQL did not answer in time.
    Silent {
        /// How long it was waited for.
        seconds: u64,
    },
    /// MySQL refused, or broke off.
    MySql(sqlx::Error),
    /// Settings with which acknowledged writes could be lost.
    Unsafe(Vec<Unsafe>),
    /// The tables are of a newer Tiro.
    NewerSchema {
        /// Their version.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// Another node was making the tables all the time.
    Busy {
        /// How long it was waited for.
        seconds: u32,
    },
    /// The tables do not hold what they must.
    Schema(String),
    /// No client of Redis can be made.
    Redis(String),
    /// No client of OpenSearch can be made.
    Opensearch(String),
    /// Nodes run, and what was asked for needs them stopped.
    InUse {
        /// How many.
        nodes: u64,
    },
    /// An epoch was not renewed.
    Renewal(String),
    /// A bug is to be planted that there is not; only in builds that can.
    Planted(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Address => f.write_str(
                "`mysql` must be a URL that names a database, such as mysql://user:password@host:3306/tiro",
            ),
            OpenError::Silent { seconds } => write!(f, "MySQL did not answer within {seconds} s"),
            OpenError::MySql(error) => write!(f, "MySQL: {}", trouble::text(error)),
            OpenError::Unsafe(found) => {
                f.write_str("MySQL is set so that acknowledged writes could be lost:")?;
                for found in found {
                    write!(f, "\n  {found}")?;
                }
                f.write_str("\nor set `mysql_allow_unsafe = true` where that may be")
            }
            OpenError::NewerSchema { found, known } => write!(
                f,
                "the tables are of version {found}; this program knows versions up to {known}: start a newer Tiro"
            ),
            OpenError::Busy { seconds } => {
                write!(f, "another node was making the tables for {seconds} s; try again")
            }
            OpenError::Schema(text) | OpenError::Planted(text) => f.write_str(text),
            OpenError::Redis(text) => write!(f, "`redis`: {text}"),
            OpenError::Opensearch(text) => write!(f, "`opensearch`: {text}"),
            OpenError::InUse { nodes } => write!(
                f,
                "the cluster is in use by {nodes} nodes: stop every `tiro serve` and `tiro worker` first; one that was killed \
                 is forgotten after 15 s"
            ),
            OpenError::Renewal(text) => write!(f, "an epoch was not renewed, run it again: {text}"),
        }
    }
}

impl OpenError {
    /// Whether waiting may mend it: MySQL cannot be reached, is starting, or lets nobody in for now.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            OpenError::Silent { .. } | OpenError::Busy { .. } => true,
            OpenError::MySql(error) => match error {
                sqlx::Error::Io(error) => !is_untrusted(error),
                sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
                error => trouble::number(error).is_some_and(trouble::is_passing),
            },
            OpenError::Address
            | OpenError::Unsafe(_)
            | OpenError::NewerSchema { .. }
            | OpenError::Schema(_)
            | OpenError::Redis(_)
            | OpenError::Opensearch(_)
            | OpenError::InUse { .. }
            | OpenError::Renewal(_)
            | OpenError::Planted(_) => false,
        }
    }
}

/// Whether a handshake ended for the server's certificate, which stays as it is until somebody changes it.
fn is_untrusted(error: &std::io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(tokio_rustls::rustls::Error::InvalidCertificate(_)))
}

impl std::error::Error for OpenError {}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> OpenError {
        OpenError::MySql(error)
    }
}

/// The failure of a request that cannot be served now.
pub(crate) fn unavailable(shortage: Shortage) -> Failure {
    Failure::Unavailable(Unavailable {
        shortage,
        retry_after: RETRY_AFTER,
    })
}
