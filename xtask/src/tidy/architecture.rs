//! Rules about which part may know what: the edges that must be missing.

use super::Rule;
use super::tree::Tree;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: concat!("only tiro-http and its client name a Status", "Code"),
        reason: "the meaning of a refusal is decided once, where HTTP begins; elsewhere it is a Rejection or a Failure",
        find: status_codes,
    },
    Rule {
        name: "tiro-core depends on nothing that does I/O, encodes or waits",
        reason: "its rules run the same in both engines, in the model and in tests",
        find: core_dependencies,
    },
    Rule {
        name: "only tiro names an engine",
        reason: "the HTTP side must not be able to tell which engine is running",
        find: engine_dependencies,
    },
    Rule {
        name: "only tiro-outbound makes HTTP clients and says what TLS trusts",
        reason: "redirects, proxies and certificates are then the same for all, and a change reaches every client",
        find: clients_elsewhere,
    },
    Rule {
        name: "decision 5 says of every dependency what it is for",
        reason: "whoever adds one weighs it, and whoever upgrades one knows why it is there",
        find: unexplained_dependencies,
    },
];

/// Put together, so that this file does not hold them itself.
const MAKING_CLIENTS: [&str; 4] = [
    concat!("reqwest::", "Client::"),
    concat!("use reqwest::", "Client"),
    concat!("ClientConfig::", "builder"),
    concat!("install_", "default"),
];
const OUTBOUND: &str = "crates/tiro-outbound/";
/// Put together as well.
const STATUS_CODE: &str = concat!("Status", "Code");
const ENDS_OF_HTTP: [&str; 2] = ["crates/tiro-http/", "crates/tiro-client/"];
const NOT_IN_CORE: [&str; 9] = [
    "serde",
    "serde_json",
    "tokio",
    "futures-util",
    "axum",
    "hyper",
    "http",
    "tracing",
    "rustix",
];
const DEPENDENCIES: &str = "docs/decisions/0005-dependencies.md";
const ENGINES: [&str; 2] = ["tiro-embedded", "tiro-cluster"];
/// Uses nothing of what it depends on: it names features.
const FEATURES: &str = "tiro-features";

fn status_codes(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let elsewhere = tree
        .rust()
        .filter(|file| !ENDS_OF_HTTP.iter().any(|end| file.path.starts_with(end)));
    let places = elsewhere.flat_map(|file| {
        let lines = file.lines().filter(|(_, line)| line.contains(STATUS_CODE));
        lines
            .map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim()))
            .collect::<Vec<_>>()
    });
    Ok(places.collect())
}

fn clients_elsewhere(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let elsewhere = tree.rust().filter(|file| !file.path.starts_with(OUTBOUND));
    let places = elsewhere.flat_map(|file| {
        let lines = file.lines();
        let makes = lines.filter(|(_, line)| MAKING_CLIENTS.iter().any(|making| line.contains(making)));
        makes
            .map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim()))
            .collect::<Vec<_>>()
    });
    Ok(places.collect())
}

fn core_dependencies(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let core = dependencies(tree)?
        .into_iter()
        .filter(|edge| edge.of == "tiro-core" && !edge.of_tests);
    let forbidden = core.filter(|edge| NOT_IN_CORE.contains(&edge.on.as_str()));
    Ok(forbidden
        .map(|edge| format!("{}: {}", edge.path, edge.on))
        .collect())
}

fn engine_dependencies(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let on_engines = dependencies(tree)?
        .into_iter()
        .filter(|edge| ENGINES.contains(&edge.on.as_str()));
    let forbidden = on_engines.filter(|edge| edge.of != "tiro");
    Ok(forbidden
        .map(|edge| format!("{}: {}", edge.path, edge.on))
        .collect())
}

fn unexplained_dependencies(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let explained: Vec<&str> = tree
        .files
        .iter()
        .filter(|file| file.path == DEPENDENCIES)
        .flat_map(|file| file.text.split('`').skip(1).step_by(2))
        .collect();
    let ours = |name: &str| name.starts_with("tiro-");
    let unexplained = dependencies(tree)?
        .into_iter()
        .filter(|edge| edge.of != FEATURES && !ours(&edge.on) && !explained.contains(&edge.on.as_str()));
    Ok(unexplained
        .map(|edge| format!("{}: {}", edge.path, edge.on))
        .collect())
}

