//! Pages of lists: one statement each, in the order in which the page fills.
//!
//! Every chat says again where it is: the server plans two tables and not four, and no row has columns that are empty. A
//! page without chats asks why in a second statement.

use std::sync::LazyLock;

use tiro_core::{Application, ApplicationsAfter, Chat, NumberRange, Numbers, Page, Token};

use super::head::{TOP_BY_TOKEN, token_bytes};
use super::home::{ApplicationHome, ChatsHome, TOP_COLUMNS, TOP_COLUMNS_COUNT};
use super::session::{Read, ReadError, Session, Statement, Wanted, corrupt};
use crate::mysql::rows::{self, APPLICATION_COLUMNS, CHAT_COLUMNS};

static APPLICATIONS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {APPLICATION_COLUMNS} FROM applications WHERE listed = 1 \
         AND (created_at > ? OR (created_at = ? AND token > ?)) ORDER BY created_at, token LIMIT ?"
    )
});

static CHATS_UPWARDS: LazyLock<String> = LazyLock::new(|| chats("number ASC"));
static CHATS_DOWNWARDS: LazyLock<String> = LazyLock::new(|| chats("number DESC"));

fn chats(order: &str) -> String {
    chats_of(
        "PRIMARY",
        &format!("chats.number > ? AND chats.number < ? ORDER BY chats.{order}"),
    )
}

static CHATS_BY_ACTIVITY: LazyLock<String> = LazyLock::new(|| {
    chats_of(
        "by_activity",
        "chats.live_activity < ? ORDER BY chats.live_activity DESC",
    )
});

/// So many of some chats, each with its home. The index is named, for without that MariaDB may read a list from its
/// beginning.
fn chats_of(index: &str, wanted: &str) -> String {
    format!(
        "SELECT {TOP_COLUMNS}, {CHAT_COLUMNS} FROM applications AS top \
         STRAIGHT_JOIN chats FORCE INDEX ({index}) ON chats.application = top.id \
         WHERE {TOP_BY_TOKEN} AND {wanted} LIMIT ?"
    )
}

/// Chats and where they are. Where there is none, the home is that of a second statement; `may_be_empty` tells of it whether
/// there was none in its state, too.
async fn chats_read(
    session: &mut Session<'_>,
    token: &Token,
    statement: Statement,
    may_be_empty: impl Fn(&ApplicationHome) -> bool,
) -> Result<(ApplicationHome, Vec<Chat>), ReadError> {
    let (heads, mut home, mut items) = (session.heads(), None, Vec::new());
    session
        .each(statement, |row| {
            if home.is_none() {
                home = Some(heads.application_home(token, row)?);
            }
            items.extend(rows::chat(row, TOP_COLUMNS_COUNT)?.map(|(_, chat)| chat));
            Ok(Wanted::More)
        })
        .await?;
    if let Some(home) = home {
        return Ok((home, items));
    }
    session.begin_again();
    let home = ChatsHome(token).read(session).await?;
    if !may_be_empty(&home) {
        session.in_one_state()?;
    }
    Ok((home, items))
}

/// A range as a statement has it: numbers between two, both left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Between {
    pub(super) after: u64,
    pub(super) before: u64,
    pub(super) limit: u32,
    pub(super) downwards: bool,
}

impl From<NumberRange> for Between {
    fn from(range: NumberRange) -> Between {
        match range {
            NumberRange::After { after, before, limit } => Between {
                after,
                before: before.unwrap_or(u64::MAX),
                limit,
                downwards: false,
            },
            NumberRange::Before { before, limit } => Between {
                after: 0,
                before,
                limit,
                downwards: true,
            },
            NumberRange::Last { limit } => Between {
                after: 0,
                before: u64::MAX,
                limit,
                downwards: true,
            },
        }
    }
}

