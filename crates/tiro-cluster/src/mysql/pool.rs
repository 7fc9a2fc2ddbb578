//! A pool of connections to MySQL that stays whole although the network forgets some of them.
//!
//! Left to itself, the library's pool waits without a bound for what is still to come on a connection that is given back, and
//! for the other side where it gives up or removes an encrypted one; the connection's place is taken until then. So connections are
//! on [`Loan`], and the pool is kept small here: after each minute it has as many as were used at once in that minute.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use sqlx::mysql::{
    MySqlConnectOptions, MySqlPool, MySqlPoolOptions, MySqlQueryResult, MySqlRow, MySqlStatement,
    MySqlTypeInfo,
};
use sqlx::{Either, Error, Execute, Executor, MySql, SqlStr, Transaction};
use tokio::time::sleep;

use super::closing::{close, close_all};
use super::loan::Loan;

const ACQUIRE_MAX: Duration = Duration::from_secs(5);
/// From one look at what is too much to the next.
const TRIMMED_EVERY: Duration = Duration::from_secs(60);
/// A connection that is older goes when it is given back: a server that was moved by its name loses its clients.
const AGE_MAX: Duration = Duration::from_secs(30 * 60);

/// Clones share the connections. Statements carried out on it are bounded in rows: all are read before the first is answered.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Connections>);

#[derive(Debug)]
struct Connections {
    pool: MySqlPool,
    /// Most that were used at once since the last look.
    used_at_once: AtomicU32,
}

impl Pool {
    /// Connects when it is needed, and waits for a free connection for 5 s. To be made inside a runtime.
    #[must_use]
    pub fn new(mysql: MySqlConnectOptions, connections_max: u32) -> Pool {
        let options = MySqlPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(ACQUIRE_MAX);
        Pool::with(options, mysql)
    }

    /// The same with these options, save those about the end of connections.
    pub(crate) fn with(options: MySqlPoolOptions, mysql: MySqlConnectOptions) -> Pool {
        let pool = options
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_release(|_, known| Box::pin(async move { Ok(known.age < AGE_MAX) }))
            .connect_lazy_with(mysql);
        let connections = Arc::new(Connections {
            pool,
            used_at_once: AtomicU32::new(0),
        });
        tokio::spawn(keep_trimming(Arc::downgrade(&connections)));
        Pool(connections)
    }

    /// How its connections are made.
    pub(crate) fn connect_options(&self) -> MySqlConnectOptions {
        (*self.0.pool.connect_options()).clone()
    }

    /// A connection, which is waited for.
    pub(crate) async fn acquire(&self) -> Result<Loan, Error> {
        let connection = Box::pin(self.0.pool.acquire()).await?;
        self.0.note_use();
        Ok(Loan::of(connection))
    }

    /// A connection that is idle.
    pub(crate) fn try_acquire(&self) -> Option<Loan> {
        let connection = self.0.pool.try_acquire()?;
        self.0.note_use();
        Some(Loan::of(connection))
    }

    /// Whether all that it may have are in use.
    pub(crate) fn is_exhausted(&self) -> bool {
        let pool = &self.0.pool;
        pool.size() >= pool.options().get_max_connections() && pool.num_idle() == 0
    }

    /// Lets go of all connections that nobody uses: one did not answer, and they are of the same age and went the same way.
    pub(crate) fn let_go_of_idle(&self) {
        for _ in 0..self.0.pool.options().get_max_connections() {
            match self.0.pool.try_acquire() {
                Some(idle) => drop(Loan::of(idle)),
                None => return,
            }
        }
    }

    /// A transaction that begins with this statement. Its end is not waited for where it is dropped, and has no bound: not for
    /// what goes on for long.
    ///
    /// # Errors
    /// What MySQL said, or that no connection was free in time.
    pub async fn begin_with(&self, statement: &'static str) -> Result<Transaction<'static, MySql>, Error> {
        Box::pin(self.0.pool.begin_with(statement)).await
    }

    /// Ends all connections, within two seconds. Nobody gets one from then on.
    pub async fn close(&self) {
        close_all(&self.0.pool).await;
    }

    /// Takes a connection back on which a statement was carried out, unless it is not known to be one any more.
    fn take_back<T>(&self, loan: Loan, answer: &Result<T, Error>) {
        match answer {
            Ok(_) | Err(Error::Database(_)) => loan.give_back(),
            Err(_) => {
                drop(loan);
                self.let_go_of_idle();
            }
        }
    }
}

impl Connections {
    fn in_use(&self) -> u32 {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        self.pool.size().saturating_sub(idle)
    }

    fn note_use(&self) {
        self.used_at_once.fetch_max(self.in_use(), Ordering::Relaxed);
    }

    /// Ends those that were not needed since the last look.
    fn trim(&self) {
        let needed = self.used_at_once.swap(self.in_use(), Ordering::Relaxed);
        while self.pool.size() > needed
            && let Some(idle) = self.pool.try_acquire()
        {
            tokio::spawn(close(Loan::of(idle).keep()));
        }
    }
}

async fn keep_trimming(connections: Weak<Connections>) {
    loop {
        sleep(TRIMMED_EVERY).await;
        match connections.upgrade() {
            Some(connections) => connections.trim(),
            None => return,
        }
    }
}

impl<'p> Executor<'p> for &'_ Pool {
    type Database = MySql;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<MySqlQueryResult, MySqlRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, MySql>,
    {
        let pool = self.clone();
        let all = async move {
            let mut loan = pool.acquire().await?;
            let all: Result<Vec<_>, _> = loan.fetch_many(query).try_collect().await;
            pool.take_back(loan, &all);
            all
        };
        let each = |all: Vec<_>| stream::iter(all.into_iter().map(Ok));
        stream::once(all).map_ok(each).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<MySqlRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, MySql>,
    {
        let pool = self.clone();
        Box::pin(async move {
            let mut loan = pool.acquire().await?;
            let row = loan.fetch_optional(query).await;
            pool.take_back(loan, &row);
            row
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [MySqlTypeInfo],
    ) -> BoxFuture<'e, Result<MySqlStatement, Error>>
    where
        'p: 'e,
    {
        let pool = self.clone();
        Box::pin(async move {
            let mut loan = pool.acquire().await?;
            let prepared = loan.prepare_with(sql, parameters).await;
            pool.take_back(loan, &prepared);
            prepared
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::ClusterConfig;
    use crate::mysql::connection;

    #[tokio::test]
    async fn a_pool_has_no_more_connections_than_were_used_at_once_since_the_last_look() {
        let file =
            std::env::var_os("TIRO_CLUSTER").expect("TIRO_CLUSTER names the file of a running cluster");
        let config = ClusterConfig::read(Path::new(&file)).expect("the file of the cluster is right");
        let mysql = connection::options(&config).expect("the file names a database");
        let pool = Pool::new(mysql.database("information_schema"), 8);
        let mut loans = Vec::new();
        for _ in 0..4 {
            loans.push(pool.acquire().await.expect("MySQL answers"));
        }
        loans.into_iter().for_each(Loan::give_back);
        while pool.0.in_use() > 0 {
            tokio::task::yield_now().await;
        }
        pool.0.trim();
        assert_eq!(pool.0.pool.size(), 4, "all were used");
        let one = sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(&pool);
        assert_eq!(one.await.expect("MySQL answers"), 1);
        while pool.0.in_use() > 0 {
            tokio::task::yield_now().await;
        }
        pool.0.trim();
        assert_eq!(pool.0.pool.size(), 1, "one was used at once");
        pool.close().await;
    }
}
