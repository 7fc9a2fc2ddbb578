//! The four systems behind TLS, with a CA of one's own: whoever it vouches for is talked to, and nobody else.

mod authority;
mod mariadb;
mod termination;

use tempfile::TempDir;
use tiro_client::api::OperationStatus;
use tiro_client::{Client, Create, Search, SearchScope};

use authority::Authority;
use mariadb::MariaDb;
use termination::Termination;

use super::nodes::{Mysql, Systems, start_api, start_worker};
use crate::must_hold::until;
use crate::requests::{create_application, create_chat, create_message, message};
use crate::support::{Ended, Launch, Tiro, block_on, temp_folder};

/// What certificates of the tests are for.
const RIGHT: &str = "localhost";
/// The same machine under a name that they do not have.
const WRONG: &str = "127.0.0.1";
/// Relative to the folder of the file of a cluster.
const CA: &str = "ca = \"ca.pem\"";
const OTHERS: [(&str, &str); 3] = [
    ("rabbitmq", "RabbitMQ is away: "),
    ("redis", "Redis is away: "),
    ("opensearch", "OpenSearch is away: "),
];

/// Systems behind TLS, and a file of a cluster that names them.
struct World {
    authority: Authority,
    _terminations: Vec<Termination>,
    systems: Systems,
    folder: TempDir,
}

impl World {
    /// RabbitMQ, Redis and OpenSearch are behind TLS, under this name.
    fn under(host: &str) -> World {
        let authority = Authority::new("the CA of the tests");
        let mut systems = Systems::own();
        let mut terminations = Vec::new();
        for (member, _) in OTHERS {
            let (scheme, rest) = systems.member(member).split_once("://").unwrap();
            let (account, server) = rest.rsplit_once('@').unwrap_or(("", rest));
            let (server, path) = server.split_once('/').unwrap_or((server, ""));
            let termination = Termination::start(&authority, RIGHT, server);
            let at = if account.is_empty() { "" } else { "@" };
            let url = format!("{scheme}s://{account}{at}{host}:{}/{path}", termination.port);
            systems = systems.with(member, url.trim_end_matches('/'));
            terminations.push(termination);
        }
        let folder = temp_folder();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        World {
            authority,
            _terminations: terminations,
            systems,
            folder,
        }
    }

    /// The file of a cluster on these systems, with these further lines.
    fn config(&self, systems: &Systems, lines: &str) -> String {
        let file = self.folder.path().join("cluster.toml");
        std::fs::write(&file, format!("{lines}\n{}", systems.text())).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// `tiro serve` on a machine that knows the CA of somebody else.
    fn serve(&self, systems: &Systems, lines: &str) -> Result<Tiro, Ended> {
        let file = self.folder.path().join("system.pem");
        std::fs::write(&file, Authority::new("the CA of somebody else").pem()).unwrap();
        let config = self.config(systems, lines);
        let serve = ["serve", "--listen", "127.0.0.1:0", "--cluster", &config];
        Tiro::try_launch(Launch::new(serve).env("SSL_CERT_FILE", file.to_str().unwrap()))
    }
}

/// A chat is written, read, found and indexed, and a message parked.
pub(super) async fn exercise(client: &Client) {
    let token = create_application(client).await;
    let chat = create_chat(client, &token).await;
    create_message(client, &token, chat, "a word that is found").await;
    let scope = SearchScope::Application(&token);
    let found = client
        .search(scope, &Search::of("word".to_owned()))
        .await
        .unwrap();
    assert_eq!(found.data.len(), 1);
    until("the worker has indexed everything", async || {
        let status = client.status().await.unwrap();
        status
            .partitions
            .iter()
            .all(|one| one.indexed == Some(one.changes))
    })
    .await;
    let later = message("parked");
    let create = Create::Message {
        chat,
        message: &later,
    };
    let parked = client.park(&token, create, "parked").await.unwrap();
    let operation = parked.expect("a cluster parks").value.operation.into_owned();
    until("the parked message is there", async || {
        let asked = client.operation(&token, &operation).await.unwrap();
        asked.value.status == OperationStatus::Applied
    })
    .await;
    until("nothing is amiss", async || {
        client.readyz().await.unwrap().remarks.is_empty()
    })
    .await;
}

/// Waits until each of the three is away for a reason that holds this.
fn assert_away(node: &Tiro, reason: &str) {
    let client = node.client();
    block_on(until("the handshakes have failed", async || {
        let remarks = client.readyz().await.unwrap().remarks;
        OTHERS.iter().all(|(_, begin)| {
            let fits = |remark: &&str| remark.starts_with(begin);
            remarks
                .iter()
                .map(|remark| &**remark)
                .find(fits)
                .is_some_and(|remark| {
                    assert!(remark.contains(reason), "{remark}");
                    assert!(!remark.contains('@'), "{remark}");
                    true
                })
        })
    }));
}

#[test]
fn a_cluster_whose_ca_vouches_for_all_four_systems_does_everything() {
    let world = World::under(RIGHT);
    let server = MariaDb::start(&world.authority, RIGHT);
    let systems = world.systems.with("mysql", &server.url(RIGHT, ""));
    let config = world.config(&systems, CA);
    let node = start_api(&config, "127.0.0.1:0");
    let worker = start_worker(&config);
    block_on(exercise(&node.client()));
    assert_eq!(node.stop().code, Some(0));
    worker.terminate();
    assert_eq!(worker.wait().code, Some(0));

    let under = |host: &str, query: &str| world.systems.with("mysql", &server.url(host, query));
    let file = format!("?ssl-ca={}", world.folder.path().join("ca.pem").display());
    for (host, query, ca, reason) in [
        (WRONG, "", CA, "not valid for name"),
        (WRONG, &*file, "", "not valid for name"),
        (RIGHT, "?ssl-mode=VERIFY_IDENTITY", "", "UnknownIssuer"),
        (WRONG, "?ssl-mode=VERIFY_CA", "", "UnknownIssuer"),
    ] {
        let ended = world
            .serve(&under(host, query), ca)
            .err()
            .expect("it does not serve");
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(reason), "{reason} in {ended:?}");
    }
    for (host, query, ca) in [
        // Certificates that MySQL makes for itself name no host.
        (WRONG, "?ssl-mode=VERIFY_CA", CA),
        (RIGHT, &*file, ""),
    ] {
        let node = world.serve(&under(host, query), ca).expect("it serves");
        assert_eq!(node.stop().code, Some(0));
    }
}

#[test]
fn systems_that_no_known_ca_vouches_for_are_away_for_that_reason() {
    let world = World::under(RIGHT);
    let node = world.serve(&world.systems, "").expect("it serves");
    assert_away(&node, "UnknownIssuer");
    assert_eq!(node.stop().code, Some(0));
}

#[test]
fn systems_under_a_name_that_their_certificate_lacks_are_away_for_that_reason() {
    let world = World::under(WRONG);
    // That of the other tests has no certificate.
    let mysql = format!("{}?ssl-mode=DISABLED", world.systems.member("mysql"));
    let systems = world.systems.with("mysql", &mysql);
    let node = world.serve(&systems, CA).expect("it serves");
    assert_away(&node, "not valid for name");
    assert_eq!(node.stop().code, Some(0));
}
