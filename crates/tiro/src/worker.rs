//! `tiro worker`: does what follows writes, until it is told to stop.

use tiro_cluster::worker::WorkerOptions;
use tiro_cluster::{Member, when_mysql_is_there};
use tokio::sync::watch;

use crate::cli::WorkerArgs;
use crate::exit::{Exit, Failure};
use crate::signals::Signals;
use crate::{cluster, logging, output, serve};

pub(crate) fn run(args: &WorkerArgs) -> Result<Exit, Failure> {
    logging::start(&args.log)?;
    let config = cluster::config(&args.cluster.cluster)?;
    let options = WorkerOptions {
        prefetch: args.prefetch,
        partitions_at_once: usize::from(args.partitions_at_once),
        tries_max: args.tries_max,
        ..WorkerOptions::default()
    };
    cluster::block_on(async {
        let mut signals = Signals::listen()?;
        let member = tokio::select! {
            joined = when_mysql_is_there(async || Member::join(&config).await) => joined.map_err(|error| cluster::failure(&error, &args.cluster.cluster))?,
            _ = signals.next() => return Ok(Exit::Fine),
        };
        let (stop, stopped) = watch::channel(false);
        let working = tokio::spawn(async move { member.work(options, stopped).await });
        output::line(&format!(
            "A worker of the cluster `{}` is ready. Stop: Ctrl-C",
            config.name
        ))?;
        let mut working = working;
        let ended = tokio::select! {
            signal = signals.next() => {
                tracing::info!(%signal, "stopping: work in hand is finished, a second signal ends at once");
                serve::end_at_once_on_another(signals);
                stop.send_replace(true);
                working.await
            }
            ended = &mut working => ended,
        };
        match ended {
            Ok(Ok(())) => Ok(Exit::Fine),
            Ok(Err(error)) => Err(cluster::failure(&error, &args.cluster.cluster)),
            Err(panicked) => Err(Failure::failed(format!("the worker ended early: {panicked}"))),
        }
    })
}