/// A page of what was read in walking order; refused unless it is the first of the numbers that have to be there.
pub(super) fn page_of<T>(
    mut items: Vec<T>,
    number: impl Fn(&T) -> u64,
    (numbers, is_cut): (Numbers, bool),
) -> Result<Page<T>, ReadError> {
    let expected = numbers.walk().count();
    let in_order = numbers
        .walk()
        .zip(&items)
        .all(|(expected, item)| expected == number(item));
    if !in_order || items.len() > expected || (items.len() < expected && !is_cut) {
        return Err(corrupt("a list has not the numbers that it says"));
    }
    let next = items.last().and_then(|last| numbers.next(number(last)));
    if numbers.downwards {
        items.reverse();
    }
    Ok(Page {
        items,
        next,
        as_of: None,
    })
}

/// Live applications by creation time and token.
pub(super) struct ApplicationsPage {
    pub(super) after: Option<ApplicationsAfter>,
    pub(super) limit: u32,
}

impl Read for ApplicationsPage {
    type Answer = Page<Application, ApplicationsAfter>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Self::Answer, ReadError> {
        let after = self.after.as_ref();
        let at = after.map_or(i64::MIN, |after| after.created_at.as_millis());
        let token = after.map_or_else(Vec::new, |after| token_bytes(&after.token));
        let statement = sqlx::query(APPLICATIONS.as_str())
            .bind(at)
            .bind(at)
            .bind(token)
            .bind(self.limit + 1);
        let mut items = Vec::new();
        session
            .each(statement, |row| {
                items.extend(rows::application(row, 0)?.map(|stored| stored.application));
                Ok(Wanted::More)
            })
            .await?;
        let more = items.len() > self.limit as usize;
        items.truncate(self.limit as usize);
        let place = |last: &Application| ApplicationsAfter {
            created_at: last.created_at,
            token: last.token.clone(),
        };
        Ok(Page {
            next: items.last().filter(|_| more).map(place),
            items,
            as_of: None,
        })
    }
}

/// Chats by number.
pub(super) struct ChatsPage<'a> {
    pub(super) token: &'a Token,
    pub(super) range: NumberRange,
}

impl Read for ChatsPage<'_> {
    type Answer = Page<Chat>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Page<Chat>, ReadError> {
        let between = Between::from(self.range);
        let text = if between.downwards {
            &CHATS_DOWNWARDS
        } else {
            &CHATS_UPWARDS
        };
        let statement = sqlx::query(text.as_str())
            .bind(token_bytes(self.token))
            .bind(between.after)
            .bind(between.before)
            .bind(between.limit);
        let numbers = |home: &ApplicationHome| self.range.numbers(home.last_chat_number);
        let is_empty = |home: &ApplicationHome| numbers(home).is_empty();
        let (home, items) = chats_read(session, self.token, statement, is_empty).await?;
        let mut page = page_of(items, |chat| chat.number, (numbers(&home), false))?;
        page.as_of = Some(home.cursor);
        Ok(page)
    }
}

/// Live chats by activity, the highest first.
pub(super) struct ChatsByActivity<'a> {
    pub(super) token: &'a Token,
    pub(super) before: Option<u64>,
    pub(super) limit: u32,
}

impl Read for ChatsByActivity<'_> {
    type Answer = Page<Chat>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Page<Chat>, ReadError> {
        let statement = sqlx::query(CHATS_BY_ACTIVITY.as_str())
            .bind(token_bytes(self.token))
            .bind(self.before.unwrap_or(u64::MAX))
            .bind(self.limit + 1);
        let never_had_any = |home: &ApplicationHome| home.last_chat_number == 0;
        let (home, mut items) = chats_read(session, self.token, statement, never_had_any).await?;
        let more = items.len() > self.limit as usize;
        items.truncate(self.limit as usize);
        let next = items.last().filter(|_| more).map(|chat| chat.activity_position);
        Ok(Page {
            items,
            next,
            as_of: Some(home.cursor),
        })
    }
}
