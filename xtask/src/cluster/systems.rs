//! Every system that a cluster can be made of, and which of them one is made of.
//!
//! The first of each kind is the one that this Debian has; it is taken where nobody asks for another. Those of other
//! suites are unpacked beside it and not installed. A name stands for one system everywhere: in flags, in
//! `TIRO_CLUSTER_SYSTEMS`, in a folder's `settings.json`.

use std::fmt;

use anyhow::{Context, bail};
use clap::builder::PossibleValuesParser;
use serde::{Deserialize, Serialize};

use super::jars::{ELASTICSEARCH_8, ELASTICSEARCH_9, Jars, OPENSEARCH_2, OPENSEARCH_3};
use super::server::Kind;
use super::unpacked::Packages;
use super::{mysql, rabbitmq, redis, search};
use crate::tools::{self, Tool};

/// Names systems with commas between, for whoever starts a cluster without flags.
pub(crate) const VARIABLE: &str = "TIRO_CLUSTER_SYSTEMS";

/// A system that can be had.
pub(crate) struct System {
    pub(crate) name: &'static str,
    /// What its makers call it.
    pub(crate) title: &'static str,
    pub(crate) kind: &'static Kind,
    pub(crate) origin: Origin,
}

/// Where a system comes from.
pub(crate) enum Origin {
    /// This Debian's own packages.
    Installed(&'static [&'static Tool]),
    /// Another Debian suite's, unpacked.
    Unpacked(Packages),
    /// Maven Central.
    Jars(&'static Jars),
}

use Origin::{Installed, Unpacked};

/// All there are; of each kind the default first.
pub(crate) static SYSTEMS: [System; 14] = [
    system(
        "mariadb",
        "MariaDB",
        &mysql::MARIADB,
        Installed(&[&tools::MARIADB]),
    ),
    system(
        "mariadb-11",
        "MariaDB",
        &mysql::MARIADB,
        unpacked("trixie", &["mariadb-server-core", "mariadb-client-core"]),
    ),
    system(
        "mysql-9",
        "MySQL",
        &mysql::MYSQL,
        unpacked("sid", &["mysql-server-core"]),
    ),
    system(
        "rabbitmq",
        "RabbitMQ",
        &rabbitmq::KIND,
        Installed(&[&tools::RABBITMQ]),
    ),
    system(
        "rabbitmq-4.0",
        "RabbitMQ",
        &rabbitmq::KIND,
        unpacked("trixie", &["rabbitmq-server"]),
    ),
    system(
        "rabbitmq-4.3",
        "RabbitMQ",
        &rabbitmq::KIND,
        unpacked("sid", &["rabbitmq-server"]),
    ),
    system("redis", "Redis", &redis::REDIS, Installed(&[&tools::REDIS])),
    system(
        "redis-8",
        "Redis",
        &redis::REDIS,
        unpacked("sid", &["redis-server"]),
    ),
    system(
        "valkey-8",
        "Valkey",
        &redis::VALKEY,
        unpacked("trixie", &["valkey-server"]),
    ),
    system(
        "valkey-9",
        "Valkey",
        &redis::VALKEY,
        unpacked("sid", &["valkey-server"]),
    ),
    system(
        "opensearch",
        "OpenSearch",
        &search::KIND,
        Origin::Jars(&OPENSEARCH_2),
    ),
    system(
        "opensearch-3",
        "OpenSearch",
        &search::KIND,
        Origin::Jars(&OPENSEARCH_3),
    ),
    system(
        "elasticsearch-8",
        "Elasticsearch",
        &search::KIND,
        Origin::Jars(&ELASTICSEARCH_8),
    ),
    system(
        "elasticsearch-9",
        "Elasticsearch",
        &search::KIND,
        Origin::Jars(&ELASTICSEARCH_9),
    ),
];

const fn system(name: &'static str, title: &'static str, kind: &'static Kind, origin: Origin) -> System {
    System {
        name,
        title,
        kind,
        origin,
    }
}

const fn unpacked(suite: &'static str, packages: &'static [&'static str]) -> Origin {
    Unpacked(Packages { suite, packages })
}

/// The kinds, by the names that `cluster.toml` and `pids.json` have for them.
const KINDS: [&str; 4] = ["mysql", "rabbitmq", "redis", "opensearch"];

impl System {
    fn named(name: &str) -> anyhow::Result<&'static System> {
        SYSTEMS
            .iter()
            .find(|system| system.name == name)
            .with_context(|| {
                let names: Vec<&str> = SYSTEMS.iter().map(|system| system.name).collect();
                format!(
                    "`{name}` is none of the systems that can be had: {}",
                    names.join(", ")
                )
            })
    }

    /// Gets what has to be fetched; at once if it has been.
    pub(crate) fn fetch(&self) -> anyhow::Result<()> {
        match &self.origin {
            Origin::Installed(_) => Ok(()),
            Origin::Unpacked(packages) => packages.fetch(self.name),
            Origin::Jars(jars) => jars.fetch(),
        }
    }

    /// The programs that have to be installed before it can be fetched and started.
    pub(crate) fn needs(&self) -> anyhow::Result<Vec<&'static Tool>> {
        Ok(match &self.origin {
            Origin::Installed(tools) => tools.to_vec(),
            Origin::Unpacked(_) => Vec::new(),
            Origin::Jars(jars) => jars.needs()?,
        })
    }
}

