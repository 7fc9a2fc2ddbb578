//! Parked creates over HTTP, while the systems behind them come and go.

use tiro_client::api::{ChangeType, CreateChat, Operation, OperationResult, OperationStatus, UpdateMessage};
use tiro_client::{Client, Create, Error, Feed, Key, Options, Patience, Search, SearchScope, Sending};
use tiro_conformance::{Fault, Proxy};

use super::nodes::{Cluster, Systems};
use crate::must_hold::until;
use crate::requests::{create_application, create_chat, create_message, list_messages, message};
use crate::support::Tiro;

/// A client that says at once what it was answered.
fn impatient(server: &Tiro) -> Client {
    let options = Options {
        operator_key: None,
        patience: Patience::one_attempt(),
    };
    Client::new(&server.address, options).unwrap()
}

fn parked_message<'a>(chat: u64, message: &'a tiro_client::api::CreateMessage<'a>) -> Create<'a> {
    Create::Message { chat, message }
}

/// Parks a create and answers the name of its operation.
async fn park(client: &Client, token: &str, create: Create<'_>, key: &str) -> String {
    let parked = client.park(token, create, key).await.unwrap();
    let parked = parked.expect("a cluster parks");
    assert_eq!(parked.status, 202);
    assert_eq!(parked.value.status, OperationStatus::Pending);
    let name = parked.value.operation.into_owned();
    let location = format!("/v1/applications/{token}/operations/{name}");
    assert_eq!(parked.location.as_deref(), Some(location.as_str()));
    name
}

/// Has every node park something. RabbitMQ may refuse while several of them make the queues; like any failure that is
/// repeated, and by what comes after it is not met any more.
async fn each_has_parked(cluster: &Cluster) {
    for server in cluster.servers() {
        let client = server.client();
        let token = create_application(&client).await;
        let first = park(&client, &token, Create::Chat(&CreateChat::default()), "first").await;
        applied_number(&client, &token, &first).await;
    }
}

async fn ended(client: &Client, token: &str, operation: &str) -> Operation<'static> {
    until("the operation has ended", async || {
        let asked = client.operation(token, operation).await.unwrap();
        asked.value.status != OperationStatus::Pending
    })
    .await;
    client.operation(token, operation).await.unwrap().value
}

async fn applied_number(client: &Client, token: &str, operation: &str) -> u64 {
    let ended = ended(client, token, operation).await;
    match ended.result {
        Some(OperationResult::Chat(chat)) => chat.number,
        Some(OperationResult::Message(message)) => message.number,
        Some(OperationResult::Messages(batch)) => batch.first,
        None => panic!("it was not applied: {ended:?}"),
    }
}

async fn rejected_code(client: &Client, token: &str, operation: &str) -> String {
    let ended = ended(client, token, operation).await;
    assert_eq!(ended.status, OperationStatus::Rejected);
    ended.problem.expect("a rejected one has a problem").code.as_str()
}

/// The status and the code of a refusal.
fn refusal<T: std::fmt::Debug>(answer: Result<T, Error>) -> (u16, String) {
    match answer.unwrap_err() {
        Error::Refused(refusal) => (refusal.status, refusal.problem.code.as_str()),
        other => panic!("{other}"),
    }
}

