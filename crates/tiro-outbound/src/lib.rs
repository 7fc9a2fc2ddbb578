//! How Tiro reaches other systems: HTTP clients, whose certificates are trusted, and why a connection failed.
//!
//! The one place that knows a TLS library's settings. Nothing here needs a certificate where nothing is encrypted.

mod causes;
mod http;
mod trust;

pub use causes::causes;
pub use http::{Proxies, http};
pub use rustls::ClientConfig;
pub use trust::{CaError, NoCertificates, Trust};
