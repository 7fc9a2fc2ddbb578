//! Accepting connections: as many as there are permits, and on in spite of every failure.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{Phase, connection};
use crate::app::App;

const BACK_OFF_MIN: Duration = Duration::from_millis(50);
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// Accepts the connections of one address.
pub(super) struct Acceptor {
    app: App,
    router: Router,
    permits: Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
    back_off: Duration,
}

impl Acceptor {
    pub(super) fn new(
        app: App,
        router: Router,
        permits: Arc<Semaphore>,
        phase: watch::Receiver<Phase>,
    ) -> Acceptor {
        Acceptor {
            app,
            router,
            permits,
            phase,
            back_off: BACK_OFF_MIN,
        }
    }

    /// Accepts until the server drains; then the address is free.
    pub(super) async fn run(mut self, listener: TcpListener) {
        let mut phase = self.phase.clone();
        tokio::select! {
            // The sender outlives this task, so this ends by a change only.
            _ = phase.wait_for(|phase| *phase != Phase::Serving) => {}
            () = self.accept_all(&listener) => {}
        }
    }

    async fn accept_all(&mut self, listener: &TcpListener) {
        loop {
            // First the permit: a full server leaves further connections to the system's queue.
            let Ok(permit) = self.permits.clone().acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    self.back_off = BACK_OFF_MIN;
                    self.carry(stream, permit);
                }
                Err(error) => self.failed(&error).await,
            }
        }
    }

    fn carry(&self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone when it was accepted");
            return;
        }
        self.app.metrics.connections_accepted.inc();
        self.app.metrics.connections.inc();
        let (app, router, phase) = (self.app.clone(), self.router.clone(), self.phase.clone());
        tokio::spawn(async move {
            connection::carry(stream, &app, router, phase).await;
            app.metrics.connections.dec();
            drop(permit);
        });
    }

    /// Waits when the system is short of something, such as files; a connection that failed alone costs no time.
    async fn failed(&mut self, error: &io::Error) {
        self.app.metrics.accept_failures.inc();
        let alone = matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
        );
        if alone {
            return;
        }
        tracing::warn!(%error, wait_ms = self.back_off.as_millis(), "connections cannot be accepted");
        tokio::time::sleep(self.back_off).await;
        self.back_off = (self.back_off * 2).min(BACK_OFF_MAX);
    }
}