/// How many entries of the feed say that a message came to be.
async fn messages_in_feed(client: &Client, token: &str) -> usize {
    let page = client.changes(token, &Feed::default(), 1_000).await.unwrap();
    let created = |entry: &&tiro_client::api::Entry<'_>| entry.type_ == ChangeType::MessageCreated;
    page.data.iter().filter(created).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_create_is_applied_once_and_is_in_the_feed_and_any_node_tells_what_became_of_it() {
    let cluster = Cluster::start(&[]);
    let [here, there] = cluster.servers().map(Tiro::client);
    let token = create_application(&here).await;

    let new_chat = CreateChat {
        title: Some("parcels"),
        metadata: None,
    };
    let chat = park(&here, &token, Create::Chat(&new_chat), "chat").await;
    let chat = applied_number(&there, &token, &chat).await;
    assert_eq!(
        here.chat(&token, chat).await.unwrap().value.title.as_deref(),
        Some("parcels")
    );
    let late = message("late");
    let one = park(&here, &token, parked_message(chat, &late), "one").await;
    assert_eq!(applied_number(&there, &token, &one).await, 1);
    let messages = [message("a"), message("b"), message("c")];
    let messages = Create::Messages {
        chat,
        messages: &messages,
    };
    let batch = park(&there, &token, messages, "batch").await;
    assert_eq!(applied_number(&here, &token, &batch).await, 2);
    assert_eq!(list_messages(&there, &token, chat).await.len(), 4);
    assert_eq!(messages_in_feed(&there, &token).await, 4);

    // The same request under the key, parked or not, is the same thing; another one is another operation, which is refused.
    let again = park(&there, &token, parked_message(chat, &late), "one").await;
    assert_eq!(again, one);
    let direct = there
        .create_message(&token, chat, &late, &Sending::named("one"))
        .await
        .unwrap();
    assert!(direct.replayed);
    let asked = there.operation(&token, &one).await.unwrap();
    assert_eq!(asked.cursor, direct.cursor);
    let Some(OperationResult::Message(told)) = asked.value.result else {
        panic!("a message was made")
    };
    assert_eq!(
        serde_json::to_value(&told).unwrap(),
        serde_json::to_value(&direct.value).unwrap()
    );
    let other = message("something else");
    let other = park(&here, &token, parked_message(chat, &other), "one").await;
    assert_ne!(other, one);
    assert_eq!(
        rejected_code(&there, &token, &other).await,
        "idempotency_key_reused"
    );
    let nowhere = park(&here, &token, parked_message(99, &late), "nowhere").await;
    assert_eq!(rejected_code(&there, &token, &nowhere).await, "chat_not_found");
    let gone = create_chat(&here, &token).await;
    here.delete_chat(&token, gone, &Sending::default()).await.unwrap();
    let gone = park(&here, &token, parked_message(gone, &late), "gone").await;
    assert_eq!(rejected_code(&there, &token, &gone).await, "chat_deleted");
    assert_eq!(messages_in_feed(&here, &token).await, 4);

    // What is changed later is told as it is.
    let edit = UpdateMessage {
        body: Some("in time"),
        metadata: None,
    };
    here.update_message(&token, chat, 1, &edit, &Sending::default())
        .await
        .unwrap();
    let told = there.operation(&token, &one).await.unwrap().value.result;
    assert!(matches!(told, Some(OperationResult::Message(told)) if told.version == 2));
    cluster.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_were_not_given_out_for_this_application_are_404() {
    let cluster = Cluster::start(&[]);
    each_has_parked(&cluster).await;
    let [here, there] = cluster.servers().map(impatient);
    let token = create_application(&here).await;
    let another = create_application(&here).await;
    let name = park(&here, &token, Create::Chat(&CreateChat::default()), "k").await;
    let unknown = (404, "operation_not_found".to_owned());
    assert_eq!(refusal(there.operation(&another, &name).await), unknown);
    let last = if name.ends_with('A') { "B" } else { "A" };
    let forged = format!("{}{last}", &name[..name.len() - 1]);
    for forged in [forged.as_str(), "op_", "op_AAAA", "x"] {
        assert_eq!(
            refusal(there.operation(&token, forged).await),
            unknown,
            "{forged}"
        );
    }
    applied_number(&there, &token, &name).await;
    there
        .delete_application(&token, &Sending::default())
        .await
        .unwrap();
    let gone = (410, "application_deleted".to_owned());
    assert_eq!(refusal(there.operation(&token, &name).await), gone);
    cluster.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_mysql_is_away_creates_are_parked_and_applied_exactly_once_when_it_is_back() {
    let systems = Systems::own();
    let mysql = Proxy::start(systems.member("mysql")).await;
    let cluster = Cluster::on(&systems.with("mysql", mysql.url()), &[], &[]);
    each_has_parked(&cluster).await;
    let [here, there] = cluster.servers().map(impatient);
    let token = create_application(&here).await;
    let chat = create_chat(&here, &token).await;
    let known_there = create_application(&there).await;

    mysql.set(Fault::Refuse);
    let unstored = here
        .create_message(&token, chat, &message("direct"), &Sending::named("direct"))
        .await;
    assert_eq!(refusal(unstored).0, 503);
    let mut operations = Vec::new();
    for (index, body) in ["a", "b", "c"].into_iter().enumerate() {
        let body = message(body);
        let key = format!("k{index}");
        let name = park(&here, &token, parked_message(chat, &body), &key).await;
        assert_eq!(park(&here, &token, parked_message(chat, &body), &key).await, name);
        let asked = there.operation(&token, &name).await.unwrap().value;
        assert_eq!(asked.status, OperationStatus::Pending);
        operations.push(name);
    }
    // A node that does not know the token cannot say that there is such an application.
    let create = Create::Chat(&CreateChat::default());
    let unknown = here.park(&known_there, create, "k").await;
    assert_eq!(refusal(unknown), (503, "storage_unavailable".to_owned()));

    mysql.set(Fault::None);
    for (name, number) in operations.iter().zip(1..) {
        assert_eq!(applied_number(&there, &token, name).await, number);
    }
    // What is parked now is applied behind all that was delivered before, doubled or not.
    let last = park(&here, &token, Create::Chat(&CreateChat::default()), "last").await;
    applied_number(&here, &token, &last).await;
    let bodies: Vec<_> = list_messages(&there, &token, chat)
        .await
        .into_iter()
        .map(|message| message.body.unwrap().into_owned())
        .collect();
    assert_eq!(bodies, ["a", "b", "c"]);
    assert_eq!(messages_in_feed(&there, &token).await, 3);
    cluster.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_only_read_an_application_parks_its_creates_while_mysql_is_away() {
    let systems = Systems::own();
    let mysql = Proxy::start(systems.member("mysql")).await;
    let cluster = Cluster::on(&systems.with("mysql", mysql.url()), &[], &[]);
    each_has_parked(&cluster).await;
    let [here, there] = cluster.servers().map(impatient);
    let mut tokens = Vec::new();
    for _ in 0..5 {
        let token = create_application(&here).await;
        create_chat(&here, &token).await;
        tokens.push(token);
    }
    there.application(&tokens[0]).await.unwrap();
    there.chat(&tokens[1], 1).await.unwrap();
    list_messages(&there, &tokens[2], 1).await;
    there.changes(&tokens[3], &Feed::default(), 10).await.unwrap();
    let scope = SearchScope::Application(&tokens[4]);
    there
        .search(scope, &Search::of("parcel".to_owned()))
        .await
        .unwrap();

    mysql.set(Fault::Refuse);
    let late = message("late");
    let mut parked = Vec::new();
    for token in &tokens {
        parked.push(park(&there, token, parked_message(1, &late), "late").await);
    }
    mysql.set(Fault::None);
    for (token, operation) in tokens.iter().zip(&parked) {
        assert_eq!(applied_number(&here, token, operation).await, 1);
    }
    cluster.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_rabbitmq_is_away_nothing_is_parked_and_everything_else_is_served() {
    let systems = Systems::own();
    let rabbitmq = Proxy::start(systems.member("rabbitmq")).await;
    let cluster = Cluster::on(&systems.with("rabbitmq", rabbitmq.url()), &[], &[]);
    each_has_parked(&cluster).await;
    let [here, there] = cluster.servers().map(impatient);
    let token = create_application(&here).await;
    let chat = create_chat(&here, &token).await;
    let before = message("before");
    let before = park(&here, &token, parked_message(chat, &before), "before").await;
    assert_eq!(applied_number(&there, &token, &before).await, 1);

    rabbitmq.set(Fault::Refuse);
    let refused = message("refused");
    for client in [&here, &there] {
        let answer = client
            .park(&token, parked_message(chat, &refused), "refused")
            .await;
        let (status, code) = refusal(answer);
        let codes = ["storage_unavailable", "outcome_unknown"];
        assert!(status == 503 && codes.contains(&code.as_str()), "{status} {code}");
    }
    assert_eq!(create_message(&here, &token, chat, "direct").await, 2);
    let unkeyed = Sending {
        key: Key::None,
        if_match: None,
    };
    let unkeyed = there
        .create_message(&token, chat, &message("unkeyed"), &unkeyed)
        .await;
    assert_eq!(unkeyed.unwrap().value.number, 3);

    rabbitmq.set(Fault::None);
    let patient = cluster.servers()[0].client();
    let after = message("after");
    until("creates are parked again", async || {
        patient
            .park(&token, parked_message(chat, &after), "after")
            .await
            .is_ok()
    })
    .await;
    let after = park(&here, &token, parked_message(chat, &after), "after").await;
    assert_eq!(applied_number(&there, &token, &after).await, 4);
    cluster.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_between_applying_and_acknowledging_leaves_one_message() {
    let systems = Systems::own();
    let rabbitmq = Proxy::start(systems.member("rabbitmq")).await;
    let mut cluster = Cluster::without_workers(&systems, &[], &[]);
    let first = cluster.worker(&systems.with("rabbitmq", rabbitmq.url()));
    let [here, there] = cluster.servers().map(Tiro::client);
    let token = create_application(&here).await;
    let chat = create_chat(&here, &token).await;
    let warm = message("warm");
    let warm = park(&here, &token, parked_message(chat, &warm), "warm").await;
    assert_eq!(applied_number(&there, &token, &warm).await, 1);

    // RabbitMQ hears no acknowledgement any more, but goes on to deliver.
    rabbitmq.set(Fault::StallQuestions);
    let once = message("once");
    let once = park(&here, &token, parked_message(chat, &once), "once").await;
    assert_eq!(applied_number(&there, &token, &once).await, 2);
    first.kill();
    let second = cluster.worker(&systems);
    let last = message("last");
    let last = park(&here, &token, parked_message(chat, &last), "last").await;
    assert_eq!(applied_number(&there, &token, &last).await, 3);
    assert_eq!(list_messages(&there, &token, chat).await.len(), 3);
    assert_eq!(messages_in_feed(&there, &token).await, 3);
    until("nothing waits in the queue", async || {
        let status = here.status().await.unwrap();
        let parked = |queue: &&tiro_client::api::QueueStatus| queue.name.ends_with(".parked");
        status.queues.iter().find(parked).unwrap().waiting == 0
    })
    .await;
    cluster.add(second);
    cluster.stop();
}
