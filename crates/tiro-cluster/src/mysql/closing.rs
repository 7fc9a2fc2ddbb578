//! Ending connections to MySQL, the only place that does: saying goodbye takes a second at most, and two for a whole pool.
//!
//! The library waits until the other side has closed an encrypted connection, which never happens on one that the network
//! forgot. It does so even where it gives a connection up without a goodbye; then a MySQL that is well waits too, for hours.

use std::time::Duration;

use sqlx::mysql::{MySqlConnection, MySqlPool};
use sqlx::{Connection, MySql, Pool};
use tokio::time::timeout;

/// A MySQL that is there answers in milliseconds; one that is not notices the end of the socket, some time.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
const CLOSE_ALL_WITHIN: Duration = Duration::from_secs(2);

/// Says goodbye on a connection.
pub(crate) async fn close(connection: MySqlConnection) {
    match timeout(CLOSE_WITHIN, connection.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection to MySQL was gone before it was closed"),
        Err(_) => tracing::debug!("a connection to MySQL was not closed in time and is dropped"),
    }
}

/// Says goodbye on all connections of a pool, those that are out included. Nobody gets one from then on.
pub(crate) async fn close_all(pool: &MySqlPool) {
    let closed = timeout(CLOSE_ALL_WITHIN, Pool::<MySql>::close(pool)).await;
    if closed.is_err() {
        tracing::debug!("connections to MySQL were not closed in time and are dropped");
    }
}
