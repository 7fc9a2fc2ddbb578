//! Which chat data a run uses: real chat where it is at hand, else what the generator makes.

use std::path::PathBuf;

use anyhow::bail;

use crate::root::root;

/// Names the folder of the real chat.
pub(crate) const CORPUS_VARIABLE: &str = "TIRO_CORPUS";
pub(crate) const CORPUS_FILE: &str = "ubuntu-irc.ndjson.gz";

/// The folder of real chat: the one that `TIRO_CORPUS` names, else `../shared/corpus`, if it is there.
///
/// # Errors
/// The variable names a folder without the file.
pub(crate) fn corpus() -> anyhow::Result<Option<PathBuf>> {
    if let Some(named) = std::env::var_os(CORPUS_VARIABLE) {
        let folder = std::path::absolute(named)?;
        if !folder.join(CORPUS_FILE).is_file() {
            bail!(
                "{CORPUS_VARIABLE} names a folder without {CORPUS_FILE}: {}",
                folder.display()
            );
        }
        return Ok(Some(folder));
    }
    let beside = root().join("../shared/corpus");
    Ok(beside.join(CORPUS_FILE).is_file().then_some(beside))
}
