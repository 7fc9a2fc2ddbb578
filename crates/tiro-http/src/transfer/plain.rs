//! The import of plain lines: read a window, sort it by chat, store it, while the next one is read.
//!
//! Within a chat the order of the file is kept, between chats it is not; so when the engine refuses a line, lines
//! of other chats after it, up to a window, may be stored already. Every line before it is, and importing again
//! finds all of them unchanged.

mod store;
mod window;

use tiro_api::ImportReport;
use tiro_core::Token;

use super::import_key::Source;
use super::refusal::Refusal;
use super::upload::{Line, Upload};
use crate::app::App;
use store::Store;
use window::Window;

/// Where plain lines go.
pub(super) struct PlainImport {
    pub(super) app: App,
    pub(super) token: Token,
    pub(super) source: Source,
}

impl PlainImport {
    /// Imports all lines; `first` was read already.
    ///
    /// # Errors
    /// The first line that cannot be taken; those before it are stored.
    pub(super) async fn run(self, upload: &mut Upload, first: Option<Line>) -> Result<ImportReport, Refusal> {
        let limits = self.app.limits.clone();
        let mut store = Store::new(self);
        let mut window = Window::read(upload, first, &limits).await;
        loop {
            if window.is_last() {
                let ends = window.ends;
                let refused = store.window(window.lines).await;
                return match Refusal::first(refused, ends.refusal()) {
                    Some(refusal) => Err(refusal),
                    None => Ok(store.report()),
                };
            }
            let (next, refused) =
                tokio::join!(Window::read(upload, None, &limits), store.window(window.lines));
            if let Some(refusal) = refused {
                return Err(refusal);
            }
            window = next;
        }
    }
}
