//! A CA that is made on the spot.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Signs certificates. Its own are known to whoever has [`Authority::pem`].
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key, both as PEM.
pub(super) struct Certified {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Authority {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = parameters.self_signed(&key).unwrap().pem();
        Authority {
            issuer: Issuer::new(parameters, key),
            pem,
        }
    }

    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// For the host of this name alone.
    pub(super) fn certify(&self, host: &str) -> Certified {
        let mut parameters = CertificateParams::new([host.to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, host);
        let key = KeyPair::generate().unwrap();
        Certified {
            certificate: parameters.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}
