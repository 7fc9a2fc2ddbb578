//! `compose.yaml` and the `Dockerfile`, as far as they can be judged without a container engine.
//!
//! A member that the types here do not know is refused, so a misspelt one does not pass.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

mod commands;
mod dockerfile;
mod file;
mod health;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use file::{Compose, compose};

const SERVERS: [&str; 4] = ["mysql", "opensearch", "rabbitmq", "redis"];

#[test]
fn it_starts_two_nodes_two_workers_and_the_four_servers() {
    let compose = compose();
    assert_eq!(compose.name, "tiro");
    let names: Vec<&str> = compose.services.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "api-1",
            "api-2",
            "mysql",
            "opensearch",
            "rabbitmq",
            "redis",
            "worker"
        ]
    );
    let replicas = |name: &str| {
        compose.services[name]
            .deploy
            .as_ref()
            .map(|deploy| deploy.replicas)
    };
    assert_eq!(replicas("worker"), Some(2));
    assert_eq!(replicas("api-1"), None);
    let commands = ["api-1", "api-2", "worker"].map(|name| compose.services[name].command[0].as_str());
    assert_eq!(commands, ["serve", "serve", "worker"]);
}

#[test]
fn every_service_has_one_origin_and_comes_back_and_images_have_a_version() {
    for (name, service) in &compose().services {
        assert_eq!(service.restart, "unless-stopped", "{name}");
        let image = service.image.as_ref().unwrap();
        if SERVERS.contains(&name.as_str()) {
            let (_, version) = image.split_once(':').unwrap();
            assert!(
                version.starts_with(|first: char| first.is_ascii_digit()),
                "{image}"
            );
        }
    }
}

#[test]
fn one_service_builds_the_image_that_all_of_ours_take_and_nobody_downloads_it() {
    // Two that build it would export it under one name at once, which fails on a fresh machine.
    let compose = compose();
    let built: Vec<&str> = compose
        .services
        .iter()
        .filter(|(_, service)| service.build.is_some())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(built, ["api-1"]);
    assert_eq!(compose.services["api-1"].build.as_ref().unwrap().context, ".");
    for name in ours(&compose) {
        let service = &compose.services[name];
        assert_eq!(service.image.as_deref(), Some("tiro"), "{name}");
        // Somebody else may have put an image of that name into a registry.
        assert_eq!(service.pull_policy.as_deref(), Some("never"), "{name}");
        // A volume that nobody named would be left behind by each `down`.
        assert_eq!(service.tmpfs, [dockerfile::argument("VOLUME")], "{name}");
    }
}

#[test]
fn nodes_and_workers_wait_until_every_server_is_well() {
    let compose = compose();
    for name in ours(&compose) {
        let waits = &compose.services[name].depends_on;
        let awaited: Vec<&str> = waits.keys().map(String::as_str).collect();
        assert_eq!(awaited, SERVERS, "{name}");
        assert!(
            waits.values().all(|waits| waits.condition == "service_healthy"),
            "{name}"
        );
    }
    assert!(
        SERVERS
            .iter()
            .all(|name| compose.services[*name].depends_on.is_empty())
    );
}

#[test]
fn only_the_nodes_are_reached_and_only_from_this_machine() {
    let compose = compose();
    let published: BTreeMap<&str, &[String]> = compose
        .services
        .iter()
        .filter(|(_, service)| !service.ports.is_empty())
        .map(|(name, service)| (name.as_str(), service.ports.as_slice()))
        .collect();
    let expected = [
        ("api-1", "127.0.0.1:3000:3000".to_owned()),
        ("api-2", "127.0.0.1:8000:8000".to_owned()),
    ];
    assert_eq!(published.len(), expected.len(), "{published:?}");
    for (name, port) in expected {
        assert_eq!(published[name], [port]);
    }
}

#[test]
fn the_port_inside_is_the_same_wherever_it_is_named() {
    let compose = compose();
    let default = dockerfile::variable("TIRO_LISTEN");
    for name in ["api-1", "api-2"] {
        let service = &compose.services[name];
        let (outside, inside) = service.ports[0].rsplit_once(':').unwrap();
        let listens = service.environment.get("TIRO_LISTEN").unwrap_or(&default);
        assert_eq!(*listens, format!("0.0.0.0:{inside}"), "{name}");
        // So that what a node prints can be pasted.
        assert!(outside.ends_with(&format!(":{inside}")), "{name}");
        assert!(
            service.healthcheck.test.is_empty(),
            "the image's question knows the port"
        );
    }
    assert_eq!(default, format!("0.0.0.0:{}", dockerfile::argument("EXPOSE")));
}

#[test]
fn every_config_and_volume_that_is_used_is_defined_and_the_other_way_round() {
    let compose = compose();
    let configs = compose.services.values().flat_map(|service| &service.configs);
    let used: BTreeSet<&str> = configs.map(|config| config.source.as_str()).collect();
    assert_eq!(used, compose.configs.keys().map(String::as_str).collect());
    let volumes = compose.services.values().flat_map(|service| &service.volumes);
    let used: BTreeSet<&str> = volumes.map(|volume| volume.split_once(":/").unwrap().0).collect();
    assert_eq!(used, compose.volumes.keys().map(String::as_str).collect());
    for name in ours(&compose) {
        let service = &compose.services[name];
        assert_eq!(service.value_of("--cluster"), service.configs[0].target, "{name}");
    }
}

fn ours(compose: &Compose) -> impl Iterator<Item = &str> {
    let names = compose.services.keys().map(String::as_str);
    names.filter(|name| !SERVERS.contains(name))
}
