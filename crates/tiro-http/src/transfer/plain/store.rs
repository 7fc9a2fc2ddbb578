//! Storing a window: find or make its chats, then append to each what is new in it.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use tiro_api::ImportReport;
use tiro_core::{
    Command, Failure, Fingerprint, ImportChat, ImportLine, KeyBinding, KeyName, Namespace, Outcome,
    Rejection, Request,
};

use super::PlainImport;
use super::window::Numbered;
use crate::transfer::bounds::{CHATS_MAX, REQUEST_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX};
use crate::transfer::import_key::{ChatHash, SourceChat};
use crate::transfer::refusal::{Cause, Refusal};
use crate::transfer::submission::submit;

/// A chat of the source that this import has met.
#[derive(Clone, Copy)]
struct Known {
    number: u64,
    /// The ordinal of its next line.
    next_ordinal: u64,
}

/// The lines of one chat in a window, in order, at least one.
struct Group {
    chat: SourceChat,
    hash: ChatHash,
    lines: Vec<Numbered>,
}

/// What became of a request or of a chat's requests.
#[derive(Default)]
struct Stored {
    created: u64,
    unchanged: u64,
    refused: Option<Refusal>,
}

pub(super) struct Store {
    import: PlainImport,
    chats: HashMap<ChatHash, Known>,
    report: ImportReport,
}

impl Store {
    pub(super) fn new(import: PlainImport) -> Store {
        Store {
            import,
            chats: HashMap::new(),
            report: ImportReport::default(),
        }
    }

    /// What was done so far.
    pub(super) fn report(&self) -> ImportReport {
        self.report
    }

    /// Stores a window; answers the first line that was refused, if one was. All before it are stored.
    pub(super) async fn window(&mut self, lines: Vec<Numbered>) -> Option<Refusal> {
        let mut groups = self.by_chat(lines);
        let refused = self.find_chats(&groups).await;
        if let Some(refusal) = &refused {
            cut_before(&mut groups, refusal.line);
        }
        let batches: Vec<_> = groups.into_iter().map(|group| self.batches(group)).collect();
        let mut requests = Vec::new();
        for batches in batches {
            requests.push(append(&self.import, batches));
        }
        let stored = stream::iter(requests)
            .buffer_unordered(REQUESTS_IN_FLIGHT_MAX)
            .collect::<Vec<_>>()
            .await;
        stored.into_iter().fold(refused, |refused, stored| {
            self.report.lines += stored.created + stored.unchanged;
            self.report.messages_created += stored.created;
            self.report.unchanged += stored.unchanged;
            Refusal::first(refused, stored.refused)
        })
    }

    /// Groups by chat, in the order in which the chats appear.
    fn by_chat(&self, lines: Vec<Numbered>) -> Vec<Group> {
        let mut places: HashMap<tiro_core::Title, usize> = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for line in lines {
            let place = *places.entry(line.line.chat.clone()).or_insert_with(|| {
                let chat = self.import.source.chat(&line.line.chat);
                groups.push(Group {
                    hash: chat.hash(),
                    chat,
                    lines: Vec::new(),
                });
                groups.len() - 1
            });
            groups[place].lines.push(line);
        }
        groups
    }

    /// Learns the numbers of chats that were not met before, making those that the source never had.
    async fn find_chats(&mut self, groups: &[Group]) -> Option<Refusal> {
        let room = CHATS_MAX - self.chats.len();
        let unknown = groups
            .iter()
            .filter(|group| !self.chats.contains_key(&group.hash));
        let unknown: Vec<&Group> = unknown.collect();
        let mut refused = unknown
            .get(room)
            .map(|group| Refusal::new(group.lines[0].number, Cause::TooManyChats));
        let import = &self.import;
        let mut requests = Vec::new();
        for group in unknown.iter().take(room) {
            requests.push(find_chat(import, group));
        }
        let found = stream::iter(requests)
            .buffered(REQUESTS_IN_FLIGHT_MAX)
            .collect::<Vec<_>>()
            .await;
        for (group, found) in unknown.into_iter().zip(found) {
            match found {
                Ok((number, created)) => {
                    self.report.chats_created += u64::from(created);
                    let known = Known {
                        number,
                        next_ordinal: 0,
                    };
                    self.chats.insert(group.hash, known);
                }
                Err(failure) => {
                    let refusal = Refusal::engine(group.lines[0].number, failure);
                    refused = Refusal::first(refused, Some(refusal));
                }
            }
        }
        refused
    }

