//! One server of a cluster: brought up until it answers, brought down until nothing of it is left.
//!
//! What differs from server to server is a [`Kind`]: what to write before the start, the command, the question that
//! a ready server answers. A server is up when a process of its folder is there and the question is answered.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use rustix::process::Signal;

use super::ports::Ports;
use super::process::{MARK, Process};
use super::settings::Settings;
use super::systems::{Origin, System};
use super::unpacked;
use crate::steps::succeed;

/// A start on a busy machine takes some 30 s.
const START_MAX: Duration = Duration::from_secs(180);
/// A server that ends by itself ends within this, else it is killed.
const END_MAX: Duration = Duration::from_secs(40);
const KILL_MAX: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Between a fork and its exec, and while Redis writes its title, a process carries no mark.
const UNSEEN_MAX: Duration = Duration::from_secs(2);
const LOG_LINES_SHOWN: usize = 15;
/// More than the lines that are shown.
const LOG_BYTES_READ: u64 = 16 * 1_024;
/// Where Debian has programs of the system, also those that are not on a user's path.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Erlang's list of nodes: it outlives the broker, and the next one uses it.
const EPMD: &str = "epmd";

/// What makes one kind of server different from the others.
pub(crate) struct Kind {
    /// Its name in `pids.json`, of its folder and of its log.
    pub(crate) name: &'static str,
    /// The name of the process that serves.
    pub(crate) program: &'static str,
    pub(crate) port: fn(&Ports) -> u16,
    /// Makes its files; everything it writes may be there already.
    pub(crate) prepare: fn(&Place<'_>) -> anyhow::Result<()>,
    /// What starts it in the foreground.
    pub(crate) command: fn(&Place<'_>) -> anyhow::Result<Command>,
    /// Asks what only a ready server answers, over its protocol; gives up within some seconds.
    pub(crate) answers: fn(&Place<'_>) -> anyhow::Result<()>,
    /// Asks a ready server which version it is.
    pub(crate) version: fn(&Place<'_>) -> anyhow::Result<String>,
}

/// Where a server has its files, and what was chosen for it.
pub(crate) struct Place<'a> {
    /// Its own folder, absolute.
    pub(crate) folder: PathBuf,
    pub(crate) settings: &'a Settings,
    pub(crate) system: &'static System,
}

impl Place<'_> {
    /// A command that runs a program of the system.
    pub(crate) fn run(&self, program: &str) -> Command {
        match self.system.origin {
            Origin::Unpacked(_) => unpacked::run(self.system.name, &[&self.folder], program),
            Origin::Installed(_) | Origin::Jars(_) => Command::new(program),
        }
    }
}

/// One server of a cluster.
pub(crate) struct Server<'a> {
    kind: &'static Kind,
    place: Place<'a>,
    log: PathBuf,
}

impl<'a> Server<'a> {
    pub(crate) fn of(system: &'static System, cluster: &Path, settings: &'a Settings) -> Server<'a> {
        let kind = system.kind;
        Server {
            kind,
            place: Place {
                folder: cluster.join(kind.name),
                settings,
                system,
            },
            log: cluster.join(format!("{}.log", kind.name)),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.kind.name
    }

    /// What it is and its version, said by itself.
    ///
    /// # Errors
    /// It does not answer.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let version =
            (self.kind.version)(&self.place).with_context(|| format!("the version of {}", self.name()))?;
        Ok(format!("{} {version}", self.place.system.title))
    }

    pub(crate) fn port(&self) -> u16 {
        (self.kind.port)(&self.place.settings.ports)
    }

    /// The serving process, if it is up.
    pub(crate) fn running(&self) -> anyhow::Result<Option<u32>> {
        let serving = self.serving()?;
        Ok(serving.filter(|_| (self.kind.answers)(&self.place).is_ok()))
    }

