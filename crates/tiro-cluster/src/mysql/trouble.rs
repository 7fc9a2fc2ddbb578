//! What an error of MySQL means for a transaction.

use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;
use tiro_core::Shortage;
use tiro_outbound::causes;

use super::rows::Corrupt;

/// Why a transaction was not carried out, or is not known to have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It was rolled back, and the same may go well now: a deadlock, a lock that others held, a key that somebody bound first.
    Again(String),
    /// The connection broke: what was sent last may have been carried out or not.
    Lost(String),
    /// MySQL has no space.
    Full(String),
    /// MySQL takes no writes of this node now: it is read-only, or rights or tables are missing.
    Closed(String),
    /// MySQL, or what it stores, refuses this very transaction.
    Refused(String),
}

impl Trouble {
    pub(crate) fn text(&self) -> &str {
        match self {
            Trouble::Again(text)
            | Trouble::Lost(text)
            | Trouble::Full(text)
            | Trouble::Closed(text)
            | Trouble::Refused(text) => text,
        }
    }

    /// What operators are told of writes that met it.
    pub(crate) fn shortage(&self) -> Shortage {
        match self {
            Trouble::Full(_) => Shortage::StorageFull,
            Trouble::Again(_) | Trouble::Lost(_) | Trouble::Closed(_) | Trouble::Refused(_) => {
                Shortage::StorageUnavailable
            }
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        let text = text(&error);
        match number(&error) {
            Some(number) => of_number(number, text),
            None => match error {
                Error::ColumnDecode { .. } | Error::Decode(_) | Error::ColumnIndexOutOfBounds { .. } => {
                    Trouble::Refused(text)
                }
                _ => Trouble::Lost(text),
            },
        }
    }
}

impl From<Corrupt> for Trouble {
    fn from(Corrupt(text): Corrupt) -> Trouble {
        Trouble::Refused(text)
    }
}

/// The number of an error that MySQL answered.
pub(crate) fn number(error: &Error) -> Option<u16> {
    let database = error.as_database_error()?;
    database
        .try_downcast_ref::<MySqlDatabaseError>()
        .map(MySqlDatabaseError::number)
}

/// What an error says, and what to do about it where that is not in it.
pub(crate) fn text(error: &Error) -> String {
    match number(error) {
        Some(MULTIPLEXED) => format!(
            "{}: a proxy before MySQL shares sessions among its clients (multiplexing, connection sharing), which Tiro \
             cannot use: switch that off there, or name MySQL itself in `mysql`",
            causes(error)
        ),
        _ => causes(error),
    }
}

/// MySQL Router, where sessions are shared.
const MULTIPLEXED: u16 = 4501;

/// The numbers are those of both MySQL (8.0 to 9.7) and MariaDB (10.11 to 11.8); each means one thing where both have it.
fn of_number(number: u16, text: String) -> Trouble {
    match number {
        // A lock wait timed out, a deadlock, a lock that is not waited for, a row or table that changed since it was read.
        1205 | 1213 | 3572 | 1020 | 1412 | 1615 => Trouble::Again(text),
        // The text would show the key, which may be a token.
        1062 => Trouble::Again("what was to be inserted is there already".to_owned()),
        // Nobody was let in: too many connections, of all or of this account; a quota of the account, which may be one of an hour.
        1040 | 1203 | 1226 => Trouble::Again(text),
        // No memory, no thread, no free transaction: for now.
        1037 | 1041 | 1135 | 1637 => Trouble::Again(text),
        // An operator's limit on the time of a statement: MySQL's, MariaDB's.
        3024 | 1969 => Trouble::Again(text),
        // Group Replication rolled it back: another member was first, or too few answer.
        3100 | 3101 => Trouble::Again(text),
        // Disk full, table full, undo or temporary space full.
        1021 | 1114 | 3675 => Trouble::Full(text),
        // Read-only by option, by mode, by transaction; no right to the database or a table; no such database, table, column.
        1290 | 1836 | 1792 | 1044 | 1045 | 1142 | 1143 | 1049 | 1146 | 1054 => Trouble::Closed(text),
        // This machine is not let in, after too many errors or at all; statements are not sent together.
        1129 | 1130 | MULTIPLEXED => Trouble::Closed(text),
        // Shutdown, interrupted, connection or query killed, broken packets and writes, idle too long, offline; a COMMIT that failed.
        1053 | 1317 | 1927 | 3169 | 1152 | 1154..=1161 | 1026 | 4031 | 3032 | 1180 => Trouble::Lost(text),
        _ => Trouble::Refused(text),
    }
}

/// Whether it goes away by itself.
pub(crate) fn is_passing(number: u16) -> bool {
    matches!(
        of_number(number, String::new()),
        Trouble::Again(_) | Trouble::Lost(_) | Trouble::Full(_)
    )
}

/// Whether nothing was carried out, and the same may go well later.
pub(crate) fn is_again(number: u16) -> bool {
    matches!(of_number(number, String::new()), Trouble::Again(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_say_what_can_be_done() {
        let text = || "text".to_owned();
        for (number, expected) in [
            (1213, Trouble::Again(text())),
            (1153, Trouble::Refused(text())),
            (1146, Trouble::Closed(text())),
            (1114, Trouble::Full(text())),
            (1290, Trouble::Closed(text())),
            (1040, Trouble::Again(text())),
            (1226, Trouble::Again(text())),
            (3101, Trouble::Again(text())),
            (4501, Trouble::Closed(text())),
            (3032, Trouble::Lost(text())),
            (1927, Trouble::Lost(text())),
            (1406, Trouble::Refused(text())),
        ] {
            assert_eq!(of_number(number, text()), expected, "{number}");
        }
    }

    #[test]
    fn a_broken_connection_leaves_it_open_what_was_carried_out() {
        let broken = Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(matches!(Trouble::from(broken), Trouble::Lost(_)));
        assert!(matches!(Trouble::from(Error::WorkerCrashed), Trouble::Lost(_)));
    }
}
