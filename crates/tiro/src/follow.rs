//! `tiro follow`: prints the entries of a feed as they come, until a signal or the end of the application.

mod line;

use tiro_client::api::Entry;
use tiro_client::{Error, Feed, Follower};

use crate::cli::FollowArgs;
use crate::exit::{Exit, Failure};
use crate::progress::note;
use crate::signals::Signals;
use crate::{connection, output, terminal};

pub(crate) fn run(args: &FollowArgs) -> Result<Exit, Failure> {
    connection::block_on(async {
        let mut signals = Signals::listen()?;
        let feed = Feed {
            after: args.after.clone(),
            chats: args.chat.clone(),
            types: args.types.clone(),
        };
        let mut follower = connection::client(&args.server)?.follow(&args.token, feed);
        let ended = tokio::select! {
            ended = print(args, &mut follower) => ended,
            _ = signals.next() => Ok(Exit::Fine),
        };
        if let Some(cursor) = follower.cursor().filter(|_| !follower.has_ended()) {
            note(&format!("Go on with --after {cursor}"));
        }
        ended
    })
}

async fn print(args: &FollowArgs, follower: &mut Follower) -> Result<Exit, Failure> {
    while let Some(entry) = follower.next().await.map_err(failure)? {
        output::line(&shown(args, &entry)?)?;
    }
    note("The application was deleted.");
    Ok(Exit::Fine)
}

fn shown(args: &FollowArgs, entry: &Entry<'_>) -> Result<String, Failure> {
    if !args.json {
        return Ok(line::of(entry));
    }
    let json = serde_json::to_string(entry)
        .map_err(|error| Failure::failed(format!("an entry cannot be written as JSON: {error}")))?;
    Ok(terminal::escaped(&json))
}

/// A cursor that is none is a mistake on the command line.
fn failure(error: Error) -> Failure {
    match error.refusal() {
        Some(refusal) if refusal.status == 422 => Failure::usage(error.to_string()),
        _ => connection::failure(error),
    }
}
