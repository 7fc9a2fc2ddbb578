//! What MySQL is asked under load: batches, not messages.

use tokio::task::JoinSet;

use super::nodes::Cluster;
use crate::requests::{create_application, create_chat, create_message, create_numbered_messages};

const CLIENTS: usize = 64;
const MESSAGES_EACH: usize = 20;

/// The general log is the server's own word for what it was asked. It is for all databases: other tests may run beside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_and_no_update_of_a_count_is_made_per_message() {
    let cluster = Cluster::start(&[]);
    let clients = cluster.servers().map(|server| server.client());
    let token = create_application(&clients[0]).await;
    let chat = create_chat(&clients[0], &token).await;
    let batched = create_chat(&clients[0], &token).await;
    let mysql = cluster.mysql();
    mysql.query("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1");
    let mut load = JoinSet::new();
    for client in 0..CLIENTS {
        let (client, token) = (clients[client % 2].clone(), token.clone());
        load.spawn(async move {
            for _ in 0..MESSAGES_EACH {
                create_message(&client, &token, chat, "one of many at once").await;
            }
        });
    }
    load.join_all().await;
    create_numbered_messages(&clients[0], &token, batched, 5_000).await;
    mysql.query("SET GLOBAL general_log = 0");
    let count = |of: &str| -> u64 {
        let users = format!(
            "SELECT COUNT(*) FROM mysql.general_log WHERE command_type IN ('Execute', 'Query') \
             AND thread_id IN (SELECT DISTINCT thread_id FROM mysql.general_log WHERE argument LIKE '%{}%') AND ({of})",
            mysql.database
        );
        mysql.query(&users).trim().parse().unwrap()
    };
    let messages = (CLIENTS * MESSAGES_EACH + 5_000) as u64;
    let inserts = count("argument LIKE 'INSERT INTO messages%'");
    let of_chats = count("argument LIKE 'INSERT INTO chats%' OR argument LIKE 'UPDATE chats%'");
    let of_applications =
        count("argument LIKE 'INSERT INTO applications%' OR argument LIKE 'UPDATE applications%'");
    println!(
        "{messages} messages: {inserts} inserts, {of_chats} of chats, {of_applications} of applications"
    );
    for statements in [inserts, of_chats, of_applications] {
        assert!(
            statements * 4 < messages,
            "{statements} statements for {messages} messages"
        );
    }
    cluster.stop();
}
