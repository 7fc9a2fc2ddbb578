//! The way to end that no test can bring about from outside: the storage fails a write.

use std::sync::Arc;

use tiro_embedded::{EmbeddedEngine, Options};

use super::*;

#[test]
fn storage_that_fails_a_write_ends_with_70_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let failure = runtime.block_on(async {
        let engine = EmbeddedEngine::open(folder.path(), Options::default()).unwrap();
        let storage = Storage::Folder(Arc::new(engine));
        let config = tiro_http::Config {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            ..tiro_http::Config::default()
        };
        let server = Server::bind(config, storage.engine()).unwrap();
        let (on_fatal, fatal) = oneshot::channel();
        on_fatal.send("sync log/1: the disk is gone".to_owned()).unwrap();
        run_until_ended(server, storage, Signals::listen().unwrap(), fatal)
            .await
            .unwrap_err()
    });
    assert_eq!(failure.exit, Exit::StorageFailed);
    let message = failure.to_string();
    assert!(
        message.contains("the disk is gone") && message.contains("start Tiro again"),
        "{message}"
    );
}
