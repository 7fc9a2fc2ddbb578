//! What is true in Tiro: the rules of the domain, pure and without I/O.
//!
//! Engines find [`Facts`], ask [`decide`] what a [`Request`] means, store the [`Event`]s and publish them;
//! `tiro-http` turns HTTP into requests and [`Reply`]s into HTTP. No rule lives anywhere else.
//!
//! # Glossary: one word for one thing
//!
//! | word | meaning |
//! |---|---|
//! | application | the owner of chats; known outside by its *token*, inside by a small number ([`ApplicationId`]) |
//! | chat | belongs to an application; has a *number*, 1, 2, 3 … in its application |
//! | message | belongs to a chat; has a *number*, 1, 2, 3 … in its chat |
//! | tombstone | what stays of a deleted thing: its number, times and version, without content |
//! | version | starts at 1, one more with every accepted update or delete of that thing |
//! | position | 1, 2, 3 … in the feed of one application: every create, update and delete takes the next |
//! | change | one entry of the feed: position, what happened to which thing, when, under which key |
//! | entry | a change as readers of the feed get it: with the thing, if the change made its present version |
//! | marker | how far a *reader* has read in a chat: the number of a message |
//! | cursor | `<epoch>.<position>`: a place in the feed that survives moving to another Tiro |
//! | epoch | short random name of one uninterrupted history of an application |
//! | request | a *command* with its idempotency key: what a client wants |
//! | event | what was decided: every value in it is final, time included |
//! | facts | the state that a batch of requests needs to be decided |
//! | engine | stores events and answers queries; embedded or cluster |
//! | query | terms and phrases that a message must all contain |
//! | folding | what makes texts comparable in a search: width, case and accents taken away |
//! | gram | two to four neighbouring characters of a folded text: what an index is asked for |
//! | hit | a message that a search found, with the places to highlight |
//! | key | `Idempotency-Key`, bound for ever to the change that its request made |
//! | parked | confirmed, but not carried out yet and not acknowledged: a create that waits for its engine |
//! | operation | a parked create, until it is applied or rejected and after |

mod change;
mod command;
mod cursor;
mod decide;
mod engine;
mod entities;
mod event;
mod facts;
mod feed;
mod fingerprint;
mod ids;
mod json;
mod key;
mod limits;
mod live;
mod metadata;
mod need;
mod operation;
mod page;
mod rate_limit;
mod reader;
mod rejection;
mod reply;
mod search;
mod status;
mod text;
mod time;

pub use change::{Action, Change, Entry, Subject, Thing};
pub use command::{
    Command, CreateApplication, CreateChat, IfMatch, ImportChat, ImportLine, MetadataChange, NewToken, Patch,
    Request, UpdateApplication, UpdateChat, UpdateMessage,
};
pub use cursor::{BadCursor, Cursor};
pub use decide::{
    Decision, OperationFacts, decide, decide_parked, is_told_by_the_application, operation_state,
};
pub use engine::{
    ApplicationsAfter, Engine, Export, Exported, Failure, Health, Lists, Pending, Seen, Shortage, Unavailable,
};
pub use entities::{Application, Chat, Message, MessageContent, Stage};
pub use event::{Event, MessageCreated};
pub use facts::{BoundKey, FactSource, Facts};
pub use feed::{ChangeKind, Changed, Changes, ChangesFilter, ChangesRequest, IfDeleted};
pub use fingerprint::{Fingerprint, fingerprint};
pub use ids::{ApplicationId, Epoch, Token};
pub use key::{KeyBinding, KeyName, Namespace};
pub use limits::{
    BATCH_MESSAGES_MAX, CHANGES_LIMIT_MAX, CHANGES_LOOKED_AT_MAX, HIGHLIGHTS_MAX, Limits,
    MARKERS_LOOKED_AT_MAX, METADATA_DEPTH_MAX, PAGE_BYTES_MAX, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX,
};
pub use live::{DeletedNode, DeletedPlace, LiveRange, NumberedList, deleted_through, live_numbers};
pub use metadata::Metadata;
pub use need::{ApplicationNeed, Need};
pub use operation::{Creation, Operation, OperationNames, OperationState, Parked};
pub use page::{NumberRange, Numbers, Page};
pub use rate_limit::{Bucket, RATE_LIMIT_MAX, RateLimit, RateLimiter, Take};
pub use reader::{Marker, ReadState, unread};
pub use rejection::{Fault, Field, Rejection};
pub use reply::{Outcome, Reply};
pub use search::{
    BadQuery, BadSearchAfter, FOLDING_VERSION, Folded, Found, Gram, Highlight, Hit, HitPlace, IfBehind,
    Matcher, Query, SearchAfter, SearchBehind, SearchRequest, SearchScope, Searched, Term, each_gram, grams,
};
pub use status::{CachedPages, NodeStatus, PartitionStatus, QueueStatus, Status};
pub use text::{Body, IdempotencyKey, Name, ReaderName, Sender, Title};
pub use time::Timestamp;
