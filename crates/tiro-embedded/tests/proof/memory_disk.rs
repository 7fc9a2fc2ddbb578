//! The log's disk in memory: records every step, and fails on request.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tiro_embedded::disk::{Access, Disk, DiskFile};

use crate::media::{FileId, Media, Node, Note, Step};

/// What goes wrong at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// EIO, and nothing was done.
    Error,
    /// Half of a write is done, and the rest gets EIO. Another step gets EIO.
    ShortWrite,
    /// EIO; a sync drops what was pending and has its pages look clean. Another step gets EIO.
    LostSync,
    /// ENOSPC, and nothing was done.
    NoSpace,
    /// Nothing is done any more from here on: the machine has lost its power.
    Dead,
}

/// A disk. Clones of the `Arc` are the same disk, as two openings of one folder are.
pub(crate) struct MemoryDisk {
    root: PathBuf,
    state: Mutex<State>,
}

struct State {
    media: Media,
    recording: Vec<Step>,
    locked: BTreeSet<PathBuf>,
    /// Steps that change something, so far.
    changes: usize,
    fault: Option<(usize, Fault)>,
    /// The rest of a short write fails.
    rest_fails: bool,
    /// Bytes of all files together, at most.
    capacity: Option<u64>,
}

impl MemoryDisk {
    /// A disk with that medium, for a data folder at `root`.
    pub(crate) fn of(root: &Path, media: Media) -> Arc<MemoryDisk> {
        let state = State {
            media,
            recording: Vec::new(),
            locked: BTreeSet::new(),
            changes: 0,
            fault: None,
            rest_fails: false,
            capacity: None,
        };
        Arc::new(MemoryDisk {
            root: root.to_owned(),
            state: Mutex::new(state),
        })
    }

    /// Fails the step after so many changes.
    pub(crate) fn fail_after(&self, changes: usize, fault: Fault) {
        let mut state = self.state.lock();
        state.fault = Some((state.changes + changes, fault));
    }

    /// Whether the fault has come to pass.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.state.lock();
        state.fault.is_some_and(|(at, _)| state.changes > at)
    }

    pub(crate) fn set_capacity(&self, bytes: Option<u64>) {
        self.state.lock().capacity = bytes;
    }

    pub(crate) fn note(&self, note: Note) {
        self.state.lock().step(Step::Note(note));
    }

    pub(crate) fn recording(&self) -> Vec<Step> {
        self.state.lock().recording.clone()
    }

    /// The medium as it is now.
    pub(crate) fn media(&self) -> Media {
        self.state.lock().media.clone()
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root)
            .expect("the log stays in its folder")
            .to_owned()
    }

    fn handle(self: &Arc<Self>, file: FileId, locked: Option<PathBuf>) -> Arc<dyn DiskFile> {
        Arc::new(MemoryFile {
            disk: Arc::clone(self),
            file,
            locked,
        })
    }
}

impl State {
    fn step(&mut self, step: Step) {
        self.media.apply(&step);
        self.recording.push(step);
    }

    /// Counts a change, or fails it.
    fn change(&mut self) -> Result<(), Fault> {
        let at = self.changes;
        self.changes += 1;
        match self.fault {
            Some((step, fault)) if step == at || (fault == Fault::Dead && at > step) => Err(fault),
            _ => Ok(()),
        }
    }

    fn plain_change(&mut self) -> io::Result<()> {
        self.change().map_err(error)
    }

    fn sync(&mut self, file: FileId) -> io::Result<()> {
        let changed = self.change();
        let before = self.media.steps;
        match changed {
            Ok(()) => self.step(Step::Sync { file, before }),
            Err(Fault::LostSync) => self.step(Step::LoseSync { file }),
            Err(_) => {}
        }
        changed.map_err(error)
    }

    /// How many of the bytes are to be written.
    fn admit_write(&mut self, file: FileId, offset: u64, length: usize) -> io::Result<usize> {
        if std::mem::take(&mut self.rest_fails) {
            return Err(error(Fault::Error));
        }
        let admitted = match self.change() {
            Ok(()) => length,
            Err(Fault::ShortWrite) if length > 1 => {
                self.rest_fails = true;
                length / 2
            }
            Err(fault) => return Err(error(fault)),
        };
        let grows = (offset + length as u64).saturating_sub(self.media.files[file].cache.len() as u64);
        let full = self
            .capacity
            .is_some_and(|capacity| self.used_bytes() + grows > capacity);
        if full && grows > 0 {
            Err(error(Fault::NoSpace))
        } else {
            Ok(admitted)
        }
    }

