//! The steps of a whole data folder, read from what `strace -f -xx` saw of a process.
//!
//! Everything a program does to the folder's files is either a step or a reason to fail: a call that is not understood
//! would make the images wrong. A sync covers what was done before it began, and counts once it has returned.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use crate::media::{FileId, Media, Node, Note, Step};

/// What strace has to look at.
pub(crate) const CALLS: &str = "open,openat,creat,close,dup,dup2,dup3,write,writev,pwrite64,pwritev,pwritev2,lseek,\
    truncate,ftruncate,fallocate,copy_file_range,sendfile,mmap,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,link,\
    linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat";

/// What a process has open below the root.
enum Open {
    File { file: FileId, position: u64 },
    Dir(PathBuf),
    Notes,
}

/// Reads a trace.
struct Reader<'a> {
    root: &'a Path,
    notes: &'a Path,
    media: Media,
    steps: Vec<Step>,
    open: BTreeMap<i64, Open>,
}

/// A finished call.
struct Call<'a> {
    name: &'a str,
    arguments: Vec<&'a str>,
    result: i64,
    /// Steps there were when it began.
    began: usize,
}

/// The steps that the trace tells, of the files below `root`; each write to the file `notes` is a note.
///
/// # Panics
/// If a line is not understood, or a call on these files is none that is known here.
pub(crate) fn read_steps(trace: &str, root: &Path, notes: &Path) -> Vec<Step> {
    let mut reader = Reader {
        root,
        notes,
        media: Media::default(),
        steps: Vec::new(),
        open: BTreeMap::new(),
    };
    let mut unfinished: BTreeMap<&str, (String, usize)> = BTreeMap::new();
    for line in trace.lines() {
        let (process, line) = line.split_once(' ').expect("a line begins with the process");
        let line = line.trim_start();
        if line.starts_with("+++") || line.starts_with("---") {
            continue;
        }
        let began = reader.steps.len();
        if let Some(beginning) = line.strip_suffix(" <unfinished ...>") {
            if let Some(descriptor) = beginning.strip_prefix("close(") {
                reader.open.remove(&number(descriptor.trim_end_matches(')')));
            }
            unfinished.insert(process, (beginning.to_owned(), began));
        } else if let Some(resumed) = line.strip_prefix("<... ") {
            let (_, rest) = resumed.split_once(" resumed>").expect("a resumed call says so");
            let (beginning, began) = unfinished.remove(process).expect("a resumed call was begun");
            reader.line(&format!("{beginning}{rest}"), began);
        } else {
            reader.line(line, began);
        }
    }
    reader.steps
}

