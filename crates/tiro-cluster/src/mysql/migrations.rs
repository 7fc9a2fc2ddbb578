//! The tables of a cluster: made, or found to be of this program's version, by any number of nodes at once.
//!
//! One node at a time holds the lock of the database's name. Every statement may be run again, and the version is written
//! last, so what a killed node left half made is finished by the next one. `schema.sql` has the tables as they are now; what
//! a version added to tables that older ones made is in [`UPGRADES`]. Nodes of an older version are stopped before.

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Row};

use crate::errors::OpenError;

/// The version of the tables that this program knows.
pub(crate) const SCHEMA_VERSION: u32 = 5;
/// How long another node may take to make the tables.
const LOCK_WITHIN_SECONDS: u32 = 60;

/// An expression: 61 characters, of the 64 that a name may have. MySQL 9.6 took SHA1 and MD5 away.
const LOCK_NAME: &str = "CONCAT('tiro/', SHA2(DATABASE(), 224))";

const TABLES: &str = include_str!("schema.sql");

/// In order. MySQL has no `ADD COLUMN IF NOT EXISTS`: what is there already is refused as doubled, which is fine.
const UPGRADES: [&str; 7] = [
    // Version 2: which part of the search index garbage is in. That of restores that were given up before is not known.
    "ALTER TABLE garbage ADD COLUMN partition_id SMALLINT UNSIGNED NOT NULL DEFAULT 0",
    "UPDATE garbage JOIN applications ON applications.id = garbage.application \
     SET garbage.partition_id = applications.partition_id",
    "ALTER TABLE garbage ALTER COLUMN partition_id DROP DEFAULT",
    // Version 3: when a restore went on last. Those under way have all the time from now on.
    "ALTER TABLE applications ADD COLUMN restored_at BIGINT NULL",
    "ALTER TABLE applications ADD KEY by_restore (restored_at)",
    "UPDATE applications SET restored_at = FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) \
     WHERE restoring_last IS NOT NULL AND restored_at IS NULL",
    // Version 5: what keeps a node from its work.
    "ALTER TABLE nodes ADD COLUMN trouble VARBINARY(500) NULL",
];
const DOUBLED_COLUMN: u16 = 1060;
const DOUBLED_KEY: u16 = 1061;

/// Makes what is missing. A new cluster gets so many partitions.
///
/// # Errors
/// [`OpenError::NewerSchema`], [`OpenError::Busy`], or what MySQL said.
pub(crate) async fn migrate(connection: &mut MySqlConnection, partitions: u16) -> Result<(), OpenError> {
    if version(connection).await? == Some(SCHEMA_VERSION) {
        return Ok(());
    }
    if !lock(connection).await? {
        return Err(OpenError::Busy {
            seconds: LOCK_WITHIN_SECONDS,
        });
    }
    let made = make(connection, partitions).await;
    let release = format!("DO RELEASE_LOCK({LOCK_NAME})");
    sqlx::raw_sql(AssertSqlSafe(release)).execute(connection).await?;
    made
}

/// How many partitions the cluster has: their numbers begin at 0.
pub(crate) async fn partitions(connection: &mut MySqlConnection) -> Result<u16, OpenError> {
    let row = sqlx::raw_sql("SELECT COUNT(*), MAX(id) FROM partitions")
        .fetch_one(connection)
        .await?;
    let (count, last): (i64, Option<u16>) = (row.try_get(0)?, row.try_get(1)?);
    match last {
        Some(last) if count == i64::from(last) + 1 => Ok(last + 1),
        _ => Err(OpenError::Schema(
            "the table partitions does not hold the numbers from 0 on".to_owned(),
        )),
    }
}

async fn lock(connection: &mut MySqlConnection) -> Result<bool, OpenError> {
    let question = format!("SELECT GET_LOCK({LOCK_NAME}, {LOCK_WITHIN_SECONDS})");
    let row = sqlx::raw_sql(AssertSqlSafe(question))
        .fetch_one(connection)
        .await?;
    Ok(row.try_get::<Option<i64>, _>(0)? == Some(1))
}

async fn make(connection: &mut MySqlConnection, partitions: u16) -> Result<(), OpenError> {
    if version(connection).await? == Some(SCHEMA_VERSION) {
        return Ok(());
    }
    tracing::info!(version = SCHEMA_VERSION, "the tables of the cluster are made");
    sqlx::raw_sql(TABLES).execute(&mut *connection).await?;
    for upgrade in UPGRADES {
        match sqlx::raw_sql(upgrade).execute(&mut *connection).await {
            Err(error) if matches!(super::trouble::number(&error), Some(DOUBLED_COLUMN | DOUBLED_KEY)) => {}
            carried_out => {
                carried_out?;
            }
        }
    }
    let rows = |then: &str| {
        let rows: Vec<String> = (0..partitions).map(|id| format!("({id}, 0)")).collect();
        format!("{then}{};", rows.join(", "))
    };
    // Only where there are none: one statement, so all or none are there.
    let known = sqlx::raw_sql("SELECT id FROM partitions LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let mut first = "INSERT IGNORE INTO server (one, data_set, next_application) \
         VALUES (1, UNHEX(REPLACE(UUID(), '-', '')), 1);"
        .to_owned();
    if known.is_none() {
        first.push_str(&rows("INSERT INTO partitions (id, position) VALUES "));
    }
    first.push_str("INSERT IGNORE INTO relays (partition_id, position) SELECT id, 0 FROM partitions;");
    first.push_str(&format!(
        "INSERT INTO schema_version (one, version) VALUES (1, {SCHEMA_VERSION}) \
         ON DUPLICATE KEY UPDATE version = VALUES(version)"
    ));
    sqlx::raw_sql(AssertSqlSafe(first)).execute(connection).await?;
    Ok(())
}

/// `None` while the tables are not all made.
async fn version(connection: &mut MySqlConnection) -> Result<Option<u32>, OpenError> {
    let row = sqlx::raw_sql("SELECT version FROM schema_version WHERE one = 1")
        .fetch_optional(connection)
        .await;
    let row = match row {
        Err(error) if super::trouble::number(&error) == Some(NO_SUCH_TABLE) => None,
        row => row?,
    };
    let version: Option<u32> = row.map(|row| row.try_get(0)).transpose()?;
    match version {
        Some(found) if found > SCHEMA_VERSION => Err(OpenError::NewerSchema {
            found,
            known: SCHEMA_VERSION,
        }),
        version => Ok(version),
    }
}

const NO_SUCH_TABLE: u16 = 1146;
