//! What is refused before anything else: heads that are too large, and web pages that reach for a server without a key.
//!
//! A page of any site can make a browser send requests to the local machine, under its own name (DNS rebinding) or
//! from its own origin. A server that needs no key must tell them from programs.

use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, Version, header};
use tiro_api::Code;

use crate::app::App;
use crate::config::Exposure;
use crate::problem::Problem;

/// Lets a request on or not.
///
/// # Errors
/// 431, 400 without exactly one `Host`; on a server that is open to its machine alone 421 and 403.
pub(crate) fn check(app: &App, head: &Parts) -> Result<(), Problem> {
    let bytes_max = app.config.transport.head_bytes_max;
    if head_bytes(head) > bytes_max {
        return Err(Problem::new(
            Code::HeadersTooLarge,
            format!("path and headers have more than {bytes_max} bytes"),
        ));
    }
    let host = host(head)?;
    if app.config.operator_key.is_none() && app.config.exposure == Exposure::LoopbackOnly {
        if !host.is_none_or(is_local) {
            return Err(Problem::plain(Code::MisdirectedRequest));
        }
        check_origin(app, &head.headers, host)?;
    }
    Ok(())
}

fn head_bytes(head: &Parts) -> usize {
    let target = head
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    // Each header costs `: ` and a line's end.
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    target + headers.sum::<usize>()
}

/// The host that the request names; a target in absolute form beats the header (RFC 9112, section 3.2.2).
fn host(head: &Parts) -> Result<Option<&str>, Problem> {
    let malformed = |text| Problem::new(Code::MalformedRequest, text);
    let mut values = head.headers.get_all(header::HOST).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(malformed("the request has two Host headers"));
    }
    if let Some(authority) = head.uri.authority() {
        return Ok(Some(authority.as_str()));
    }
    match value {
        Some(value) => value
            .to_str()
            .map(Some)
            .map_err(|_| malformed("the Host header is not ASCII")),
        None if head.version == Version::HTTP_11 => Err(malformed("the request has no Host header")),
        None => Ok(None),
    }
}

/// Whether `host`, perhaps with a port, is a name of the local machine.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A page may call only the host that it came from, or be named by `--cors-origin`.
fn check_origin(app: &App, headers: &HeaderMap, host: Option<&str>) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let Ok(origin) = origin.to_str() else {
        return Err(Problem::plain(Code::ForeignOrigin));
    };
    let own = origin
        .split_once("://")
        .is_some_and(|(_, authority)| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)));
    if own
        || app
            .config
            .cors_origins
            .iter()
            .any(|allowed| allowed.admits(origin))
    {
        Ok(())
    } else {
        Err(Problem::plain(Code::ForeignOrigin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_local_and_no_others() {
        for local in [
            "localhost",
            "LOCALHOST:3000",
            "127.0.0.1",
            "127.0.0.9:80",
            "[::1]:3000",
            "[::1]",
        ] {
            assert!(is_local(local), "{local}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example:3000",
            "10.0.0.1",
            "[::2]",
            "",
            "127.0.0.1.evil",
        ] {
            assert!(!is_local(foreign), "{foreign}");
        }
    }
}
