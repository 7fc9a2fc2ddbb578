//! `tiro export`: writes one application, or all, from a server to a file or to standard output.
//!
//! A file appears under its name only when it is complete: what a failed or interrupted export leaves is the file
//! that was there before.

mod target;

use crate::cli::ExportArgs;
use crate::connection;
use crate::exit::{Exit, Failure};
use crate::progress::{Progress, Unit, note};
use crate::signals::Signals;
use target::Target;

pub(crate) fn run(args: &ExportArgs) -> Result<Exit, Failure> {
    let target = Target::open(&args.file)?;
    let bytes = connection::block_on(async {
        if !target.is_removed_when_dropped() {
            return receive(args, target).await;
        }
        let mut signals = Signals::listen()?;
        tokio::select! {
            received = receive(args, target) => received,
            signal = signals.next() => Err(Failure::failed(format!(
                "stopped by {signal}: the export is not complete, and `{}` is as it was before", args.file
            ))),
        }
    })?;
    note(&format!("{bytes} bytes written to {}", target::shown(&args.file)));
    Ok(Exit::Fine)
}

async fn receive(args: &ExportArgs, mut target: Target) -> Result<u64, Failure> {
    let client = connection::client(&args.server)?;
    let mut export = client
        .export(args.application.as_deref())
        .await
        .map_err(connection::failure)?;
    let progress = Progress::new("received", None, Unit::Bytes);
    let mut bytes = 0;
    loop {
        match export.next().await {
            Ok(Some(chunk)) => {
                target.write(&chunk)?;
                bytes += chunk.len() as u64;
                progress.reached(bytes);
            }
            Ok(None) => break,
            Err(error) => {
                progress.finish();
                return Err(connection::failure(error));
            }
        }
    }
    progress.finish();
    target.complete()?;
    Ok(bytes)
}
