//! `cargo xtask bench`: what is promised in ratios, rates, MiB or ms, measured on the real server.
//!
//! Contenders take turns in one run, and medians of ratios are quoted, since this is the only thing that holds on
//! a small and noisy machine. The load comes from this process and shares the processor with the server.

mod api;
mod cluster;
mod compare;
mod http;
mod load;
mod machine;
mod markdown;
mod paced;
mod pages;
mod process;
mod redis;
mod report;
mod requests;
mod rows;
mod series;
mod server;
mod talk;
mod texts;

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use tempfile::TempDir;

use crate::root::{cargo, target_folder};
use crate::steps::succeed;
use cluster::Systems;
use load::Load;
use machine::Machine;
use report::{GroupReport, Report};
use requests::Requests;
use rows::Group;
pub(crate) use server::Server;
use texts::Texts;

/// Connections of the rows that send single requests.
const CONNECTIONS: usize = 64;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Shorter and fewer rounds: shows that it works, proves nothing
    #[arg(long)]
    quick: bool,
    /// Writes the figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Puts the tables between their marks in this document
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// The rows of the cluster engine, on MariaDB, RabbitMQ, Redis and OpenSearch
    #[arg(long, conflicts_with = "groups")]
    cluster: bool,
    /// What to measure [default: everything on one machine, without the cluster]
    #[arg(value_name = "ROWS")]
    groups: Vec<Group>,
}

impl Arguments {
    fn groups(&self) -> Vec<Group> {
        if !self.groups.is_empty() {
            return self.groups.clone();
        }
        let all = Group::value_variants().iter().copied();
        all.filter(|group| group.is_of_cluster() == self.cluster)
            .collect()
    }
}

/// How long and how often things are measured.
pub(crate) struct Plan {
    rounds: usize,
    /// One contender's part of a round.
    lasts: Duration,
    batches_last: Duration,
    /// The spans in which the rate of batches is looked at.
    span: Duration,
    disk_syncs: usize,
    large_chat_messages: usize,
    /// Batches of one contender's part of a round, where they are counted.
    series_batches: usize,
    /// Messages that give the view something to merge.
    fill_messages: usize,
    /// Messages of the smaller folder; the larger has ten times as many.
    scale_messages: usize,
    /// Lines of the chats that are searched, and how often they are told in each folder; the second one is looked at
    /// closely.
    search_lines_max: usize,
    search_copies: &'static [usize],
    /// Queries of a class.
    search_queries: usize,
    /// Messages of the feed that is paged through.
    feed_messages: usize,
    idle_streams: usize,
    /// How long every write is searched for.
    misses_last: Duration,
    /// One contender's part of a round of the cluster.
    cluster_lasts: Duration,
    /// Messages that wait to be indexed.
    cluster_backlog_messages: usize,
    texts: Texts,
    /// Brought up when a row needs them.
    systems: OnceCell<Systems>,
}

impl Plan {
    fn full(texts: Texts) -> Plan {
        Plan {
            rounds: 5,
            lasts: Duration::from_secs(6),
            batches_last: Duration::from_secs(60),
            span: Duration::from_secs(5),
            disk_syncs: 5_000,
            large_chat_messages: 1_000_000,
            series_batches: 10_000,
            fill_messages: 1_000_000,
            scale_messages: 1_000_000,
            search_lines_max: 200_000,
            search_copies: &[1, 10, 50],
            search_queries: 300,
            feed_messages: 2_000_000,
            idle_streams: 10_000,
            misses_last: Duration::from_secs(10),
            cluster_lasts: Duration::from_secs(4),
            cluster_backlog_messages: 200_000,
            texts,
            systems: OnceCell::new(),
        }
    }

    fn quick(texts: Texts) -> Plan {
        Plan {
            rounds: 2,
            lasts: Duration::from_secs(1),
            batches_last: Duration::from_secs(10),
            span: Duration::from_secs(1),
            disk_syncs: 500,
            large_chat_messages: 100_000,
            series_batches: 1_000,
            fill_messages: 200_000,
            scale_messages: 200_000,
            search_lines_max: 20_000,
            search_copies: &[1, 10],
            search_queries: 200,
            feed_messages: 200_000,
            idle_streams: 1_000,
            misses_last: Duration::from_secs(3),
            cluster_lasts: Duration::from_millis(1_500),
            cluster_backlog_messages: 20_000,
            texts,
            systems: OnceCell::new(),
        }
    }

    /// A folder on the disk that holds the builds, since the system's own may be in memory, where a sync is free.
    fn temporary_folder(&self) -> anyhow::Result<TempDir> {
        let parent = target_folder().join("bench");
        fs::create_dir_all(&parent).with_context(|| format!("cannot make {}", parent.display()))?;
        Ok(TempDir::new_in(parent)?)
    }

    /// Answers per second of 64 connections.
    fn rate(&self, server: &Server, requests: &Arc<Requests>, status: u16) -> anyhow::Result<f64> {
        let load = Load {
            servers: vec![server.address()],
            requests: Arc::clone(requests),
            connections: CONNECTIONS,
            status,
            lasts: self.lasts,
        };
        Ok(load.run()?.rate)
    }

    /// The systems of a cluster, the same for all rows.
    fn systems(&self) -> anyhow::Result<&Systems> {
        if let Some(systems) = self.systems.get() {
            return Ok(systems);
        }
        let systems = Systems::bring_up()?;
        Ok(self.systems.get_or_init(|| systems))
    }

    /// Messages as people write them, each as the JSON of a create; the same in every run.
    fn messages(&self, count: usize) -> Vec<String> {
        self.texts.creates(count)
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let groups = arguments.groups();
    let names: Vec<String> = groups.iter().map(|group| group.name()).collect();
    if let Some(file) = &arguments.markdown {
        markdown::check(file, &names)?;
    }
    succeed(&mut cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "tiro",
    ]))?;
    let report = measure(&groups, arguments)?;
    print!("\n{report}");
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&report)?;
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let Some(file) = &arguments.markdown {
        markdown::write(file, &report)?;
    }
    Ok(())
}

fn measure(groups: &[Group], arguments: &Arguments) -> anyhow::Result<Report> {
    let texts = Texts::at_hand()?;
    let mut report = Report {
        tiro: env!("CARGO_PKG_VERSION"),
        machine: Machine::here()?,
        quick: arguments.quick,
        texts: texts.to_string(),
        groups: Vec::new(),
    };
    let plan = if arguments.quick {
        Plan::quick(texts)
    } else {
        Plan::full(texts)
    };
    for group in groups {
        eprintln!("==> {}", group.name());
        report.groups.push(GroupReport {
            group: group.name(),
            rows: group.measure(&plan)?,
        });
    }
    Ok(report)
}
