//! `tiro serve`: opens the data folder, serves it, and ends in order.
//!
//! The ways to end: a signal (requests in flight are answered, then the engine is closed), a second signal (at
//! once), storage that failed a write (nothing more can be acknowledged; the next start recovers).

mod greeting;
mod logging;
mod setup;

use std::sync::Arc;
use std::time::Duration;

use tiro_embedded::{CloseError, EmbeddedEngine, OpenError, Options};
use tiro_http::Server;
use tokio::sync::oneshot;

use crate::cli::ServeArgs;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::progress::{Progress, Unit};
use crate::signals::Signals;
use greeting::Greeting;

/// How long answers may take that say to waiting clients that the storage failed.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    logging::start(&args.log)?;
    decline_huge_pages();
    let config = setup::config(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("no threads can be set up: {error}")))?;
    let ended = runtime.block_on(serve(args, config));
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

async fn serve(args: &ServeArgs, config: tiro_http::Config) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let (on_fatal, fatal) = oneshot::channel();
    let engine = tokio::select! {
        opened = open(args, on_fatal) => opened?,
        signal = signals.next() => {
            tracing::info!(%signal, "stopped before the data folder was open");
            return Ok(Exit::Fine);
        }
    };
    let access = setup::access(args);
    let server = match Server::bind(config, engine.clone()) {
        Ok(server) => server,
        Err(error) => {
            close(engine).await?;
            return Err(setup::bind_failure(&error));
        }
    };
    let greeting = Greeting {
        addresses: server.local_addrs().to_vec(),
        data: setup::absolute(&args.data),
        access,
    };
    greet(&greeting);
    run_until_ended(server, engine, signals, fatal).await
}

async fn open(args: &ServeArgs, on_fatal: oneshot::Sender<String>) -> Result<Arc<EmbeddedEngine>, Failure> {
    let mut progress = None;
    let options = Options {
        accept_data_loss: args.accept_data_loss,
        on_replay: Box::new(move |done, total| {
            progress
                .get_or_insert_with(|| Progress::new("replayed", Some(total), Unit::Batches))
                .reached(done);
        }),
        on_fatal: Box::new(move |failed| {
            if on_fatal.send(failed.to_string()).is_err() {
                tracing::error!(%failed, "the storage failed a write while Tiro was ending");
            }
        }),
        ..Options::default()
    };
    let folder = args.data.clone();
    let opened = tokio::task::spawn_blocking(move || EmbeddedEngine::open(&folder, options)).await;
    match opened {
        Ok(Ok(engine)) => Ok(Arc::new(engine)),
        Ok(Err(error)) => Err(open_failure(&error)),
        Err(panicked) => Err(Failure::failed(format!(
            "opening the data folder ended early: {panicked}"
        ))),
    }
}

/// The error, which says what to do, and where to say it.
pub(crate) fn open_failure(error: &OpenError) -> Failure {
    match error {
        OpenError::Folder { .. } => Failure::failed(format!("{error} (--data)")),
        _ => Failure::failed(error.to_string()),
    }
}

/// On standard output for a person, in the log for whoever reads that.
fn greet(greeting: &Greeting) {
    for address in &greeting.addresses {
        tracing::info!(%address, data = %greeting.data.display(), "listening");
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
    engine: Arc<EmbeddedEngine>,
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
            close(engine).await?;
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

fn storage_failure(failed: &str) -> Failure {
    Failure::storage(format!(
        "{failed}\nNothing more can be acknowledged. Look at the disk and the system's log, then start Tiro again: \
         it recovers everything that was acknowledged."
    ))
}

fn end_at_once_on_another(mut signals: Signals) {
    tokio::spawn(async move {
        let signal = signals.next().await;
        tracing::warn!(%signal, "ended at once; the next start recovers");
        std::process::exit(signal.exit_status());
    });
}

async fn close(engine: Arc<EmbeddedEngine>) -> Result<(), Failure> {
    let closed = tokio::task::spawn_blocking(move || engine.close()).await;
    match closed {
        Ok(Ok(())) => Ok(()),
        Ok(Err(CloseError::Log(failed))) => Err(storage_failure(&failed.to_string())),
        Ok(Err(error)) => Err(Failure::failed(format!("closing the data folder: {error}"))),
        Err(panicked) => Err(Failure::failed(format!(
            "closing the data folder ended early: {panicked}"
        ))),
    }
}

#[cfg(test)]
mod tests;
