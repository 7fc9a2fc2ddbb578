//! The blocks of `docs/operations.md` for replication, run as they stand there: two servers, a failover, nothing lost.
//!
//! MariaDB is run always. MySQL, which Debian's stable releases do not have, where `TIRO_MYSQL` names a folder with the
//! unpacked packages `mysql-server-core` and `mysql-client-core` of a release that has them.

#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

mod page;
mod server;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use page::Page;
use server::{Dialect, Server};

const MYSQL_VARIABLE: &str = "TIRO_MYSQL";
/// Longer than anything here takes on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// Statements that the page does not have, in the words of each server.
struct Words {
    pause: &'static str,
    go_on: &'static str,
    /// Whether the primary waits, and for how many.
    waits_for: &'static str,
}

#[test]
fn mariadb_fails_over_by_the_blocks_of_the_page_and_loses_nothing() {
    let words = Words {
        pause: "STOP SLAVE IO_THREAD",
        go_on: "START SLAVE IO_THREAD",
        waits_for: "SHOW STATUS WHERE Variable_name IN ('Rpl_semi_sync_master_status', 'Rpl_semi_sync_master_clients')",
    };
    fails_over(&Dialect::MariaDb, "MariaDB", &words, |page, replica| {
        replica.query(page.block("sql", "MariaDB, on the replica: receive no more"));
        until("the replica has applied what it has", || {
            replica
                .query("SHOW SLAVE STATUS")
                .contains("has read all relay log")
        });
        replica.query(page.block("sql", "MariaDB, on the replica: become the primary"));
    });
}

#[test]
fn mysql_fails_over_by_the_blocks_of_the_page_and_loses_nothing() {
    let Some(folder) = std::env::var_os(MYSQL_VARIABLE).map(PathBuf::from) else {
        println!("MySQL was not run: {MYSQL_VARIABLE} names no folder with it");
        return;
    };
    let words = Words {
        pause: "STOP REPLICA IO_THREAD",
        go_on: "START REPLICA IO_THREAD",
        waits_for: "SHOW STATUS WHERE Variable_name IN ('Rpl_semi_sync_source_status', 'Rpl_semi_sync_source_clients')",
    };
    fails_over(&Dialect::MySql(folder), "MySQL", &words, |page, replica| {
        let label = "MySQL, on the replica: become the primary, with all that was received";
        let said = replica.query(page.block("sql", label));
        assert_eq!(said, "0\n", "not all that was received is applied");
    });
}

fn fails_over(dialect: &Dialect, name: &str, words: &Words, promote: impl Fn(&Page, &Server)) {
    let page = Page::read();
    let every = page.block("ini", &format!("{name}, every server: my.cnf"));
    let besides = page.block("ini", &format!("{name}, a replica besides: my.cnf"));
    let mut primary = Server::start(dialect, 1, &[every]);
    assert_is_safe(&primary);
    primary.query(page.block("sql", &format!("{name}, on the primary: the account of replicas")));
    let replica = Server::start(dialect, 2, &[every, besides]);
    let follow = page.block("sql", &format!("{name}, on the replica: follow"));
    let at = follow
        .replace("db1.internal", "127.0.0.1")
        .replace("3306", &primary.port().to_string());
    replica.query(&at);
    primary.query("CREATE DATABASE proof; CREATE TABLE proof.words (word VARCHAR(20) PRIMARY KEY)");
    until("the replica has the table", || {
        replica.has("SELECT word FROM proof.words")
    });
    primary.query(page.block_that_begins(
        "sql",
        &format!("{name}, on the primary once a replica is connected"),
    ));
    until("the primary waits for one replica", || {
        let said = primary.query(words.waits_for);
        said.contains("clients\t1") && said.contains("status\tON")
    });
    primary.query("INSERT INTO proof.words VALUES ('first')");

    replica.query(words.pause);
    let mut second = primary.begin("INSERT INTO proof.words VALUES ('second')");
    until("a commit waits while no replica is connected", || {
        primary
            .query("SHOW PROCESSLIST")
            .contains("Waiting for semi-sync ACK")
    });
    replica.query(words.go_on);
    assert!(second.wait().unwrap().success(), "the commit that waited failed");

    primary.kill();
    promote(&page, &replica);
    replica.query("INSERT INTO proof.words VALUES ('third')");
    let kept = replica.query("SELECT word FROM proof.words ORDER BY word");
    assert_eq!(kept, "first\nsecond\nthird\n");
    assert_eq!(replica.query("SELECT @@read_only"), "0\n");
    assert_is_safe(&replica);
}

/// What Tiro asks of a server before it starts.
fn assert_is_safe(server: &Server) {
    let settings = server.query(
        "SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@log_bin, @@max_allowed_packet >= 16777216, \
         @@binlog_format <> 'STATEMENT', @@innodb_doublewrite IN ('1', 'ON')",
    );
    assert_eq!(settings, "1\t1\t1\t1\t1\t1\n");
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < WAIT_MAX, "waited {WAIT_MAX:?} until {what}");
    }
}
