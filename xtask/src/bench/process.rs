//! What the system knows of a running process: its memory and the processor time of its threads.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::Context;

/// Ticks of /proc/*/stat in a second; the same on every Linux a program can see.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;
/// How often memory and idleness are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A process that takes less of one processor than this over [`IDLE_LASTS`] is idle.
const IDLE_SHARE_MAX: f64 = 0.04;
const IDLE_LASTS: Duration = Duration::from_secs(1);
/// A process that is not idle by then will not be.
const IDLE_WAIT_MAX: Duration = Duration::from_secs(300);

/// A process, by its id.
#[derive(Clone, Copy)]
pub(crate) struct Process {
    id: u32,
}

/// Processor time, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ProcessorTime {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl Process {
    pub(crate) fn of(id: u32) -> Process {
        Process { id }
    }

    /// Memory that is the process's own: `RssAnon`.
    pub(crate) fn anonymous_mebibytes(self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
        let kibibytes: f64 = kibibytes.context("/proc names no RssAnon")?.parse()?;
        Ok(kibibytes / 1_024.0)
    }

    /// Does something and answers with it the most memory that the process had meanwhile, in MiB.
    pub(crate) fn peak_while<T>(self, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, f64)> {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let mut peak: f64 = 0.0;
                while !done.load(Ordering::Relaxed) {
                    peak = peak.max(self.anonymous_mebibytes()?);
                    thread::sleep(LOOK_EVERY);
                }
                anyhow::Ok(peak)
            });
            let worked = work();
            done.store(true, Ordering::Relaxed);
            let peak = watch.join().expect("the watch does not panic");
            Ok((worked?, peak?))
        })
    }

    /// What its threads have used so far, by their names; threads of one name are added up.
    pub(crate) fn threads(self) -> anyhow::Result<BTreeMap<String, ProcessorTime>> {
        let mut times: BTreeMap<String, ProcessorTime> = BTreeMap::new();
        for thread in fs::read_dir(format!("/proc/{}/task", self.id))? {
            let (name, used) = match fs::read_to_string(thread?.path().join("stat")) {
                Ok(stat) => read_stat(&stat)?,
                // A thread that ended since the folder was read, or since its file was opened.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let sum = times.entry(name).or_default();
            sum.user += used.user;
            sum.system += used.system;
        }
        Ok(times)
    }

    /// What threads with one of these names have used so far, in seconds.
    pub(crate) fn seconds_of(self, names: &[&str]) -> anyhow::Result<f64> {
        let threads = self.threads()?;
        let named = threads.iter().filter(|(name, _)| names.contains(&name.as_str()));
        Ok(named.map(|(_, used)| used.user + used.system).sum())
    }

    /// Waits until it has no work left; answers how long that took.
    ///
    /// # Errors
    /// It is still busy after [`IDLE_WAIT_MAX`].
    pub(crate) fn wait_until_idle(self) -> anyhow::Result<Duration> {
        let idle = self.idle_within(IDLE_WAIT_MAX)?;
        idle.with_context(|| format!("the server is still busy after {} s", IDLE_WAIT_MAX.as_secs()))
    }

    /// Waits until it has no work left, or so long.
    pub(crate) fn settle(self, wait_max: Duration) -> anyhow::Result<()> {
        self.idle_within(wait_max).map(drop)
    }

    /// How long it took until it had no work left; `None` if that was too long.
    fn idle_within(self, wait_max: Duration) -> anyhow::Result<Option<Duration>> {
        let begun = Instant::now();
        let (mut since, mut used) = (begun, self.seconds()?);
        while begun.elapsed() < wait_max {
            thread::sleep(LOOK_EVERY);
            let now = self.seconds()?;
            if now - used > IDLE_SHARE_MAX * IDLE_LASTS.as_secs_f64() {
                (since, used) = (Instant::now(), now);
            } else if since.elapsed() >= IDLE_LASTS {
                return Ok(Some(since - begun));
            }
        }
        Ok(None)
    }

    /// What all its threads have used so far, those that ended included.
    pub(crate) fn total(self) -> anyhow::Result<ProcessorTime> {
        let (_, used) = read_stat(&fs::read_to_string(format!("/proc/{}/stat", self.id))?)?;
        Ok(used)
    }

    /// What all its threads have used so far, in seconds.
    pub(crate) fn seconds(self) -> anyhow::Result<f64> {
        let used = self.total()?;
        Ok(used.user + used.system)
    }
}

/// Name and times of a line of /proc/*/stat (proc_pid_stat(5), fields 2, 14 and 15). A name may hold anything but
/// stands between the first and the last bracket.
fn read_stat(stat: &str) -> anyhow::Result<(String, ProcessorTime)> {
    let unknown = || format!("not a line of /proc/*/stat: {stat}");
    let (before, after) = stat.rsplit_once(')').with_context(unknown)?;
    let (_, name) = before.split_once('(').with_context(unknown)?;
    let mut times = after.split_whitespace().skip(11).map(str::parse::<f64>);
    let mut next = || anyhow::Ok(times.next().with_context(unknown)?? / TICKS_PER_SECOND);
    let (user, system) = (next()?, next()?);
    Ok((name.to_owned(), ProcessorTime { user, system }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_with_brackets_and_spaces() {
        let stat = "17 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
        let (name, used) = read_stat(stat).unwrap();
        assert_eq!(name, "a) b (c");
        assert_eq!((used.user, used.system), (2.5, 0.5));
        assert!(read_stat("17 name S 1").is_err());
        assert!(read_stat("17 (name) S 1").is_err());
    }

    #[test]
    fn a_process_finds_itself() {
        let process = Process::of(std::process::id());
        let (answer, peak) = process.peak_while(|| Ok(7)).unwrap();
        assert_eq!(answer, 7);
        assert!(peak >= 0.0);
        assert!(process.anonymous_mebibytes().unwrap() > 0.0);
        assert!(!process.threads().unwrap().is_empty());
    }
}
