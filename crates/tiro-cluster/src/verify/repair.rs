//! Putting right what rows below or beside still tell, under the lock of the partition: nobody writes to it meanwhile.

use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use tiro_core::NumberedList;

use super::{applications, deleted};
use crate::mysql::pool::Pool;
use crate::worker::recount::{self, Difference};

/// What is to be put right.
#[derive(Clone, Debug)]
pub(super) enum Repair {
    /// A count and a last number.
    Counts(Difference),
    /// `chats.markers_count`.
    Markers {
        partition: u16,
        application: u32,
        chat: u64,
    },
    /// `chats.live_activity`.
    LiveActivity {
        partition: u16,
        application: u32,
        chat: u64,
    },
    /// `applications.listed`.
    Listed { partition: u16, application: u32 },
    /// The deleted counts of a list.
    DeletedCounts {
        partition: u16,
        application: u32,
        list: NumberedList,
    },
    /// The row of `garbage` for something deleted, whose rows are then removed by workers.
    Garbage {
        partition: u16,
        application: u32,
        chat: u64,
    },
}

impl Repair {
    /// Finds out again what is right, and writes that. Done already is fine, and so is what was deleted meanwhile.
    pub(super) async fn carry_out(&self, pool: &Pool) -> Result<(), sqlx::Error> {
        let partition = match self {
            Repair::Counts(difference) => return recount::repair(pool, difference).await,
            Repair::Markers { partition, .. }
            | Repair::LiveActivity { partition, .. }
            | Repair::Listed { partition, .. }
            | Repair::DeletedCounts { partition, .. }
            | Repair::Garbage { partition, .. } => *partition,
        };
        let mut loan = Box::pin(pool.acquire()).await?;
        let mut transaction = loan.begin().await?;
        // A partition that does not exist has no writers either.
        sqlx::query("SELECT position FROM partitions WHERE id = ? FOR UPDATE")
            .bind(partition)
            .fetch_optional(&mut *transaction)
            .await?;
        self.write(&mut transaction).await?;
        transaction.commit().await?;
        loan.give_back();
        Ok(())
    }

    async fn write(&self, connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        let statement = match self {
            Repair::Counts(_) => return Ok(()),
            Repair::DeletedCounts {
                application, list, ..
            } => {
                if applications::is_live(connection, *application, *list).await? {
                    deleted::rewrite(connection, *application, *list).await?;
                }
                return Ok(());
            }
            Repair::Markers {
                application, chat, ..
            } => sqlx::query(
                "UPDATE chats SET markers_count = (SELECT COUNT(*) FROM markers \
                 WHERE markers.application = chats.application AND markers.chat = chats.number) \
                 WHERE application = ? AND number = ? AND deleted_at IS NULL",
            )
            .bind(*application)
            .bind(*chat),
            Repair::LiveActivity {
                application, chat, ..
            } => sqlx::query(
                "UPDATE chats SET live_activity = IF(deleted_at IS NULL, activity_position, NULL) \
                 WHERE application = ? AND number = ?",
            )
            .bind(*application)
            .bind(*chat),
            Repair::Listed { application, .. } => sqlx::query(
                "UPDATE applications SET listed = deleted_at IS NULL AND restoring_last IS NULL WHERE id = ?",
            )
            .bind(*application),
            Repair::Garbage {
                application, chat: 0, ..
            } => sqlx::query(
                "INSERT IGNORE INTO garbage (application, chat, partition_id) \
                 SELECT id, 0, partition_id FROM applications WHERE id = ? AND deleted_at IS NOT NULL",
            )
            .bind(*application),
            Repair::Garbage {
                application, chat, ..
            } => sqlx::query(
                "INSERT IGNORE INTO garbage (application, chat, partition_id) \
                 SELECT chats.application, chats.number, applications.partition_id FROM chats \
                 JOIN applications ON applications.id = chats.application \
                 WHERE chats.application = ? AND chats.number = ? AND chats.deleted_at IS NOT NULL",
            )
            .bind(*application)
            .bind(*chat),
        };
        statement.execute(connection).await?;
        Ok(())
    }
}