impl Reader<'_> {
    fn line(&mut self, line: &str, began: usize) {
        // A process that ends leaves calls that never return.
        let Some((call, result)) = line.rsplit_once(" = ") else {
            return;
        };
        let result = result.split(' ').next().expect("a split has a first part");
        if result == "?" || result.starts_with('-') {
            return;
        }
        let (name, arguments) = call
            .trim_end()
            .split_once('(')
            .unwrap_or_else(|| panic!("no call: {line:.200}"));
        let arguments = arguments
            .strip_suffix(')')
            .unwrap_or_else(|| panic!("no end: {line:.200}"));
        let result = match result.strip_prefix("0x") {
            Some(address) => i64::from_str_radix(address, 16).unwrap_or(0),
            None => number(result),
        };
        let arguments = arguments.split(", ").collect();
        self.call(&Call {
            name,
            arguments,
            result,
            began,
        });
    }

    fn step(&mut self, step: Step) {
        self.media.apply(&step);
        self.steps.push(step);
    }

    fn call(&mut self, call: &Call<'_>) {
        let arguments = &call.arguments;
        match call.name {
            "openat" => self.open_file(&self.path(arguments[0], arguments[1]), arguments[2], call.result),
            "open" => self.open_file(&text(arguments[0]), arguments[1], call.result),
            "close" => drop(self.open.remove(&number(arguments[0]))),
            "write" => self.write(number(arguments[0]), arguments[1], None, call.result),
            "pwrite64" => self.write(
                number(arguments[0]),
                arguments[1],
                Some(number(arguments[3])),
                call.result,
            ),
            "lseek" => {
                if let Some(Open::File { position, .. }) = self.open.get_mut(&number(arguments[0])) {
                    *position = call.result as u64;
                }
            }
            "ftruncate" => {
                if let Some(Open::File { file, .. }) = self.open.get(&number(arguments[0])) {
                    let (file, bytes) = (*file, number(arguments[1]) as u64);
                    self.step(Step::SetLen { file, bytes });
                }
            }
            "fsync" | "fdatasync" => self.sync(number(arguments[0]), call.began),
            "mkdir" => self.make_dir(&text(arguments[0])),
            "mkdirat" => self.make_dir(&self.path(arguments[0], arguments[1])),
            "unlink" => self.remove(&text(arguments[0])),
            "unlinkat" => self.remove(&self.path(arguments[0], arguments[1])),
            "rename" => self.rename(&text(arguments[0]), &text(arguments[1])),
            "renameat" | "renameat2" => {
                let (from, to) = (
                    self.path(arguments[0], arguments[1]),
                    self.path(arguments[2], arguments[3]),
                );
                self.rename(&from, &to);
            }
            "mmap" => {
                let shared = arguments[3].contains("MAP_SHARED") && arguments[2].contains("PROT_WRITE");
                assert!(
                    !shared || !self.open.contains_key(&number(arguments[4])),
                    "a file is written as memory"
                );
            }
            other => self.refuse(other, arguments),
        }
    }

    /// A call that is not understood must not be on the folder.
    fn refuse(&self, name: &str, arguments: &[&str]) {
        let is_ours = |argument: &&str| match argument.parse() {
            Ok(descriptor) => self.open.contains_key(&descriptor),
            Err(_) => argument.starts_with('"') && text(argument).starts_with(self.root),
        };
        assert!(
            !arguments.iter().any(is_ours),
            "{name} on the data folder is not understood: {arguments:?}"
        );
    }

    /// A path of a call that may be relative to an open folder.
    fn path(&self, folder: &str, path: &str) -> PathBuf {
        let path = text(path);
        if folder == "AT_FDCWD" || path.is_absolute() {
            return path;
        }
        match self.open.get(&number(folder)) {
            Some(Open::Dir(folder)) => self.root.join(folder).join(path),
            _ => path,
        }
    }

    /// The path below the root; `None` if it is the root or elsewhere.
    fn ours(&self, path: &Path) -> Option<PathBuf> {
        let relative = path.strip_prefix(self.root).ok()?;
        (!relative.as_os_str().is_empty()).then(|| relative.to_owned())
    }

    fn open_file(&mut self, path: &Path, flags: &str, descriptor: i64) {
        let open = if path == self.notes {
            Open::Notes
        } else if path == self.root {
            Open::Dir(PathBuf::new())
        } else if let Some(path) = self.ours(path) {
            self.open_ours(path, flags)
        } else {
            self.open.remove(&descriptor);
            return;
        };
        self.open.insert(descriptor, open);
    }

    fn open_ours(&mut self, path: PathBuf, flags: &str) -> Open {
        assert!(
            !flags.contains("O_APPEND") && !flags.contains("O_TMPFILE"),
            "{flags} is not understood"
        );
        match self.media.names.get(&path) {
            Some(Node::Dir) => return Open::Dir(path),
            Some(Node::File(file)) => {
                let file = *file;
                if flags.contains("O_TRUNC") {
                    self.step(Step::SetLen { file, bytes: 0 });
                }
                return Open::File { file, position: 0 };
            }
            None => {}
        }
        assert!(
            flags.contains("O_CREAT"),
            "{} was opened and never made",
            path.display()
        );
        let file = self.media.new_file();
        self.step(Step::Create { path, file });
        Open::File { file, position: 0 }
    }

    fn write(&mut self, descriptor: i64, bytes: &str, offset: Option<i64>, written: i64) {
        let (file, start) = match self.open.get_mut(&descriptor) {
            None => return,
            Some(Open::Dir(path)) => panic!("a write to the folder {}", path.display()),
            Some(Open::Notes) => return self.note(bytes),
            Some(Open::File { file, position }) => {
                let start = offset.map_or(*position, |offset| offset as u64);
                if offset.is_none() {
                    *position += written as u64;
                }
                (*file, start)
            }
        };
        let bytes = &decode(bytes)[..written as usize];
        self.step(Step::Write {
            file,
            offset: start,
            bytes: bytes.into(),
        });
    }

    fn note(&mut self, text: &str) {
        let text = String::from_utf8(decode(text)).expect("a note is text");
        let (what, count) = text
            .trim()
            .split_once(' ')
            .expect("a note is a word and a number");
        let count: u64 = count.parse().expect("a note has a number");
        let note = match what {
            "submitted" => Note::Submitted(count as usize),
            "acknowledged" => Note::Acknowledged(count as usize),
            "view" => Note::ViewDurable(count),
            other => panic!("an unknown note: {other}"),
        };
        self.step(Step::Note(note));
    }

    fn sync(&mut self, descriptor: i64, before: usize) {
        match self.open.get(&descriptor) {
            Some(Open::File { file, .. }) => self.step(Step::Sync { file: *file, before }),
            Some(Open::Dir(path)) => self.step(Step::SyncDir {
                path: path.clone(),
                before,
            }),
            Some(Open::Notes) | None => {}
        }
    }

    fn make_dir(&mut self, path: &Path) {
        if let Some(path) = self.ours(path) {
            self.step(Step::MakeDir(path));
        }
    }

    fn remove(&mut self, path: &Path) {
        if let Some(path) = self.ours(path) {
            self.step(Step::Remove(path));
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        match (self.ours(from), self.ours(to)) {
            (Some(from), Some(to)) => self.step(Step::Rename { from, to }),
            (None, None) => {}
            _ => panic!("a rename into or out of the data folder: {}", from.display()),
        }
    }
}

