//! The file as types: what of Compose it uses, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Compose {
    pub(crate) name: String,
    pub(crate) services: BTreeMap<String, Service>,
    pub(crate) configs: BTreeMap<String, Config>,
    /// Volumes are the engine's own: none has settings.
    pub(crate) volumes: BTreeMap<String, ()>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) build: Option<Build>,
    pub(crate) image: Option<String>,
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) configs: Vec<ConfigUse>,
    #[serde(default)]
    pub(crate) depends_on: BTreeMap<String, Dependency>,
    pub(crate) deploy: Option<Deploy>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) healthcheck: Healthcheck,
    pub(crate) hostname: Option<String>,
    #[serde(default)]
    pub(crate) ports: Vec<String>,
    pub(crate) pull_policy: Option<String>,
    pub(crate) restart: String,
    pub(crate) stop_grace_period: Option<String>,
    #[serde(default)]
    pub(crate) tmpfs: Vec<String>,
    #[serde(default)]
    pub(crate) volumes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    pub(crate) context: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigUse {
    pub(crate) source: String,
    pub(crate) target: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dependency {
    pub(crate) condition: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deploy {
    pub(crate) replicas: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Healthcheck {
    /// Empty where the image brings the question along.
    #[serde(default)]
    pub(crate) test: Vec<String>,
    pub(crate) interval: String,
    pub(crate) timeout: String,
    pub(crate) retries: u32,
    pub(crate) start_period: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) content: String,
}

impl Service {
    /// What stands behind a flag of its command.
    pub(crate) fn value_of(&self, flag: &str) -> &str {
        let at = self.command.iter().position(|argument| argument == flag);
        &self.command[at.unwrap() + 1]
    }
}

pub(crate) fn text(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(file)).unwrap()
}

/// The file as it is written; variables are as they stand there.
pub(crate) fn compose() -> Compose {
    let mut file: BTreeMap<String, Value> = serde_saphyr::from_str(&text("compose.yaml")).unwrap();
    // Extensions only give names to what is used several times.
    file.retain(|member, _| !member.starts_with("x-"));
    serde_json::from_value(serde_json::to_value(file).unwrap()).unwrap()
}
