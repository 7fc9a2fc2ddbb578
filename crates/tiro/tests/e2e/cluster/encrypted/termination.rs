//! TLS in front of a server that has none.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::authority::Authority;

/// Ends with all its connections when dropped.
pub(super) struct Termination {
    pub(super) port: u16,
    runtime: Option<Runtime>,
}

impl Termination {
    /// Shows a certificate for `host`, and passes what is said to `server`.
    pub(super) fn start(authority: &Authority, host: &str, server: &str) -> Termination {
        let certified = authority.certify(host);
        let chain = vec![CertificateDer::from_pem_slice(certified.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(accept(
            listener,
            TlsAcceptor::from(Arc::new(config)),
            server.to_owned(),
        ));
        Termination {
            port,
            runtime: Some(runtime),
        }
    }
}

impl Drop for Termination {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, server: String) {
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, server) = (acceptor.clone(), server.clone());
        tokio::spawn(async move {
            // Whoever does not trust it goes away here.
            let Ok(mut client) = acceptor.accept(client).await else {
                return;
            };
            let Ok(mut server) = TcpStream::connect(&server).await else {
                return;
            };
            // Either side may go away at any time, in the middle of a word too.
            drop(copy_bidirectional(&mut client, &mut server).await);
        });
    }
}
