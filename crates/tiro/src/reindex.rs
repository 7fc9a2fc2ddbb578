//! `tiro reindex`: makes the search index of a cluster anew while the old one serves.

use tiro_cluster::Member;

use crate::cli::ReindexArgs;
use crate::exit::{Exit, Failure};
use crate::progress::{Progress, Unit};
use crate::{cluster, output};

pub(crate) fn run(args: &ReindexArgs) -> Result<Exit, Failure> {
    let config = cluster::config(&args.cluster.cluster)?;
    cluster::block_on(async {
        let member = Member::join(&config).await;
        let member = member.map_err(|error| cluster::failure(&error, &args.cluster))?;
        let mut progress = None;
        let rebuilt = member
            .indexer()
            .rebuild(|reached| {
                progress
                    .get_or_insert_with(|| Progress::new("indexed", Some(reached.positions), Unit::Changes))
                    .reached(reached.indexed);
            })
            .await;
        if let Some(progress) = progress {
            progress.finish();
        }
        rebuilt.map_err(|error| cluster::failure(&error, &args.cluster))?;
        output::line("The new search index serves.")?;
        Ok(Exit::Fine)
    })
}
