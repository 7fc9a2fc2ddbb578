//! An engine with small segments on a disk in memory, its view in a folder of its own.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tiro_conformance::{ExportedApplication, eventually, read_export};
use tiro_core::{Engine, Failure, Reply, Request, Shortage};
use tiro_embedded::disk::{Disk, RealDisk};
use tiro_embedded::log::LogOptions;
use tiro_embedded::{EmbeddedEngine, OpenError, Options};

use crate::media::{Image, Media, Note};
use crate::memory_disk::{MemoryDisk, Shared};
use crate::workload::{Workload, noon};

pub(crate) const SEGMENT_BYTES: u64 = 24 << 10;
/// See [`Store::burst`].
const BURST: usize = 4;

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// A folder for views, in memory where the system has that: their syncs are none of the matter.
pub(crate) fn fast_folder() -> TempDir {
    let shared_memory = Path::new("/dev/shm");
    if shared_memory.is_dir() {
        tempfile::tempdir_in(shared_memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Small segments, and a mark that often lags behind the log.
pub(crate) fn log_options() -> LogOptions {
    LogOptions {
        segment_bytes: SEGMENT_BYTES,
        payload_bytes_max: 16 << 10,
        free_floor_bytes: 0,
        mark_interval: Duration::from_millis(3),
        retry_interval: Duration::from_millis(1),
    }
}

pub(crate) fn options(disk: Arc<dyn Disk>, fatal: &Arc<AtomicBool>) -> Options {
    let fatal = Arc::clone(fatal);
    Options {
        disk,
        log: log_options(),
        clock: Arc::new(noon),
        on_fatal: Box::new(move |_| fatal.store(true, Ordering::SeqCst)),
        ..Options::default()
    }
}

/// A data folder whose log is on a disk in memory.
pub(crate) struct Store {
    folder: TempDir,
    pub(crate) disk: Arc<MemoryDisk>,
    /// Set when the engine says that the process must end.
    pub(crate) fatal: Arc<AtomicBool>,
    /// Most wishes that are handed in before the first of them is answered.
    pub(crate) burst: usize,
}

impl Store {
    pub(crate) fn empty() -> Store {
        Store::holding(&Image::new())
    }

    /// The disk as another process left it, page cache and all; without a view.
    pub(crate) fn on(media: Media) -> Store {
        let folder = fast_folder();
        Store {
            disk: MemoryDisk::of(folder.path(), media),
            folder,
            fatal: Arc::default(),
            burst: BURST,
        }
    }

    /// What a crash left; the files of the view, if there are any, are written into its folder.
    pub(crate) fn holding(image: &Image) -> Store {
        let folder = fast_folder();
        let of_view = |path: &Path| path.starts_with("view") || path.starts_with("view.failed");
        write_image(folder.path(), image.iter().filter(|(path, _)| of_view(path)));
        let on_disk = image.iter().filter(|(path, _)| !of_view(path));
        let on_disk: Image = on_disk
            .map(|(path, content)| (path.clone(), content.clone()))
            .collect();
        Store {
            disk: MemoryDisk::of(folder.path(), Media::holding(&on_disk)),
            folder,
            fatal: Arc::default(),
            burst: BURST,
        }
    }

    pub(crate) fn open(&self) -> Result<EmbeddedEngine, OpenError> {
        let disk = Arc::new(Shared(Arc::clone(&self.disk)));
        EmbeddedEngine::open(self.folder.path(), options(disk, &self.fatal))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Hands the requests in from `from` on, some at a time, until they are done or one is not carried out.
    pub(crate) fn play(&self, engine: &EmbeddedEngine, workload: &Workload, from: usize) -> Played {
        let mut acknowledged = from;
        while acknowledged < workload.len() {
            let burst = acknowledged + 1 + acknowledged % self.burst;
            let burst = workload.burst(acknowledged, burst.min(workload.len()));
            self.disk.note(Note::Submitted(burst.end));
            let answers: Vec<_> = burst
                .clone()
                .map(|index| workload.wishes[index].submit(engine))
                .collect();
            for (index, answer) in burst.zip(answers) {
                let answer = block_on(answer);
                if let Err(Failure::Unavailable(unavailable)) = answer {
                    let stopped = Some(unavailable.shortage);
                    return Played {
                        acknowledged,
                        stopped,
                    };
                }
                assert_eq!(answer, workload.replies[index], "the answer to request {index}");
                acknowledged = index + 1;
                self.disk.note(Note::Acknowledged(acknowledged));
            }
        }
        Played {
            acknowledged,
            stopped: None,
        }
    }
}

/// How far a workload got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) acknowledged: usize,
    /// Why the next request was not carried out.
    pub(crate) stopped: Option<Shortage>,
}

/// Opens a real folder that this process may have had open before. A child that another test starts has a copy of the
/// folder's lock until it runs its own program.
pub(crate) fn open_again(folder: &Path, options: impl Fn() -> Options) -> EmbeddedEngine {
    let opened = eventually("the lock is given back", || {
        match EmbeddedEngine::open(folder, options()) {
            Err(OpenError::InUse { .. }) => None,
            opened => Some(opened),
        }
    });
    opened.unwrap_or_else(|error| panic!("does not open: {error}"))
}

/// Writes an image into a real folder; zeros become holes.
pub(crate) fn write_image<'a>(
    root: &Path,
    image: impl IntoIterator<Item = (&'a PathBuf, &'a Option<Vec<u8>>)>,
) {
    for (path, content) in image {
        let path = root.join(path);
        let Some(content) = content else {
            std::fs::create_dir_all(path).unwrap();
            continue;
        };
        let file = RealDisk.create(&path).unwrap();
        file.set_len(content.len() as u64).unwrap();
        for (index, page) in content.chunks(4096).enumerate() {
            if page.iter().any(|byte| *byte != 0) {
                file.write_all_at(page, index as u64 * 4096).unwrap();
            }
        }
    }
}

/// A real folder as an image.
pub(crate) fn read_image(root: &Path) -> Image {
    let mut image = Image::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(root).unwrap().to_owned();
            if path.is_dir() {
                image.insert(relative, None);
                folders.push(path);
            } else {
                image.insert(relative, Some(std::fs::read(path).unwrap()));
            }
        }
    }
    image
}

/// All that can be exported, by token: engines differ in the order of applications.
pub(crate) fn export(engine: &dyn Engine) -> Vec<ExportedApplication> {
    let mut exported = block_on(read_export(engine, None));
    exported.sort_by(|one, other| one.application.token.cmp(&other.application.token));
    exported
}

pub(crate) fn send(engine: &EmbeddedEngine, request: &Request) -> Result<Reply, Failure> {
    block_on(engine.write(request.clone()))
}
