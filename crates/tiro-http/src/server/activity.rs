//! What a connection is doing, and for how long it may go on doing it.
//!
//! hyper's own timer for heads also counts the silence between two requests, and costs a timer and a read for every
//! request. This watch arms a timer only for a head that did not arrive in one piece, and looks in on everything
//! else a few times per idle time.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// How often a connection is looked in on per idle time.
const LOOKS_PER_IDLE_TIME: u32 = 5;

/// What happened on a connection; written by its stream and its service, read by its [`Watch`]. All three run in one
/// task, so that the order of these accesses needs no care.
#[derive(Default)]
pub(super) struct Activity {
    /// Bytes came or went since the last look.
    progress: AtomicBool,
    /// Bytes of a request came whose head is not complete.
    head_begun: AtomicBool,
    /// Requests whose answer is not there yet.
    in_flight: AtomicUsize,
}

impl Activity {
    pub(super) fn read(&self) {
        self.progress.store(true, Ordering::Relaxed);
        if self.in_flight.load(Ordering::Relaxed) == 0 {
            self.head_begun.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn wrote(&self) {
        self.progress.store(true, Ordering::Relaxed);
    }

    pub(super) fn request_began(&self) {
        self.head_begun.store(false, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn request_ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }
}

/// What the timer is set to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Armed {
    ForLook,
    ForHead,
}

/// Tells when a connection took too long.
pub(super) struct Watch {
    head_timeout: Duration,
    look: Duration,
    armed: Armed,
    timer: Pin<Box<Sleep>>,
    quiet_looks: u32,
}

impl Watch {
    pub(super) fn new(head_timeout: Duration, idle_timeout: Duration) -> Watch {
        let look = idle_timeout / LOOKS_PER_IDLE_TIME;
        Watch {
            head_timeout,
            look,
            armed: Armed::ForLook,
            timer: Box::pin(tokio::time::sleep(look)),
            quiet_looks: 0,
        }
    }

    /// Ready when a head took longer than its time, or nothing moved for between 4/5 of the idle time and all of it
    /// while no request was in flight.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, activity: &Activity) -> Poll<()> {
        let wanted = if activity.head_begun.load(Ordering::Relaxed) {
            Armed::ForHead
        } else {
            Armed::ForLook
        };
        if wanted != self.armed {
            self.arm(wanted);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            if self.armed == Armed::ForHead || self.is_idle(activity) {
                return Poll::Ready(());
            }
            self.arm(Armed::ForLook);
        }
        Poll::Pending
    }

    fn arm(&mut self, armed: Armed) {
        let wait = match armed {
            Armed::ForHead => self.head_timeout,
            Armed::ForLook => self.look,
        };
        self.armed = armed;
        self.timer.as_mut().reset(Instant::now() + wait);
    }

    fn is_idle(&mut self, activity: &Activity) -> bool {
        let moved = activity.progress.swap(false, Ordering::Relaxed);
        if moved || activity.is_busy() {
            self.quiet_looks = 0;
        } else {
            self.quiet_looks += 1;
        }
        self.quiet_looks + 1 >= LOOKS_PER_IDLE_TIME
    }
}
