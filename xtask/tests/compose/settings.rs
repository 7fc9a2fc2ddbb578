//! What is said in several places: variables, passwords, the addresses in `cluster.toml`.

use std::collections::BTreeMap;

use crate::SERVERS;
use crate::file::{compose, text};

/// `${NAME:-default}`, wherever it stands; anything else behind a `$` that is not doubled is wrong.
fn variables(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('$') {
        if let Some(doubled) = behind.strip_prefix('$') {
            rest = doubled;
            continue;
        }
        let inside = behind.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let (inside, after) = inside.unwrap_or_else(|| panic!("a lone $ before {behind:.20}"));
        let (name, default) = inside
            .split_once(":-")
            .unwrap_or_else(|| panic!("{inside} has no default"));
        found.push((name.to_owned(), default.to_owned()));
        rest = after;
    }
    found
}

/// The text with the defaults of its variables.
fn with_defaults(text: &str) -> String {
    let mut text = text.to_owned();
    for (name, default) in variables(&text) {
        text = text.replace(&format!("${{{name}:-{default}}}"), &default);
    }
    text
}

#[test]
fn every_variable_has_one_default() {
    let mut defaults = BTreeMap::new();
    for (name, default) in variables(&text("compose.yaml")) {
        assert!(name.starts_with("TIRO_") && !default.is_empty(), "{name}");
        let first = defaults.entry(name.clone()).or_insert_with(|| default.clone());
        assert_eq!(*first, default, "{name}");
    }
    let names: Vec<&str> = defaults.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["TIRO_MYSQL_PASSWORD", "TIRO_RABBITMQ_PASSWORD", "TIRO_SECRET"]
    );
}

#[test]
fn the_clusters_file_names_the_servers_with_the_accounts_they_make() {
    let compose = compose();
    let settings = with_defaults(&compose.configs["cluster"].content);
    let settings: toml::Table = toml::from_str(&settings).unwrap();
    let urls = settings.iter().filter(|(name, _)| *name != "secret");
    let named: Vec<&str> = urls.map(|(name, _)| name.as_str()).collect();
    assert_eq!(named, SERVERS);
    let made_by =
        |server: &str, variable: &str| with_defaults(&compose.services[server].environment[variable]);
    let (user, password) = (made_by("mysql", "MYSQL_USER"), made_by("mysql", "MYSQL_PASSWORD"));
    let database = made_by("mysql", "MYSQL_DATABASE");
    let url = |name: &str| settings[name].as_str().unwrap();
    assert_eq!(
        url("mysql"),
        format!("mysql://{user}:{password}@mysql:3306/{database}")
    );
    let user = made_by("rabbitmq", "RABBITMQ_DEFAULT_USER");
    let password = made_by("rabbitmq", "RABBITMQ_DEFAULT_PASS");
    assert_eq!(
        url("rabbitmq"),
        format!("amqp://{user}:{password}@rabbitmq:5672/%2f")
    );
    assert_eq!(url("redis"), "redis://redis:6379/0");
    assert_eq!(url("opensearch"), "http://opensearch:9200");
    assert!(url("secret").len() >= 64);
}

#[test]
fn data_of_the_servers_is_in_volumes_but_for_the_cache() {
    let compose = compose();
    let expected = [
        ("mysql", "mysql:/var/lib/mysql"),
        ("opensearch", "opensearch:/usr/share/opensearch/data"),
        ("rabbitmq", "rabbitmq:/var/lib/rabbitmq"),
    ];
    for (name, volume) in expected {
        assert_eq!(compose.services[name].volumes, [volume]);
        // Longer than the ten seconds that a container has by default.
        assert_eq!(compose.services[name].stop_grace_period.as_deref(), Some("60s"));
    }
    assert!(compose.services["redis"].volumes.is_empty());
    assert_eq!(compose.services["redis"].tmpfs, ["/data"]);
    // The broker's folder in the volume is named after its host, which is a new one each time unless it is given.
    assert_eq!(compose.services["rabbitmq"].hostname.as_deref(), Some("rabbitmq"));
}

#[test]
fn a_variable_without_default_and_a_lone_dollar_are_noticed() {
    assert_eq!(variables("a ${X:-y} $$z"), [("X".to_owned(), "y".to_owned())]);
    for wrong in ["${X}", "$X", "a $ b"] {
        assert!(std::panic::catch_unwind(|| variables(wrong)).is_err(), "{wrong}");
    }
}
