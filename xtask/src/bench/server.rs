//! The real server: the release binary on a folder of its own, on a port that the system chooses.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::api::{Api, search_path};
use super::process::Process;
use super::requests::get;
use crate::cluster::CLUSTER_VARIABLE;
use crate::root::target_folder;

/// A running server; it ends, and its folder goes, when this is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// Kept for as long as the server runs.
    folder: TempDir,
}

impl Server {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(folder: TempDir) -> anyhow::Result<Server> {
        let (child, address) = spawn(folder.path())?;
        Ok(Server {
            child,
            address,
            folder,
        })
    }

    /// The same program without a search index: a file stands where the index's folder belongs, so the engine lets
    /// writes go on without it and tries again every 30 s.
    ///
    /// # Errors
    /// It searches all the same.
    pub(crate) fn start_without_index(folder: TempDir) -> anyhow::Result<Server> {
        let mut server = Server::start(folder)?;
        server.child.kill()?;
        server.child.wait()?;
        let index = server.index();
        match fs::remove_dir_all(&index) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => fs::write(&index, "")?,
        }
        (server.child, server.address) = spawn(server.folder.path())?;
        let token = server.api().create_application()?;
        server
            .api()
            .call(&get(&search_path(&token, None, "nothing")), 503)?;
        Ok(server)
    }

    /// Ends it as `kill -9` does and starts it again on the same folder. Answers how long it took from the start of
    /// the program to the answer of a GET of `path`.
    pub(crate) fn kill_and_start(&mut self, path: &str) -> anyhow::Result<Duration> {
        self.child.kill()?;
        self.child.wait()?;
        let begun = Instant::now();
        (self.child, self.address) = spawn(self.folder.path())?;
        self.api().call(&get(path), 200)?;
        Ok(begun.elapsed())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn api(&self) -> Api {
        Api::at(self.address)
    }

    pub(crate) fn process(&self) -> Process {
        Process::of(self.child.id())
    }

    /// The folder with its data.
    pub(crate) fn data(&self) -> PathBuf {
        data_folder(self.folder.path())
    }

    /// The folder of the search index.
    pub(crate) fn index(&self) -> PathBuf {
        self.data().join("index")
    }

    /// Memory that is the process's own: `RssAnon`.
    pub(crate) fn anonymous_mebibytes(&self) -> anyhow::Result<f64> {
        self.process().anonymous_mebibytes()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("the server did not end: {error}");
        }
    }
}

fn data_folder(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Starts the program on a folder and waits until it says where it listens.
fn spawn(folder: &Path) -> anyhow::Result<(Child, SocketAddr)> {
    let data = data_folder(folder);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data"];
    start(
        serve.map(OsStr::new).into_iter().chain([data.as_os_str()]),
        address_in,
    )
}

/// Starts the program and waits until it says what is looked for.
///
/// # Errors
/// It ends before that.
pub(super) fn start<'a, T>(
    arguments: impl IntoIterator<Item = &'a OsStr>,
    found_in: impl Fn(&str) -> Option<T>,
) -> anyhow::Result<(Child, T)> {
    let program = target_folder().join("release/tiro");
    let mut child = Command::new(&program)
        .args(arguments)
        .args(["--log-level", "warn"])
        // For the bench itself, not for servers on folders.
        .env_remove(CLUSTER_VARIABLE)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let output = child.stdout.take().context("the program has no output")?;
    match said(output, found_in) {
        Ok(found) => Ok((child, found)),
        Err(error) => {
            child.kill()?;
            child.wait()?;
            Err(error)
        }
    }
}

/// What is looked for, from the first line that has it; the rest of the output is read and dropped, so that the program
/// never waits for a reader.
fn said<T>(output: ChildStdout, found_in: impl Fn(&str) -> Option<T>) -> anyhow::Result<T> {
    let mut lines = BufReader::new(output).lines();
    let mut said = String::new();
    for line in lines.by_ref() {
        let line = line?;
        if let Some(found) = found_in(&line) {
            thread::spawn(move || lines.for_each(drop));
            return Ok(found);
        }
        said.push_str(&line);
        said.push('\n');
    }
    bail!("the program ended before it was ready: {said}")
}

/// The address in a line that says where a server listens.
pub(super) fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest.find(|end: char| !end.is_ascii_digit() && !".:".contains(end));
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_the_line_that_names_it() {
        let expected = Some("127.0.0.1:3000".parse().unwrap());
        assert_eq!(address_in("  listens on   http://127.0.0.1:3000/"), expected);
        assert_eq!(address_in("http://127.0.0.1:3000 (only this machine)"), expected);
        assert_eq!(address_in("see http://localhost/docs"), None);
    }
}
