//! The operator key in a file: read, or made at the first start.
//!
//! A server that nobody has prepared (a container) gets a key this way instead of being open to everyone. The file is
//! there whole and synced, or not at all: a key that somebody has been shown must hold after a power cut too.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::cli::ServeArgs;
use crate::exit::Failure;

/// Random bytes of a key that is made; it is written in twice as many hexadecimal digits.
const KEY_BYTES: usize = 16;

/// A key and the file that holds it.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) key: String,
    pub(super) origin: Origin,
}

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was in the file.
    Found,
    /// This start has made it.
    Made,
}

impl KeyFile {
    /// The key of `--operator-key-file`. A key that is given otherwise beats it: then the file is neither read nor made.
    pub(super) fn of(args: &ServeArgs) -> Result<Option<KeyFile>, Failure> {
        let Some(path) = &args.operator_key_file else {
            return Ok(None);
        };
        if args.open {
            return Err(Failure::usage(
                "--open serves everyone without a key, and --operator-key-file asks for one: leave out one of them",
            ));
        }
        if args.operator_key.is_some() {
            return Ok(None);
        }
        let path = super::setup::absolute(path);
        let failed = |what: &str, error: &io::Error| {
            Failure::failed(format!("--operator-key-file {}: {what}: {error}", path.display()))
        };
        let (key, origin) = match fs::read_to_string(&path) {
            Ok(text) => (text.trim_end().to_owned(), Origin::Found),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = make(&path).map_err(|error| failed("cannot be made", &error))?;
                (key, Origin::Made)
            }
            Err(error) => return Err(failed("cannot be read", &error)),
        };
        Ok(Some(KeyFile { path, key, origin }))
    }
}

/// Writes a new key, for the user of this process alone.
fn make(path: &Path) -> io::Result<String> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::from)?;
    let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)?;
    writeln!(file, "{key}")?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(key)
}
