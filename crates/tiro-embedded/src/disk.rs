//! The file system as the log sees it: two small traits, and the real disk behind them.
//!
//! Everything the log does to a file goes through [`Disk`] and [`DiskFile`], so that a test can record, fail, tear or
//! forget any single step. Nothing here buffers; a short read or write is allowed and is completed by the provided methods.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only `read_at` and `size_bytes` are called.
    Read,
    /// Everything is called.
    ReadWrite,
}

/// A file system. Paths are absolute or relative to the process, folders are one level deep.
pub trait Disk: Send + Sync {
    /// Creates the file, or empties the one of that name, and opens it for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that exists; `NotFound` otherwise.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames within one folder, replacing `to`. Durable after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; `NotFound` when there is none. Durable after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Names in the folder, without their paths, in no order. Names that are not UTF-8 are none of ours and are left out.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Creates the folder and its parents; succeeds when it is there already.
    fn create_dir(&self, folder: &Path) -> io::Result<()>;

    /// Makes creations, renames and removals inside the folder durable. A failure is final: it must not be tried again.
    fn sync_dir(&self, folder: &Path) -> io::Result<()>;

    /// Bytes an unprivileged process may still write to the file system that holds `folder`.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;

    /// Takes the exclusive lock on a file, creating it; the lock lives as long as the handle. `None` when another holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Arc<dyn DiskFile>>>;
}

/// An open file, read and written at byte offsets by any number of threads.
pub trait DiskFile: Send + Sync {
    /// Reads at most `buffer.len()` bytes; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at most `bytes.len()` bytes and says how many. Not durable until [`DiskFile::sync_data`].
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the file, or grows it by a hole.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Bytes in the file.
    fn size_bytes(&self) -> io::Result<u64>;

    /// Makes the file's bytes and its length durable (fdatasync). A failure is final: the kernel may have dropped the
    /// bytes and marked them clean, so a second call could succeed without them.
    fn sync_data(&self) -> io::Result<()>;

    /// Reads until `buffer` is full or the file ends; says how many bytes were read.
    fn read_up_to_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Writes all of `bytes`. On an error an unknown part of them has been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            match self.write_at(&bytes[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

struct RealFile(File);

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(access == Access::ReadWrite)
            .open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create_dir(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        Ok(rustix::fs::fsync(File::open(folder)?)?)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let space = rustix::fs::statvfs(folder)?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Arc<dyn DiskFile>>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Arc::new(RealFile(file)))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(&self.0, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(&self.0, bytes, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    // Not `File::sync_data`: the standard library repeats the call on EINTR.
    fn sync_data(&self) -> io::Result<()> {
        Ok(rustix::fs::fdatasync(&self.0)?)
    }
}

/// What an operator can do about an error, to be put behind it; empty where nothing general can be said.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; let this user read and write there, or name another folder with --data"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; mount it for writing, or name another folder with --data",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space there",
        _ => match Errno::from_io_error(error) {
            Some(Errno::MFILE | Errno::NFILE) => "; raise the limit of open files (ulimit -n)",
            _ => "",
        },
    }
}
