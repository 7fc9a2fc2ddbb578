//! A disk that fails on request, over the real one.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use super::*;
use crate::disk::{Access, DiskFile};

/// What the disk does wrong. All of it can be changed while it is in use.
#[derive(Default)]
pub(super) struct Faults {
    /// Creating a file, and growing one, answers ENOSPC.
    pub(super) full: AtomicBool,
    /// So many bytes are free, unless it is 0.
    pub(super) free_bytes: AtomicU64,
    /// Syncing files and folders whose name ends so fails with EIO.
    pub(super) bad_syncs: parking_lot::Mutex<Option<&'static str>>,
    /// Writing to files whose name ends so fails with EIO.
    pub(super) bad_writes: parking_lot::Mutex<Option<&'static str>>,
    /// Each write takes one byte at a time, each second one is interrupted.
    pub(super) slow: AtomicBool,
    /// After so many changing operations each one fails, as if the process were dead; 0 for never.
    pub(super) dies_after: AtomicU64,
    /// Changing operations so far, while `dies_after` is set.
    pub(super) changes: AtomicU64,
    /// Writes so far, while `slow` is set.
    pub(super) slow_writes: AtomicU64,
    /// Syncs of files that have failed so far.
    pub(super) failed_syncs: AtomicU64,
}

pub(super) struct FaultyDisk(pub(super) Arc<Faults>);

struct FaultyFile {
    faults: Arc<Faults>,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
}

impl Faults {
    fn change(&self) -> io::Result<()> {
        let limit = self.dies_after.load(SeqCst);
        let dead = limit > 0 && self.changes.fetch_add(1, SeqCst) >= limit;
        if dead {
            Err(io::Error::other("dead"))
        } else {
            Ok(())
        }
    }

    fn bad(&self, names: &parking_lot::Mutex<Option<&'static str>>, path: &Path) -> io::Result<()> {
        let name = path.to_str().unwrap();
        let bad = names.lock().is_some_and(|end| name.ends_with(end));
        if bad {
            Err(io::Error::from_raw_os_error(5))
        } else {
            Ok(())
        }
    }
}

impl FaultyDisk {
    fn wrap(&self, path: &Path, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile {
            faults: Arc::clone(&self.0),
            path: path.to_owned(),
            file,
        })
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.change()?;
        if self.0.full.load(SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        RealDisk.create(path).map(|file| self.wrap(path, file))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.open(path, access).map(|file| self.wrap(path, file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.change()?;
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.change()?;
        RealDisk.remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(folder)
    }

    fn create_dir(&self, folder: &Path) -> io::Result<()> {
        self.0.change()?;
        RealDisk.create_dir(folder)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        self.0.change()?;
        self.0.bad(&self.0.bad_syncs, folder)?;
        RealDisk.sync_dir(folder)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        match self.0.free_bytes.load(SeqCst) {
            0 => RealDisk.free_bytes(folder),
            free => Ok(free),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Arc<dyn DiskFile>>> {
        RealDisk.lock(path)
    }
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.faults.change()?;
        self.faults.bad(&self.faults.bad_writes, &self.path)?;
        let grows = offset + bytes.len() as u64 > self.file.size_bytes()?;
        if grows && self.faults.full.load(SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let slow = self.faults.slow.load(SeqCst);
        if slow && self.faults.slow_writes.fetch_add(1, SeqCst).is_multiple_of(2) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.file.write_at(if slow { &bytes[..1] } else { bytes }, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.faults.change()?;
        self.file.set_len(bytes)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        self.file.size_bytes()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.faults.change()?;
        let synced = self.faults.bad(&self.faults.bad_syncs, &self.path);
        self.faults
            .failed_syncs
            .fetch_add(u64::from(synced.is_err()), SeqCst);
        synced?;
        self.file.sync_data()
    }
}
