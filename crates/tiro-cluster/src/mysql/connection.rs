//! Reaching MySQL: where it is, and the database, which is made if it is missing.

use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::time::timeout;

use super::closing::close;
use super::{migrations, settings, trouble};
use crate::ClusterConfig;
use crate::config::ssl_parameter;
use crate::errors::OpenError;

/// How long connecting at the start may take, and the first answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

const NO_SUCH_DATABASE: u16 = 1049;

/// How connections are made. Statements are never logged: they hold what clients store, and tokens.
pub(crate) fn options(config: &ClusterConfig) -> Result<MySqlConnectOptions, OpenError> {
    let options = MySqlConnectOptions::from_str(&config.mysql).map_err(|_| OpenError::Address)?;
    let named = options
        .get_database()
        .is_some_and(|name| !name.is_empty() && name.len() <= 64 && !name.contains(['`', '\0']));
    if !named {
        return Err(OpenError::Address);
    }
    let options = with_trust(options, config)?;
    Ok(options.disable_statement_logging())
}

/// Whoever names a CA wants it to be looked at: then the server is verified, unless the address says otherwise. What the
/// address says goes first. Over a socket of this machine nothing is encrypted unless it is asked for.
fn with_trust(
    options: MySqlConnectOptions,
    config: &ClusterConfig,
) -> Result<MySqlConnectOptions, OpenError> {
    let url = Url::parse(&config.mysql).map_err(|_| OpenError::Address)?;
    let says = |name| ssl_parameter(&url, name).is_some();
    let own = config.trust().own_pem().filter(|_| !says("ssl-ca"));
    let has_ca = own.is_some() || says("ssl-ca");
    let options = match own {
        Some(pem) => options.ssl_ca_from_pem(pem.to_vec()),
        None => options,
    };
    if has_ca && !says("ssl-mode") && options.get_socket().is_none() {
        return Ok(options.ssl_mode(MySqlSslMode::VerifyIdentity));
    }
    Ok(options)
}

/// Checks the server and makes or checks the tables; answers for how many partitions there are.
pub(crate) async fn prepare(options: &MySqlConnectOptions, config: &ClusterConfig) -> Result<u16, OpenError> {
    let asked = timeout(CONNECT_WITHIN, async {
        let mut connection = connect(options).await?;
        let found = settings::find_unsafe(&mut connection).await?;
        Ok::<_, OpenError>((connection, found))
    });
    let (mut connection, found) = asked.await.map_err(|_| OpenError::Silent {
        seconds: CONNECT_WITHIN.as_secs(),
    })??;
    if !found.is_empty() && !config.mysql_allow_unsafe {
        return Err(OpenError::Unsafe(found));
    }
    for found in found {
        tracing::warn!(%found, "a setting of MySQL that can lose acknowledged writes is allowed");
    }
    migrations::migrate(&mut connection, config.partitions).await?;
    let partitions = migrations::partitions(&mut connection).await?;
    close(connection).await;
    Ok(partitions)
}

async fn connect(options: &MySqlConnectOptions) -> Result<MySqlConnection, sqlx::Error> {
    match MySqlConnection::connect_with(options).await {
        Err(error) if trouble::number(&error) == Some(NO_SUCH_DATABASE) => {
            make_database(options).await?;
            MySqlConnection::connect_with(options).await
        }
        connected => connected,
    }
}

async fn make_database(options: &MySqlConnectOptions) -> Result<(), sqlx::Error> {
    let name = options.get_database().unwrap_or_default().to_owned();
    let mut server = MySqlConnection::connect_with(&options.clone().database("information_schema")).await?;
    // The name was checked to hold no quote.
    let statement =
        format!("CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut server)
        .await?;
    close(server).await;
    Ok(())
}
