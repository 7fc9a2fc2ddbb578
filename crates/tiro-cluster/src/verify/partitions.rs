//! What is of no single application: partitions and their positions, relays, garbage, and rows whose application is gone.

use std::collections::{HashMap, HashSet};

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row};

use super::feed::Missing;
use super::{Findings, Verifier, VerifyError, VerifyProgress, number};
use crate::reads::number_list;

/// Positions that are counted at once.
const POSITIONS_MAX: u64 = 50_000;
/// Applications that are looked up at once.
const APPLICATIONS_MAX: usize = 1_000;

/// Tables whose rows belong to applications.
const OWNED: [&str; 5] = ["chats", "messages", "changes", "markers", "deleted_counts"];

const PARTITIONS: &str = "SELECT partitions.id, partitions.position, relays.position, \
     (SELECT MAX(partition_position) FROM changes WHERE changes.partition_id = partitions.id) \
     FROM partitions LEFT JOIN relays ON relays.partition_id = partitions.id ORDER BY partitions.id";

/// What nobody refers to: a chat that never was, in a live application.
const GARBAGE: &str = "SELECT garbage.application, garbage.chat FROM garbage \
     JOIN applications ON applications.id = garbage.application AND applications.deleted_at IS NULL \
     LEFT JOIN chats ON chats.application = garbage.application AND chats.number = garbage.chat \
     WHERE garbage.chat > 0 AND chats.number IS NULL LIMIT 100";

impl Verifier<'_> {
    pub(super) async fn check_partitions(&mut self) -> Result<(), VerifyError> {
        let mut findings = Findings::default();
        let mut snapshot = self.snapshot().await?;
        self.report.partitions = check_rows(&mut snapshot, &mut findings).await?;
        check_server(&mut snapshot, &mut findings).await?;
        for row in sqlx::query(GARBAGE).fetch_all(&mut *snapshot).await? {
            let (application, chat): (u32, u64) = (row.try_get(0)?, row.try_get(1)?);
            findings.add(
                format!("garbage of application {application}, chat {chat}"),
                "there is no such chat",
            );
        }
        snapshot.rollback().await?;
        self.take(findings).await?;
        for table in OWNED {
            self.check_owned(table).await?;
        }
        Ok(())
    }

    /// Rows of a table whose application is gone, which only a restore that was given up leaves, named by garbage.
    async fn check_owned(&mut self, table: &'static str) -> Result<(), VerifyError> {
        let mut after = 0;
        loop {
            let mut snapshot = self.snapshot().await?;
            let text = format!(
                "SELECT DISTINCT application FROM {table} WHERE application > {after} ORDER BY application \
                 LIMIT {APPLICATIONS_MAX}"
            );
            let owners: Vec<u32> = sqlx::query_scalar(AssertSqlSafe(text))
                .fetch_all(&mut *snapshot)
                .await?;
            let known = known(&mut snapshot, &owners).await?;
            snapshot.rollback().await?;
            let mut findings = Findings::default();
            for owner in owners.iter().filter(|owner| !known.contains(owner)) {
                findings.add(
                    format!("{table} of application {owner}"),
                    "there is no such application, and garbage does not name it",
                );
            }
            self.take(findings).await?;
            match owners.last() {
                Some(last) if owners.len() == APPLICATIONS_MAX => after = *last,
                _ => return Ok(()),
            }
        }
    }

    /// Whether each partition has as many changes as positions, beside those of applications that were removed.
    pub(super) async fn check_positions(&mut self, missing: &Missing) -> Result<(), VerifyError> {
        let partitions: Vec<(u16, u64)> = sqlx::query_as("SELECT id, position FROM partitions ORDER BY id")
            .fetch_all(&self.reads)
            .await?;
        let mut holes = HashMap::new();
        for (done, (partition, position)) in (1..).zip(&partitions) {
            let changes = self.count_changes(*partition, *position).await?;
            let of_live = missing.get(partition).copied().unwrap_or(0);
            holes.insert(*partition, (position - changes).saturating_sub(of_live));
            (self.progress)(VerifyProgress::Positions {
                done,
                total: partitions.len() as u64,
            });
        }
        // After the count: what was removed before it is in here too.
        let mut snapshot = self.snapshot().await?;
        let removed = removed_changes(&mut snapshot).await?;
        let is_given_up = number(&mut snapshot, sqlx::query(GIVEN_UP)).await? > 0;
        snapshot.rollback().await?;
        for (partition, _) in &partitions {
            let unexplained = holes[partition].saturating_sub(removed.get(partition).copied().unwrap_or(0));
            if unexplained == 0 {
                continue;
            }
            let place = format!("partition {partition}");
            if is_given_up {
                let text = format!("{place} has {unexplained} positions of restores that were given up");
                self.report.remarks.push(text);
            } else {
                let mut findings = Findings::default();
                findings.add(
                    place,
                    format!(
                        "{unexplained} of its positions have no change, and no removed application had them"
                    ),
                );
                self.take(findings).await?;
            }
        }
        Ok(())
    }

    async fn count_changes(&self, partition: u16, position: u64) -> Result<u64, VerifyError> {
        let (mut from, mut changes) = (1, 0);
        while from <= position {
            let to = position.min(from + POSITIONS_MAX - 1);
            let text =
                "SELECT COUNT(*) FROM changes WHERE partition_id = ? AND partition_position BETWEEN ? AND ?";
            let count: i64 = sqlx::query_scalar(text)
                .bind(partition)
                .bind(from)
                .bind(to)
                .fetch_one(&self.reads)
                .await?;
            changes += count.unsigned_abs();
            from = to + 1;
        }
        Ok(changes)
    }
}