/// Which systems a command asks for; one that it does not name is the folder's, or the default.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Flags {
    /// Which MySQL: `mariadb` is this Debian's
    #[arg(long, value_name = "SYSTEM", value_parser = names_of("mysql"))]
    mysql: Option<String>,
    /// Which RabbitMQ: `rabbitmq` is this Debian's
    #[arg(long, value_name = "SYSTEM", value_parser = names_of("rabbitmq"))]
    rabbitmq: Option<String>,
    /// Which Redis: `redis` is this Debian's
    #[arg(long, value_name = "SYSTEM", value_parser = names_of("redis"))]
    redis: Option<String>,
    /// Which search server: `opensearch` is OpenSearch 2
    #[arg(long, value_name = "SYSTEM", value_parser = names_of("opensearch"))]
    search: Option<String>,
}

fn names_of(kind: &'static str) -> PossibleValuesParser {
    let systems = SYSTEMS.iter().filter(|system| system.kind.name == kind);
    PossibleValuesParser::new(systems.map(|system| system.name))
}

impl Flags {
    /// What the flags ask for, and `TIRO_CLUSTER_SYSTEMS` where there is no flag.
    pub(crate) fn wanted(&self) -> anyhow::Result<Wanted> {
        let flags = [&self.mysql, &self.rabbitmq, &self.redis, &self.search];
        let names: Vec<&str> = flags.into_iter().flatten().map(String::as_str).collect();
        if names.is_empty() {
            return Wanted::of_environment();
        }
        Wanted::of(&names)
    }
}

/// At most one system of each kind.
#[derive(Clone, Default)]
pub(crate) struct Wanted(Vec<&'static System>);

impl Wanted {
    /// # Errors
    /// A name is unknown, or two are of one kind.
    pub(crate) fn of(names: &[&str]) -> anyhow::Result<Wanted> {
        let mut wanted = Wanted::default();
        for name in names {
            let system = System::named(name)?;
            if let Some(other) = wanted.0.iter().find(|other| other.kind.name == system.kind.name) {
                bail!("a cluster has one of `{}` and `{name}`, not both", other.name);
            }
            wanted.0.push(system);
        }
        Ok(wanted)
    }

    /// What `TIRO_CLUSTER_SYSTEMS` names; nothing if it is not set.
    pub(crate) fn of_environment() -> anyhow::Result<Wanted> {
        match std::env::var(VARIABLE) {
            Ok(text) => Wanted::parse(&text).with_context(|| format!("{VARIABLE}={text}")),
            Err(std::env::VarError::NotPresent) => Ok(Wanted::default()),
            Err(error) => Err(error).context(VARIABLE),
        }
    }

    fn parse(text: &str) -> anyhow::Result<Wanted> {
        let names: Vec<&str> = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        Wanted::of(&names)
    }

    /// These, and the defaults of the other kinds.
    pub(crate) fn completed(&self) -> Chosen {
        Chosen(KINDS.map(|kind| {
            let mut systems = self.0.iter().copied().chain(&SYSTEMS);
            systems
                .find(|system| system.kind.name == kind)
                .expect("each kind has a default")
        }))
    }

    /// The first of these that is not among the chosen ones, with the one that is.
    pub(crate) fn differs_from(&self, chosen: &Chosen) -> Option<(&'static System, &'static System)> {
        self.0.iter().find_map(|wanted| {
            let kept = chosen.0.iter().find(|kept| kept.kind.name == wanted.kind.name)?;
            (kept.name != wanted.name).then_some((*wanted, *kept))
        })
    }
}

/// One system of each kind.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Chosen([&'static System; 4]);

impl Chosen {
    pub(crate) fn systems(&self) -> [&'static System; 4] {
        self.0
    }

    /// What these systems cannot do that others of their kind can, with commas between.
    pub(crate) fn lacks(&self) -> String {
        let lacks = self.0.iter().flat_map(|system| match &system.origin {
            Origin::Jars(jars) => jars.lacks(),
            Origin::Installed(_) | Origin::Unpacked(_) => &[],
        });
        lacks.copied().collect::<Vec<_>>().join(",")
    }
}

impl Default for Chosen {
    fn default() -> Chosen {
        Wanted::default().completed()
    }
}

/// As `TIRO_CLUSTER_SYSTEMS` has them.
impl fmt::Display for Chosen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.map(|system| system.name).join(","))
    }
}

impl From<Chosen> for String {
    fn from(chosen: Chosen) -> String {
        chosen.to_string()
    }
}

impl TryFrom<String> for Chosen {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Chosen> {
        Ok(Wanted::parse(&text)?.completed())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_name_is_one_systems_and_the_first_of_each_kind_is_not_unpacked() {
        let names: BTreeSet<&str> = SYSTEMS.iter().map(|system| system.name).collect();
        assert_eq!(names.len(), SYSTEMS.len());
        assert_eq!(Chosen::default().to_string(), "mariadb,rabbitmq,redis,opensearch");
        assert!(SYSTEMS.iter().all(|system| KINDS.contains(&system.kind.name)));
    }

    #[test]
    fn what_is_not_named_is_the_default_and_what_is_chosen_reads_back() {
        let chosen = Wanted::parse("mysql-9, valkey-8").unwrap().completed();
        assert_eq!(chosen.to_string(), "mysql-9,rabbitmq,valkey-8,opensearch");
        let read = Chosen::try_from(chosen.to_string()).unwrap();
        assert_eq!(read.to_string(), chosen.to_string());
    }

    #[test]
    fn unknown_names_and_two_of_one_kind_are_refused_by_name() {
        let error = Wanted::parse("oracle").err().unwrap().to_string();
        assert!(
            error.starts_with("`oracle` is none of the systems") && error.contains("mysql-9"),
            "{error}"
        );
        let error = Wanted::parse("mariadb,mysql-9").err().unwrap().to_string();
        assert_eq!(error, "a cluster has one of `mariadb` and `mysql-9`, not both");
    }
}
