//! The containers of compose.yaml: up, down, killed, stopped, and how they are.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::engine::{Engine, last_part};

/// Longest time until all are healthy, and the same in seconds.
const HEALTHY_MAX: Duration = Duration::from_secs(300);
const HEALTHY_MAX_SECONDS: &str = "300";
/// Longest time that a container of Tiro takes to end.
const STOP_MAX: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Two nodes, two workers, four servers.
const COUNT: usize = 8;

/// A container at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) name: String,
    /// Its first process; 0 while there is none.
    process: u32,
    healthy: bool,
}

/// From nothing, or from what `down` left; returns once all are healthy.
pub(crate) fn up(engine: &Engine) -> anyhow::Result<String> {
    let up = ["up", "--detach", "--wait", "--wait-timeout", HEALTHY_MAX_SECONDS];
    engine.compose(&up).map_err(|error| error.context(logs(engine)))?;
    let containers = containers(engine)?;
    if containers.len() != COUNT || !containers.iter().all(|container| container.healthy) {
        bail!("not {COUNT} healthy containers: {containers:?}");
    }
    Ok(format!("{COUNT} containers healthy"))
}

/// Ends them; data stays in the volumes.
pub(crate) fn down(engine: &Engine) -> anyhow::Result<String> {
    engine.compose(&["down"])?;
    Ok(String::new())
}

/// Removes what this run or a former one left, volumes included.
pub(crate) fn clear(engine: &Engine) -> anyhow::Result<String> {
    let all = engine.docker(&["ps", "--all", "--quiet"])?;
    let all: Vec<&str> = all.split_whitespace().collect();
    if !all.is_empty() {
        engine.docker(&[&["rm", "--force", "--volumes"][..], &all].concat())?;
    }
    engine.compose(&["down", "--volumes"])?;
    engine.docker(&["volume", "prune", "--all", "--force"])?;
    // Those that a newer build took the name of.
    engine.docker(&["image", "prune", "--force"])?;
    Ok(String::new())
}

/// All containers of the engine, by name.
pub(crate) fn containers(engine: &Engine) -> anyhow::Result<Vec<Container>> {
    let ids = engine.docker(&["ps", "--all", "--quiet"])?;
    let ids: Vec<&str> = ids.split_whitespace().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let format = "{{.Name}} {{.State.Pid}} {{if .State.Health}}{{.State.Health.Status}}{{end}}";
    let told = engine.docker(&[&["inspect", "--format", format][..], &ids].concat())?;
    let mut containers = told.lines().map(container).collect::<anyhow::Result<Vec<_>>>()?;
    containers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(containers)
}

fn container(line: &str) -> anyhow::Result<Container> {
    let mut words = line.split(' ');
    let (Some(name), Some(process)) = (words.next(), words.next()) else {
        bail!("`{line}` does not tell of a container");
    };
    Ok(Container {
        name: name.trim_start_matches('/').to_owned(),
        process: process.parse().with_context(|| format!("in `{line}`"))?,
        healthy: words.next() == Some("healthy"),
    })
}

/// `kill -9` of the first process of each, all at once; returns once new ones are healthy in their place.
pub(crate) fn kill(engine: &Engine, killed: &[Container]) -> anyhow::Result<String> {
    let begun = Instant::now();
    for container in killed {
        let process = i32::try_from(container.process)?;
        let process = Pid::from_raw(process).with_context(|| format!("{} does not run", container.name))?;
        kill_process(process, Signal::KILL).with_context(|| format!("cannot kill {}", container.name))?;
    }
    let took = begun.elapsed();
    let former: BTreeMap<&str, u32> = killed
        .iter()
        .map(|one| (one.name.as_str(), one.process))
        .collect();
    loop {
        let now = containers(engine)?;
        let is_back = |one: &Container| one.healthy && former.get(one.name.as_str()) != Some(&one.process);
        if now.len() == COUNT && now.iter().all(is_back) {
            return Ok(format!("killed within {} ms", took.as_millis()));
        }
        if begun.elapsed() > HEALTHY_MAX {
            return Err(anyhow::anyhow!("not healthy again: {now:?}").context(logs(engine)));
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// `docker stop`, which has to be answered by an orderly end.
pub(crate) fn stop(engine: &Engine, name: &str) -> anyhow::Result<String> {
    let begun = Instant::now();
    engine.docker(&["stop", name])?;
    let took = begun.elapsed();
    let status = engine.docker(&["inspect", "--format", "{{.State.ExitCode}}", name])?;
    if status.trim() != "0" || took > STOP_MAX {
        bail!(
            "{name} ended with {} after {:.1} s",
            status.trim(),
            took.as_secs_f64()
        );
    }
    Ok(String::new())
}

/// The last lines of every container, for an error.
fn logs(engine: &Engine) -> String {
    let logs = engine.compose(&["logs", "--no-color", "--tail", "15"]);
    logs.map_or_else(
        |error| format!("no logs: {error:#}"),
        |logs| last_part(&logs).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_inspect_tells_of_a_container() {
        let expected = |name: &str, process, healthy| Container {
            name: name.to_owned(),
            process,
            healthy,
        };
        assert_eq!(
            container("/tiro-api-1-1 4711 healthy").unwrap(),
            expected("tiro-api-1-1", 4711, true)
        );
        assert_eq!(container("/one 0 starting").unwrap(), expected("one", 0, false));
        assert_eq!(container("/one 7 ").unwrap(), expected("one", 7, false));
        assert!(container("/one x healthy").is_err());
    }
}
