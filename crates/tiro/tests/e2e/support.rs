//! The executable as a child process: started, watched by what it prints, stopped or killed, never left behind.
//!
//! Every wait is for an event (a line, an exit) and has a bound, which is only reached when something is wrong.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tempfile::TempDir;
use tiro_client::{Client, Options, Patience};

/// Longest wait for anything; far beyond what a busy machine needs.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// A `tiro` command that is not started yet. No variable of the environment reaches it by accident.
pub(crate) struct Launch {
    command: Command,
}

/// A running `tiro`. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    exit: OwnedFd,
    pub(crate) stdout: Printed,
    pub(crate) stderr: Printed,
}

/// A `tiro` that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit status; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running `tiro serve`.
pub(crate) struct Tiro {
    running: Running,
    /// `http://127.0.0.1:PORT`.
    pub(crate) address: String,
}

impl Launch {
    pub(crate) fn new(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Launch {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tiro"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TIRO_") {
                command.env_remove(name);
            }
        }
        command.args(arguments);
        Launch { command }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Launch {
        self.command.env(name, value);
        self
    }

    /// The same command, started by another program, which has no environment to hand on.
    #[allow(dead_code, reason = "only one of the tests that share this makes worlds")]
    pub(crate) fn under(self, program: &str, arguments: &[&str]) -> Launch {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .env_clear();
        Launch { command }
    }

    /// Relative paths start here.
    pub(crate) fn current_dir(mut self, folder: &Path) -> Launch {
        self.command.current_dir(folder);
        self
    }

    /// Starts it with standard input closed.
    pub(crate) fn start(mut self) -> Running {
        self.command.stdin(Stdio::null());
        self.spawn()
    }

    /// Starts it with standard input open: see [`Running::input`].
    pub(crate) fn start_with_input(mut self) -> Running {
        self.command.stdin(Stdio::piped());
        self.spawn()
    }

    /// Starts it and waits for its end.
    pub(crate) fn run(self) -> Ended {
        self.start().wait()
    }

    fn spawn(mut self) -> Running {
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let exit = pidfd_open(pid(&child), PidfdFlags::empty()).unwrap();
        let stdout = Printed::follow(child.stdout.take().unwrap());
        let stderr = Printed::follow(child.stderr.take().unwrap());
        Running {
            child,
            exit,
            stdout,
            stderr,
        }
    }
}

impl Running {
    /// Writes to its standard input, which stays open.
    pub(crate) fn input(&mut self, bytes: &[u8]) {
        self.child.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Closes its standard input.
    pub(crate) fn end_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        pidfd_send_signal(&self.exit, Signal::TERM).unwrap();
    }

    /// SIGINT.
    pub(crate) fn interrupt(&self) {
        pidfd_send_signal(&self.exit, Signal::INT).unwrap();
    }

    /// Stops it from running, as a frozen machine would.
    pub(crate) fn freeze(&self) {
        pidfd_send_signal(&self.exit, Signal::STOP).unwrap();
    }

    /// Lets it run again.
    #[allow(dead_code, reason = "the tests of outages let go on what they froze")]
    pub(crate) fn thaw(&self) {
        pidfd_send_signal(&self.exit, Signal::CONT).unwrap();
    }

    /// `kill -9`, without waiting for its end.
    pub(crate) fn send_kill(&self) {
        pidfd_send_signal(&self.exit, Signal::KILL).unwrap();
    }

    /// `kill -9`; returns when it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        let status = self.exit_status();
        Ended {
            code: status.code(),
            stdout: self.stdout.to_the_end(),
            stderr: self.stderr.to_the_end(),
        }
    }

    fn exit_status(&mut self) -> ExitStatus {
        let mut exited = [PollFd::from_borrowed_fd(self.exit.as_fd(), PollFlags::IN)];
        let bound = Timespec {
            tv_sec: i64::try_from(WAIT_MAX.as_secs()).unwrap(),
            tv_nsec: 0,
        };
        let ready = poll(&mut exited, Some(&bound)).unwrap();
        assert_eq!(
            ready,
            1,
            "tiro did not end; it printed\n{}\n{}",
            self.stdout.so_far(),
            self.stderr.so_far()
        );
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.child
                .kill()
                .and_then(|()| self.child.wait())
                .expect("a child can be killed");
        }
    }
}

impl Tiro {
    /// `tiro serve` on this data folder and a free loopback port, ready for requests.
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Tiro {
        Tiro::launch(Tiro::command(data, arguments))
    }

