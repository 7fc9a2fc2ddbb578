//! `tiro dead`: what workers gave up, to be looked at, given back or removed.

use serde::Serialize;
use tiro_cluster::Member;
use tiro_cluster::rabbitmq::dead::{DeadLetter, DeadLetters, Which};

use crate::cli::{ClusterArgs, DeadArgs, DeadCommand, WhichLetters};
use crate::exit::{Exit, Failure};
use crate::progress::note;
use crate::{cluster, output, terminal};

/// What `--json` prints of each.
#[derive(Serialize)]
struct Written<'a> {
    id: &'a str,
    queue: &'a str,
    tries: u32,
    reason: &'a str,
    body: &'a str,
}

pub(crate) fn run(args: &DeadArgs) -> Result<Exit, Failure> {
    match &args.command {
        DeadCommand::List {
            cluster,
            limit,
            printing,
        } => with_letters(cluster, async |_, letters| {
            let found = letters.list(usize::from(*limit)).await.map_err(failed(cluster))?;
            for letter in &found {
                if printing.json {
                    output::json(&written(letter))?;
                } else {
                    output::line(&line(letter))?;
                }
            }
            if found.is_empty() {
                note("There are no dead letters.");
            }
            Ok(Exit::Fine)
        }),
        DeadCommand::Show {
            cluster,
            id,
            printing,
        } => with_letters(cluster, async |_, letters| {
            match letters.show(id).await.map_err(failed(cluster))? {
                Some(letter) if printing.json => output::json(&written(&letter))?,
                Some(letter) => output::line(&in_full(&letter))?,
                None => return none_of(id),
            }
            Ok(Exit::Fine)
        }),
        DeadCommand::Replay { cluster, which } => with_letters(cluster, async |member, letters| {
            let publisher = member.publisher();
            let replayed = letters.replay(chosen(which), &publisher).await;
            told(which, "given back", replayed.map_err(failed(cluster))?)
        }),
        DeadCommand::Drop { cluster, which } => with_letters(cluster, async |_, letters| {
            let dropped = letters.drop(chosen(which)).await;
            told(which, "removed", dropped.map_err(failed(cluster))?)
        }),
    }
}

fn with_letters(
    args: &ClusterArgs,
    act: impl AsyncFnOnce(&Member, &DeadLetters) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let config = cluster::config(&args.cluster)?;
    cluster::block_on(async {
        let member = Member::join(&config).await.map_err(failed(args))?;
        let letters = member.dead_letters().await.map_err(failed(args))?;
        let ended = act(&member, &letters).await;
        letters.close().await.map_err(failed(args))?;
        ended
    })
}

fn failed<E: std::fmt::Display>(args: &ClusterArgs) -> impl Fn(E) -> Failure {
    move |error| cluster::failure(&error, &args.cluster)
}

fn chosen(which: &WhichLetters) -> Which<'_> {
    which.id.as_deref().map_or(Which::All, Which::Id)
}

fn told(which: &WhichLetters, done: &str, count: usize) -> Result<Exit, Failure> {
    match &which.id {
        Some(id) if count == 0 => none_of(id),
        _ => {
            output::line(&format!("{count} {done}"))?;
            Ok(Exit::Fine)
        }
    }
}

fn none_of(id: &str) -> Result<Exit, Failure> {
    Err(Failure::failed(format!(
        "there is no dead letter {id}: `tiro dead list` shows those that there are"
    )))
}

fn line(letter: &DeadLetter) -> String {
    let reason: String = letter.reason.chars().map(terminal::visible).collect();
    format!(
        "{}  {}  {} tries  {reason}",
        letter.id, letter.queue, letter.tries
    )
}

fn in_full(letter: &DeadLetter) -> String {
    let visible = |text: &str| text.chars().map(terminal::visible).collect::<String>();
    format!(
        "id      {}\nqueue   {}\ntries   {}\nreason  {}\nbody    {}",
        letter.id,
        letter.queue,
        letter.tries,
        visible(&letter.reason),
        visible(&letter.body)
    )
}

fn written(letter: &DeadLetter) -> Written<'_> {
    Written {
        id: &letter.id,
        queue: &letter.queue,
        tries: letter.tries,
        reason: &letter.reason,
        body: &letter.body,
    }
}
