//! A disk that forgets: what was written and not synced lives in this process alone.
//!
//! `kill -9` does not lose the page cache, so on a real disk a missing sync never shows. Here it does, as it would in a
//! power loss. Names are durable at once, and zeros too: preparing a segment would fill the memory.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::disk::{Access, Disk, DiskFile, RealDisk};

/// A sync takes as long as so many: what happens during one must be hit by kills.
const SYNC_ROUNDS: usize = 3;

/// What was written to one file since its last sync, in order.
type Unsynced = Arc<Mutex<Vec<(u64, Vec<u8>)>>>;

/// The real disk behind a memory that a kill empties.
#[derive(Default)]
pub(super) struct ForgetfulDisk {
    /// All handles of a file see what one of them wrote.
    files: Mutex<HashMap<PathBuf, Unsynced>>,
}

struct ForgetfulFile {
    real: Arc<dyn DiskFile>,
    unsynced: Unsynced,
}

impl ForgetfulDisk {
    fn file(&self, path: &Path, real: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let unsynced = Arc::clone(self.files.lock().entry(path.to_owned()).or_default());
        Arc::new(ForgetfulFile { real, unsynced })
    }
}

impl Disk for ForgetfulDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.files.lock().remove(path);
        Ok(self.file(path, RealDisk.create(path)?))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(path, RealDisk.open(path, access)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)?;
        let mut files = self.files.lock();
        if let Some(unsynced) = files.remove(from) {
            files.insert(to.to_owned(), unsynced);
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files.lock().remove(path);
        RealDisk.remove(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(folder)
    }

    fn create_dir(&self, folder: &Path) -> io::Result<()> {
        RealDisk.create_dir(folder)
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        RealDisk.sync_dir(folder)
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        RealDisk.free_bytes(folder)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Arc<dyn DiskFile>>> {
        RealDisk.lock(path)
    }
}

impl DiskFile for ForgetfulFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let unsynced = self.unsynced.lock();
        let read = self.real.read_at(buffer, offset)?;
        for (start, bytes) in unsynced.iter() {
            let (from, to) = (
                (*start).max(offset),
                (start + bytes.len() as u64).min(offset + read as u64),
            );
            if from < to {
                let (source, target) = ((from - start) as usize, (from - offset) as usize);
                let length = (to - from) as usize;
                buffer[target..target + length].copy_from_slice(&bytes[source..source + length]);
            }
        }
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut unsynced = self.unsynced.lock();
        let end = offset + bytes.len() as u64;
        // The log writes inside the length that a file has: only there can what is unsynced be read.
        if end > self.real.size_bytes()? || (unsynced.is_empty() && bytes.iter().all(|byte| *byte == 0)) {
            return self.real.write_at(bytes, offset);
        }
        unsynced.push((offset, bytes.to_vec()));
        Ok(bytes.len())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.real.set_len(bytes)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        self.real.size_bytes()
    }

    // The disk works before the file has the bytes, so that a kill meanwhile finds them missing.
    fn sync_data(&self) -> io::Result<()> {
        let mut unsynced = self.unsynced.lock();
        for _ in 0..SYNC_ROUNDS {
            for (offset, bytes) in unsynced.iter() {
                let mut before = vec![0; bytes.len()];
                self.real.read_up_to_at(&mut before, *offset)?;
                self.real.write_all_at(&before, *offset)?;
            }
            self.real.sync_data()?;
        }
        for (offset, bytes) in unsynced.drain(..) {
            self.real.write_all_at(&bytes, offset)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_synced_is_read_here_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let (path, disk) = (folder.path().join("file"), ForgetfulDisk::default());
        let file = disk.create(&path).unwrap();
        file.write_all_at(&[0; 8], 0).unwrap();
        file.write_all_at(b"abcd", 2).unwrap();
        let mut seen = [0; 8];
        let other = disk.open(&path, Access::Read).unwrap();
        assert_eq!(other.read_up_to_at(&mut seen, 0).unwrap(), 8);
        assert_eq!(&seen, b"\0\0abcd\0\0");
        assert_eq!(std::fs::read(&path).unwrap(), [0; 8]);
        file.sync_data().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"\0\0abcd\0\0");
    }
}
