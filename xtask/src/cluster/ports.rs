//! Ports on loopback, chosen once for the life of a folder.
//!
//! They lie below the range that the system takes the near ends of connections from: a client that tries again and
//! again to reach a server that was killed would sooner or later be given the server's own port, connect to itself
//! and keep the server from starting.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// Below are the ports of well-known services.
const LOWEST: u16 = 10_000;
/// With fewer than these to choose from, the system chooses.
const CHOICE_MIN: u16 = 1_000;
const ATTEMPTS_MAX: usize = 1_000;
/// "lowest highest" of the ports that the system gives to connections; ip(7).
const SYSTEM_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// Every port of a cluster.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) mysql: u16,
    pub(crate) rabbitmq: u16,
    /// Erlang's own connections, between a broker and its tools.
    pub(crate) rabbitmq_distribution: u16,
    /// Erlang's list of nodes: a private one, so that no other broker's is stopped with it.
    pub(crate) epmd: u16,
    pub(crate) redis: u16,
    pub(crate) opensearch: u16,
    pub(crate) opensearch_transport: u16,
}

impl Ports {
    /// Chooses ports that nobody listens on now.
    pub(crate) fn choose() -> anyhow::Result<Ports> {
        let range =
            fs::read_to_string(SYSTEM_RANGE).with_context(|| format!("cannot read {SYSTEM_RANGE}"))?;
        let lowest_of_system = range
            .split_whitespace()
            .next()
            .context("ip_local_port_range is empty")?;
        let mut free = Free {
            below: lowest_of_system.parse()?,
            held: Vec::new(),
        };
        Ok(Ports {
            mysql: free.take()?,
            rabbitmq: free.take()?,
            rabbitmq_distribution: free.take()?,
            epmd: free.take()?,
            redis: free.take()?,
            opensearch: free.take()?,
            opensearch_transport: free.take()?,
        })
    }
}

/// Free ports; each is held until all are chosen, so that none is chosen twice.
struct Free {
    below: u16,
    held: Vec<TcpListener>,
}

impl Free {
    fn take(&mut self) -> anyhow::Result<u16> {
        for _ in 0..ATTEMPTS_MAX {
            let port = if self.below > LOWEST + CHOICE_MIN {
                fastrand::u16(LOWEST..self.below)
            } else {
                0
            };
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                let port = listener.local_addr()?.port();
                self.held.push(listener);
                return Ok(port);
            }
        }
        bail!("no free port on 127.0.0.1 after {ATTEMPTS_MAX} attempts")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ports_are_distinct_and_below_those_of_connections() {
        let mut free = Free {
            below: LOWEST + CHOICE_MIN + 1,
            held: Vec::new(),
        };
        let ports: BTreeSet<u16> = (0..50).map(|_| free.take().unwrap()).collect();
        assert_eq!(ports.len(), 50);
        assert!(
            ports
                .iter()
                .all(|port| (LOWEST..=LOWEST + CHOICE_MIN).contains(port)),
            "{ports:?}"
        );
    }

    #[test]
    fn the_system_chooses_where_it_takes_nearly_all_ports_itself() {
        let mut free = Free {
            below: 1_024,
            held: Vec::new(),
        };
        assert!(free.take().unwrap() > 0);
    }
}
