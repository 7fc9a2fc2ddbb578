//! A machine without CA certificates, as small images are: nothing that is not encrypted may need one.
//!
//! The image of the `Dockerfile` had none, and `docker compose up` never served: the client of OpenSearch wanted the system's
//! certificates although its address was `http://`.

use super::nodes::{Cluster, Systems};
use crate::must_hold::until;
use crate::support::{Launch, block_on, temp_folder};

/// For the libraries that look for certificates.
pub(super) const NO_CERTIFICATES: [(&str, &str); 2] =
    [("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/nonexistent")];

fn launch(arguments: &[&str]) -> Launch {
    let launch = Launch::new(arguments);
    NO_CERTIFICATES
        .iter()
        .fold(launch, |launch, (name, value)| launch.env(name, value))
}

#[test]
fn every_command_of_a_cluster_does_its_work_on_a_machine_without_certificates() {
    let cluster = Cluster::on(&Systems::own(), &[], &NO_CERTIFICATES);
    let [server, _] = cluster.servers();
    let folder = temp_folder();
    let lines = folder.path().join("lines.ndjson");
    std::fs::write(&lines, "{\"chat\":\"c\",\"body\":\"hello\"}\n").unwrap();
    let lines = lines.to_str().unwrap();
    let import = [
        "import",
        "--server",
        &server.address,
        "--create",
        "imported",
        lines,
    ];
    for arguments in [
        &import[..],
        &["reindex", "--cluster", cluster.config()],
        &["verify", "--cluster", cluster.config()],
        &["dead", "list", "--cluster", cluster.config()],
        &["status", "--server", &server.address],
    ] {
        let ended = launch(arguments).run();
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    }
    let client = server.client();
    let nothing_is_away = async || client.readyz().await.unwrap().remarks.is_empty();
    block_on(until("the node has reached all systems", nothing_is_away));
    cluster.stop();
}

#[test]
fn what_is_encrypted_asks_for_certificates_by_name() {
    let folder = temp_folder();
    let file = folder.path().join("cluster.toml");
    for member in ["rabbitmq", "redis", "opensearch"] {
        let systems = Systems::own();
        let (scheme, rest) = systems.member(member).split_once("://").unwrap();
        std::fs::write(&file, systems.with(member, &format!("{scheme}s://{rest}")).text()).unwrap();
        for command in ["serve", "worker", "reindex", "verify"] {
            let ended = launch(&[command, "--cluster", file.to_str().unwrap()]).run();
            assert_eq!(ended.code, Some(2), "{command}: {ended:?}");
            let asks = format!("`{member}` is encrypted: the system has no CA certificates");
            assert!(ended.stderr.contains(&asks), "{command}: {ended:?}");
        }
    }
    let ended = launch(&["status", "--server", "https://127.0.0.1:1"]).run();
    assert!(ended.stderr.contains("no CA certificates"), "{ended:?}");
}
