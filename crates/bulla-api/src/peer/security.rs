//! Who the other end is: TLS 1.3 with certificates of the ledger's own authority on both sides.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bulla_node::TransportError;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{LocalNode, PeerSetupError};

/// How the servers of a ledger make sure of each other.
#[derive(Debug, Clone)]
pub enum PeerSecurity {
    /// Mutual TLS: what a deployment uses.
    Tls(PeerTls),
    /// Plaintext, each end believing what the other says of itself. Only between loopback
    /// addresses: for development and for tests.
    Insecure,
}

/// A node's certificate and key, and the authority that vouches for its peers.
#[derive(Clone)]
pub struct PeerTls {
    me: LocalNode,
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

/// Why certificate, key and authority do not make a node of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum PeerTlsError {
    /// The text is not PEM, or holds something else.
    #[error("{what} cannot be read as PEM")]
    Pem {
        /// Which of the three texts.
        what: &'static str,
        /// What the reader of PEM found.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate was not issued by the authority, or has expired.
    #[error("the certificate was not issued by this ledger's authority, or is not valid today")]
    Certificate(#[source] rustls::Error),
    /// The certificate is that of another node, or of another ledger.
    #[error("the certificate is not that of {0}")]
    OtherNode(LocalNode),
    /// The key does not belong to the certificate, or something else that rustls does not accept.
    #[error("certificate and key cannot be used")]
    Unusable(#[source] rustls::Error),
    /// The authority's certificate cannot serve as one.
    #[error("the authority's certificate cannot be used")]
    Authority(#[source] rustls::server::VerifierBuilderError),
}

impl PeerTls {
    /// Makes a node's TLS out of its certificate, its private key and the authority's certificate,
    /// each as PEM text, and checks that the certificate is that of `me`.
    ///
    /// # Errors
    /// [`PeerTlsError`], when a peer would refuse what was given.
    pub fn from_pem(me: LocalNode, certificate: &str, key: &str, authority: &str) -> Result<PeerTls, PeerTlsError> {
        let pem = |what| move |source| PeerTlsError::Pem { what, source };
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(pem("the certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(pem("the private key"))?;
        let authority =
            CertificateDer::from_pem_slice(authority.as_bytes()).map_err(pem("the authority's certificate"))?;

        let mut authorities = RootCertStore::empty();
        authorities.add(authority).map_err(PeerTlsError::Unusable)?;
        let authorities = Arc::new(authorities);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(authorities.clone(), provider.clone())
            .build()
            .map_err(PeerTlsError::Authority)?;
        check_own_certificate(&verifier, &certificate, me)?;
        let client_verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider.clone())
            .build()
            .map_err(PeerTlsError::Authority)?;

        let mut client = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("ring speaks TLS 1.3")
            .with_webpki_verifier(verifier)
            .with_client_auth_cert(vec![certificate.clone()], key.clone_key())
            .map_err(PeerTlsError::Unusable)?;
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("ring speaks TLS 1.3")
            .with_client_cert_verifier(client_verifier)
            .with_single_cert(vec![certificate], key)
            .map_err(PeerTlsError::Unusable)?;
        // A resumed session would not show the certificates again, and connections are made seldom.
        client.resumption = Resumption::disabled();
        server.send_tls13_tickets = 0;
        Ok(PeerTls { me, client: Arc::new(client), server: Arc::new(server) })
    }

    /// Whose certificate this is.
    pub fn node(&self) -> LocalNode {
        self.me
    }
}

// The configurations hold a private key.
impl fmt::Debug for PeerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerTls").field("me", &self.me).finish_non_exhaustive()
    }
}

/// The DNS name that stands in the certificate of a node: `node-<id>.<ledger>.bulla`.
/// It is never looked up anywhere.
pub fn node_dns_name(node: LocalNode) -> String {
    format!("node-{}.{}.bulla", node.node_id, node.ledger_id.hyphenated())
}

/// A connection to a peer, with or without TLS.
pub(super) type PeerStream = Box<dyn ReadWrite>;

pub(super) trait ReadWrite: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ReadWrite for S {}

/// A connection that a stranger made, and what it proved of itself.
pub(super) struct Accepted {
    pub(super) stream: PeerStream,
    proof: Proof,
}

enum Proof {
    Certificate(CertificateDer<'static>),
    Loopback,
}

impl Accepted {
    /// Whether the stranger may call itself `node`.
    pub(super) fn check_is(&self, node: LocalNode) -> Result<(), String> {
        match &self.proof {
            Proof::Loopback => Ok(()),
            Proof::Certificate(certificate) => {
                let is_named = ParsedCertificate::try_from(certificate)
                    .and_then(|parsed| verify_server_name(&parsed, &server_name(node)));
                is_named.map_err(|_| format!("the other end calls itself {node}, but its certificate does not"))
            }
        }
    }
}

/// A connection that was not secured: why, and the socket on which the other end learns it.
pub(super) struct Unsecured {
    pub(super) why: String,
    pub(super) socket: TcpStream,
}

impl PeerSecurity {
    /// Refuses the certificate of another node than `me`.
    pub(super) fn check_is(&self, me: LocalNode) -> Result<(), PeerSetupError> {
        match self {
            PeerSecurity::Tls(tls) if tls.me != me => {
                Err(PeerSetupError::CertificateOfAnother { me, certified: tls.me })
            }
            _ => Ok(()),
        }
    }

    /// Refuses plaintext at an address that other machines can reach.
    pub(super) fn check_address(&self, address: SocketAddr) -> Result<(), PeerSetupError> {
        match self {
            PeerSecurity::Insecure if !address.ip().is_loopback() => {
                Err(PeerSetupError::PlaintextBeyondLoopback(address))
            }
            _ => Ok(()),
        }
    }

    /// Secures a connection that this end made, and makes sure that the other end is `node`.
    pub(super) async fn secure(&self, socket: TcpStream, node: LocalNode) -> Result<PeerStream, TransportError> {
        match self {
            PeerSecurity::Insecure => Ok(Box::new(socket)),
            PeerSecurity::Tls(tls) => {
                let connector = TlsConnector::from(tls.client.clone());
                match connector.connect(server_name(node), socket).await {
                    Ok(stream) => Ok(Box::new(stream)),
                    Err(error) => Err(refused_or_unreachable(&error)),
                }
            }
        }
    }

    /// Secures a connection that somebody else made.
    pub(super) async fn accept(&self, socket: TcpStream) -> Result<Accepted, Unsecured> {
        match self {
            PeerSecurity::Insecure => accept_loopback(socket),
            PeerSecurity::Tls(tls) => {
                let acceptor = TlsAcceptor::from(tls.server.clone());
                let stream = acceptor
                    .accept(socket)
                    .into_fallible()
                    .await
                    .map_err(|(error, socket)| Unsecured { why: error.to_string(), socket })?;
                let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let certificate = certificates.first().expect("the handshake demands a certificate").clone();
                Ok(Accepted { stream: Box::new(stream), proof: Proof::Certificate(certificate.into_owned()) })
            }
        }
    }
}

/// Tells "the peer does not accept our certificate, or we not its" from "the connection broke".
///
/// Under TLS 1.3 the caller is done before the answerer has looked at its certificate, so the
/// refusal may come with the first read, as an alert.
pub(super) fn refused_or_unreachable(error: &std::io::Error) -> TransportError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(refusal) => TransportError::Refused(format!("TLS: {refusal}")),
        None => TransportError::Unreachable(error.to_string()),
    }
}

fn accept_loopback(socket: TcpStream) -> Result<Accepted, Unsecured> {
    match socket.peer_addr() {
        Ok(address) if address.ip().is_loopback() => Ok(Accepted { stream: Box::new(socket), proof: Proof::Loopback }),
        _ => Err(Unsecured { why: "plaintext from beyond loopback".to_owned(), socket }),
    }
}

fn check_own_certificate(
    verifier: &WebPkiServerVerifier,
    certificate: &CertificateDer<'_>,
    me: LocalNode,
) -> Result<(), PeerTlsError> {
    let verified = verifier.verify_server_cert(certificate, &[], &server_name(me), &[], UnixTime::now());
    match verified {
        Ok(_) => Ok(()),
        Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Err(PeerTlsError::OtherNode(me)),
        Err(error) => Err(PeerTlsError::Certificate(error)),
    }
}

fn server_name(node: LocalNode) -> ServerName<'static> {
    ServerName::try_from(node_dns_name(node)).expect("a node's name has the form of a DNS name")
}
