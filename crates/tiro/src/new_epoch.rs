//! `tiro new-epoch`: tells clients, through their cursors, that history was rewound.

use std::path::Path;

use tiro_embedded::Options;

use crate::cli::NewEpochArgs;
use crate::exit::{Exit, Failure};
use crate::{cluster, output, serve};

pub(crate) fn run(args: &NewEpochArgs) -> Result<Exit, Failure> {
    let renewed = match &args.cluster {
        Some(file) => of_cluster(file)?,
        None => of_folder(&args.data)?,
    };
    output::line(&format!(
        "{renewed} applications have a new epoch; older cursors answer 409 history_changed"
    ))?;
    Ok(Exit::Fine)
}

fn of_folder(folder: &Path) -> Result<u64, Failure> {
    if !folder.is_dir() {
        return Err(Failure::failed(format!(
            "there is no data folder {} (--data)",
            folder.display()
        )));
    }
    tiro_embedded::new_epoch(folder, Options::default()).map_err(|error| serve::open_failure(&error))
}

fn of_cluster(file: &Path) -> Result<u64, Failure> {
    let config = cluster::config(file)?;
    cluster::block_on(async {
        let renewed = tiro_cluster::new_epoch(&config).await;
        renewed.map_err(|error| cluster::failure(&error, file))
    })
}
