//! What can be chosen when a data folder is opened.

use std::sync::Arc;

use crate::clock::{Clock, system_clock};
use crate::disk::Disk;
use crate::errors::OnFatal;
use crate::log::LogOptions;
use crate::planted;
use crate::search::SearchOptions;
use crate::view::space::ViewOptions;

/// How a data folder is opened.
pub struct Options {
    /// Cut the log where synced bytes are damaged, instead of refusing to open. Every application gets a new epoch.
    pub accept_data_loss: bool,
    /// Where the log lives. The view is derived and uses the real disk.
    pub disk: Arc<dyn Disk>,
    /// Sizes and intervals of the log.
    pub log: LogOptions,
    /// Sizes of the view.
    pub view: ViewOptions,
    /// Bounds of search and of its index.
    pub search: SearchOptions,
    /// Where the times of things come from.
    pub clock: Clock,
    /// Told the batches replayed so far and in all, while the folder is opened.
    pub on_replay: Box<dyn FnMut(u64, u64) + Send>,
    /// Called once when the process must end.
    pub on_fatal: OnFatal,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            accept_data_loss: false,
            disk: planted::disk(),
            log: LogOptions::default(),
            view: ViewOptions::default(),
            search: SearchOptions::default(),
            clock: system_clock(),
            on_replay: Box::new(|_, _| {}),
            on_fatal: Box::new(|_| {}),
        }
    }
}
