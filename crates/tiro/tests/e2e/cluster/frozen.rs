//! A node that stops running inside a transaction, as a machine that hangs does: the others write on, and when it runs again it
//! goes on by itself.

use std::time::{Duration, Instant};

use tiro_client::api::CreateMessage;
use tiro_client::{Client, Options, Patience, Sending};
use tokio::time::{sleep, timeout};

use super::halting::{Halting, Place, Stage};
use super::nodes::{Cluster, Systems};
use crate::counts::{full, seed};
use crate::requests::{create_application, create_chat, create_message, list_messages, message};
use crate::support::Tiro;

/// Other nodes write again so long after a node froze, whatever it holds.
const LOCKED_MAX: Duration = Duration::from_secs(5);
const FROZEN: Duration = Duration::from_secs(5);
/// With the full counts, at every place.
const FROZEN_LONG: Duration = Duration::from_secs(60);
/// A transaction comes to its place within so long, and a node that runs again answers.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A client that waits for as long as a node can be frozen, and sends nothing twice.
fn patient(server: &Tiro) -> Client {
    let answer = FROZEN_LONG + WAIT_MAX;
    let patience = Patience {
        answer,
        total: answer,
        ..Patience::one_attempt()
    };
    let options = Options {
        operator_key: None,
        patience,
    };
    Client::new(&server.address, options).unwrap()
}

/// Facts of a chat, a key and a marker are looked up for it.
fn of_ann(body: &str) -> CreateMessage<'_> {
    CreateMessage {
        sender: Some("ann"),
        ..message(body)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_frozen_at_any_statement_of_a_transaction_holds_up_nobody_and_goes_on_by_itself() {
    let mut random = fastrand::Rng::with_seed(seed());
    let systems = Systems::own();
    let mysql = Halting::start(systems.member("mysql")).await;
    let cluster = Cluster::apart(&systems.with("mysql", &mysql.url), &systems);
    let [here, there] = cluster.servers().map(patient);
    let token = create_application(&there).await;
    let chat = create_chat(&there, &token).await;
    let mut bodies = vec!["first".to_owned()];
    let first = here
        .create_message(&token, chat, &of_ann("first"), &Sending::named("first"))
        .await;
    first.unwrap();
    let packets = mysql.packets();
    assert!(packets > 1, "{packets}");
    let mut places: Vec<Place> = (0..packets)
        .flat_map(|packet| Stage::ALL.map(|stage| Place { packet, stage }))
        .collect();
    if !full() {
        places = vec![random.choice(places).unwrap()];
    }
    let frozen_for = if full() { FROZEN_LONG } else { FROZEN };

    for (index, place) in places.into_iter().enumerate() {
        let (body, sending) = (format!("here {index}"), Sending::named(format!("key-{index}")));
        let content = of_ann(&body);
        let halt = mysql.halt(place);
        let creating = here.create_message(&token, chat, &content, &sending);
        let freezing = async {
            timeout(WAIT_MAX, halt.reached()).await.unwrap();
            cluster.api[0].process().freeze();
            let mut longest = Duration::ZERO;
            let frozen = Instant::now();
            let mut beside = 0;
            while frozen.elapsed() < frozen_for {
                let (begun, body) = (Instant::now(), format!("there {index} {beside}"));
                create_message(&there, &token, chat, &body).await;
                bodies.push(body);
                longest = longest.max(begun.elapsed());
                beside += 1;
                // How long it is frozen is what is tried.
                sleep((frozen_for / 10).min(frozen_for.saturating_sub(frozen.elapsed()))).await;
            }
            halt.release();
            cluster.api[0].process().thaw();
            (longest, Instant::now())
        };
        let (created, (longest, thawed)) = tokio::join!(creating, freezing);
        println!(
            "{place:?}: others waited {longest:?} at most; {:?} after it ran again: {created:?}",
            thawed.elapsed()
        );
        assert!(longest <= LOCKED_MAX, "{place:?}: {longest:?}");
        assert!(thawed.elapsed() <= WAIT_MAX, "{place:?}");
        // Whatever it was answered, the key says the same at every node.
        let patient = cluster.servers().map(Tiro::client);
        let mut told = Vec::new();
        for client in &patient {
            let again = client.create_message(&token, chat, &content, &sending).await;
            told.push(again.unwrap().value.number);
        }
        told.extend(created.ok().map(|created| created.value.number));
        assert!(
            told.iter().all(|number| *number == told[0]),
            "{place:?}: {told:?}"
        );
        bodies.push(body);
    }

    let listed = list_messages(&there, &token, chat).await;
    let numbers: Vec<u64> = listed.iter().map(|message| message.number).collect();
    assert_eq!(numbers, (1..=bodies.len() as u64).collect::<Vec<_>>());
    let mut stored: Vec<&str> = listed
        .iter()
        .filter_map(|message| message.body.as_deref())
        .collect();
    let mut sent: Vec<&str> = bodies.iter().map(String::as_str).collect();
    stored.sort_unstable();
    sent.sort_unstable();
    assert_eq!(stored, sent);
    cluster.stop();
}
