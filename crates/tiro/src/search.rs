//! `tiro search`: prints the messages that match, newest first, page by page.
//!
//! What a query means is the server's business: its words are sent as they were written.

mod line;

use tiro_client::api::Hit;
use tiro_client::{Error, Search, SearchScope};
use tiro_core::PAGE_LIMIT_MAX;

use crate::cli::SearchArgs;
use crate::exit::{Exit, Failure};
use crate::progress::note;
use crate::{connection, output, terminal};
use line::Layout;

pub(crate) fn run(args: &SearchArgs) -> Result<Exit, Failure> {
    connection::block_on(search(args))
}

async fn search(args: &SearchArgs) -> Result<Exit, Failure> {
    let client = connection::client(&args.server)?;
    let (scope, layout) = (scope(args), Layout::of(args));
    let mut search = Search::of(args.query.join(" "));
    let mut left = if args.all { u64::MAX } else { args.limit };
    let mut ended = Exit::Failed;
    loop {
        let limit = u32::try_from(left).unwrap_or(PAGE_LIMIT_MAX).min(PAGE_LIMIT_MAX);
        search = search.limit(limit);
        let page = client.search(scope, &search).await.map_err(failure)?;
        for hit in &page.data {
            output::line(&shown(args, layout, hit)?)?;
            ended = Exit::Fine;
        }
        left = left.saturating_sub(page.data.len() as u64);
        let Some(next) = page.next else { break };
        if left == 0 {
            note("There may be more: raise --limit, or give --all.");
            break;
        }
        if search.after.as_deref() == Some(&*next) {
            return Err(Failure::failed(
                "the server does not get on: it answers the same place twice",
            ));
        }
        search = search.after(next);
    }
    if ended == Exit::Failed {
        note("Nothing was found.");
    }
    Ok(ended)
}

fn scope(args: &SearchArgs) -> SearchScope<'_> {
    match (&args.application, args.chat) {
        (Some(token), Some(number)) => SearchScope::Chat { token, number },
        (Some(token), None) => SearchScope::Application(token),
        // The command line takes a chat only with its application.
        (None, _) => SearchScope::Everything,
    }
}

fn shown(args: &SearchArgs, layout: Layout, hit: &Hit<'_>) -> Result<String, Failure> {
    if !args.json {
        return Ok(layout.line(hit));
    }
    let json = serde_json::to_string(hit)
        .map_err(|error| Failure::failed(format!("a hit cannot be written as JSON: {error}")))?;
    Ok(terminal::escaped(&json))
}

/// A query that the server refuses is a mistake on the command line.
fn failure(error: Error) -> Failure {
    match error.refusal() {
        Some(refusal) if refusal.status == 422 => Failure::usage(error.to_string()),
        _ => connection::failure(error),
    }
}
