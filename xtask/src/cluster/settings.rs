//! What is chosen once for a cluster's folder: systems, ports and secrets, and the file that Tiro reads.
//!
//! `settings.json` is the only place they are kept in; every other file with one of them is written from it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::ports::Ports;
use super::systems::{Chosen, Wanted};

/// The account of each server that has accounts.
pub(crate) const USER: &str = "tiro";
const SECRET_BYTES: usize = 32;
const FILE: &str = "settings.json";

/// Systems, ports and secrets of one cluster.
#[derive(Serialize, Deserialize)]
pub(crate) struct Settings {
    /// A folder without them is older than the choice, and has the defaults.
    #[serde(default)]
    pub(crate) systems: Chosen,
    pub(crate) ports: Ports,
    pub(crate) mysql_password: String,
    pub(crate) rabbitmq_password: String,
    operator_key: String,
    secret: String,
}

impl Settings {
    /// The folder's settings; they are chosen at the first call.
    ///
    /// # Errors
    /// The file is there and cannot be read: other ports would leave the running servers behind. Or another system is
    /// wanted than the folder has: its data is of no use to the other.
    pub(crate) fn of(folder: &Path, wanted: &Wanted) -> anyhow::Result<Settings> {
        let file = folder.join(FILE);
        let readable = || format!("cannot read {}: delete the folder to begin anew", file.display());
        if file.try_exists()? {
            let text = fs::read_to_string(&file).with_context(readable)?;
            let kept: Settings = serde_json::from_str(&text).with_context(readable)?;
            if let Some((other, kept)) = wanted.differs_from(&kept.systems) {
                bail!(
                    "{} is a cluster with {}: for {} take a new --dir, or `cluster down` and delete this one",
                    folder.display(),
                    kept.name,
                    other.name
                );
            }
            return Ok(kept);
        }
        let chosen = Settings {
            systems: wanted.completed(),
            ports: Ports::choose()?,
            mysql_password: secret()?,
            rabbitmq_password: secret()?,
            operator_key: secret()?,
            secret: secret()?,
        };
        write_private(&file, &serde_json::to_string_pretty(&chosen)?)?;
        Ok(chosen)
    }

    /// What `tiro serve --cluster` reads.
    pub(crate) fn cluster_toml(&self) -> String {
        let Settings {
            systems: _,
            ports,
            mysql_password,
            rabbitmq_password,
            operator_key,
            secret,
        } = self;
        let (mysql, rabbitmq) = (ports.mysql, ports.rabbitmq);
        let (redis, opensearch) = (ports.redis, ports.opensearch);
        format!(
            "# The truth. The account may do everything; the database is made by Tiro.\n\
             mysql = \"mysql://{USER}:{mysql_password}@127.0.0.1:{mysql}/tiro\"\n\
             # Carries changes to the workers; %2f is the broker's first virtual host.\n\
             rabbitmq = \"amqp://{USER}:{rabbitmq_password}@127.0.0.1:{rabbitmq}/%2f\"\n\
             # Cache and doorbell; it keeps nothing on disk.\n\
             redis = \"redis://127.0.0.1:{redis}/0\"\n\
             # The search index.\n\
             opensearch = \"http://127.0.0.1:{opensearch}\"\n\
             # The key of the operator: `Authorization: Bearer …`.\n\
             operator_key = \"{operator_key}\"\n\
             # What the nodes of a cluster share and nobody else knows.\n\
             secret = \"{secret}\"\n"
        )
    }
}

/// Random bytes in hexadecimal.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a file that its owner alone may read, as a whole or not at all.
pub(crate) fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    let new = file.with_extension("new");
    let write = || -> std::io::Result<()> {
        // An older one may have other rights, which opening would keep.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        opened.write_all(text.as_bytes())?;
        fs::rename(&new, file)
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn settings_are_chosen_once_and_read_by_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Settings::of(folder.path(), &Wanted::default())
            .unwrap()
            .cluster_toml();
        assert_eq!(
            Settings::of(folder.path(), &Wanted::default())
                .unwrap()
                .cluster_toml(),
            first
        );
        let rights = fs::metadata(folder.path().join(FILE)).unwrap().permissions();
        assert_eq!(rights.mode() & 0o777, 0o600);
    }

    #[test]
    fn the_systems_are_chosen_with_the_folder_and_others_are_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = Wanted::of(&["mysql-9"]).unwrap();
        Settings::of(folder.path(), &wanted).unwrap();
        let kept = Settings::of(folder.path(), &Wanted::default()).unwrap();
        assert_eq!(kept.systems.to_string(), "mysql-9,rabbitmq,redis,opensearch");
        let other = Wanted::of(&["mariadb"]).unwrap();
        let error = Settings::of(folder.path(), &other).err().unwrap().to_string();
        assert!(
            error.contains("is a cluster with mysql-9: for mariadb take a new --dir"),
            "{error}"
        );
    }

    #[test]
    fn settings_of_before_there_was_a_choice_have_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        Settings::of(folder.path(), &Wanted::default()).unwrap();
        let file = folder.path().join(FILE);
        let mut old: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        old.as_object_mut().unwrap().remove("systems").unwrap();
        fs::write(&file, old.to_string()).unwrap();
        let read = Settings::of(folder.path(), &Wanted::default()).unwrap();
        assert_eq!(read.systems.to_string(), Chosen::default().to_string());
    }

    #[test]
    fn settings_that_do_not_read_are_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{").unwrap();
        let error = Settings::of(folder.path(), &Wanted::default())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("settings.json: delete the folder"), "{error}");
    }

    #[test]
    fn the_file_for_tiro_is_toml_with_a_comment_on_each_line_that_means_something() {
        let folder = tempfile::tempdir().unwrap();
        let text = Settings::of(folder.path(), &Wanted::default())
            .unwrap()
            .cluster_toml();
        let table: toml::Table = toml::from_str(&text).unwrap();
        let keys: Vec<&str> = table.keys().map(String::as_str).collect();
        let expected = [
            "mysql",
            "opensearch",
            "operator_key",
            "rabbitmq",
            "redis",
            "secret",
        ];
        assert_eq!(keys.len(), expected.len());
        assert!(expected.iter().all(|key| keys.contains(key)), "{keys:?}");
        let mysql = table["mysql"].as_str().unwrap();
        assert!(
            mysql.starts_with("mysql://tiro:") && mysql.ends_with("/tiro"),
            "{mysql}"
        );
        assert_eq!(table["secret"].as_str().unwrap().len(), 2 * SECRET_BYTES);
        assert_ne!(table["secret"], table["operator_key"]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.chunks(2).all(|pair| pair[0].starts_with("# ")), "{text}");
    }
}
