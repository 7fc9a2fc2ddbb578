//! The folder of the index: mapped files, and a checksum behind the small ones that say which files there are.
//!
//! Large files end in a checksum of their own, which `tantivy` writes and checks when it is asked to. The lists of
//! segments and files have none, and a list with one flipped digit would open.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    Directory, DirectoryLock, FileHandle, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr,
};

/// A folder whose lists are checked when they are read.
#[derive(Clone, Debug)]
pub(super) struct CheckedDirectory(MmapDirectory);

impl CheckedDirectory {
    pub(super) fn open(folder: &Path) -> tantivy::Result<CheckedDirectory> {
        Ok(CheckedDirectory(MmapDirectory::open(folder)?))
    }
}

impl Directory for CheckedDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.0.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.0.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.0.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.0.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let mut data = self.0.atomic_read(path)?;
        let checksum = data.split_off(data.len().saturating_sub(4));
        if checksum == crc32c::crc32c(&data).to_le_bytes() {
            Ok(data)
        } else {
            let wrong = io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong");
            Err(OpenReadError::wrap_io_error(wrong, path.to_owned()))
        }
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let checksum = crc32c::crc32c(data).to_le_bytes();
        self.0.atomic_write(path, &[data, &checksum].concat())
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.0.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.0.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.0.watch(callback)
    }
}
