//! Work that may wait for the disk, on threads that may block.

use tiro_core::Failure;

/// Runs `work` on a thread that may block. `name` says in an error what ended.
pub(crate) async fn blocking<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| Err(Failure::Internal(format!("{name} ended: {error}"))))
}