/// Numbers of applications that were given out and have no row: only a restore that was given up leaves none.
const GIVEN_UP: &str =
    "SELECT CAST(next_application AS SIGNED) - 1 - (SELECT COUNT(*) FROM applications) FROM server";

/// How many changes of deleted applications are gone, at most: one that was restored as a tombstone never had the others.
async fn removed_changes(snapshot: &mut MySqlConnection) -> Result<HashMap<u16, u64>, sqlx::Error> {
    let text = "SELECT partition_id, CAST(SUM(last_position) AS UNSIGNED), CAST(SUM((SELECT COUNT(*) FROM changes \
                WHERE changes.application = applications.id)) AS UNSIGNED) \
                FROM applications WHERE deleted_at IS NOT NULL GROUP BY partition_id";
    let mut removed = HashMap::new();
    for row in sqlx::query(text).fetch_all(snapshot).await? {
        let (all, kept): (u64, u64) = (row.try_get(1)?, row.try_get(2)?);
        removed.insert(row.try_get(0)?, all.saturating_sub(kept));
    }
    Ok(removed)
}

/// Answers for how many partitions there are.
async fn check_rows(snapshot: &mut MySqlConnection, findings: &mut Findings) -> Result<u64, sqlx::Error> {
    let rows = sqlx::query(PARTITIONS).fetch_all(snapshot).await?;
    for (expected, row) in (0_u16..).zip(&rows) {
        let (id, position): (u16, u64) = (row.try_get(0)?, row.try_get(1)?);
        let place = || format!("partition {id}");
        findings.check(id == expected, place, "partitions are not numbered from 0 on");
        match row.try_get::<Option<u64>, _>(2)? {
            None => findings.add(place(), "it has no row in relays"),
            Some(relayed) if relayed > position => findings.add(
                place(),
                format!("it is relayed through {relayed}, its position is {position}"),
            ),
            Some(_) => {}
        }
        let last = row.try_get::<Option<u64>, _>(3)?.unwrap_or(0);
        if last > position {
            findings.add(
                place(),
                format!("its position is {position}, its last change is {last}"),
            );
        }
    }
    Ok(rows.len() as u64)
}

async fn check_server(snapshot: &mut MySqlConnection, findings: &mut Findings) -> Result<(), sqlx::Error> {
    let text = "SELECT next_application, (SELECT MAX(id) FROM applications) FROM server WHERE one = 1";
    let row = sqlx::query(text).fetch_one(snapshot).await?;
    let (next, last): (u32, Option<u32>) = (row.try_get(0)?, row.try_get(1)?);
    let last = last.unwrap_or(0);
    if next <= last {
        findings.add(
            "server".to_owned(),
            format!("next_application is {next}, there is an application {last}"),
        );
    }
    Ok(())
}

/// Those of some applications that are there, or named by garbage.
async fn known(snapshot: &mut MySqlConnection, owners: &[u32]) -> Result<HashSet<u32>, sqlx::Error> {
    let ids = number_list(owners.iter().map(|owner| u64::from(*owner)));
    let text = format!(
        "SELECT id FROM applications WHERE id IN ({ids}) UNION \
         SELECT application FROM garbage WHERE chat = 0 AND application IN ({ids})"
    );
    let known: Vec<u32> = sqlx::query_scalar(AssertSqlSafe(text))
        .fetch_all(snapshot)
        .await?;
    Ok(known.into_iter().collect())
}
