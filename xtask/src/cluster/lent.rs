//! The servers that tests and measurements are lent: those that `TIRO_CLUSTER` names, else a cluster that ends with them.
//!
//! However the tests end (well, badly, by Ctrl-C), what was started is stopped, once: whoever comes first takes the
//! cluster out of its place and holds the lock until all is down.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use anyhow::Context;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use super::{Cluster, Wanted};
use crate::root::target_folder;

/// Names the `cluster.toml` of the servers to use.
pub(crate) const VARIABLE: &str = "TIRO_CLUSTER";
/// Where the logs of servers stay when tests fail, in the target folder.
const LOGS: &str = "cluster-logs";
/// The exit status of a program that a signal ended is this and the signal's number.
const SIGNALLED: i32 = 128;

/// What the borrower of `cluster lend` waits for: this, then the path of the `cluster.toml`.
const LENT: &str = "lent: ";
/// What the borrower asks for, a word a line: whatever of the servers does not answer is started.
const UP: &str = "up";

/// `cargo xtask cluster lend`: servers for a test that hurts them, of the systems that `TIRO_CLUSTER_SYSTEMS` names. They
/// end with our standard input, so however the borrower ends.
pub(super) fn lend() -> anyhow::Result<()> {
    let lent = Lent::own(&Wanted::of_environment()?)?;
    println!("{LENT}{}", lent.bring_up()?.display());
    for line in std::io::stdin().lines() {
        anyhow::ensure!(line? == UP, "the borrower of servers can ask for `{UP}` only");
        println!("{LENT}{}", lent.bring_up()?.display());
    }
    lent.end()
}

/// A cluster, until it is ended.
type Place = Arc<Mutex<Option<Own>>>;

/// All that this program has started or will start, for the thread that ends them when a signal comes.
static ALL_OWN: Mutex<Vec<Place>> = Mutex::new(Vec::new());

/// Servers for tests and measurements.
pub(crate) struct Lent {
    given: Option<PathBuf>,
    own: Place,
}

struct Own {
    cluster: Cluster,
    /// Kept for as long as the cluster runs.
    folder: TempDir,
}

impl Lent {
    /// Chooses whose servers they are; from here on signals end our own before they end this program.
    pub(crate) fn prepare() -> anyhow::Result<Lent> {
        Lent::of(std::env::var_os(VARIABLE))
    }

    fn of(given: Option<OsString>) -> anyhow::Result<Lent> {
        let mut lent = Lent {
            given: None,
            own: Arc::default(),
        };
        if let Some(file) = given {
            let file = PathBuf::from(file);
            let unreadable = || format!("{VARIABLE} names {}, which cannot be read", file.display());
            fs::read_to_string(&file).with_context(unreadable)?;
            // Tests run in the folders of their packages.
            lent.given = Some(file.canonicalize()?);
            return Ok(lent);
        }
        lent.take_own(&Wanted::of_environment()?)?;
        Ok(lent)
    }

    /// Servers of our own, of these systems, whatever `TIRO_CLUSTER` names: not started yet.
    ///
    /// # Errors
    /// A program that they need is not installed.
    pub(crate) fn own(wanted: &Wanted) -> anyhow::Result<Lent> {
        let lent = Lent {
            given: None,
            own: Arc::default(),
        };
        lent.take_own(wanted)?;
        Ok(lent)
    }

    fn take_own(&self, wanted: &Wanted) -> anyhow::Result<()> {
        fs::create_dir_all(target_folder())?;
        let folder = tempfile::Builder::new()
            .prefix("cluster-")
            .tempdir_in(target_folder())?;
        let cluster = Cluster::make(folder.path(), wanted)?;
        cluster.require_packages()?;
        *held(&self.own) = Some(Own { cluster, folder });
        end_on_signals(&self.own)
    }

    /// Starts them if they are ours, and tells the tests of them.
    pub(crate) fn start(&self, tests: &mut Command) -> anyhow::Result<()> {
        tests.env(VARIABLE, self.bring_up()?);
        Ok(())
    }

