//! The tests of the cluster engine against other systems than this Debian's: each of those that people have is in one
//! combination at least.

use std::process::Command;
use std::time::Instant;

use anyhow::bail;
use clap::builder::PossibleValuesParser;

use crate::cluster::{Lent, SYSTEMS_VARIABLE, Wanted, needed};
use crate::root::cargo;
use crate::steps::{Steps, succeed};
use crate::tools::Tool;

/// Stands for each combination.
pub(super) const ALL: &str = "all";
/// Tells tests what the systems cannot do, with commas between; a test of that says so and ends.
const LACKS_VARIABLE: &str = "TIRO_CLUSTER_LACKS";

/// Systems that the tests run against together.
pub(super) struct Combination {
    name: &'static str,
    systems: [&'static str; 4],
}

static COMBINATIONS: [Combination; 3] = [
    Combination {
        name: "newest",
        systems: ["mysql-9", "rabbitmq-4.3", "redis-8", "opensearch-3"],
    },
    Combination {
        name: "debian-13",
        systems: ["mariadb-11", "rabbitmq-4.0", "valkey-8", "elasticsearch-8"],
    },
    Combination {
        name: "elastic",
        systems: ["mysql-9", "rabbitmq-4.3", "valkey-9", "elasticsearch-9"],
    },
];

/// The names that can be asked for.
pub(super) fn names() -> PossibleValuesParser {
    let names = COMBINATIONS.iter().map(|combination| combination.name);
    PossibleValuesParser::new(names.chain([ALL]))
}

/// The combinations that a name stands for.
pub(super) fn named(name: &str) -> Vec<&'static Combination> {
    COMBINATIONS
        .iter()
        .filter(|combination| name == ALL || combination.name == name)
        .collect()
}

/// What came of one suite against one combination.
struct Outcome {
    suite: &'static str,
    failed: bool,
    seconds: f64,
}

/// What came of a combination.
pub(super) struct Run {
    name: &'static str,
    /// What the servers said they are.
    versions: Vec<String>,
    lacks: String,
    outcomes: Vec<Outcome>,
}

impl Combination {
    fn wanted(&self) -> anyhow::Result<Wanted> {
        Wanted::of(&self.systems)
    }

    /// The programs that have to be installed for it.
    pub(super) fn needed(&self) -> anyhow::Result<Vec<&'static Tool>> {
        needed(&self.wanted()?.completed())
    }

    /// Runs both suites, the second also where the first fails.
    ///
    /// # Errors
    /// The servers do not start or end. A test that fails is no error here but an outcome.
    pub(super) fn run(&self, steps: &mut Steps) -> anyhow::Result<Run> {
        let wanted = self.wanted()?;
        let mut run = Run {
            name: self.name,
            versions: Vec::new(),
            lacks: wanted.completed().lacks(),
            outcomes: Vec::new(),
        };
        let mut tests = cargo(&[
            "test",
            "--release",
            "--locked",
            "-p",
            "tiro-cluster",
            "--no-fail-fast",
        ]);
        let servers = Lent::own(&wanted)?;
        steps.run(&format!("{}: servers", self.name), || servers.start(&mut tests))?;
        run.versions = servers.versions()?;
        run.suite("tiro-cluster", &mut tests, steps);
        if run.failed() {
            servers.keep_logs()?;
        }
        servers.end()?;
        let mut outages = cargo(&["test", "--release", "--locked", "-p", "tiro", "--test", "outages"]);
        outages.args(["--", "--nocapture"]);
        outages.env(SYSTEMS_VARIABLE, self.systems.join(","));
        run.suite("outages", &mut outages, steps);
        Ok(run)
    }
}

impl Run {
    fn suite(&mut self, suite: &'static str, tests: &mut Command, steps: &mut Steps) {
        tests.env(LACKS_VARIABLE, &self.lacks);
        let begun = Instant::now();
        let result = steps.run(&format!("{}: {suite}", self.name), || succeed(tests));
        if let Err(error) = &result {
            println!("{}: {error:#}", self.name);
        }
        self.outcomes.push(Outcome {
            suite,
            failed: result.is_err(),
            seconds: begun.elapsed().as_secs_f64(),
        });
    }

    fn failed(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.failed)
    }

    fn rows(&self) -> String {
        let mut rows = format!("{}: {}\n", self.name, self.versions.join(", "));
        if !self.lacks.is_empty() {
            rows.push_str(&format!(
                "    not tested, since a server lacks it: {}\n",
                self.lacks
            ));
        }
        for outcome in &self.outcomes {
            let verdict = if outcome.failed { "FAILED" } else { "passed" };
            rows.push_str(&format!(
                "    {:<14} {verdict} {:>8.1} s\n",
                outcome.suite, outcome.seconds
            ));
        }
        rows
    }
}

/// Prints what was run against which versions.
///
/// # Errors
/// A suite failed.
pub(super) fn conclude(runs: &[Run]) -> anyhow::Result<()> {
    println!("\nwhat ran against which systems:");
    for run in runs {
        print!("{}", run.rows());
    }
    let failed: Vec<&str> = runs
        .iter()
        .filter(|run| run.failed())
        .map(|run| run.name)
        .collect();
    if !failed.is_empty() {
        bail!("tests fail against {}: see above", failed.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::every_system;

    #[test]
    fn every_system_is_in_a_combination_or_the_default() {
        let defaults = Wanted::default().completed().to_string();
        for name in every_system() {
            let is_met = named(ALL)
                .iter()
                .any(|combination| combination.systems.contains(&name));
            assert!(
                is_met || defaults.split(',').any(|default| default == name),
                "{name}"
            );
        }
        for combination in named(ALL) {
            combination.wanted().unwrap();
        }
    }

    #[test]
    fn a_failure_is_an_error_that_names_the_combination() {
        let run = |failed| Run {
            name: "newest",
            versions: vec!["MySQL 9.7.4".to_owned(), "Redis 8.0.6".to_owned()],
            lacks: "a-thing".to_owned(),
            outcomes: vec![Outcome {
                suite: "outages",
                failed,
                seconds: 1.0,
            }],
        };
        conclude(&[run(false)]).unwrap();
        let error = conclude(&[run(false), run(true)]).unwrap_err().to_string();
        assert_eq!(error, "tests fail against newest: see above");
        let expected = "newest: MySQL 9.7.4, Redis 8.0.6\n    not tested, since a server lacks it: a-thing\n    \
                        outages        passed      1.0 s\n";
        assert_eq!(run(false).rows(), expected);
    }
}
