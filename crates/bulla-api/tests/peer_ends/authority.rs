//! A certificate authority for tests, and what it takes to talk TLS by hand.

use std::net::SocketAddr;
use std::sync::Arc;

use bulla_api::peer::{LocalNode, PeerSecurity, PeerTls, node_dns_name};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Raw, Server, echo, node};

/// A certificate authority, independent of the one in the crate.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub certificate: String,
}

pub struct Certified {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), certificate }
    }

    pub fn certify(&self, node: LocalNode) -> Certified {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([node_dns_name(node)]).unwrap();
        Certified { certificate: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }

    /// What `node` of a ledger with this authority talks with.
    pub fn security(&self, node: LocalNode) -> PeerSecurity {
        let Certified { certificate, key } = self.certify(node);
        PeerSecurity::Tls(PeerTls::from_pem(node, &certificate, &key, &self.certificate).unwrap())
    }

    /// Node 1, with the peers 2 and 3.
    pub async fn server(&self) -> Server {
        let free = "127.0.0.1:0".parse().unwrap();
        Server::start_as(node(1), free, echo(), self.security(node(1))).await
    }

    /// A TLS connection made by hand, with a certificate or without.
    pub async fn connect(
        &self,
        address: SocketAddr,
        certified: Option<Certified>,
    ) -> Raw<impl AsyncRead + AsyncWrite + Unpin> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots);
        let client = match certified {
            None => client.with_no_client_auth(),
            Some(Certified { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                client.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
            }
        };
        let name = ServerName::try_from(node_dns_name(node(1))).unwrap();
        let socket = TcpStream::connect(address).await.unwrap();
        Raw(TlsConnector::from(Arc::new(client)).connect(name, socket).await.unwrap())
    }
}
