//! The groups of rows. A new one is a file here, a name in [`Group`] and a line in [`Group::measure`].

mod chats;
mod cluster;
mod compaction;
mod creates;
mod deletes;
mod disk;
mod feed;
mod idle;
mod noop;
mod profile;
mod reads;
mod scale;
mod search;
mod streams;
mod sustained;

use clap::ValueEnum;

use super::Plan;
use super::report::Row;

/// Rows that are measured together, since they share their preparation or their rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// The machine itself: what one fdatasync costs
    Disk,
    /// The machine itself: a POST that does nothing
    Noop,
    /// The memory of a server that does nothing
    Idle,
    /// Single creates, with and without a key, against /healthz and Redis
    Creates,
    /// One message and the last 50, against /healthz
    Reads,
    /// Batches of 1,000 messages for a minute
    Sustained,
    /// One chat against 100,000
    Chats,
    /// The end of a large chat while others write
    Deletes,
    /// Single creates while the view flushes and merges
    Compaction,
    /// Ten million messages against one million
    Scale,
    /// Search over two million messages: latency, index, and every write searched for at once
    Search,
    /// The feed of two million changes, read from its beginning
    Feed,
    /// Ten thousand live streams that wait, and how soon a hundred are told
    Streams,
    /// What search costs at 200,000, two million and ten million messages
    SearchGrowth,
    /// Processor time of a create, by thread
    Profile,
    /// Cluster: batches and single creates, against raw inserts
    ClusterWrites,
    /// Cluster: how fast the index takes in a backlog, and how far it is behind beside writes
    ClusterIndexing,
    /// Cluster: reads with Redis and without, and what a cache of them could save
    ClusterReads,
}

impl Group {
    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("no group is hidden");
        value.get_name().to_owned()
    }

    /// Whether it needs the systems of a cluster.
    pub(crate) fn is_of_cluster(self) -> bool {
        matches!(
            self,
            Group::ClusterWrites | Group::ClusterIndexing | Group::ClusterReads
        )
    }

    /// Measures its rows.
    pub(crate) fn measure(self, plan: &Plan) -> anyhow::Result<Vec<Row>> {
        match self {
            Group::Disk => disk::measure(plan),
            Group::Noop => noop::measure(plan),
            Group::Idle => idle::measure(plan),
            Group::Creates => creates::measure(plan),
            Group::Reads => reads::measure(plan),
            Group::Sustained => sustained::measure(plan),
            Group::Chats => chats::measure(plan),
            Group::Deletes => deletes::measure(plan),
            Group::Compaction => compaction::measure(plan),
            Group::Scale => scale::measure(plan),
            Group::Search => search::measure(plan),
            Group::Feed => feed::measure(plan),
            Group::Streams => streams::measure(plan),
            Group::SearchGrowth => search::growth::measure(plan),
            Group::Profile => profile::measure(plan),
            Group::ClusterWrites => cluster::writes(plan),
            Group::ClusterIndexing => cluster::indexing(plan),
            Group::ClusterReads => cluster::reads(plan),
        }
    }
}