/// One line of a manifest's dependencies.
struct Edge {
    path: String,
    of: String,
    on: String,
    of_tests: bool,
}

fn dependencies(tree: &Tree) -> anyhow::Result<Vec<Edge>> {
    let mut edges = Vec::new();
    for file in tree
        .files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"))
    {
        let manifest: toml::Table = toml::from_str(&file.text)?;
        let Some(name) = manifest
            .get("package")
            .and_then(|package| package.get("name")?.as_str())
        else {
            anyhow::bail!("{} has no package.name", file.path);
        };
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let named = manifest.get(section).and_then(toml::Value::as_table);
            edges.extend(named.into_iter().flat_map(toml::Table::keys).map(|on| Edge {
                path: file.path.clone(),
                of: name.to_owned(),
                on: on.clone(),
                of_tests: section == "dev-dependencies",
            }));
        }
    }
    Ok(edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, dependencies: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{dependencies}")
    }

    #[test]
    fn a_status_code_is_found_outside_tiro_http_only() {
        let inside = ("crates/tiro-http/src/problem.rs", STATUS_CODE);
        let outside = ("crates/tiro-core/src/rejection.rs", STATUS_CODE);
        let places = status_codes(&Tree::of(&[inside, outside])).unwrap();
        assert_eq!(
            places,
            [format!("crates/tiro-core/src/rejection.rs:1: {STATUS_CODE}")]
        );
    }

    #[test]
    fn a_client_of_http_is_made_in_tiro_outbound_only() {
        let [making, ..] = MAKING_CLIENTS;
        let inside = ("crates/tiro-outbound/src/http.rs", making);
        let outside = ("crates/tiro-client/src/client.rs", making);
        assert_eq!(
            clients_elsewhere(&Tree::of(&[inside, outside])).unwrap(),
            [format!("crates/tiro-client/src/client.rs:1: {making}")]
        );
    }

    #[test]
    fn serde_in_the_core_is_found_except_for_its_tests() {
        let broken = manifest(
            "tiro-core",
            "[dependencies]\nserde.workspace = true\nsha2.workspace = true\n",
        );
        let tree = Tree::of(&[("crates/tiro-core/Cargo.toml", &broken)]);
        assert_eq!(
            core_dependencies(&tree).unwrap(),
            ["crates/tiro-core/Cargo.toml: serde"]
        );
        let tests = manifest("tiro-core", "[dev-dependencies]\nserde_json = \"1\"\n");
        let tree = Tree::of(&[("crates/tiro-core/Cargo.toml", &tests)]);
        assert_eq!(core_dependencies(&tree).unwrap().len(), 0);
    }

    #[test]
    fn a_dependency_that_nobody_explained_is_found() {
        let http = manifest(
            "tiro-http",
            "[dependencies]\nhyper.workspace = true\nleft-pad = \"1\"\ntiro-api.workspace = true\n",
        );
        let tree = Tree::of(&[
            ("crates/tiro-http/Cargo.toml", &http),
            (
                DEPENDENCIES,
                "| `tokio`, `hyper` | HTTP | left-pad is not in a code span |",
            ),
        ]);
        assert_eq!(
            unexplained_dependencies(&tree).unwrap(),
            ["crates/tiro-http/Cargo.toml: left-pad"]
        );
    }

    #[test]
    fn an_engine_named_by_the_http_side_is_found() {
        let http = manifest(
            "tiro-http",
            "[dev-dependencies]\ntiro-embedded.workspace = true\n",
        );
        let tiro = manifest("tiro", "[dependencies]\ntiro-embedded.workspace = true\n");
        let tree = Tree::of(&[
            ("crates/tiro-http/Cargo.toml", &http),
            ("crates/tiro/Cargo.toml", &tiro),
        ]);
        assert_eq!(
            engine_dependencies(&tree).unwrap(),
            ["crates/tiro-http/Cargo.toml: tiro-embedded"]
        );
    }
}
