//! What every HTTP client of Tiro begins with.

use reqwest::{ClientBuilder, Url, redirect};

use crate::{NoCertificates, Trust};

/// Whether requests go through the proxies that the environment names (`HTTP_PROXY` and its like).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxies {
    /// Where it names one.
    OfEnvironment,
    /// Never: the system is part of the installation.
    Unused,
}

/// A client of the server at `url`, to be completed. It follows no redirect, since what it sends is meant for that server
/// alone, and looks at no certificate unless the URL is `https`.
///
/// # Errors
/// Where the server is to be verified and there is nothing to do it by.
pub fn http(url: &Url, trust: &Trust, proxies: Proxies) -> Result<ClientBuilder, NoCertificates> {
    let tls = if url.scheme() == "https" {
        (*trust.client_config()?).clone()
    } else {
        Trust::nobody()
    };
    let builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .tls_backend_preconfigured(tls)
        .tcp_nodelay(true);
    Ok(match proxies {
        Proxies::OfEnvironment => builder,
        Proxies::Unused => builder.no_proxy(),
    })
}
