//! All live things of a list as they are at one moment, one engine page in memory.

use tiro_core::{ApplicationsAfter, Failure, Lists, NumberRange, PAGE_LIMIT_MAX, Token};

use super::live::List;
use super::things::Thing;
use crate::app::App;

/// A list as a whole.
pub(super) enum Whole {
    /// It was one engine page.
    AtOnce(Vec<Thing>),
    /// It has to be walked.
    InPages(Walk),
}

/// Where a walk over one state is.
pub(super) struct Walk {
    lists: Box<dyn Lists>,
    /// `None` behind the last page.
    place: Option<Place>,
}

enum Place {
    Applications { after: Option<ApplicationsAfter> },
    Chats { token: Token, after: u64 },
    Messages { token: Token, chat: u64, after: u64 },
}

impl Whole {
    /// # Errors
    /// An application or chat that is not there.
    pub(super) async fn of(app: &App, list: &List) -> Result<Whole, Failure> {
        // A page is one state already, and most lists are no longer than one.
        let (things, rest) = Place::beginning(list).read(&*app.engine).await?;
        if rest.is_none() {
            return Ok(Whole::AtOnce(things));
        }
        Ok(Whole::InPages(Walk {
            lists: app.engine.lists().await?,
            place: Some(Place::beginning(list)),
        }))
    }
}

impl Walk {
    /// The live things of the next engine page, which may have none; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Thing>>, Failure> {
        let Some(place) = self.place.take() else {
            return Ok(None);
        };
        let (things, rest) = place.read(&*self.lists).await?;
        self.place = rest;
        Ok(Some(things))
    }

    /// Whether everything was read.
    pub(super) fn ended(&self) -> bool {
        self.place.is_none()
    }
}

impl Place {
    fn beginning(list: &List) -> Place {
        match list {
            List::Applications => Place::Applications { after: None },
            List::Chats { token } => Place::Chats {
                token: token.clone(),
                after: 0,
            },
            List::Messages { token, chat } => Place::Messages {
                token: token.clone(),
                chat: *chat,
                after: 0,
            },
        }
    }

    /// The live things of the page that begins here, and where the next one does.
    async fn read(self, lists: &dyn Lists) -> Result<(Vec<Thing>, Option<Place>), Failure> {
        let (things, rest): (Vec<Thing>, _) = match self {
            Place::Applications { after } => {
                let page = lists.applications(after, PAGE_LIMIT_MAX).await?;
                let rest = page.next.map(|after| Place::Applications { after: Some(after) });
                (page.items.into_iter().map(Thing::Application).collect(), rest)
            }
            Place::Chats { token, after } => {
                let page = lists.chats(&token, behind(after)).await?;
                let rest = page.next.map(|after| Place::Chats { token, after });
                (page.items.into_iter().map(Thing::Chat).collect(), rest)
            }
            Place::Messages { token, chat, after } => {
                let page = lists.messages(&token, chat, behind(after)).await?;
                let rest = page.next.map(|after| Place::Messages { token, chat, after });
                let things = page.items.into_iter();
                (
                    things.map(|message| Thing::Message(chat, message)).collect(),
                    rest,
                )
            }
        };
        Ok((things.into_iter().filter(Thing::is_live).collect(), rest))
    }
}

fn behind(after: u64) -> NumberRange {
    NumberRange::After {
        after,
        before: None,
        limit: PAGE_LIMIT_MAX,
    }
}
