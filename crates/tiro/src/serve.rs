//! `tiro serve`: opens a data folder or joins a cluster, serves it, and ends in order.
//!
//! The ways to end: a signal (requests in flight are answered, then the engine is closed), a second signal (at
//! once), storage that failed a write (nothing more can be acknowledged; the next start recovers).

mod greeting;
mod key_file;
mod setup;
mod storage;

use std::time::Duration;

use tiro_http::Server;
use tokio::sync::oneshot;

use crate::cli::ServeArgs;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::signals::Signals;
use greeting::Greeting;
use key_file::KeyFile;
use storage::{Place, Storage, storage_failure};

pub(crate) use storage::open_failure;

/// How long answers may take that say to waiting clients that the storage failed.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    crate::logging::start(&args.log)?;
    decline_huge_pages();
    let place = Place::of(args)?;
    let key_file = KeyFile::of(args)?;
    let config = setup::config(args, &place, key_file.as_ref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("no threads can be set up: {error}")))?;
    let ended = runtime.block_on(serve(args, &place, key_file, config));
    // What still runs then (a start that a signal cut short, an answer that nobody takes) must not hold it up.
    runtime.shutdown_background();
    ended
}

/// Where the system gives huge pages to whoever does not decline them, a small heap takes several times its size.
fn decline_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages cannot be declined: memory may be larger");
    }
}

async fn serve(
    args: &ServeArgs,
    place: &Place,
    key_file: Option<KeyFile>,
    config: tiro_http::Config,
) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let (on_fatal, fatal) = oneshot::channel();
    let storage = tokio::select! {
        opened = place.open(args, on_fatal) => opened?,
        signal = signals.next() => {
            tracing::info!(%signal, "stopped before the storage was open");
            return Ok(Exit::Fine);
        }
    };
    let access = setup::access(&config);
    let server = match Server::bind(config, storage.engine()) {
        Ok(server) => server,
        Err(error) => {
            storage.close().await?;
            return Err(setup::bind_failure(&error));
        }
    };
    let greeting = Greeting {
        addresses: server.local_addrs().to_vec(),
        data: place.to_string(),
        access,
        key_file,
    };
    greet(&greeting);
    run_until_ended(server, storage, signals, fatal).await
}

/// On standard output for a person, in the log for whoever reads that.
fn greet(greeting: &Greeting) {
    for address in &greeting.addresses {
        tracing::info!(%address, data = %greeting.data, "listening");
    }
    if greeting.access == greeting::Access::Open {
        tracing::warn!("--open: everyone who reaches the server may read, write and delete everything");
    }
    if let Err(error) = output::line(&greeting.to_string()) {
        tracing::warn!(%error, "nobody reads standard output");
    }
}

async fn run_until_ended(
    server: Server,
    storage: Storage,
    mut signals: Signals,
    fatal: oneshot::Receiver<String>,
) -> Result<Exit, Failure> {
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async move {
        // A dropped sender means the same.
        let (Ok(()) | Err(_)) = stopped.await;
    }));
    tokio::select! {
        signal = signals.next() => {
            tracing::info!(%signal, "stopping: requests in flight are answered, a second signal ends at once");
            drop(stop);
            end_at_once_on_another(signals);
            let stopped = running.await;
            storage.close().await?;
            let stopped =
                stopped.map_err(|panicked| Failure::failed(format!("the server ended early: {panicked}")))?;
            tracing::info!(connections_cut = stopped.connections_cut, "stopped");
            Ok(Exit::Fine)
        }
        Ok(failed) = fatal => {
            tracing::error!(error = %failed, "the storage failed a write");
            drop(stop);
            if tokio::time::timeout(LAST_ANSWERS, running).await.is_err() {
                tracing::warn!("some requests were not answered any more");
            }
            Err(storage_failure(&failed))
        }
    }
}

/// A second signal ends the process at once.
pub(crate) fn end_at_once_on_another(mut signals: Signals) {
    tokio::spawn(async move {
        let signal = signals.next().await;
        tracing::warn!(%signal, "ended at once; the next start recovers");
        std::process::exit(signal.exit_status());
    });
}

#[cfg(test)]
mod tests;
