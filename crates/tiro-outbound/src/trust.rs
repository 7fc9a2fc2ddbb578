//! Whose certificates are trusted: the system's, and those of a file that an operator named.
//!
//! The file is read once. The system's are read when a connection is encrypted for the first time: it costs milliseconds, and
//! a system may have none.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Whose certificates are trusted. Clones share what was read.
#[derive(Clone, Default)]
pub struct Trust {
    own: Option<Arc<Own>>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

/// What a file holds.
struct Own {
    pem: Vec<u8>,
    certificates: Vec<CertificateDer<'static>>,
}

/// Why a file of certificates is not usable.
#[derive(Debug)]
pub enum CaError {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It holds no `-----BEGIN CERTIFICATE-----`.
    Empty,
    /// A certificate of it is none.
    Malformed(String),
}

impl fmt::Display for CaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaError::Unreadable(error) => write!(f, "cannot be read: {error}"),
            CaError::Empty => f.write_str("holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`)"),
            CaError::Malformed(text) => write!(f, "holds a certificate that is none: {text}"),
        }
    }
}

impl std::error::Error for CaError {}

/// A server is to be verified, and nobody is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCertificates;

impl fmt::Display for NoCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the system has no CA certificates to verify the server by: install them (package `ca-certificates`), or name a \
             file in the variable SSL_CERT_FILE",
        )
    }
}

impl std::error::Error for NoCertificates {}

impl Trust {
    /// The system's certificates (or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`).
    #[must_use]
    pub fn system() -> Trust {
        Trust::default()
    }

    /// Those, and the ones of a file of PEM.
    ///
    /// # Errors
    /// Why the file is not usable.
    pub fn with_file(file: &Path) -> Result<Trust, CaError> {
        let pem = std::fs::read(file).map_err(CaError::Unreadable)?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|error| CaError::Malformed(error.to_string()))?;
        if certificates.is_empty() {
            return Err(CaError::Empty);
        }
        add(&mut RootCertStore::empty(), &certificates)?;
        Ok(Trust {
            own: Some(Arc::new(Own { pem, certificates })),
            config: Arc::default(),
        })
    }

    /// The file as it was read; `None` without one.
    #[must_use]
    pub fn own_pem(&self) -> Option<&[u8]> {
        self.own.as_ref().map(|own| own.pem.as_slice())
    }

    /// The settings of connections that verify who answers.
    ///
    /// # Errors
    /// Where nobody is trusted.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, NoCertificates> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(system_certificates());
        if let Some(own) = &self.own {
            roots.add_parsable_certificates(own.certificates.iter().cloned());
        }
        if roots.is_empty() {
            return Err(NoCertificates);
        }
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(trusting(roots)))))
    }

    /// All certificates as PEM, for a library that wants them so.
    ///
    /// # Errors
    /// Where nobody is trusted.
    pub fn pem(&self) -> Result<Vec<u8>, NoCertificates> {
        self.client_config()?;
        let mut pem = String::new();
        for certificate in system_certificates() {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            pem.push_str(&STANDARD.encode(&certificate));
            pem.push_str("\n-----END CERTIFICATE-----\n");
        }
        Ok([pem.as_bytes(), self.own_pem().unwrap_or_default()].concat())
    }

    /// For connections without encryption, whose library wants settings nevertheless.
    pub(crate) fn nobody() -> ClientConfig {
        trusting(RootCertStore::empty())
    }
}

/// Those that can be read; one that cannot is not trusted.
fn system_certificates() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

fn add(roots: &mut RootCertStore, certificates: &[CertificateDer<'static>]) -> Result<(), CaError> {
    for certificate in certificates {
        let added = roots.add(certificate.clone());
        added.map_err(|error| CaError::Malformed(error.to_string()))?;
    }
    Ok(())
}

fn trusting(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has all suites of these versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// The one TLS provider of the process, which libraries find by themselves from then on.
fn provider() -> Arc<CryptoProvider> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Arc::clone(installed);
    }
    let provider = ring::default_provider();
    // Another thread may be first; then its provider is the same one.
    match provider.clone().install_default() {
        Ok(()) => Arc::new(provider),
        Err(installed) => installed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("it is written");
        file
    }

    #[test]
    fn a_file_that_is_not_usable_says_why() {
        let missing = Trust::with_file(Path::new("/no/such/ca.pem")).err();
        assert!(matches!(missing, Some(CaError::Unreadable(_))), "{missing:?}");
        let empty = Trust::with_file(file("no certificate\n").path()).err();
        assert!(matches!(empty, Some(CaError::Empty)), "{empty:?}");
        let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let malformed = Trust::with_file(file(text).path()).err();
        assert!(matches!(malformed, Some(CaError::Malformed(_))), "{malformed:?}");
    }

    #[test]
    fn what_is_not_encrypted_needs_no_certificate() {
        let url = "http://127.0.0.1:1".parse().expect("a URL");
        let client = crate::http(&url, &Trust::system(), crate::Proxies::Unused);
        client
            .expect("no certificate is looked at")
            .build()
            .expect("a client");
    }
}
