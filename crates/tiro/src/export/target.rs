//! Where an export is written: standard output, or a file that appears under its name only when it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::exit::Failure;
use crate::output;

/// The file that stands for standard output.
const STANDARD_OUTPUT: &str = "-";

/// An open target.
pub(super) enum Target {
    /// The reader notices by the exit status whether it got everything.
    StandardOutput(io::Stdout),
    /// A pipe or device, which cannot be replaced.
    Stream { file: File, path: PathBuf },
    /// A new file beside `path`, readable by its owner alone; takes that name at the end. Removed if dropped.
    File { new: NamedTempFile, path: PathBuf },
}

impl Target {
    /// Opens the file, or standard output for `-`.
    pub(super) fn open(file: &str) -> Result<Target, Failure> {
        if file == STANDARD_OUTPUT {
            return Ok(Target::StandardOutput(io::stdout()));
        }
        Target::at(Path::new(file)).map_err(|error| cannot_write(Path::new(file), &error))
    }

    fn at(path: &Path) -> io::Result<Target> {
        // A link stays a link: the file it leads to is replaced.
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(error),
        };
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Err(io::Error::other("it is a folder")),
            Ok(metadata) if !metadata.is_file() => {
                let file = OpenOptions::new().write(true).open(&path)?;
                Ok(Target::Stream { file, path })
            }
            _ => {
                let new = tempfile::Builder::new()
                    .prefix(".tiro-export-")
                    .suffix(".incomplete")
                    .tempfile_in(folder(&path))?;
                Ok(Target::File { new, path })
            }
        }
    }

    /// Whether ending early leaves nothing behind only if this is dropped.
    pub(super) fn is_removed_when_dropped(&self) -> bool {
        matches!(self, Target::File { .. })
    }

    pub(super) fn write(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        match self {
            Target::StandardOutput(out) => out.write_all(chunk).map_err(output::closed),
            Target::Stream { file, path } => {
                file.write_all(chunk).map_err(|error| cannot_write(path, &error))
            }
            Target::File { new, path } => new.write_all(chunk).map_err(|error| cannot_write(path, &error)),
        }
    }

    /// Makes what was written last, and gives the file its name.
    pub(super) fn complete(self) -> Result<(), Failure> {
        match self {
            Target::StandardOutput(mut out) => out.flush().map_err(output::closed),
            Target::Stream { mut file, path } => file.flush().map_err(|error| cannot_write(&path, &error)),
            Target::File { new, path } => replace(new, &path).map_err(|error| cannot_write(&path, &error)),
        }
    }
}

/// Durable content first, then the name, then the durable name.
fn replace(new: NamedTempFile, path: &Path) -> io::Result<()> {
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot write `{}`: {error}", path.display()))
}

/// The target's name for a person.
pub(super) fn shown(file: &str) -> String {
    if file == STANDARD_OUTPUT {
        "standard output".to_owned()
    } else {
        format!("`{file}`")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_takes_its_name_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup.ndjson");
        fs::write(&path, "old").unwrap();
        let mut target = Target::open(path.to_str().unwrap()).unwrap();
        target.write(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        target.complete().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["backup.ndjson"]);
    }

    #[test]
    fn an_abandoned_export_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup.ndjson");
        fs::write(&path, "old").unwrap();
        let mut target = Target::open(path.to_str().unwrap()).unwrap();
        target.write(b"half of the n").unwrap();
        drop(target);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["backup.ndjson"]);
    }

    #[test]
    fn a_link_stays_a_link_and_a_device_stays_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        let mut target = Target::open(link.to_str().unwrap()).unwrap();
        target.write(b"new").unwrap();
        target.complete().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(matches!(Target::open("/dev/null"), Ok(Target::Stream { .. })));
    }

    #[test]
    fn a_folder_and_a_missing_folder_are_named_in_the_message() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("missing/file")] {
            let failure = Target::open(path.to_str().unwrap()).err().unwrap();
            assert!(failure.to_string().contains(path.to_str().unwrap()), "{failure}");
        }
    }
}
