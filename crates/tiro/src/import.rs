//! `tiro import`: sends a file, or standard input, to a server.
//!
//! The file's kind and the flags are held against each other before anything is sent or created. The server
//! stores line by line and keeps what came before a failure, so the remedy for every failure is to repeat.

mod kind;
mod source;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tiro_client::api::{CreateApplication, ImportReport};
use tiro_client::{Client, ImportTarget, Sending};

use crate::cli::ImportArgs;
use crate::exit::{Exit, Failure};
use crate::progress::{Progress, Unit, note};
use crate::{connection, output};
use kind::Kind;
use source::Source;

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    /// The application that `--create` made; `null` otherwise.
    created_application: Option<&'a str>,
    #[serde(flatten)]
    done: ImportReport,
}

pub(crate) fn run(args: &ImportArgs) -> Result<Exit, Failure> {
    let source = Source::open(&args.file)?;
    check_destination(args, source.kind())?;
    let source_name = source_name(args, source.kind())?;
    connection::block_on(send(args, source, source_name))
}

async fn send(args: &ImportArgs, source: Source, source_name: Option<String>) -> Result<Exit, Failure> {
    let client = connection::client(&args.server)?;
    let created = match &args.create {
        Some(name) => Some(create(&client, name).await?),
        None => None,
    };
    if let (Some(token), false) = (&created, args.printing.json) {
        output::line(token)?;
    }
    let target = ImportTarget {
        application: created.clone().or_else(|| args.application.clone()),
        source: source_name,
    };
    let progress = Arc::new(Progress::new("sent", source.bytes(), Unit::Bytes));
    let on_sent = {
        let progress = Arc::clone(&progress);
        move |bytes| progress.reached(bytes)
    };
    let sent = client.import(&target, source.into_chunks(), on_sent).await;
    progress.finish();
    let report = sent.map_err(|error| {
        if let Some(token) = &created {
            note(&format!(
                "The application was created: go on with --application {token} instead of --create."
            ));
        }
        connection::failure(error)
    })?;
    print(args, created.as_deref(), &report)?;
    Ok(Exit::Fine)
}

async fn create(client: &Client, name: &str) -> Result<String, Failure> {
    let application = CreateApplication { name, metadata: None };
    let answer = client
        .create_application(&application, &Sending::default())
        .await
        .map_err(connection::failure)?;
    Ok(answer.value.token.into_owned())
}

fn print(args: &ImportArgs, created: Option<&str>, report: &ImportReport) -> Result<(), Failure> {
    if args.printing.json {
        return output::json(&Report {
            created_application: created,
            done: *report,
        });
    }
    output::line(&format!(
        "{} lines: {} chats and {} messages created, {} unchanged",
        report.lines, report.chats_created, report.messages_created, report.unchanged
    ))
}

/// Refuses flags that do not go with what the file holds.
fn check_destination(args: &ImportArgs, kind: Kind) -> Result<(), Failure> {
    let file = shown(&args.file);
    let named = args.application.is_some() || args.create.is_some();
    match kind {
        Kind::Empty => Err(Failure::failed(format!(
            "{file} is empty: there is nothing to import"
        ))),
        Kind::Plain if !named => Err(Failure::usage(format!(
            "{file} holds plain lines: say where they go with --application TOKEN or --create NAME"
        ))),
        Kind::Tiro if named || args.source.is_some() => Err(Failure::usage(format!(
            "{file} holds an export, which brings its application along: leave out --application, --create \
             and --source (and unset TIRO_APPLICATION, TIRO_CREATE and TIRO_SOURCE)"
        ))),
        Kind::Plain | Kind::Tiro => Ok(()),
    }
}

/// What the keys of plain lines are made of: `--source`, or the file's name without folders.
fn source_name(args: &ImportArgs, kind: Kind) -> Result<Option<String>, Failure> {
    if kind != Kind::Plain {
        return Ok(None);
    }
    if let Some(source) = &args.source {
        return Ok(Some(source.clone()));
    }
    let name = Path::new(&args.file).file_name().and_then(|name| name.to_str());
    match name {
        Some(name) if args.file != source::STANDARD_INPUT => Ok(Some(name.to_owned())),
        _ => Err(Failure::usage(
            "standard input has no name: give one with --source, the same whenever these lines are imported again",
        )),
    }
}

fn shown(file: &str) -> String {
    if file == source::STANDARD_INPUT {
        "standard input".to_owned()
    } else {
        format!("`{file}`")
    }
}

#[cfg(test)]
mod tests;
