//! Where an application is: looked up once, then remembered.

use sqlx::Row;
use sqlx::mysql::MySqlConnectOptions;
use tiro_core::{ApplicationId, ApplicationNeed, Failure, Token};

use crate::mysql::connections::LOOKUPS_MAX;
use crate::reads::{Read, ReadError, ReadPool, Session, token_bytes};

/// What finds out where requests belong, and remembers it.
#[derive(Clone)]
pub(crate) struct Lookups {
    /// What else is read on others of its kind is remembered, too.
    pub(crate) pool: ReadPool,
}

impl Lookups {
    /// Connects when it is needed.
    pub(crate) fn new(mysql: MySqlConnectOptions) -> Lookups {
        Lookups {
            pool: ReadPool::new(mysql, LOOKUPS_MAX),
        }
    }

    /// The application that a token is bound to and its partition, without asking MySQL where that is known; `None` if
    /// there is none.
    pub(crate) async fn of_token(&self, token: &Token) -> Result<Option<(ApplicationId, u16)>, Failure> {
        if let Some(known) = self.pool.routes.of_token(token) {
            return Ok(Some(known));
        }
        let found = Box::pin(self.find(ApplicationNeed::Token(token))).await?;
        if let Some((application, partition)) = found {
            self.pool.routes.learn(Some(token), application, partition);
        }
        Ok(found)
    }

    /// What MySQL says of where an application is; `None` if there is none.
    pub(crate) async fn find(
        &self,
        need: ApplicationNeed<'_>,
    ) -> Result<Option<(ApplicationId, u16)>, Failure> {
        self.pool.read(&PlaceOf(need)).await
    }
}

/// An application that is bound to a token, or one by its number, being restored or not.
struct PlaceOf<'a>(ApplicationNeed<'a>);

impl Read for PlaceOf<'_> {
    type Answer = Option<(ApplicationId, u16)>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Self::Answer, ReadError> {
        let question = match self.0 {
            ApplicationNeed::Token(token) => {
                sqlx::query("SELECT id, partition_id FROM applications WHERE token = ? AND restoring = 0")
                    .bind(token_bytes(token))
            }
            ApplicationNeed::Id(id) => {
                sqlx::query("SELECT id, partition_id FROM applications WHERE id = ?").bind(id.0)
            }
        };
        let row = session.one(question).await?;
        row.map(|row| Ok((ApplicationId(row.try_get(0)?), row.try_get(1)?)))
            .transpose()
    }
}
