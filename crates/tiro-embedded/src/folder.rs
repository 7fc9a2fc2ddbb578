//! The data folder: who holds it, which format it has, where its parts are.
//!
//! `format` is one line, `tiro-data 1`. `lock` is held by the process that has the folder open and names it by id.
//! `log/` is the truth; `view/` and `index/` can be deleted while no process has the folder open.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Access, Disk, DiskFile};
use crate::errors::OpenError;

/// Format of the folder as a whole.
const FORMAT: u32 = 1;
const FORMAT_FILE: &str = "format";
const LOCK_FILE: &str = "lock";

/// A data folder that this process holds.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: Arc<dyn DiskFile>,
}

impl Folder {
    /// Takes the folder, making it if there is none.
    pub(crate) fn take(disk: &dyn Disk, path: &Path) -> Result<Folder, OpenError> {
        let failed = |doing: &'static str| {
            let path = path.to_owned();
            move |source| OpenError::Folder { doing, path, source }
        };
        disk.create_dir(path).map_err(failed("create"))?;
        let lock_path = path.join(LOCK_FILE);
        let held = disk.lock(&lock_path).map_err(failed("lock"))?;
        let Some(lock) = held else {
            return Err(OpenError::InUse {
                path: path.to_owned(),
                by: holder(disk, &lock_path).map_err(failed("read"))?,
            });
        };
        name_holder(&*lock).map_err(failed("write"))?;
        check_format(disk, path)?;
        Ok(Folder {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Takes a folder that is one already.
    pub(crate) fn take_existing(
        disk: &dyn Disk,
        path: &Path,
        doing: &'static str,
    ) -> Result<Folder, OpenError> {
        if !path.join("log").is_dir() {
            let source = io::Error::new(io::ErrorKind::NotFound, "it is no data folder of Tiro");
            return Err(OpenError::Folder {
                doing,
                path: path.to_owned(),
                source,
            });
        }
        Folder::take(disk, path)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    pub(crate) fn view(&self) -> PathBuf {
        self.path.join("view")
    }

    /// The search index.
    pub(crate) fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    /// A file that says that the view must be made anew.
    pub(crate) fn view_failed(&self) -> PathBuf {
        self.path.join("view.failed")
    }

    /// Where `verify` builds a second view.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.path.join("verify.tmp")
    }
}

/// What the lock's holder wrote into it.
fn holder(disk: &dyn Disk, path: &Path) -> io::Result<String> {
    let file = disk.open(path, Access::Read)?;
    let mut text = [0; 32];
    let bytes = file.read_up_to_at(&mut text, 0)?;
    Ok(String::from_utf8_lossy(&text[..bytes]).trim().to_owned())
}

fn name_holder(lock: &dyn DiskFile) -> io::Result<()> {
    let mut text = [0_u8; 32];
    writeln!(&mut text[..], "{}", std::process::id())?;
    let bytes = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    lock.set_len(0)?;
    lock.write_all_at(&text[..bytes], 0)
}

fn format_line() -> String {
    format!("tiro-data {FORMAT}\n")
}

fn check_format(disk: &dyn Disk, folder: &Path) -> Result<(), OpenError> {
    let path = folder.join(FORMAT_FILE);
    let failed = |doing: &'static str| {
        let path = path.clone();
        move |source| OpenError::Folder { doing, path, source }
    };
    let file = match disk.open(&path, Access::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = disk.create(&path).map_err(failed("create"))?;
            file.write_all_at(format_line().as_bytes(), 0)
                .map_err(failed("write"))?;
            file.sync_data().map_err(failed("sync"))?;
            return disk.sync_dir(folder).map_err(failed("sync"));
        }
        Err(error) => return Err(failed("open")(error)),
    };
    let mut text = [0; 32];
    let bytes = file.read_up_to_at(&mut text, 0).map_err(failed("read"))?;
    let text = String::from_utf8_lossy(&text[..bytes]);
    let version = text
        .trim()
        .strip_prefix("tiro-data ")
        .and_then(|version| version.parse::<u32>().ok());
    match version {
        Some(1..=FORMAT) => Ok(()),
        // A file that was created and not wholly written when the process or the power went.
        None if format_line().starts_with(text.trim_end_matches('\0')) => {
            disk.remove(&path).map_err(failed("remove"))?;
            check_format(disk, folder)
        }
        _ => Err(OpenError::Format {
            path,
            found: text.trim().to_owned(),
            known: FORMAT,
        }),
    }
}
