//! A file system in memory that remembers, beside what programs see, what would survive a power loss.
//!
//! A write, a length or a name is *pending* until its file or folder is synced. Every step is kept, so the medium can be
//! played again up to any of them; [`Media::image`] then says what a crash there leaves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file, whatever its name.
pub(crate) type FileId = usize;

/// One step. Paths are relative to the root, which always exists and has the empty path.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    MakeDir(PathBuf),
    /// A new file takes the name.
    Create {
        path: PathBuf,
        file: FileId,
    },
    Write {
        file: FileId,
        offset: u64,
        bytes: Arc<[u8]>,
    },
    SetLen {
        file: FileId,
        bytes: u64,
    },
    /// What was pending before that step of the recording is durable.
    Sync {
        file: FileId,
        before: usize,
    },
    /// The sync failed: what was pending will never be written, and the cache takes it for clean.
    LoseSync {
        file: FileId,
    },
    SyncDir {
        path: PathBuf,
        before: usize,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    /// Not a step of the file system.
    Note(Note),
}

/// What the writer of a recording knew at that point.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    /// So many requests were handed in.
    Submitted(usize),
    /// So many requests were answered.
    Acknowledged(usize),
    /// From here on the view is durable up to that sequence.
    ViewDurable(u64),
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Write { offset: u64, bytes: Arc<[u8]> },
    SetLen(u64),
}

impl Change {
    pub(crate) fn apply_to(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => {
                let (start, end) = (*offset as usize, *offset as usize + bytes.len());
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[start..end].copy_from_slice(bytes);
            }
            Change::SetLen(bytes) => content.resize(*bytes as usize, 0),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    /// What programs read.
    pub(crate) cache: Vec<u8>,
    pub(crate) durable: Vec<u8>,
    /// With the index of its step, oldest first.
    pub(crate) pending: Vec<(usize, Change)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Dir,
    File(FileId),
}

/// A change of names, in one folder.
#[derive(Clone, Debug)]
pub(crate) enum Naming {
    Add(PathBuf, Node),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, Node),
}

pub(crate) type Names = BTreeMap<PathBuf, Node>;

impl Naming {
    pub(crate) fn folder(&self) -> &Path {
        let (Naming::Add(path, _) | Naming::Remove(path) | Naming::Rename(path, ..)) = self;
        path.parent().expect("only the root has no folder")
    }

    pub(crate) fn apply(&self, names: &mut Names) {
        match self {
            Naming::Add(path, node) => drop(names.insert(path.clone(), *node)),
            Naming::Remove(path) => drop(names.remove(path)),
            Naming::Rename(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// Files by path; `None` is a folder.
pub(crate) type Image = BTreeMap<PathBuf, Option<Vec<u8>>>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Media {
    pub(crate) files: Vec<Content>,
    /// What programs see.
    pub(crate) names: Names,
    pub(crate) durable_names: Names,
    pub(crate) pending_names: Vec<(usize, Naming)>,
    /// Steps applied so far.
    pub(crate) steps: usize,
}

impl Media {
    /// A medium that holds the image durably.
    pub(crate) fn holding(image: &Image) -> Media {
        let mut media = Media::default();
        for (path, content) in image {
            let node = match content {
                None => Node::Dir,
                Some(bytes) => {
                    media.files.push(Content {
                        cache: bytes.clone(),
                        durable: bytes.clone(),
                        pending: Vec::new(),
                    });
                    Node::File(media.files.len() - 1)
                }
            };
            media.names.insert(path.clone(), node);
        }
        media.durable_names = media.names.clone();
        media
    }

    pub(crate) fn new_file(&mut self) -> FileId {
        self.files.push(Content::default());
        self.files.len() - 1
    }

    pub(crate) fn apply(&mut self, step: &Step) {
        let index = self.steps;
        self.steps += 1;
        match step {
            Step::MakeDir(path) => self.name(index, Naming::Add(path.clone(), Node::Dir)),
            Step::Create { path, file } => {
                while self.files.len() <= *file {
                    self.new_file();
                }
                self.name(index, Naming::Add(path.clone(), Node::File(*file)));
            }
            Step::Rename { from, to } => {
                assert_eq!(from.parent(), to.parent(), "a rename stays in its folder");
                let node = self.names[from];
                self.name(index, Naming::Rename(from.clone(), to.clone(), node));
            }
            Step::Remove(path) => self.name(index, Naming::Remove(path.clone())),
            Step::Write { file, offset, bytes } => {
                let (offset, bytes) = (*offset, Arc::clone(bytes));
                self.change(index, *file, Change::Write { offset, bytes });
            }
            Step::SetLen { file, bytes } => self.change(index, *file, Change::SetLen(*bytes)),
            Step::Sync { file, before } => {
                let content = &mut self.files[*file];
                let synced = content.pending.partition_point(|(at, _)| at < before);
                for (_, change) in content.pending.drain(..synced) {
                    change.apply_to(&mut content.durable);
                }
            }
            Step::LoseSync { file } => self.files[*file].pending.clear(),
            Step::SyncDir { path, before } => {
                let durable = &mut self.durable_names;
                self.pending_names.retain(|(at, naming)| {
                    let synced = at < before && naming.folder() == path;
                    if synced {
                        naming.apply(durable);
                    }
                    !synced
                });
            }
            Step::Note(_) => {}
        }
    }

    fn name(&mut self, index: usize, naming: Naming) {
        naming.apply(&mut self.names);
        self.pending_names.push((index, naming));
    }

    fn change(&mut self, index: usize, file: FileId, change: Change) {
        let content = &mut self.files[file];
        change.apply_to(&mut content.cache);
        content.pending.push((index, change));
    }

    pub(crate) fn file_at(&self, path: &Path) -> Option<FileId> {
        match self.names.get(path) {
            Some(Node::File(file)) => Some(*file),
            _ => None,
        }
    }
}
