//! The groups of rows. A new one is a file here, a name in [`Group`] and a line in [`Group::measure`].

mod batches;
mod creates;
mod deletes;
mod disk;
mod idle;
mod reads;

use clap::ValueEnum;

use super::Plan;
use super::report::Row;

/// Rows that are measured together, since they share their preparation or their rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// The machine itself: what one fdatasync costs
    Disk,
    /// The memory of a server that does nothing
    Idle,
    /// Single creates, with and without a key, against /healthz and Redis
    Creates,
    /// One message and the last 50, against /healthz
    Reads,
    /// Batches of 1,000 messages
    Batches,
    /// The end of a large chat while others write
    Deletes,
}

impl Group {
    /// Measures its rows.
    pub(crate) fn measure(self, plan: &Plan) -> anyhow::Result<Vec<Row>> {
        match self {
            Group::Disk => disk::measure(plan),
            Group::Idle => idle::measure(plan),
            Group::Creates => creates::measure(plan),
            Group::Reads => reads::measure(plan),
            Group::Batches => batches::measure(plan),
            Group::Deletes => deletes::measure(plan),
        }
    }
}
