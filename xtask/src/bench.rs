//! `cargo xtask bench`: what is promised in ratios, rates, MiB or ms, measured on the real server.
//!
//! Contenders take turns in one run, and medians of ratios are quoted, since this is the only thing that holds on
//! a small and noisy machine. The load comes from this process and shares the processor with the server.

mod compare;
mod http;
mod load;
mod redis;
mod report;
mod requests;
mod rows;
mod server;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use tempfile::TempDir;
use tiro_conformance::generator::Generator;

use crate::root::{cargo, target_folder};
use crate::steps::succeed;
use load::Load;
use requests::Requests;
use rows::Group;
use server::Server;

/// Connections of the rows that send single requests.
const CONNECTIONS: usize = 64;
const DATA_SEED: u64 = 1;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Shorter and fewer rounds: shows that it works, proves nothing
    #[arg(long)]
    quick: bool,
    /// Writes the figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What to measure [default: everything]
    #[arg(value_name = "ROWS")]
    groups: Vec<Group>,
}

/// How long and how often things are measured.
pub(crate) struct Plan {
    rounds: usize,
    /// One contender's part of a round.
    lasts: Duration,
    batches_last: Duration,
    disk_syncs: usize,
    large_chat_messages: usize,
}

impl Plan {
    const FULL: Plan = Plan {
        rounds: 5,
        lasts: Duration::from_secs(6),
        batches_last: Duration::from_secs(60),
        disk_syncs: 5_000,
        large_chat_messages: 1_000_000,
    };
    const QUICK: Plan = Plan {
        rounds: 2,
        lasts: Duration::from_secs(1),
        batches_last: Duration::from_secs(4),
        disk_syncs: 500,
        large_chat_messages: 100_000,
    };

    /// A folder on the disk that holds the builds, since the system's own may be in memory, where a sync is free.
    fn temporary_folder(&self) -> anyhow::Result<TempDir> {
        let parent = target_folder().join("bench");
        fs::create_dir_all(&parent).with_context(|| format!("cannot make {}", parent.display()))?;
        Ok(TempDir::new_in(parent)?)
    }

    /// Answers per second of 64 connections.
    fn rate(&self, server: &Server, requests: &Arc<Requests>, status: u16) -> anyhow::Result<f64> {
        let load = Load {
            server: server.address(),
            requests: Arc::clone(requests),
            connections: CONNECTIONS,
            status,
            lasts: self.lasts,
        };
        Ok(load.run()?.rate)
    }

    /// Messages as people write them, each as the JSON of a create; the same in every run.
    fn messages(&self, count: usize) -> Vec<String> {
        let mut generator = Generator::new(DATA_SEED);
        let message = |_| {
            let said = generator.message();
            serde_json::json!({"sender": said.sender, "body": said.body}).to_string()
        };
        (0..count).map(message).collect()
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    succeed(&mut cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "tiro",
    ]))?;
    let plan = if arguments.quick { Plan::QUICK } else { Plan::FULL };
    let groups = match arguments.groups.as_slice() {
        [] => Group::value_variants(),
        named => named,
    };
    let data = plan.messages(1_000);
    let bytes = data.iter().map(String::len).sum::<usize>() / data.len();
    println!("messages come from the generator (seed {DATA_SEED}), {bytes} bytes of JSON each on average");
    let mut rows = Vec::new();
    for group in groups {
        eprintln!("==> {group:?}");
        rows.extend(group.measure(&plan)?);
    }
    println!("\n{}", report::heading());
    for row in &rows {
        print!("{row}");
    }
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&report::Report::of(rows)?)?;
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
