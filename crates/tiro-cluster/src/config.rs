//! The file that `--cluster` names: where the four systems are, and what nodes share.

mod addresses;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tiro_outbound::{CaError, NoCertificates, Trust};

pub(crate) use addresses::ssl_parameter;

/// Where a cluster's systems are. Unknown members are refused.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// `mysql://user:password@host:port/database`; the database is made if it is missing.
    pub mysql: String,
    /// `amqp://user:password@host:port/vhost`, or `amqps://`.
    pub rabbitmq: String,
    /// `redis://host:port/number`, or `rediss://`.
    pub redis: String,
    /// `http://host:port`, or `https://user:password@host:port`.
    pub opensearch: String,
    /// A file of PEM whose certificates are trusted beside the system's, for all systems. A relative path begins at the folder
    /// of the file that says it.
    ca: Option<PathBuf>,
    /// What came of `ca`.
    #[serde(skip)]
    trust: Trust,
    /// What queues, indexes and keys of this cluster begin with, so that several share the systems: 1 to 32 of
    /// `a-z 0-9 -`.
    #[serde(default = "default_name")]
    pub name: String,
    /// The key of operators; a flag or variable of the program goes first.
    pub operator_key: Option<String>,
    /// Signs what nodes hand out for each other (names of parked creates); the same on every node, at least 16 bytes. Without
    /// one nothing is parked.
    pub secret: Option<String>,
    /// Partitions of a new cluster, 1 to 256; one that exists keeps its own.
    #[serde(default = "default_partitions")]
    pub partitions: u16,
    /// Most connections of a node for reads.
    #[serde(default = "default_read_connections")]
    pub mysql_read_connections_max: u32,
    /// Shards of a new search index, 1 to 64; one that exists keeps its own until it is made anew.
    #[serde(default = "default_shards")]
    pub opensearch_shards: u16,
    /// Most copies of a shard beside the first, 0 to 8; there are as many as there are other nodes to hold them.
    #[serde(default = "default_replicas_max")]
    pub opensearch_replicas_max: u16,
    /// Takes settings of MySQL that can lose acknowledged writes.
    #[serde(default)]
    pub mysql_allow_unsafe: bool,
}

/// Schemes of systems whose certificate is verified.
const ENCRYPTED: [&str; 4] = ["amqps", "rediss", "valkeys", "https"];
/// What is shorter could be guessed.
const SECRET_BYTES_MIN: usize = 16;

fn default_name() -> String {
    "tiro".to_owned()
}

/// Each partition is a transaction of its own, so fewer of them make larger batches.
fn default_partitions() -> u16 {
    4
}

fn default_read_connections() -> u32 {
    16
}

fn default_shards() -> u16 {
    2
}

fn default_replicas_max() -> u16 {
    1
}

/// Secrets are not shown.
impl fmt::Debug for ClusterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterConfig")
            .field("name", &self.name)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

