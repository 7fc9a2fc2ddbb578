//! `cargo xtask postman`: the collections in `docs/postman`, made from the OpenAPI documents of the built program.

mod collection;
mod example;

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use crate::bench::Server;
use crate::root::{cargo, root};
use crate::steps::succeed;
use collection::collection;

/// Where a document is served, and where its collection stands.
const COLLECTIONS: [(&str, &str); 2] = [
    ("/openapi.json", "tiro.postman_collection.json"),
    ("/openapi-classic.json", "tiro-classic.postman_collection.json"),
];

/// Writes every collection.
///
/// # Errors
/// The program does not build or start, a file cannot be written.
pub(crate) fn run() -> anyhow::Result<()> {
    succeed(&mut cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "tiro",
    ]))?;
    let server = Server::start(tempfile::tempdir()?)?;
    let folder = folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (document, name) in COLLECTIONS {
        let file = folder.join(name);
        fs::write(&file, text(&server.api().get(document)?)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!("{}", file.display());
    }
    Ok(())
}

fn folder() -> PathBuf {
    root().join("docs/postman")
}

/// The collection of a document, as it stands in its file.
fn text(document: &Value) -> anyhow::Result<String> {
    let mut text = serde_json::to_string_pretty(&collection(document)?)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collections_are_those_of_the_routes() {
        let documents = tiro_http::openapi_documents();
        assert_eq!(documents.len(), COLLECTIONS.len());
        for (path, document) in documents {
            let (_, name) = COLLECTIONS.iter().find(|(served, _)| *served == path).unwrap();
            let written = fs::read_to_string(folder().join(name)).unwrap();
            assert!(
                written == text(&document).unwrap(),
                "docs/postman/{name} is not that of the routes: run `cargo xtask postman`"
            );
        }
    }
}