fn number(text: &str) -> i64 {
    text.trim()
        .parse()
        .unwrap_or_else(|_| panic!("no number: {text:.100}"))
}

fn text(argument: &str) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(decode(argument)))
}

/// The bytes of `"\x0a\x2f"`.
fn decode(argument: &str) -> Vec<u8> {
    let hex = argument
        .trim()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let hex = hex.unwrap_or_else(|| panic!("no whole text: {argument:.100}"));
    hex.as_bytes()
        .chunks(4)
        .map(|byte| {
            let digits = std::str::from_utf8(&byte[2..]).expect("hex digits are ASCII");
            u8::from_str_radix(digits, 16).expect("strace writes every byte in hex")
        })
        .collect()
}

#[test]
fn a_trace_becomes_steps_and_a_sync_covers_only_what_was_done_before_it_began() {
    let hex = |text: &str| {
        text.bytes()
            .map(|byte| format!("\\x{byte:02x}"))
            .collect::<String>()
    };
    let trace = format!(
        "7 openat(AT_FDCWD, \"{}\", O_RDWR|O_CREAT|O_CLOEXEC, 0666) = 5\n\
         7 pwrite64(5, \"{}\", 2, 4096) = 2\n\
         7 fdatasync(5 <unfinished ...>\n\
         8 write(5, \"{}\", 3) = 2\n\
         7 <... fdatasync resumed>)          = 0\n\
         8 rename(\"{}\", \"{}\") = 0\n\
         8 unlink(\"{}\") = -1 ENOENT (No such file or directory)\n\
         7 +++ exited with 0 +++\n",
        hex("/r/a"),
        hex("hi"),
        hex("abc"),
        hex("/r/a"),
        hex("/r/b"),
        hex("/r/b"),
    );
    let steps = read_steps(&trace, Path::new("/r"), Path::new("/notes"));
    let mut media = Media::default();
    steps.iter().for_each(|step| media.apply(step));
    assert_eq!(steps.len(), 5);
    let file = media.file_at(Path::new("b")).unwrap();
    assert_eq!(media.files[file].durable.len(), 4098);
    assert_eq!(&media.files[file].durable[..2], [0, 0]);
    assert_eq!(&media.files[file].cache[..2], b"ab");
}
