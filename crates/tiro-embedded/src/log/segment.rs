//! Segment files: their names, their header pages, and how one comes to be.
//!
//! A segment is prepared as `next.seg`, zeros only and synced. To begin it its header is written and synced, it gets its
//! name, and the folder is synced; only then a batch is put into it. So a file with a segment's name has a durable header,
//! whatever happened, and `next.seg` holds nothing worth keeping.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{During, IoFailed};
use super::fault::Fault;
use super::layout::{BATCHES_START, PAGE_BYTES, SegmentHeader};
use super::point::LogPoint;
use crate::disk::{Access, Disk, DiskFile};

pub(super) const NEXT_NAME: &str = "next.seg";
static ZEROS: [u8; 1 << 20] = [0; 1 << 20];

/// A segment whose header is good. Holds no open file: there may be thousands of them.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) header: SegmentHeader,
    pub(super) checksum: u32,
    /// Bytes the file has, which should be the header's capacity.
    pub(super) file_bytes: u64,
}

impl Segment {
    /// Reads the header of the segment of that name.
    pub(super) fn load(
        disk: &dyn Disk,
        folder: &Path,
        first: u64,
    ) -> Result<Result<Segment, Fault>, IoFailed> {
        let path = segment_path(folder, first);
        let file = disk.open(&path, Access::Read).during("open", &path)?;
        let mut page = [0; PAGE_BYTES];
        file.read_up_to_at(&mut page, 0)
            .during("read the header of", &path)?;
        let file_bytes = file.size_bytes().during("measure", &path)?;
        let decoded = SegmentHeader::decode(&page);
        Ok(decoded.map(|(header, checksum)| Segment {
            path,
            header,
            checksum,
            file_bytes,
        }))
    }

    /// The point before its first batch.
    pub(super) fn start(&self) -> LogPoint {
        start_point(&self.header, self.checksum)
    }

    pub(super) fn open(&self, disk: &dyn Disk, access: Access) -> Result<Arc<dyn DiskFile>, IoFailed> {
        disk.open(&self.path, access).during("open", &self.path)
    }
}

fn start_point(header: &SegmentHeader, checksum: u32) -> LogPoint {
    LogPoint {
        segment_first: header.first,
        offset: BATCHES_START,
        sequence: header.first - 1,
        checksum,
    }
}

pub(super) fn segment_path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:016x}.seg"))
}

/// First sequences of the segments in the folder, ascending, from their names.
pub(super) fn list_segments(disk: &dyn Disk, folder: &Path) -> Result<Vec<u64>, IoFailed> {
    let names = disk.list(folder).during("list", folder)?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| parse_name(name)).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg").filter(|digits| digits.len() == 16)?;
    let first = u64::from_str_radix(digits, 16).ok()?;
    (first > 0 && format!("{first:016x}") == digits).then_some(first)
}

/// Removes what an earlier run had prepared. Whether the removal is durable does not matter.
pub(super) fn remove_prepared(disk: &dyn Disk, folder: &Path) -> Result<(), IoFailed> {
    let path = folder.join(NEXT_NAME);
    match disk.remove(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result.during("remove", &path),
    }
}

/// `next.seg` while it is being filled with zeros.
pub(super) struct Preparation {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    filled_bytes: u64,
    capacity: u64,
}

impl Preparation {
    pub(super) fn begin(disk: &dyn Disk, folder: &Path, capacity: u64) -> Result<Preparation, IoFailed> {
        let path = folder.join(NEXT_NAME);
        let file = disk.create(&path).during("create", &path)?;
        Ok(Preparation {
            file,
            path,
            filled_bytes: 0,
            capacity,
        })
    }

    /// Fills and syncs one more MiB, little enough not to hold up the log's own syncs. The file, once it is full.
    pub(super) fn advance(&mut self) -> Result<Option<Arc<dyn DiskFile>>, IoFailed> {
        let end = self.capacity.min(self.filled_bytes + ZEROS.len() as u64);
        write_zeros(&*self.file, self.filled_bytes, end).during("prepare", &self.path)?;
        self.file.sync_data().during("sync", &self.path)?;
        self.filled_bytes = end;
        Ok((end == self.capacity).then(|| Arc::clone(&self.file)))
    }
}

/// Writes zeros to bytes `start..end`. Not synced.
pub(super) fn write_zeros(file: &dyn DiskFile, start: u64, end: u64) -> std::io::Result<()> {
    let mut offset = start;
    while offset < end {
        let bytes = (end - offset).min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..bytes as usize], offset)?;
        offset += bytes;
    }
    Ok(())
}

/// Makes the prepared file the segment of that header, durably.
pub(super) fn begin_segment(
    disk: &dyn Disk,
    folder: &Path,
    prepared: &dyn DiskFile,
    header: &SegmentHeader,
) -> Result<(PathBuf, LogPoint), IoFailed> {
    let (next, path) = (folder.join(NEXT_NAME), segment_path(folder, header.first));
    let (page, checksum) = header.encode();
    prepared
        .write_all_at(&page, 0)
        .during("write the header of", &next)?;
    prepared.sync_data().during("sync", &next)?;
    disk.rename(&next, &path).during("rename to", &path)?;
    disk.sync_dir(folder).during("sync", folder)?;
    Ok((path, start_point(header, checksum)))
}
