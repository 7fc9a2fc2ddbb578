//! `cargo xtask cluster`: the servers of the cluster engine, for tests, benchmarks and people.
//!
//! One folder is one cluster: what was chosen once, a folder and a log per server, `cluster.toml` for Tiro, and
//! `pids.json` for whoever wants to hurt a server. What runs is found out each time and never remembered: a server is
//! up when it answers in its protocol, and ours when its process carries the mark of the folder.

mod dialogue;
mod install;
mod lent;
mod mysql;
mod opensearch;
mod ports;
mod process;
mod rabbitmq;
mod redis;
mod server;
mod settings;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

pub(crate) use install::require_packages;
pub(crate) use lent::{Lent, VARIABLE as CLUSTER_VARIABLE};
pub(crate) use opensearch::jars as opensearch_jars;
use server::{Kind, Server};
use settings::{Settings, write_private};

const KINDS: [&Kind; 4] = [&mysql::KIND, &rabbitmq::KIND, &redis::KIND, &opensearch::KIND];
const CLUSTER_TOML: &str = "cluster.toml";
/// Beside `cluster.toml`: the serving processes by name.
pub(crate) const PIDS_JSON: &str = "pids.json";
/// Longer than one `up` or `down` takes.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(300);
const LOCK_LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Starts MariaDB, RabbitMQ, Redis and OpenSearch, those that do not answer; installs what is missing
    Up {
        /// Folder of the cluster; it is made at the first time
        #[arg(long)]
        dir: PathBuf,
        /// Do not install Debian packages: fail and name those that are missing
        #[arg(long)]
        no_install: bool,
    },
    /// Stops what runs of the cluster
    Down {
        /// Folder of the cluster
        #[arg(long)]
        dir: PathBuf,
    },
    /// Starts servers in a folder of their own, and those that do not answer again at each line `up` of standard input;
    /// stops them at its end
    Lend,
    /// Says which servers answer; fails if one does not
    Status {
        /// Folder of the cluster
        #[arg(long)]
        dir: PathBuf,
    },
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::Up { dir, no_install } => {
            if *no_install {
                require_packages()?;
            } else {
                install::install_packages()?;
            }
            let file = Cluster::make(dir)?.up()?;
            println!("{} is what --cluster takes", file.display());
            Ok(())
        }
        Command::Down { dir } if !dir.try_exists()? => {
            println!("{} is not there: nothing runs", dir.display());
            Ok(())
        }
        Command::Down { dir } => Cluster::make(dir)?.down(),
        Command::Lend => {
            require_packages()?;
            lent::lend()
        }
        Command::Status { dir } if !dir.try_exists()? => bail!("{} is not there", dir.display()),
        Command::Status { dir } => Cluster::make(dir)?.status(),
    }
}

/// The servers of one folder.
pub(crate) struct Cluster {
    folder: PathBuf,
    settings: Settings,
    /// Held for as long as this is: two that start or stop the same servers would trip over each other.
    _lock: File,
}

impl Cluster {
    /// The cluster of a folder, which is made at the first time. Waits while another process has it.
    pub(crate) fn make(folder: &Path) -> anyhow::Result<Cluster> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@,=".contains(&byte);
        if !folder.as_os_str().as_encoded_bytes().iter().copied().all(plain) {
            bail!(
                "--dir {}: choose a path of letters, digits and ._-+@,= (it goes into the servers' settings)",
                folder.display()
            );
        }
        let lock = lock(&folder)?;
        let settings = Settings::of(&folder)?;
        Ok(Cluster {
            folder,
            settings,
            _lock: lock,
        })
    }

    /// Starts the servers that do not answer, all at once; answers the path of `cluster.toml`.
    ///
    /// # Errors
    /// What each of those that do not start has to say; the others run.
    pub(crate) fn up(&self) -> anyhow::Result<PathBuf> {
        if opensearch::jars_are_missing()? {
            opensearch::fetch_jars()?;
        }
        let file = self.folder.join(CLUSTER_TOML);
        write_private(&file, &self.settings.cluster_toml())?;
        let processes = self.each(|server| server.bring_up())?;
        let processes: BTreeMap<&str, u32> = processes.into_iter().collect();
        let pids = format!("{}\n", serde_json::to_string(&processes)?);
        write_private(&self.folder.join(PIDS_JSON), &pids)?;
        Ok(file)
    }

    /// Stops what runs; nothing is fine.
    pub(crate) fn down(&self) -> anyhow::Result<()> {
        for (name, count) in self.each(|server| server.bring_down())? {
            let what = if count > 0 { "is down" } else { "did not run" };
            println!("{name}: {what}");
        }
        match fs::remove_file(self.folder.join(PIDS_JSON)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("cannot remove pids.json")
            }
            _ => Ok(()),
        }
    }

    fn status(&self) -> anyhow::Result<()> {
        let mut silent = Vec::new();
        for (name, (port, running)) in self.each(|server| Ok((server.port(), server.running()?)))? {
            match running {
                Some(id) => println!("{name}: answers on port {port} (process {id})"),
                None => {
                    println!("{name}: does not answer on port {port}");
                    silent.push(name);
                }
            }
        }
        if !silent.is_empty() {
            bail!(
                "{}: not up; `cargo xtask cluster up` starts what does not answer",
                silent.join(", ")
            );
        }
        Ok(())
    }

    fn servers(&self) -> impl Iterator<Item = Server<'_>> {
        KINDS
            .into_iter()
            .map(|kind| Server::of(kind, &self.folder, &self.settings))
    }

    /// Does the same with all servers at once; answers by name, or all errors together.
    fn each<T: Send>(
        &self,
        work: impl Fn(&Server<'_>) -> anyhow::Result<T> + Sync,
    ) -> anyhow::Result<Vec<(&'static str, T)>> {
        let work = &work;
        let done: Vec<(&str, anyhow::Result<T>)> = thread::scope(|scope| {
            let started: Vec<_> = self
                .servers()
                .map(|server| (server.name(), scope.spawn(move || work(&server))))
                .collect();
            started
                .into_iter()
                .map(|(name, thread)| (name, thread.join().expect("a server's thread does not panic")))
                .collect()
        });
        let (mut fine, mut failed) = (Vec::new(), Vec::new());
        for (name, result) in done {
            match result {
                Ok(answer) => fine.push((name, answer)),
                Err(error) => failed.push(format!("{error:#}")),
            }
        }
        if !failed.is_empty() {
            bail!("{}", failed.join("\n"));
        }
        Ok(fine)
    }
}

fn lock(folder: &Path) -> anyhow::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_WAIT_MAX => {
                thread::sleep(LOCK_LOOK_EVERY);
            }
            Err(TryLockError::WouldBlock) => {
                bail!("another `cargo xtask cluster` is at work in {}", folder.display())
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", folder.display()));
            }
        }
    }
}
