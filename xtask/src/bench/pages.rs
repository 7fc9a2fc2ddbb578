//! The system's memory of files: a folder's files are forgotten or read into it, without asking for any right.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::Context;
use rustix::fs::{Advice, fadvise};

/// Has the system forget what it holds of the folder's files, so that the next read of each comes from the disk.
pub(crate) fn forget(folder: &Path) -> anyhow::Result<()> {
    each_file(folder, &|file| {
        // Only clean pages can be forgotten.
        file.sync_data()?;
        Ok(fadvise(file, 0, None, Advice::DontNeed)?)
    })
}

/// Reads all of the folder's files, so that the system holds as much of them as it has room for.
pub(crate) fn read(folder: &Path) -> anyhow::Result<()> {
    each_file(folder, &|mut file| {
        io::copy(&mut file, &mut io::sink())?;
        Ok(())
    })
}

/// Bytes that the folder's files take on the disk.
pub(crate) fn disk_bytes(folder: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let bytes = std::cell::Cell::new(0);
    each_file(folder, &|file| {
        bytes.set(bytes.get() + file.metadata()?.blocks() * 512);
        Ok(())
    })?;
    Ok(bytes.get())
}

/// Files that go away meanwhile are passed over: a running server removes some.
fn each_file(folder: &Path, what: &dyn Fn(&File) -> io::Result<()>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            each_file(&entry.path(), what)?;
            continue;
        }
        match File::open(entry.path()).and_then(|file| what(&file)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            done => done.with_context(|| entry.path().display().to_string())?,
        }
    }
    Ok(())
}
