//! What is served: the data folder of one machine, or the systems of a cluster.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tiro_cluster::{ClusterConfig, ClusterEngine, when_mysql_is_there};
use tiro_core::Engine;
use tiro_embedded::{CloseError, EmbeddedEngine, OpenError, Options};
use tokio::sync::oneshot;

use crate::cli::ServeArgs;
use crate::cluster;
use crate::exit::Failure;
use crate::progress::{Stages, Unit};

/// Where a server keeps what it serves, before it is open.
pub(super) enum Place {
    /// A data folder.
    Folder(PathBuf),
    /// A cluster, and the file that names its systems.
    Cluster(Box<ClusterConfig>, PathBuf),
}

/// An engine that is open.
#[derive(Clone)]
pub(super) enum Storage {
    Folder(Arc<EmbeddedEngine>),
    Cluster(Arc<ClusterEngine>),
}

impl Place {
    /// The one that the command line names; the file of a cluster is read at once.
    pub(super) fn of(args: &ServeArgs) -> Result<Place, Failure> {
        match &args.cluster {
            Some(file) => Ok(Place::Cluster(Box::new(cluster::config(file)?), file.clone())),
            None => Ok(Place::Folder(args.data.clone())),
        }
    }

    /// The operator key that the place brings along.
    pub(super) fn operator_key(&self) -> Option<&str> {
        match self {
            Place::Folder(_) => None,
            Place::Cluster(config, _) => config.operator_key.as_deref(),
        }
    }

    /// Opens it; `on_fatal` is told if storage fails for good later.
    pub(super) async fn open(
        &self,
        args: &ServeArgs,
        on_fatal: oneshot::Sender<String>,
    ) -> Result<Storage, Failure> {
        match self {
            Place::Folder(folder) => open_folder(folder.clone(), args, on_fatal).await,
            Place::Cluster(config, file) => {
                // A node of a cluster goes on whatever happens to the systems: nothing is fatal to it.
                drop(on_fatal);
                let open = async || ClusterEngine::open(config, tiro_cluster::Options::default()).await;
                let engine = when_mysql_is_there(open).await;
                let engine = engine.map_err(|error| cluster::failure(&error, file))?;
                Ok(Storage::Cluster(Arc::new(engine)))
            }
        }
    }
}

/// For people: where to look for what is stored.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let absolute = super::setup::absolute;
        match self {
            Place::Folder(folder) => write!(f, "{}", absolute(folder).display()),
            Place::Cluster(config, file) => {
                write!(f, "the cluster `{}` of {}", config.name, absolute(file).display())
            }
        }
    }
}

async fn open_folder(
    folder: PathBuf,
    args: &ServeArgs,
    on_fatal: oneshot::Sender<String>,
) -> Result<Storage, Failure> {
    let mut stages = Stages::default();
    let options = Options {
        accept_data_loss: args.accept_data_loss,
        on_replay: Box::new(move |done, total| {
            stages.reached("replayed", Unit::Batches, Some(total), done);
        }),
        on_fatal: Box::new(move |failed| {
            if on_fatal.send(failed.to_string()).is_err() {
                tracing::error!(%failed, "the storage failed a write while Tiro was ending");
            }
        }),
        ..Options::default()
    };
    let opened = tokio::task::spawn_blocking(move || EmbeddedEngine::open(&folder, options)).await;
    match opened {
        Ok(Ok(engine)) => Ok(Storage::Folder(Arc::new(engine))),
        Ok(Err(error)) => Err(open_failure(&error)),
        Err(panicked) => Err(Failure::failed(format!(
            "opening the data folder ended early: {panicked}"
        ))),
    }
}

/// The error, which says what to do, and where to say it.
pub(crate) fn open_failure(error: &OpenError) -> Failure {
    match error {
        OpenError::Folder { .. } => Failure::failed(format!("{error} (--data)")),
        _ => Failure::failed(error.to_string()),
    }
}

/// What is wrong with the storage, and what to do.
pub(super) fn storage_failure(failed: &str) -> Failure {
    Failure::storage(format!(
        "{failed}\nNothing more can be acknowledged. Look at the disk and the system's log, then start Tiro again: \
         it recovers everything that was acknowledged."
    ))
}

impl Storage {
    /// What requests are served from.
    pub(super) fn engine(&self) -> Arc<dyn Engine> {
        match self {
            Storage::Folder(engine) => Arc::<EmbeddedEngine>::clone(engine),
            Storage::Cluster(engine) => Arc::<ClusterEngine>::clone(engine),
        }
    }

    /// Ends it in order: what was taken over is carried out.
    pub(super) async fn close(self) -> Result<(), Failure> {
        let engine = match self {
            Storage::Folder(engine) => engine,
            Storage::Cluster(engine) => {
                engine.close().await;
                return Ok(());
            }
        };
        match tokio::task::spawn_blocking(move || engine.close()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(CloseError::Log(failed))) => Err(storage_failure(&failed.to_string())),
            Ok(Err(error)) => Err(Failure::failed(format!("closing the data folder: {error}"))),
            Err(panicked) => Err(Failure::failed(format!(
                "closing the data folder ended early: {panicked}"
            ))),
        }
    }
}