    /// Starts them if they are ours; answers the path of their `cluster.toml`.
    pub(crate) fn bring_up(&self) -> anyhow::Result<PathBuf> {
        match (&self.given, &*held(&self.own)) {
            (Some(file), _) => {
                println!("{VARIABLE} is set: the servers of {} are used", file.display());
                Ok(file.clone())
            }
            (None, Some(own)) => own.cluster.up(),
            (None, None) => anyhow::bail!("the servers were stopped before they were started"),
        }
    }

    /// What our own servers say they are; they have to be up.
    pub(crate) fn versions(&self) -> anyhow::Result<Vec<String>> {
        match &*held(&self.own) {
            Some(own) => own.cluster.versions(),
            None => anyhow::bail!("the servers are not our own, or were stopped"),
        }
    }

    /// Saves the logs of our own servers from going away with their folder.
    pub(crate) fn keep_logs(&self) -> anyhow::Result<()> {
        let own = held(&self.own);
        let Some(own) = &*own else { return Ok(()) };
        let kept = target_folder().join(LOGS);
        fs::create_dir_all(&kept)?;
        for entry in fs::read_dir(own.folder.path())? {
            let path = entry?.path();
            if let (Some("log"), Some(name)) =
                (path.extension().and_then(|end| end.to_str()), path.file_name())
            {
                fs::copy(&path, kept.join(name))?;
            }
        }
        println!("the servers' logs are in {}", kept.display());
        Ok(())
    }

    /// Stops our own servers; those that were given run on.
    pub(crate) fn end(&self) -> anyhow::Result<()> {
        end(&mut held(&self.own))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("the servers did not end: {error:#}");
        }
    }
}

fn held(own: &Mutex<Option<Own>>) -> MutexGuard<'_, Option<Own>> {
    own.lock()
        .expect("nobody panics while starting or stopping servers")
}

fn end(own: &mut Option<Own>) -> anyhow::Result<()> {
    own.take().map_or(Ok(()), |own| own.cluster.down())
}

/// Ends the servers, then this program, when a signal asks for it; one that comes later changes nothing any more. A
/// server that is just being started is waited for.
fn end_on_signals(own: &Place) -> anyhow::Result<()> {
    let mut all = ALL_OWN.lock().expect("nobody panics while noting servers");
    all.push(Arc::clone(own));
    if all.len() > 1 {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let [mut interrupted, mut terminated, mut hung_up] = {
        let _inside = runtime.enter();
        let [first, second, third] = kinds.map(signal);
        [first?, second?, third?]
    };
    thread::spawn(move || {
        let kind = runtime.block_on(async {
            tokio::select! {
                _ = interrupted.recv() => SignalKind::interrupt(),
                _ = terminated.recv() => SignalKind::terminate(),
                _ = hung_up.recv() => SignalKind::hangup(),
            }
        });
        eprintln!("stopping the servers");
        let all = ALL_OWN.lock().expect("nobody panics while noting servers");
        for own in all.iter() {
            if let Err(error) = end(&mut held(own)) {
                eprintln!("the servers did not end: {error:#}");
            }
        }
        std::process::exit(SIGNALLED + kind.as_raw_value());
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_are_given_are_told_to_the_tests_and_run_on() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lent = Lent::of(Some(file.path().as_os_str().to_owned())).unwrap();
        let mut tests = Command::new("cargo");
        lent.start(&mut tests).unwrap();
        let told: Vec<_> = tests.get_envs().collect();
        let path = file.path().canonicalize().unwrap();
        assert_eq!(told, [(VARIABLE.as_ref(), Some(path.as_os_str()))]);
        lent.end().unwrap();
        assert!(path.exists());
    }

    #[test]
    fn servers_that_cannot_be_read_about_are_an_error_that_names_the_variable() {
        let error = Lent::of(Some("no-such-file.toml".into())).err().unwrap();
        assert_eq!(
            error.to_string(),
            "TIRO_CLUSTER names no-such-file.toml, which cannot be read"
        );
    }
}
