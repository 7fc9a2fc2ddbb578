//! One connection: HTTP/1.1 requests in order, until the client, the watch or the server ends it.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Phase;
use super::activity::{Activity, Watch};
use super::watched::Watched;
use crate::app::App;

/// How many times the allowed size of a head is read before hyper itself gives up: up to there the answer to a head
/// that is too large is a problem, beyond it a bare 431.
const HEAD_BUFFERS: usize = 4;
/// The least that hyper takes.
const BUFFER_BYTES_MIN: usize = 8_192;

/// Carries a connection to its end.
pub(super) async fn carry(stream: TcpStream, app: &App, router: Router, mut phase: watch::Receiver<Phase>) {
    let transport = &app.config.transport;
    let activity = Arc::new(Activity::default());
    let mut watch = Watch::new(transport.head_timeout, transport.idle_timeout);
    let stream = TokioIo::new(Watched::new(stream, activity.clone()));
    let service = Requests {
        router,
        activity: activity.clone(),
    };
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        // A write goes on when its client goes away: the end of what a client sends does not end its request.
        .half_close(true)
        .max_buf_size((HEAD_BUFFERS * transport.head_bytes_max).max(BUFFER_BYTES_MIN))
        .serve_connection(stream, service);
    let mut connection = pin!(connection);
    loop {
        let carried = poll_fn(|context| {
            if let Poll::Ready(result) = connection.as_mut().poll(context) {
                return Poll::Ready(Ended::ByClient(result));
            }
            watch.poll(context, &activity).map(|()| Ended::ByWatch)
        });
        tokio::select! {
            biased;
            ended = carried => return log(&ended),
            changed = phase.changed() => match changed.map(|()| *phase.borrow_and_update()) {
                Ok(Phase::Serving) => {}
                Ok(Phase::Draining) => connection.as_mut().graceful_shutdown(),
                Ok(Phase::Cutting) | Err(_) => return,
            },
        }
    }
}

enum Ended {
    ByClient(Result<(), hyper::Error>),
    ByWatch,
}

fn log(ended: &Ended) {
    match ended {
        Ended::ByClient(Ok(())) => {}
        Ended::ByClient(Err(error)) => tracing::debug!(%error, "a connection broke"),
        Ended::ByWatch => tracing::debug!("a connection was closed after its time"),
    }
}

/// The requests of one connection.
struct Requests {
    router: Router,
    activity: Arc<Activity>,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = InFlight<<Router as tower_service::Service<Request<Incoming>>>::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.activity.request_began();
        let answer = tower_service::Service::call(&mut self.router.clone(), request);
        InFlight {
            answer,
            activity: self.activity.clone(),
        }
    }
}

/// An answer on its way; tells when it is there or given up.
struct InFlight<F> {
    answer: F,
    activity: Arc<Activity>,
}

impl<F: Future + Unpin> Future for InFlight<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        Pin::new(&mut self.answer).poll(context)
    }
}

impl<F> Drop for InFlight<F> {
    fn drop(&mut self) {
        self.activity.request_ended();
    }
}
