//! Redis on the same machine in the same minute: what a number and a durable append cost there.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::tools::{self, Tool};

/// Here the rival that single creates are held against.
const REDIS_SERVER: Tool = tools::REDIS;
const CLIENTS: &str = "64";
/// Requests of the run that finds out how many fit into the time.
const FIRST_REQUESTS: u64 = 20_000;
const START_MAX: Duration = Duration::from_secs(10);
/// Takes the next number of a chat and appends an 80-byte message under it, in one step.
const CREATE: &str = "local n = redis.call('INCR', KEYS[1]) \
                      redis.call('XADD', KEYS[2], '*', 'number', n, 'body', ARGV[1]) return n";

/// Redis, if it is installed.
pub(crate) enum Redis {
    Running(Running),
    /// Why it is not.
    Missing(String),
}

/// A running Redis; it ends, and its folder goes, when this is dropped.
pub(crate) struct Running {
    process: Child,
    port: u16,
    create_sha: String,
    /// Kept for as long as Redis runs.
    _folder: TempDir,
}

impl Redis {
    /// Starts it, every write synced before its answer.
    pub(crate) fn start(folder: TempDir) -> anyhow::Result<Redis> {
        if REDIS_SERVER.find().is_none() {
            return Ok(Redis::Missing(format!(
                "not measured: {} missing ({})",
                REDIS_SERVER.program,
                REDIS_SERVER.how_to_get_it()
            )));
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let process = Command::new(REDIS_SERVER.program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start redis-server")?;
        let mut running = Running {
            process,
            port,
            create_sha: String::new(),
            _folder: folder,
        };
        running.wait_until_it_listens()?;
        running.create_sha = running
            .client("redis-cli", &["script", "load", CREATE])?
            .trim()
            .to_owned();
        Ok(Redis::Running(running))
    }
}

impl Running {
    fn wait_until_it_listens(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if begun.elapsed() > START_MAX {
                bail!("redis-server did not listen within {} s", START_MAX.as_secs());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Creates per second over about the given time, by redis-benchmark.
    pub(crate) fn creates_per_second(&self, lasts: Duration) -> anyhow::Result<f64> {
        let rate = self.benchmark(FIRST_REQUESTS)?;
        self.benchmark((rate * lasts.as_secs_f64()) as u64)
    }

    fn benchmark(&self, requests: u64) -> anyhow::Result<f64> {
        let body = "x".repeat(80);
        let csv = self.client(
            "redis-benchmark",
            &[
                "-c",
                CLIENTS,
                "-n",
                &requests.to_string(),
                "-r",
                "200",
                "--csv",
                "evalsha",
                &self.create_sha,
                "2",
                "number:__rand_int__",
                "chat:__rand_int__",
                &body,
            ],
        )?;
        // The second column of the last line: requests per second.
        let last = csv.lines().last().context("redis-benchmark said nothing")?;
        let rate = last
            .rsplit("\",\"")
            .nth(6)
            .with_context(|| format!("not what was expected: {last}"))?;
        Ok(rate.trim_matches('"').parse()?)
    }

    fn client(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(program)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(arguments)
            .output()
            .with_context(|| format!("cannot start {program}"))?;
        if !output.status.success() {
            bail!("{program}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.process.kill().and_then(|()| self.process.wait()) {
            eprintln!("redis-server did not end: {error}");
        }
    }
}
