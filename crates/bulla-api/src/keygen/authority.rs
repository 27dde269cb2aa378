//! The authority of one ledger: certifies who its nodes are, and nothing else.

use bulla_node::NodeId;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use uuid::Uuid;

use crate::peer::{LocalNode, node_dns_name};

/// A ledger's certificate authority, new.
pub(super) struct Authority {
    ledger_id: Uuid,
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// A certificate and its private key, both PEM.
pub(super) struct Certified {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new(ledger_id: Uuid) -> Result<Authority, rcgen::Error> {
        let mut params = named(format!("bulla ledger {ledger_id}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Authority { ledger_id, issuer: Issuer::new(params, key), certificate })
    }

    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    pub(super) fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A new key, certified to be that of the node for both ends of a connection.
    pub(super) fn certify(&self, node_id: NodeId) -> Result<Certified, rcgen::Error> {
        let name = node_dns_name(LocalNode { ledger_id: self.ledger_id, node_id });
        let mut params = named(name.clone());
        params.subject_alt_names = CertificateParams::new([name])?.subject_alt_names;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Certified { certificate, key: key.serialize_pem() })
    }
}

/// Parameters of a certificate valid from 1975 to 4096.
fn named(common_name: String) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