    /// What [`Tiro::start`] starts.
    pub(crate) fn command(data: &Path, arguments: &[&str]) -> Launch {
        let serve = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            data.to_str().unwrap(),
        ];
        Launch::new(serve.iter().chain(arguments))
    }

    /// Starts a serving command and waits until it listens.
    pub(crate) fn launch(launch: Launch) -> Tiro {
        Tiro::try_launch(launch).unwrap_or_else(|ended| panic!("it does not serve: {ended:?}"))
    }

    /// The same for a command that may refuse to serve.
    pub(crate) fn try_launch(launch: Launch) -> Result<Tiro, Ended> {
        Tiro::listening(launch.start())
    }

    /// Waits until a serving command listens, or ends.
    pub(crate) fn listening(running: Running) -> Result<Tiro, Ended> {
        let listening = |line: &str| line.contains("listening on");
        match running.stdout.find_line(listening) {
            Some(line) => {
                let address = line.split_whitespace().last().unwrap().to_owned();
                Ok(Tiro { running, address })
            }
            None => Err(running.wait()),
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(None)
    }

    pub(crate) fn client_with(&self, operator_key: Option<&str>) -> Client {
        let options = Options {
            operator_key: operator_key.map(str::to_owned),
            patience: Patience::default(),
        };
        Client::new(&self.address, options).unwrap()
    }

    /// `host:port`.
    pub(crate) fn host(&self) -> &str {
        self.address.strip_prefix("http://").unwrap()
    }

    /// `host:port` of every listener.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let Running { stdout, stderr, .. } = &self.running;
        stdout.wait_for_line(stderr, |line| line.contains("data in"));
        let printed = stdout.so_far();
        let addresses = printed
            .lines()
            .filter_map(|line| line.split_once("listening on  http://"));
        addresses.map(|(_, host)| host.to_owned()).collect()
    }

    pub(crate) fn process(&self) -> &Running {
        &self.running
    }

    /// Waits for its end, whoever brings it about.
    pub(crate) fn wait(self) -> Ended {
        self.running.wait()
    }

    /// SIGTERM; waits for the end.
    pub(crate) fn stop(self) -> Ended {
        self.running.terminate();
        self.running.wait()
    }

    /// `kill -9`; returns when it is gone.
    pub(crate) fn kill(self) {
        self.running.kill();
    }
}

/// What a process prints on one of its outputs, as it comes.
#[derive(Clone)]
pub(crate) struct Printed {
    shared: Arc<(Mutex<Text>, Condvar)>,
}

#[derive(Default)]
struct Text {
    lines: Vec<String>,
    ended: bool,
}

impl Printed {
    fn follow(output: impl Read + Send + 'static) -> Printed {
        let shared = Arc::<(Mutex<Text>, Condvar)>::default();
        let printed = Printed {
            shared: Arc::clone(&shared),
        };
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n') {
                let line = String::from_utf8_lossy(&line.unwrap()).into_owned();
                shared.0.lock().unwrap().lines.push(line);
                shared.1.notify_all();
            }
            shared.0.lock().unwrap().ended = true;
            shared.1.notify_all();
        });
        printed
    }

    /// The first line that is the wanted one; `None` if the output ends without it.
    pub(crate) fn find_line(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let text = self.wait_until(|text| text.ended || text.lines.iter().any(|line| wanted(line)));
        text.into_iter().find(|line| wanted(line))
    }

    /// The first line that is the wanted one; `other` is shown if there is none.
    pub(crate) fn wait_for_line(&self, other: &Printed, wanted: impl Fn(&str) -> bool) -> String {
        match self.find_line(wanted) {
            Some(line) => line,
            None => panic!("the line did not come:\n{}\n{}", self.so_far(), other.so_far()),
        }
    }

    pub(crate) fn so_far(&self) -> String {
        self.shared.0.lock().unwrap().lines.join("\n")
    }

    fn to_the_end(&self) -> String {
        self.wait_until(|text| text.ended).join("\n")
    }

    fn wait_until(&self, reached: impl Fn(&Text) -> bool) -> Vec<String> {
        let deadline = Instant::now() + WAIT_MAX;
        let (text, changed) = &*self.shared;
        let mut text = text.lock().unwrap();
        while !reached(&text) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "waited for {WAIT_MAX:?}; printed so far:\n{}",
                text.lines.join("\n")
            );
            text = changed.wait_timeout(text, left).unwrap().0;
        }
        text.lines.clone()
    }
}

/// A folder that goes with the test.
pub(crate) fn temp_folder() -> TempDir {
    tempfile::Builder::new().prefix("tiro-e2e-").tempdir().unwrap()
}

/// Runs requests of a test.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}
