//! The running engine: a writer, a follower, and reads on the caller's thread.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tiro_core::{
    Application, ApplicationsAfter, Changed, Changes, ChangesRequest, Chat, Engine, Export, Failure, Health,
    Lists, LiveRange, Message, NumberRange, Page, Pending, ReadState, ReaderName, Reply, Request,
    SearchRequest, Searched, Seen, Shortage, Token,
};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::errors::{CloseError, Fatal, OnFatal, OpenError, unavailable};
use crate::export;
use crate::folder::Folder;
use crate::follower::{Follower, tell_of_damage};
use crate::log::Log;
use crate::opening::Opening;
use crate::options::Options;
use crate::queue::{Job, Queue};
use crate::reads::{Reads, ready};
use crate::recent::Recent;
use crate::scrub::Scrub;
use crate::search::{Search, SearchOptions};
use crate::view::View;
use crate::waiting::Waker;
use crate::writer::{Condition, Writer};

/// The engine for one machine. Opened with [`EmbeddedEngine::open`], ended with [`EmbeddedEngine::close`].
pub struct EmbeddedEngine {
    queue: Arc<Queue>,
    condition: Arc<Condition>,
    reads: Reads,
    opening: Opening,
    /// Taken when the engine is closed.
    running: Mutex<Option<Running>>,
}

struct Running {
    writer: JoinHandle<Result<Log, Fatal>>,
    follower: Follower,
    waker: Waker,
    scrub: Scrub,
    search: Search,
    /// Given back last.
    _folder: Folder,
}

/// An opened log and view, and the state that they add up to.
pub(crate) struct Opened {
    pub(crate) log: Log,
    pub(crate) recent: Arc<Recent>,
    pub(crate) view: Arc<View>,
    pub(crate) opening: Opening,
}

impl EmbeddedEngine {
    /// Starts the threads over an opened log and view.
    pub(crate) fn start(
        folder: Folder,
        opened: Opened,
        search: SearchOptions,
        clock: Clock,
        on_fatal: OnFatal,
    ) -> std::io::Result<EmbeddedEngine> {
        let Opened {
            log,
            recent,
            view,
            opening,
        } = opened;
        let queue = Arc::<Queue>::default();
        let condition = Arc::new(Condition::new(log.space(), Arc::clone(&recent)));
        tell_of_damage(&view, folder.view_failed(), &recent, &queue);
        let follower = Follower::start(Arc::clone(&recent), view)?;
        let waker = Waker::start(&recent)?;
        let scrub = Scrub::start(log.reader(), Arc::clone(&recent))?;
        let end = recent.look(|active| active.end).0;
        let search = Search::start(folder.index(), log.reader(), &recent, end, search)?;
        let writer = Writer {
            queue: Arc::clone(&queue),
            log,
            recent: Arc::clone(&recent),
            search: Arc::clone(search.state()),
            condition: Arc::clone(&condition),
            clock,
        };
        let writer = std::thread::Builder::new()
            .name("tiro-writer".into())
            .spawn(move || writer.run(on_fatal))?;
        let running = Mutex::new(Some(Running {
            writer,
            follower,
            waker,
            scrub,
            search,
            _folder: folder,
        }));
        Ok(EmbeddedEngine {
            queue,
            condition,
            reads: Reads::new(recent),
            opening,
            running,
        })
    }

    /// What opening the folder found and did.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Serves what was accepted, brings everything to disk and lets go of the folder. Later requests are refused.
    /// Blocks; a second call does nothing.
    ///
    /// # Errors
    /// What was left undone.
    pub fn close(&self) -> Result<(), CloseError> {
        let Some(mut running) = self.running.lock().take() else {
            return Ok(());
        };
        // Streams end first: they hold back who stops the server.
        drop(running.waker);
        running.search.close();
        self.queue.close();
        let written = running.writer.join().map_err(|_| CloseError::Writer);
        running.search.stop();
        let followed = running.follower.stop().map_err(CloseError::View);
        written?
            .map_err(CloseError::Failed)?
            .close()
            .map_err(CloseError::Log)?;
        followed
    }

    /// Takes a request over without waiting for its outcome.
    fn submit(&self, request: Request) -> Result<oneshot::Receiver<Result<Reply, Failure>>, Failure> {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Job { request, reply }).map_err(unavailable)?;
        Ok(answer)
    }

    /// Carries out a request and blocks until it is answered, wherever the caller runs: for requests of the engine itself.
    pub(crate) fn write_blocking(&self, request: Request) -> Result<Reply, Failure> {
        let answer = self.submit(request)?;
        // Waiting on a thread of a runtime is refused by the channel, so another thread waits.
        let waited = std::thread::scope(|scope| scope.spawn(|| answer.blocking_recv()).join());
        match waited {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(unavailable(Shortage::OutcomeUnknown)),
        }
    }

    pub(crate) fn recent(&self) -> &Arc<Recent> {
        self.reads.recent()
    }
}