    /// Starts it unless it is up; answers the serving process.
    ///
    /// # Errors
    /// It ended, or did not answer in time: with the last lines of its log.
    pub(crate) fn bring_up(&self) -> anyhow::Result<u32> {
        let name = self.name();
        if let Some(id) = self.running()? {
            println!("{name}: is up (process {id})");
            return Ok(id);
        }
        // A process that is there all the same is stuck, and holds the port and the files.
        self.end()?;
        println!(
            "{name}: starting {} on port {}",
            self.place.system.name,
            self.port()
        );
        let begun = Instant::now();
        let logged = self.log_to_append()?.metadata()?.len();
        let id = self.start().map_err(|error| {
            let said = tail(&self.log, logged);
            let said = said.unwrap_or_else(|unreadable| format!("(cannot be read: {unreadable})"));
            anyhow!(
                "{name} does not start: {error:#}. The last lines of {}:\n{said}\n\
                 Try `cargo xtask cluster up` again; with a new --dir everything begins anew",
                self.log.display(),
            )
        })?;
        println!(
            "{name}: ready after {:.1} s (process {id})",
            begun.elapsed().as_secs_f64()
        );
        Ok(id)
    }

    /// Ends what is left of it, politely at first; nothing left is fine. Answers how many processes there were.
    pub(crate) fn bring_down(&self) -> anyhow::Result<usize> {
        let count = self.processes()?.len();
        self.end()?;
        // The last, since a broker that ends still speaks to it.
        for process in Process::of(&self.place.folder)? {
            end(&process, END_MAX)?;
        }
        Ok(count)
    }

