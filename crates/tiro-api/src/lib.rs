//! Wire types of `/v1`, shared by server and client, and those of the classic routes.
//!
//! A server borrows texts (`Cow::Borrowed`), a client owns them (`Message<'static>`). Every member of a thing is
//! always written, `null` when it is empty. Nothing here knows the rules of the domain.

mod change;
mod classic;
mod code;
mod lines;
mod operation;
mod page;
mod problem;
mod reader;
mod report;
mod request;
mod search;
mod thing;
mod time;
mod write;

pub use change::{ChangePage, ChangeType, Entry, EntryData};
pub use classic::{
    ClassicApplication, ClassicApplicationBody, ClassicApplications, ClassicChat, ClassicChatBody,
    ClassicChats, ClassicError, ClassicHit, ClassicHits, ClassicMessage, ClassicMessageBody, ClassicMessages,
};
pub use code::Code;
pub use lines::{LINES_FORMAT, LinesData, LinesEnd, LinesEntry, LinesHeader, LinesKey, PlainLine};
pub use operation::{Operation, OperationResult, OperationStatus};
pub use page::{ApplicationPage, ChatPage, MessagePage, ReadStatePage};
pub use problem::{Problem, Violation};
pub use reader::ReadState;
pub use report::{
    About, BatchCreated, ImportReport, NodeStatus, PartitionStatus, QueueStatus, Ready, Status,
};
pub use request::{
    CreateApplication, CreateBatch, CreateChat, CreateMessage, SetRead, UpdateApplication, UpdateChat,
    UpdateMessage,
};
pub use search::{HighlightRange, Hit, SearchPage};
pub use thing::{Application, Chat, Message, MetadataObject};
pub use time::{BadTime, Time};
pub use write::WriteJson;