    fn used_bytes(&self) -> u64 {
        let bytes = |node: &Node| match node {
            Node::Dir => 0,
            Node::File(file) => self.media.files[*file].cache.len() as u64,
        };
        self.media.names.values().map(bytes).sum()
    }
}

fn error(fault: Fault) -> io::Error {
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    io::Error::from_raw_os_error(if fault == Fault::NoSpace { ENOSPC } else { EIO })
}

/// The disk as the engine gets it.
pub(crate) struct Shared(pub(crate) Arc<MemoryDisk>);

impl Disk for Shared {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.0.relative(path);
        let mut state = self.0.state.lock();
        state.plain_change()?;
        if state
            .capacity
            .is_some_and(|capacity| state.used_bytes() >= capacity)
        {
            return Err(error(Fault::NoSpace));
        }
        let file = state.media.new_file();
        state.step(Step::Create { path, file });
        Ok(self.0.handle(file, None))
    }

    fn open(&self, path: &Path, _: Access) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.0.relative(path);
        let file = self
            .0
            .state
            .lock()
            .media
            .file_at(&path)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(self.0.handle(file, None))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.0.relative(from), self.0.relative(to));
        let mut state = self.0.state.lock();
        state.plain_change()?;
        state.media.file_at(&from).ok_or(io::ErrorKind::NotFound)?;
        state.step(Step::Rename { from, to });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let path = self.0.relative(path);
        let mut state = self.0.state.lock();
        state.media.file_at(&path).ok_or(io::ErrorKind::NotFound)?;
        state.plain_change()?;
        state.step(Step::Remove(path));
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let folder = self.0.relative(folder);
        let state = self.0.state.lock();
        let names = state
            .media
            .names
            .keys()
            .filter(|path| path.parent() == Some(&folder));
        let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        Ok(names.filter_map(name).collect())
    }

    fn create_dir(&self, folder: &Path) -> io::Result<()> {
        let folder = self.0.relative(folder);
        let mut state = self.0.state.lock();
        if folder.as_os_str().is_empty() || state.media.names.contains_key(&folder) {
            return Ok(());
        }
        state.plain_change()?;
        state.step(Step::MakeDir(folder));
        Ok(())
    }

    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        let path = self.0.relative(folder);
        let mut state = self.0.state.lock();
        state.plain_change()?;
        let before = state.media.steps;
        state.step(Step::SyncDir { path, before });
        Ok(())
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        let state = self.0.state.lock();
        let free = state
            .capacity
            .map(|capacity| capacity.saturating_sub(state.used_bytes()));
        Ok(free.unwrap_or(1 << 40))
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Arc<dyn DiskFile>>> {
        let path = self.0.relative(path);
        let mut state = self.0.state.lock();
        let known = state.media.file_at(&path);
        if !state.locked.insert(path.clone()) {
            return Ok(None);
        }
        let file = known.unwrap_or_else(|| {
            let file = state.media.new_file();
            state.step(Step::Create {
                path: path.clone(),
                file,
            });
            file
        });
        drop(state);
        Ok(Some(self.0.handle(file, Some(path))))
    }
}

struct MemoryFile {
    disk: Arc<MemoryDisk>,
    file: FileId,
    /// Given back when the handle is dropped.
    locked: Option<PathBuf>,
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        if let Some(path) = &self.locked {
            self.disk.state.lock().locked.remove(path);
        }
    }
}

impl DiskFile for MemoryFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state.lock();
        let content = &state.media.files[self.file].cache;
        let start = (offset as usize).min(content.len());
        let bytes = buffer.len().min(content.len() - start);
        buffer[..bytes].copy_from_slice(&content[start..start + bytes]);
        Ok(bytes)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state.lock();
        let admitted = state.admit_write(self.file, offset, bytes.len())?;
        let (file, bytes) = (self.file, bytes[..admitted].into());
        state.step(Step::Write { file, offset, bytes });
        Ok(admitted)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        state.plain_change()?;
        let file = self.file;
        state.step(Step::SetLen { file, bytes });
        Ok(())
    }

    fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.disk.state.lock().media.files[self.file].cache.len() as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.state.lock().sync(self.file)
    }
}