    /// The requests that append a group to its chat, in order.
    fn batches(&mut self, group: Group) -> Vec<Batch> {
        let known = self
            .chats
            .get_mut(&group.hash)
            .expect("groups of chats that were not found were cut off");
        let lines_max = self.import.app.limits.batch_messages_max;
        let mut batches: Vec<Batch> = Vec::new();
        for Numbered { number, line } in group.lines {
            let fits = batches.last().is_some_and(|batch| {
                batch.lines.len() < lines_max && batch.bytes + line.content.bytes() <= REQUEST_BYTES_MAX
            });
            if !fits {
                batches.push(Batch::new(known.number));
            }
            let batch = batches.last_mut().expect("one was just made");
            batch.bytes += line.content.bytes();
            batch.numbers.push(number);
            batch.lines.push(ImportLine {
                key: Arc::new(KeyBinding {
                    name: KeyName {
                        namespace: Namespace::Import,
                        key: group.chat.line_key(known.next_ordinal),
                    },
                    fingerprint: Fingerprint::of_line(&line.content, line.at),
                    created_at: None,
                }),
                content: Arc::new(line.content),
                created_at: line.at,
            });
            known.next_ordinal += 1;
        }
        batches
    }
}

/// One request: lines of one chat and their numbers in the file.
struct Batch {
    chat: u64,
    lines: Vec<ImportLine>,
    numbers: Vec<u64>,
    bytes: usize,
}

impl Batch {
    fn new(chat: u64) -> Batch {
        Batch {
            chat,
            lines: Vec::new(),
            numbers: Vec::new(),
            bytes: 0,
        }
    }
}

/// Keeps what stands before a line, since nothing after a refused line is to be stored.
fn cut_before(groups: &mut Vec<Group>, line: u64) {
    for group in groups.iter_mut() {
        group.lines.retain(|numbered| numbered.number < line);
    }
    groups.retain(|group| !group.lines.is_empty());
}

async fn find_chat(import: &PlainImport, group: &Group) -> Result<(u64, bool), Failure> {
    let first = &group.lines[0].line;
    let command = Command::ImportChat(ImportChat {
        token: import.token.clone(),
        title: Some(first.chat.clone()),
        created_at: first.at,
    });
    let reply = submit(&import.app, Request::keyed(command, group.chat.key())).await?;
    match reply.outcome {
        Outcome::ImportedChat { chat, created } => Ok((chat, created)),
        _ => Err(unexpected()),
    }
}

/// Appends to one chat, batch by batch, until one is refused.
async fn append(import: &PlainImport, batches: Vec<Batch>) -> Stored {
    let mut stored = Stored::default();
    for batch in batches {
        let (chat, numbers) = (batch.chat, batch.numbers);
        match append_lines(import, chat, batch.lines).await {
            Ok((created, unchanged)) => {
                stored.created += created;
                stored.unchanged += unchanged;
            }
            // The stored lines of a chat are always its first ones, so all before a changed one are there.
            Err(Failure::Rejected(Rejection::LineChanged { index })) => {
                stored.refused = Some(Refusal::new(numbers[index], Cause::Changed));
                break;
            }
            Err(failure) => {
                stored.refused = Some(Refusal::engine(numbers[0], failure));
                break;
            }
        }
    }
    stored
}

async fn append_lines(
    import: &PlainImport,
    chat: u64,
    lines: Vec<ImportLine>,
) -> Result<(u64, u64), Failure> {
    let command = Command::ImportMessages {
        token: import.token.clone(),
        chat,
        lines,
    };
    let reply = submit(&import.app, Request::new(command)).await?;
    match reply.outcome {
        Outcome::ImportedMessages { created, unchanged } => Ok((created, unchanged)),
        _ => Err(unexpected()),
    }
}

fn unexpected() -> Failure {
    Failure::Internal("the engine answered an import with the outcome of another command".into())
}