    fn start(&self) -> anyhow::Result<u32> {
        fs::create_dir_all(&self.place.folder)?;
        (self.kind.prepare)(&self.place)?;
        let port = self.port();
        drop(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
            format!("another program has its port {port}: end that, or take a new --dir")
        })?);
        self.spawn()?;
        let begun = Instant::now();
        let mut seen = begun;
        loop {
            let now = Instant::now();
            if !self.processes()?.is_empty() {
                seen = now;
            } else if now - seen > UNSEEN_MAX {
                bail!("it ended after {:.1} s", (seen - begun).as_secs_f64());
            }
            let Err(error) = (self.kind.answers)(&self.place) else {
                return self.serving()?.context("it answered, and ended then");
            };
            if begun.elapsed() > START_MAX {
                return Err(error.context(format!("it is not ready after {} s", START_MAX.as_secs())));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Starts it in a session of its own, with an environment that says nothing but its mark, so that it neither ends
    /// with a terminal nor is led astray by variables.
    fn spawn(&self) -> anyhow::Result<()> {
        let log = self.log_to_append()?;
        let command = (self.kind.command)(&self.place)?;
        let mut session = Command::new("setsid");
        session
            .arg("--fork")
            .arg(command.get_program())
            .args(command.get_args());
        session.env_clear().env("PATH", PATH).env("LANG", "C.UTF-8");
        session.env(MARK, &self.place.folder);
        for (name, value) in command.get_envs() {
            session.env(name, value.context("a variable without a value")?);
        }
        session.current_dir(&self.place.folder);
        session.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // setsid ends at once; the server is then the child of init, which buries it whoever started it.
        succeed(&mut session)
    }

    fn log_to_append(&self) -> anyhow::Result<File> {
        let log = File::options().create(true).append(true).open(&self.log);
        log.with_context(|| format!("cannot open {}", self.log.display()))
    }

    fn serving(&self) -> anyhow::Result<Option<u32>> {
        let processes = self.processes()?;
        let serving = processes
            .iter()
            .find(|process| process.program == self.kind.program);
        Ok(serving.map(|process| process.id))
    }

    /// All that runs for it, but for what may outlive it.
    fn processes(&self) -> anyhow::Result<Vec<Process>> {
        let mut processes = Process::of(&self.place.folder)?;
        processes.retain(|process| process.program != EPMD);
        Ok(processes)
    }

    fn end(&self) -> anyhow::Result<()> {
        for process in self.processes()? {
            // The serving process ends its children itself, and a killed parent leaves them to the second round.
            if process.program == self.kind.program {
                end(&process, END_MAX)?;
            }
        }
        for process in self.processes()? {
            end(&process, KILL_MAX)?;
        }
        Ok(())
    }
}

/// Ends a process: a request, then, after so long, force.
fn end(process: &Process, politely: Duration) -> anyhow::Result<()> {
    process.signal(Signal::TERM)?;
    // A stopped process reads no request.
    process.signal(Signal::CONT)?;
    if process.wait_for_end(Instant::now() + politely)? {
        return Ok(());
    }
    println!("{} ({}) does not end and is killed", process.program, process.id);
    process.signal(Signal::KILL)?;
    if !process.wait_for_end(Instant::now() + KILL_MAX)? {
        bail!("{} ({}) survives being killed", process.program, process.id);
    }
    Ok(())
}

/// The last lines behind `from`.
fn tail(file: &Path, from: u64) -> std::io::Result<String> {
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(LOG_BYTES_READ))))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::systems::Wanted;
    use super::*;

    /// A server that says something and ends.
    static SHORT_LIVED: Kind = Kind {
        name: "short-lived",
        program: "sh",
        port: |ports| ports.redis,
        prepare: |_| Ok(()),
        command: |_| {
            let mut command = Command::new("sh");
            command.args(["-c", "echo the disk is made of cheese; exit 3"]);
            Ok(command)
        },
        answers: |_| bail!("nobody is there"),
        version: |_| bail!("nobody is there"),
    };
    static SHORT_LIVED_SYSTEM: System = System {
        name: "short-lived",
        title: "Short",
        kind: &SHORT_LIVED,
        origin: Origin::Installed(&[]),
    };
    /// One that lives until it is killed, and that is ready at once.
    static STUBBORN: Kind = Kind {
        name: "stubborn",
        program: "sh",
        command: |_| {
            let mut command = Command::new("sh");
            command.args(["-c", "trap '' TERM; : > up; read never < fifo"]);
            Ok(command)
        },
        prepare: |place| succeed(Command::new("mkfifo").arg(place.folder.join("fifo"))),
        answers: |place| {
            fs::metadata(place.folder.join("up"))
                .map(|_| ())
                .context("it is not up")
        },
        port: |ports| ports.redis,
        version: |_| Ok("1".to_owned()),
    };
    static STUBBORN_SYSTEM: System = System {
        kind: &STUBBORN,
        name: "stubborn",
        title: "Stubborn",
        origin: Origin::Installed(&[]),
    };

    #[test]
    fn a_server_that_does_not_start_is_named_with_the_last_lines_of_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::of(folder.path(), &Wanted::default()).unwrap();
        let server = Server::of(&SHORT_LIVED_SYSTEM, folder.path(), &settings);
        let error = format!("{:#}", server.bring_up().unwrap_err());
        assert!(error.starts_with("short-lived does not start"), "{error}");
        assert!(error.contains("the disk is made of cheese"), "{error}");
        assert!(error.contains("it ended after"), "{error}");
        assert_eq!(server.bring_down().unwrap(), 0);
    }

    #[test]
    fn a_port_that_another_program_has_is_named_and_nothing_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::of(folder.path(), &Wanted::default()).unwrap();
        let server = Server::of(&STUBBORN_SYSTEM, folder.path(), &settings);
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, server.port())).unwrap();
        let error = server.bring_up().unwrap_err().to_string();
        let reason = format!("another program has its port {}", server.port());
        assert!(error.contains(&reason), "{error}");
        assert_eq!(server.bring_down().unwrap(), 0);
        drop(taken);
    }

    #[test]
    fn a_server_that_is_up_is_left_alone_and_one_that_ignores_requests_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::of(folder.path(), &Wanted::default()).unwrap();
        let server = Server::of(&STUBBORN_SYSTEM, folder.path(), &settings);
        let id = server.bring_up().unwrap();
        assert_eq!(server.bring_up().unwrap(), id);
        let [process] = &server.processes().unwrap()[..] else {
            panic!("one process is expected");
        };
        end(process, Duration::ZERO).unwrap();
        assert_eq!(server.running().unwrap(), None);
        assert_eq!(server.bring_down().unwrap(), 0);
    }

    #[test]
    fn the_tail_of_a_log_is_its_last_lines() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines: Vec<String> = (0..5_000).map(|number| format!("line {number}")).collect();
        fs::write(file.path(), lines.join("\n")).unwrap();
        let shown = tail(file.path(), 0).unwrap();
        assert_eq!(shown.lines().count(), LOG_LINES_SHOWN);
        assert_eq!(shown.lines().last(), Some("line 4999"));
        fs::write(file.path(), "former start\nthis start\n").unwrap();
        assert_eq!(tail(file.path(), 13).unwrap(), "this start");
    }
}