impl Drop for EmbeddedEngine {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "closing the data folder left something undone");
        }
    }
}

impl Lists for EmbeddedEngine {
    fn applications(
        &self,
        after: Option<ApplicationsAfter>,
        limit: u32,
    ) -> Pending<'_, Page<Application, ApplicationsAfter>> {
        Lists::applications(&self.reads, after, limit)
    }

    fn chats<'a>(&'a self, token: &'a Token, range: NumberRange) -> Pending<'a, Page<Chat>> {
        Lists::chats(&self.reads, token, range)
    }

    fn messages<'a>(&'a self, token: &'a Token, chat: u64, range: NumberRange) -> Pending<'a, Page<Message>> {
        Lists::messages(&self.reads, token, chat, range)
    }
}

impl Engine for EmbeddedEngine {
    fn write(&self, request: Request) -> Pending<'static, Reply> {
        match self.submit(request) {
            Err(failure) => ready(Err(failure)),
            Ok(answer) => Box::pin(async move {
                answer
                    .await
                    .unwrap_or_else(|_| Err(unavailable(Shortage::OutcomeUnknown)))
            }),
        }
    }

    fn application<'a>(&'a self, token: &'a Token) -> Pending<'a, Seen<Application>> {
        ready(self.reads.application(token))
    }

    fn chat<'a>(&'a self, token: &'a Token, chat: u64) -> Pending<'a, Seen<Chat>> {
        ready(self.reads.chat(token, chat))
    }

    fn live_chats<'a>(&'a self, token: &'a Token, range: LiveRange) -> Pending<'a, Page<Chat>> {
        ready(self.reads.live_chats(token, range))
    }

    fn live_messages<'a>(
        &'a self,
        token: &'a Token,
        chat: u64,
        range: LiveRange,
    ) -> Pending<'a, Page<Message>> {
        ready(self.reads.live_messages(token, chat, range))
    }

    fn chats_by_activity<'a>(
        &'a self,
        token: &'a Token,
        before: Option<u64>,
        limit: u32,
    ) -> Pending<'a, Page<Chat>> {
        ready(self.reads.chats_by_activity(token, before, limit))
    }

    fn message<'a>(&'a self, token: &'a Token, chat: u64, number: u64) -> Pending<'a, Seen<Message>> {
        ready(self.reads.message(token, chat, number))
    }

    fn search(&self, request: SearchRequest) -> Pending<'_, Searched> {
        match &*self.running.lock() {
            Some(running) => Box::pin(running.search.search(request)),
            None => ready(Err(unavailable(Shortage::Stopping))),
        }
    }

    fn changes(&self, request: ChangesRequest) -> Pending<'_, Changes> {
        Box::pin(self.reads.changes(request))
    }

    fn changed<'a>(&'a self, token: &'a Token, position: u64) -> Pending<'a, Changed> {
        Box::pin(self.reads.changed(token, position))
    }

    fn reader<'a>(
        &'a self,
        token: &'a Token,
        chat: u64,
        reader: &'a ReaderName,
    ) -> Pending<'a, Seen<ReadState>> {
        ready(self.reads.reader(token, chat, reader))
    }

    fn unread_chats<'a>(
        &'a self,
        token: &'a Token,
        reader: &'a ReaderName,
        after: u64,
        limit: u32,
    ) -> Pending<'a, Page<ReadState>> {
        Box::pin(self.reads.unread_chats(token, reader, after, limit))
    }

    fn lists(&self) -> Pending<'_, Box<dyn Lists>> {
        Box::pin(self.reads.lists())
    }

    fn export(&self, token: Option<Token>) -> Pending<'_, Box<dyn Export>> {
        Box::pin(export::begin(Arc::clone(self.recent()), token))
    }

    fn health(&self) -> Health {
        let running = self.running.lock();
        let found = running.as_ref().and_then(|running| running.scrub.found());
        let found = found.map(|found| format!("the log has gone bad: {found}"));
        let search = running.as_ref().and_then(|running| running.search.remark());
        let remarks = found.into_iter().chain(search).collect();
        Health {
            writes_blocked: self.condition.writes_blocked(),
            remarks,
        }
    }
}

/// Gives every application a new epoch: an older copy of the folder was put back.
///
/// # Errors
/// The folder does not open, or a write fails; then some applications may have a new epoch already.
pub fn new_epoch(folder: &Path, options: Options) -> Result<u64, OpenError> {
    drop(Folder::take_existing(
        &*options.disk,
        folder,
        "renew the epochs of",
    )?);
    let engine = EmbeddedEngine::open(folder, options)?;
    let renewed = crate::open::renew_epochs(&engine)?;
    engine
        .close()
        .map_err(|error| OpenError::Start(error.to_string()))?;
    Ok(renewed)
}
