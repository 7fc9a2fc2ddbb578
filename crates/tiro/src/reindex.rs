//! `tiro reindex`: makes the search index of a cluster anew while the old one serves.

use tiro_cluster::Member;

use crate::cli::ReindexArgs;
use crate::exit::{Exit, Failure};
use crate::progress::{Stages, Unit};
use crate::{cluster, output};

pub(crate) fn run(args: &ReindexArgs) -> Result<Exit, Failure> {
    let config = cluster::config(&args.cluster.cluster)?;
    cluster::block_on(async {
        let member = Member::join(&config).await;
        let member = member.map_err(|error| cluster::failure(&error, &args.cluster.cluster))?;
        let mut stages = Stages::default();
        let rebuilt = member
            .indexer()
            .rebuild(&mut |reached| {
                stages.reached("indexed", Unit::Changes, Some(reached.positions), reached.indexed);
            })
            .await;
        stages.finish();
        rebuilt.map_err(|error| cluster::failure(&error, &args.cluster.cluster))?;
        output::line("The new search index serves.")?;
        Ok(Exit::Fine)
    })
}
