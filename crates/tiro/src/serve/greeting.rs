//! What a person reads when Tiro has started: where it is, who may reach it, and lines to paste.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::key_file::{KeyFile, Origin};

/// Who may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// There is an operator key.
    Key,
    /// No key, loopback addresses only.
    Loopback,
    /// No key, any address.
    Open,
}

/// The text, by `Display`. The addresses are on lines of their own, so that programs find them.
pub(super) struct Greeting {
    pub(super) addresses: Vec<SocketAddr>,
    /// Where what it serves is stored, for people.
    pub(super) data: String,
    pub(super) access: Access,
    /// The file that the operator key comes from; a key that was made just now is shown.
    pub(super) key_file: Option<KeyFile>,
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Tiro {} is ready.", env!("CARGO_PKG_VERSION"))?;
        for address in &self.addresses {
            writeln!(f, "  listening on  http://{address}")?;
        }
        writeln!(f, "  data in       {}", self.data)?;
        writeln!(f, "  open to       {}", self.access)?;
        self.operator_key(f)?;
        writeln!(f)?;
        self.lines_to_paste(f)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Key => "holders of the operator key, and of an application's token for that application",
            Access::Loopback => "everyone on this machine, and nobody else (no operator key is set)",
            Access::Open => "EVERYONE who reaches these addresses, without a key (--open)",
        })
    }
}

impl Greeting {
    fn operator_key(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(KeyFile { path, key, origin }) = &self.key_file else {
            return Ok(());
        };
        let path = path.display();
        match origin {
            Origin::Found => writeln!(f, "  operator key  in {path}"),
            Origin::Made => {
                writeln!(f, "  operator key  made now, kept in {path}, not shown again:")?;
                writeln!(f, "                TIRO_OPERATOR_KEY={key}")
            }
        }
    }

    fn lines_to_paste(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(address) = self.addresses.first() else {
            return Ok(());
        };
        let server = reachable(*address);
        let (note, key) = match self.access {
            Access::Key => (
                " (with your operator key in TIRO_OPERATOR_KEY)",
                " -H \"Authorization: Bearer $TIRO_OPERATOR_KEY\"",
            ),
            Access::Loopback | Access::Open => ("", ""),
        };
        let json = "-H 'Content-Type: application/json'";
        writeln!(f, "Paste these to try it{note}:")?;
        writeln!(
            f,
            "  TOKEN=$(curl -sS '{server}/v1/applications'{key} {json} -d '{{\"name\":\"first\"}}' | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')"
        )?;
        let chats = format!("\"{server}/v1/applications/$TOKEN/chats");
        writeln!(
            f,
            "  curl -sS {chats}\" {json} -d '{{\"title\":\"hello\"}}'; echo"
        )?;
        writeln!(
            f,
            "  curl -sS {chats}/1/messages\" {json} -d '{{\"sender\":\"cicero\",\"body\":\"salve\"}}'; echo"
        )?;
        writeln!(f, "  curl -sS {chats}/1/messages\"; echo")?;
        writeln!(f)?;
        writeln!(f, "Documentation: {server}/docs   Stop: Ctrl-C")
    }
}

/// The address that reaches a listener from this machine: one that listens everywhere is reached by loopback.
fn reachable(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(address: &str, access: Access) -> String {
        let greeting = Greeting {
            addresses: vec![address.parse().unwrap()],
            data: "/var/lib/tiro".to_owned(),
            access,
            key_file: None,
        };
        greeting.to_string()
    }

    #[test]
    fn a_person_is_told_where_it_is_and_who_may_reach_it() {
        let text = greeting("127.0.0.1:3000", Access::Loopback);
        assert!(text.contains("listening on  http://127.0.0.1:3000\n"), "{text}");
        assert!(text.contains("/var/lib/tiro"), "{text}");
        assert!(text.contains("everyone on this machine"), "{text}");
        assert!(!text.contains("Authorization"), "{text}");
        assert!(greeting("127.0.0.1:3000", Access::Open).contains("EVERYONE"));
    }

    #[test]
    fn the_operator_key_is_a_variable_and_only_where_it_is_needed() {
        let text = greeting("127.0.0.1:3000", Access::Key);
        assert_eq!(text.matches("Bearer $TIRO_OPERATOR_KEY").count(), 1, "{text}");
    }

    #[test]
    fn a_listener_on_every_address_is_pasted_as_loopback() {
        let text = greeting("0.0.0.0:80", Access::Key);
        assert!(text.contains("listening on  http://0.0.0.0:80\n"), "{text}");
        assert!(text.contains("'http://127.0.0.1:80/v1/applications'"), "{text}");
        assert!(greeting("[::]:80", Access::Key).contains("'http://[::1]:80/v1/applications'"));
    }
}
