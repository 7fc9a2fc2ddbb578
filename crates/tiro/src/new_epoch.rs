//! `tiro new-epoch`: tells clients, through their cursors, that history was rewound.

use tiro_embedded::Options;

use crate::cli::NewEpochArgs;
use crate::exit::{Exit, Failure};
use crate::{output, serve};

pub(crate) fn run(args: &NewEpochArgs) -> Result<Exit, Failure> {
    if !args.data.is_dir() {
        return Err(Failure::failed(format!(
            "there is no data folder {} (--data)",
            args.data.display()
        )));
    }
    let renewed = tiro_embedded::new_epoch(&args.data, Options::default())
        .map_err(|error| serve::open_failure(&error))?;
    output::line(&format!(
        "{renewed} applications have a new epoch; older cursors answer 409 history_changed"
    ))?;
    Ok(Exit::Fine)
}
