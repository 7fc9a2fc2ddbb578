//! The real server: the release binary on a folder of its own, on a port that the system chooses.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::http::exchange;
use super::process::Process;
use super::requests::{delete, get, post};
use super::series::Series;
use crate::root::target_folder;

/// A single request that takes longer has come to a stop.
const CALL_LASTS_MAX: Duration = Duration::from_secs(60);
/// Connections that make what a measurement needs.
const FILLING_CONNECTIONS: usize = 32;

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
        let token = server.create_application()?;
        server.call(&get(&search_path(&token, None, "nothing")), 503)?;
        Ok(server)
    }

    /// Ends it as `kill -9` does and starts it again on the same folder. Answers how long it took from the start of
    /// the program to the answer of a GET of `path`.
    pub(crate) fn kill_and_start(&mut self, path: &str) -> anyhow::Result<Duration> {
        self.child.kill()?;
        self.child.wait()?;
        let begun = Instant::now();
        (self.child, self.address) = spawn(self.folder.path())?;
        self.call(&get(path), 200)?;
        Ok(begun.elapsed())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
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

    /// Searches an application once.
    ///
    /// # Errors
    /// The answer is not 200, so not of everything that was acknowledged.
    pub(crate) fn search(&self, token: &str, text: &str) -> anyhow::Result<()> {
        self.call(&get(&search_path(token, None, text)), 200)?;
        Ok(())
    }

    /// Memory that is the process's own: `RssAnon`.
    pub(crate) fn anonymous_mebibytes(&self) -> anyhow::Result<f64> {
        self.process().anonymous_mebibytes()
    }

    /// A new application; answers its token.
    pub(crate) fn create_application(&self) -> anyhow::Result<String> {
        let created = self.create("/v1/applications", &json!({"name": "bench"}).to_string())?;
        let token = created["token"]
            .as_str()
            .context("an application without a token")?;
        Ok(token.to_owned())
    }

    /// Chats 1 to `count`, if there are none yet.
    pub(crate) fn create_chats(&self, token: &str, count: usize) -> anyhow::Result<()> {
        let request = post(&format!("/v1/applications/{token}/chats"), "{}");
        let series = Series {
            server: self.address,
            make: Arc::new(move |_| request.clone()),
            count,
            connections: FILLING_CONNECTIONS.min(count),
            status: 201,
            name: String::new(),
        };
        series.run()?;
        Ok(())
    }

    /// Messages, each the JSON of one, as one batch.
    pub(crate) fn create_batch(&self, token: &str, chat: usize, messages: &[String]) -> anyhow::Result<()> {
        let path = format!("/v1/applications/{token}/chats/{chat}/messages/batch");
        self.create(&path, &batch_body(messages))?;
        Ok(())
    }

    /// Deletes a chat.
    pub(crate) fn delete_chat(&self, token: &str, chat: usize) -> anyhow::Result<()> {
        self.call(&delete(&format!("/v1/applications/{token}/chats/{chat}")), 204)?;
        Ok(())
    }

    /// The JSON that is served at a path.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.call(&get(path), 200)?)?)
    }

    fn create(&self, path: &str, body: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.call(&post(path, body), 201)?)?)
    }

    /// Sends one request over a connection of its own; answers the body.
    fn call(&self, request: &[u8], status: u16) -> anyhow::Result<Vec<u8>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let call = async {
            let mut connection = TcpStream::connect(self.address).await?;
            let mut received = Vec::new();
            let answer = exchange(&mut connection, request, &mut received).await?;
            if answer.status != status {
                bail!(
                    "expected status {status}, received {}",
                    String::from_utf8_lossy(&received)
                );
            }
            Ok(received.split_off(answer.head_bytes))
        };
        let bounded = async { tokio::time::timeout(CALL_LASTS_MAX, call).await };
        runtime
            .block_on(bounded)
            .context("the server left a request unanswered")?
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

/// Starts the program and waits until it says where it listens.
fn spawn(folder: &Path) -> anyhow::Result<(Child, SocketAddr)> {
    let program = target_folder().join("release/tiro");
    let mut child = Command::new(&program)
        .args([
            "serve",
            "--log-level",
            "warn",
            "--listen",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(data_folder(folder))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let output = child.stdout.take().context("the server has no output")?;
    match listening(output) {
        Ok(address) => Ok((child, address)),
        Err(error) => {
            child.kill()?;
            child.wait()?;
            Err(error)
        }
    }
}

/// The path of a search, in a chat or in the whole application.
pub(crate) fn search_path(token: &str, chat: Option<usize>, text: &str) -> String {
    let mut path = format!("/v1/applications/{token}/");
    if let Some(chat) = chat {
        path.push_str(&format!("chats/{chat}/messages/"));
    }
    path.push_str("search?q=");
    for byte in text.bytes() {
        path.push_str(&format!("%{byte:02X}"));
    }
    path
}

/// The body of a batch of messages, each the JSON of one.
pub(crate) fn batch_body(messages: &[String]) -> String {
    format!(r#"{{"messages": [{}]}}"#, messages.join(","))
}

/// The address in the first line that holds one; the rest of the output is read and dropped, so that the server
/// never waits for a reader.
fn listening(output: ChildStdout) -> anyhow::Result<SocketAddr> {
    let mut lines = BufReader::new(output).lines();
    let mut said = String::new();
    for line in lines.by_ref() {
        let line = line?;
        if let Some(address) = address_in(&line) {
            thread::spawn(move || lines.for_each(drop));
            return Ok(address);
        }
        said.push_str(&line);
        said.push('\n');
    }
    bail!("the server ended without saying where it listens: {said}")
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest.find(|end: char| !end.is_ascii_digit() && !".:".contains(end));
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_for_is_encoded_byte_by_byte() {
        assert_eq!(
            search_path("t", Some(2), "a ü"),
            "/v1/applications/t/chats/2/messages/search?q=%61%20%C3%BC"
        );
        assert_eq!(search_path("t", None, "+"), "/v1/applications/t/search?q=%2B");
    }

    #[test]
    fn the_address_is_found_in_the_line_that_names_it() {
        let expected = Some("127.0.0.1:3000".parse().unwrap());
        assert_eq!(address_in("  listens on   http://127.0.0.1:3000/"), expected);
        assert_eq!(address_in("http://127.0.0.1:3000 (only this machine)"), expected);
        assert_eq!(address_in("see http://localhost/docs"), None);
    }
}
