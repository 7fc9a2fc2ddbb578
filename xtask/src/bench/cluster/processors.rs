//! Who used the processors while something was measured: what limits it.

use std::fmt;
use std::fs;
use std::time::Instant;

use anyhow::Context;

use crate::bench::process::{Process, TICKS_PER_SECOND};

/// Below this share of idle time the processors are the limit.
const IDLE_SHARE_LIMIT: f64 = 0.1;
/// Smaller shares are not named.
const SHARE_NAMED_MIN: f64 = 0.02;

/// Processor time by part of the cluster, added up over the rounds of one contender.
pub(in crate::bench) struct Used {
    parts: Vec<(String, Vec<Process>)>,
    seconds: Vec<f64>,
    idle_seconds: f64,
    lasted_seconds: f64,
    processors: f64,
}

impl Used {
    pub(in crate::bench) fn by(parts: Vec<(String, Vec<Process>)>) -> anyhow::Result<Used> {
        Ok(Used {
            seconds: vec![0.0; parts.len()],
            parts,
            idle_seconds: 0.0,
            lasted_seconds: 0.0,
            processors: std::thread::available_parallelism()?.get() as f64,
        })
    }

    /// Does something and counts who used the processors meanwhile.
    pub(in crate::bench) fn during<T>(
        &mut self,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let (begun, before, idle_before) = (Instant::now(), self.now()?, idle_seconds()?);
        let done = work()?;
        let after = self.now()?;
        for ((sum, before), after) in self.seconds.iter_mut().zip(before).zip(after) {
            *sum += after - before;
        }
        self.idle_seconds += idle_seconds()? - idle_before;
        self.lasted_seconds += begun.elapsed().as_secs_f64();
        Ok(done)
    }

    fn now(&self) -> anyhow::Result<Vec<f64>> {
        let sum = |processes: &[Process]| processes.iter().map(|process| process.seconds()).sum();
        self.parts.iter().map(|(_, processes)| sum(processes)).collect()
    }
}

/// The shares of all processors together, the largest first, and what follows from them.
impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.lasted_seconds * self.processors;
        let mut shares: Vec<(f64, &str)> = self
            .parts
            .iter()
            .zip(&self.seconds)
            .map(|((name, _), seconds)| (seconds / all, name.as_str()))
            .filter(|(share, _)| *share >= SHARE_NAMED_MIN)
            .collect();
        shares.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let named: Vec<String> = shares
            .iter()
            .map(|(share, name)| format!("{name} {:.0} %", share * 100.0))
            .collect();
        let idle = self.idle_seconds / all;
        let limit = if idle < IDLE_SHARE_LIMIT {
            "the processors are the limit"
        } else {
            "waiting (syncs, locks, round trips) is the limit"
        };
        write!(
            f,
            "{limit}: {}, idle {:.0} % of {}",
            named.join(", "),
            idle * 100.0,
            self.processors
        )
    }
}

/// Time in which processors had nothing to do, waiting for disks included, of all together (proc_stat(5)).
fn idle_seconds() -> anyhow::Result<f64> {
    read_idle(&fs::read_to_string("/proc/stat")?)
}

fn read_idle(stat: &str) -> anyhow::Result<f64> {
    let ticks = |place: usize| -> anyhow::Result<f64> {
        let field = stat.split_ascii_whitespace().nth(place);
        Ok(field.context("/proc/stat is too short")?.parse()?)
    };
    Ok((ticks(4)? + ticks(5)?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_disks_is_idle() {
        assert_eq!(
            read_idle("cpu  100 2 300 4000 500 6 7 0 0 0\ncpu0 1").unwrap(),
            45.0
        );
        assert!(read_idle("cpu 1 2").is_err());
    }

    #[test]
    fn shares_are_of_all_processors_and_small_ones_are_left_out() {
        let part = |name: &str| (name.to_owned(), Vec::new());
        let mut used = Used {
            parts: vec![part("small"), part("nodes"), part("mysql")],
            seconds: vec![0.1, 6.0, 12.0],
            idle_seconds: 1.0,
            lasted_seconds: 10.0,
            processors: 2.0,
        };
        let text = used.to_string();
        assert_eq!(
            text,
            "the processors are the limit: mysql 60 %, nodes 30 %, idle 5 % of 2"
        );
        used.idle_seconds = 4.0;
        assert!(used.to_string().starts_with("waiting"), "{used}");
    }
}