/// Why the file of a cluster is not usable.
#[derive(Debug)]
pub enum ConfigError {
    /// It cannot be read.
    Unreadable(std::io::Error),
    /// It is not TOML of the right members.
    Malformed(String),
    /// A member has a value that means nothing.
    Wrong {
        /// The member.
        member: &'static str,
        /// What would be right.
        expected: &'static str,
    },
    /// A member is not an address that is understood.
    Address {
        /// The member.
        member: &'static str,
        /// What is wrong; shows no password.
        problem: String,
    },
    /// The file that `ca` names is not usable.
    Ca {
        /// The file.
        file: PathBuf,
        /// Why.
        error: CaError,
    },
    /// The system of a member is to be verified, and nobody is trusted.
    Certificates {
        /// The member.
        member: &'static str,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            ConfigError::Malformed(text) => f.write_str(text),
            ConfigError::Wrong { member, expected } => write!(f, "`{member}` must be {expected}"),
            ConfigError::Address { member, problem } => write!(f, "`{member}` {problem}"),
            ConfigError::Ca { file, error } => write!(f, "`ca`: {} {error}", file.display()),
            ConfigError::Certificates { member } => {
                write!(
                    f,
                    "`{member}` is encrypted: {NoCertificates}, or name a file in `ca`"
                )
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// The line and what is wrong with it, without the line itself: it may hold a password.
fn malformed(text: &str, error: &toml::de::Error) -> ConfigError {
    let message = error.message();
    ConfigError::Malformed(match error.span() {
        Some(span) => {
            let line = text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
            format!("line {line}: {message}")
        }
        None => message.to_owned(),
    })
}

impl ClusterConfig {
    /// Reads the file of a cluster.
    ///
    /// # Errors
    /// Why it cannot be used; the text names the member.
    pub fn read(file: &Path) -> Result<ClusterConfig, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(ConfigError::Unreadable)?;
        ClusterConfig::parse_in(file.parent().unwrap_or(Path::new("")), &text)
    }

    /// Reads the text of such a file in the working directory.
    ///
    /// # Errors
    /// Why it cannot be used; the text names the member.
    pub fn parse(text: &str) -> Result<ClusterConfig, ConfigError> {
        ClusterConfig::parse_in(Path::new(""), text)
    }

    fn parse_in(folder: &Path, text: &str) -> Result<ClusterConfig, ConfigError> {
        let mut config: ClusterConfig = toml::from_str(text).map_err(|error| malformed(text, &error))?;
        if let Some(file) = config.ca.as_ref().map(|ca| folder.join(ca)) {
            config.trust = Trust::with_file(&file).map_err(|error| ConfigError::Ca { file, error })?;
        }
        config.check()?;
        Ok(config)
    }

    /// Whose certificates the systems may show.
    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Each address is understood, and what is to be verified can be.
    fn check_addresses(&self) -> Result<(), ConfigError> {
        let wrong = |member| move |problem| ConfigError::Address { member, problem };
        let mysql = addresses::mysql(&self.mysql).map_err(wrong("mysql"))?;
        let others = [
            ("rabbitmq", addresses::rabbitmq(&self.rabbitmq)),
            ("redis", addresses::redis(&self.redis)),
            ("opensearch", addresses::opensearch(&self.opensearch)),
        ];
        let mut verified = Vec::from_iter(addresses::mysql_needs_trust(&mysql).then_some("mysql"));
        for (member, url) in others {
            let url = url.map_err(wrong(member))?;
            if ENCRYPTED.contains(&url.scheme()) {
                verified.push(member);
            }
        }
        match verified.first() {
            Some(&member) if self.trust.client_config().is_err() => Err(ConfigError::Certificates { member }),
            _ => Ok(()),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |member, expected| Err(ConfigError::Wrong { member, expected });
        self.check_addresses()?;
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(named) {
            return wrong("name", "1 to 32 of a-z, 0-9 and -");
        }
        if self
            .secret
            .as_ref()
            .is_some_and(|secret| secret.len() < SECRET_BYTES_MIN)
        {
            return wrong("secret", "at least 16 bytes that nobody can guess");
        }
        if !(1..=256).contains(&self.partitions) {
            return wrong("partitions", "1 to 256");
        }
        if !(1..=1_000).contains(&self.mysql_read_connections_max) {
            return wrong("mysql_read_connections_max", "1 to 1000");
        }
        if !(1..=64).contains(&self.opensearch_shards) {
            return wrong("opensearch_shards", "1 to 64");
        }
        if self.opensearch_replicas_max > 8 {
            return wrong("opensearch_replicas_max", "0 to 8");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = "mysql = \"mysql://u:p@127.0.0.1:3306/tiro\"\nrabbitmq = \"amqp://127.0.0.1\"\n\
                            redis = \"redis://127.0.0.1\"\nopensearch = \"http://127.0.0.1:9200\"\n";

    #[test]
    fn four_addresses_are_enough() {
        let config = ClusterConfig::parse(SMALLEST).unwrap();
        assert_eq!((config.name.as_str(), config.partitions), ("tiro", 4));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = [
            ("partitions = 0", "partitions"),
            ("partitions = 257", "partitions"),
            ("name = \"A\"", "name"),
            ("name = \"\"", "name"),
            ("mysql_read_connections_max = 0", "mysql_read_connections_max"),
            ("opensearch_shards = 0", "opensearch_shards"),
            ("secret = \"fifteen-letters\"", "secret"),
            ("opensearch_replicas_max = 9", "opensearch_replicas_max"),
            ("partition = 4", "partition"),
        ];
        for (line, member) in wrong {
            let error = ClusterConfig::parse(&format!("{SMALLEST}{line}\n")).unwrap_err();
            assert!(error.to_string().contains(member), "{line}: {error}");
        }
        let error = ClusterConfig::parse(&SMALLEST.replace("amqp://", "http//")).unwrap_err();
        assert!(error.to_string().contains("rabbitmq"), "{error}");
        let error = ClusterConfig::parse(&SMALLEST.replace("/tiro", "/tiro?sslMode=required")).unwrap_err();
        assert!(
            error.to_string().contains("`mysql` has the parameter `sslMode`"),
            "{error}"
        );
    }

    #[test]
    fn a_file_of_certificates_that_is_not_usable_is_named_with_its_member() {
        for (file, why) in [
            ("no-such.pem", "cannot be read"),
            ("Cargo.toml", "no certificate"),
        ] {
            let text = format!("{SMALLEST}ca = \"{file}\"\n");
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
            let error = ClusterConfig::parse_in(folder, &text).unwrap_err().to_string();
            assert!(error.starts_with("`ca`: /"), "{error}");
            assert!(
                error.contains(&format!("/{file} ")) && error.contains(why),
                "{error}"
            );
        }
    }

    #[test]
    fn a_line_that_is_not_toml_is_told_by_its_number_alone() {
        let text = SMALLEST.replace("/tiro\"", "/tiro\" hush");
        let error = ClusterConfig::parse(&text).unwrap_err().to_string();
        assert!(error.starts_with("line 1: ") && !error.contains("u:p"), "{error}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let text = format!("{SMALLEST}secret = \"hush-hush-hush-hush\"\noperator_key = \"hush\"\n");
        let shown = format!("{:?}", ClusterConfig::parse(&text).unwrap());
        assert!(!shown.contains("hush") && !shown.contains("u:p"), "{shown}");
    }
}
