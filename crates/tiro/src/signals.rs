//! SIGTERM and SIGINT as something to wait for.

use std::fmt;

use tokio::signal::unix::{self, SignalKind};

use crate::exit::Failure;

/// Both signals. From the moment it exists they no longer end the process by themselves.
pub(crate) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

/// Which signal came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Terminate,
    Interrupt,
}

impl Signals {
    pub(crate) fn listen() -> Result<Signals, Failure> {
        let listen = |kind| {
            unix::signal(kind).map_err(|error| Failure::failed(format!("cannot wait for signals: {error}")))
        };
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one. One that came before this was called counts.
    pub(crate) async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.terminate.recv() => Received::Terminate,
            _ = self.interrupt.recv() => Received::Interrupt,
        }
    }
}

impl Received {
    /// The exit status that shells give a process which the signal ended.
    pub(crate) fn exit_status(self) -> i32 {
        128 + match self {
            Received::Terminate => SignalKind::terminate().as_raw_value(),
            Received::Interrupt => SignalKind::interrupt().as_raw_value(),
        }
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Received::Terminate => "SIGTERM",
            Received::Interrupt => "SIGINT",
        })
    }
}
