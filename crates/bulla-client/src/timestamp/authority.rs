//! Who signed a timestamp: CMS SignedData (RFC 5652) held against the certificates of an authority.

use der::{Tag, TagNumber};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use sha2::{Digest, Sha256, Sha384, Sha512};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring};

use super::elements::{Elements, Malformed, context};
use super::reply::SHA256;

/// The certificates from which those of an authority's signers must descend.
#[derive(Debug, Clone)]
pub struct TimestampAuthority(Vec<TrustAnchor<'static>>);

/// Why a timestamp is not believed to be of an authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The text has no certificate in PEM, or one that cannot be read.
    #[error("this is no certificate in PEM (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// The signer's certificate is not in the reply, although the query asked for it.
    #[error("the timestamp comes without the certificate of its signer")]
    WithoutCertificate,
    /// None of the certificates in it descends from the authority's for timestamps, at the time that is stated.
    #[error("the timestamp comes with no certificate for timestamps of this authority that was valid then")]
    Untrusted(#[source] webpki::Error),
    /// What is signed is not the content.
    #[error("the timestamp was changed after it was signed")]
    OtherContent,
    /// No certified key made the signature.
    #[error("the signature of the timestamp is not of the authority's signer, or of a kind that is not known here")]
    BadSignature,
}

impl TimestampAuthority {
    /// The authority with these certificates, in PEM: its root, an intermediate one, or its signer's own.
    ///
    /// # Errors
    /// [`AuthorityError::NoCertificate`].
    pub fn from_pem(text: &[u8]) -> Result<TimestampAuthority, AuthorityError> {
        let certificates = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|_| AuthorityError::NoCertificate)?;
        let anchor = |one| anchor_from_trusted_cert(one).map(|anchor| anchor.to_owned());
        let anchors = certificates.iter().map(anchor).collect::<Result<Vec<_>, _>>();
        match anchors {
            Ok(anchors) if !anchors.is_empty() => Ok(TimestampAuthority(anchors)),
            _ => Err(AuthorityError::NoCertificate),
        }
    }

    pub(super) fn verify(&self, signed: &Signed, time_s: u64) -> Result<(), AuthorityError> {
        let certificates: Vec<_> = signed.certificates.iter().map(|one| CertificateDer::from(one.as_slice())).collect();
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(time_s));
        // Which of them is the signer's, its name and number would say. The signature says it better.
        let (mut untrusted, mut unsigned) = (None, None);
        for certificate in &certificates {
            let certified = EndEntityCert::try_from(certificate).and_then(|one| {
                let usage = KeyUsage::required(TIME_STAMPING);
                let known = webpki::ALL_VERIFICATION_ALGS;
                one.verify_for_usage(known, &self.0, &certificates, time, usage, None, None)?;
                Ok(one)
            });
            match certified.map(|signer| signed.verify(&signer)) {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => unsigned = Some(error),
                // Those above the signer are no signers; what is wrong with the signer itself is worth telling.
                Err(webpki::Error::CaUsedAsEndEntity) if untrusted.is_some() => {}
                Err(error) => untrusted = Some(AuthorityError::Untrusted(error)),
            }
        }
        Err(unsigned.or(untrusted).unwrap_or(AuthorityError::WithoutCertificate))
    }
}

/// A SignedData with one signer over a TSTInfo, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    content: Vec<u8>,
    certificates: Vec<Vec<u8>>,
    /// Of the content, and of the attributes.
    digest: Hash,
    /// What the attributes say that the content hashes to.
    content_digest: Vec<u8>,
    /// The attributes, as they are signed.
    attributes: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Signed {
    /// Reads a ContentInfo.
    pub(super) fn parse(bytes: &[u8]) -> Result<Signed, Malformed> {
        let mut outer = Elements::of(bytes)?;
        let mut info = outer.sequence()?;
        info.expect_oid(SIGNED_DATA)?;
        let mut data = Elements::of(info.inside(context(TagNumber::N0))?)?.sequence()?;
        data.small_integer()?;
        data.inside(Tag::Set)?; // The digests, which the signer repeats.
        let mut content_info = data.sequence()?;
        content_info.expect_oid(TST_INFO)?;
        let content = Elements::of(content_info.inside(context(TagNumber::N0))?)?.inside(Tag::OctetString)?;
        let mut certificates = Vec::new();
        if let Some(inside) = data.inside_optional(context(TagNumber::N0))? {
            let mut all = Elements::of(inside)?;
            while !all.is_end() {
                certificates.push(all.whole()?.to_vec());
            }
        }
        data.inside_optional(context(TagNumber::N1))?; // Lists of what was revoked.
        let mut signers = Elements::of(data.inside(Tag::Set)?)?;
        let signer = Signer::parse(signers.sequence()?)?;
        // RFC 3161: the authority's signature, and no other.
        signers.end()?;
        let Signer { digest, content_digest, attributes, signature } = signer;
        Ok(Signed { content: content.to_vec(), certificates, digest, content_digest, attributes, signature })
    }

    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    fn verify(&self, signer: &EndEntityCert<'_>) -> Result<(), AuthorityError> {
        if self.digest.of(&self.content) != self.content_digest {
            return Err(AuthorityError::OtherContent);
        }
        let signed = |kind: &&dyn SignatureVerificationAlgorithm| {
            signer.verify_signature(*kind, &self.attributes, &self.signature).is_ok()
        };
        if self.digest.signatures().iter().any(signed) { Ok(()) } else { Err(AuthorityError::BadSignature) }
    }
}

struct Signer {
    digest: Hash,
    content_digest: Vec<u8>,
    attributes: Vec<u8>,
    signature: Vec<u8>,
}

impl Signer {
    fn parse(mut signer: Elements<'_>) -> Result<Signer, Malformed> {
        signer.small_integer()?;
        signer.whole()?; // Whose it is.
        let digest = Hash::of_oid(signer.sequence()?.inside(Tag::ObjectIdentifier)?)?;
        let mut attributes = signer.whole()?.to_vec();
        // They travel as [0] and are signed as the SET that they are.
        if std::mem::replace(attributes.first_mut().ok_or(Malformed)?, SET_BYTE) != CONTEXT_0_BYTE {
            return Err(Malformed);
        }
        signer.sequence()?; // The kind of signature: the key and the digest leave one.
        let signature = signer.inside(Tag::OctetString)?.to_vec();
        let content_digest = content_digest(&attributes)?;
        Ok(Signer { digest, content_digest, attributes, signature })
    }
}

/// The digest of the content that the attributes name, which must also say that the content is a TSTInfo.
fn content_digest(attributes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut all = Elements::of(Elements::of(attributes)?.inside(Tag::Set)?)?;
    let (mut is_tst_info, mut digest) = (false, None);
    while !all.is_end() {
        let mut attribute = all.sequence()?;
        let kind = attribute.inside(Tag::ObjectIdentifier)?;
        let mut values = Elements::of(attribute.inside(Tag::Set)?)?;
        if kind == CONTENT_TYPE {
            values.expect_oid(TST_INFO)?;
            is_tst_info = true;
        } else if kind == MESSAGE_DIGEST {
            digest = Some(values.inside(Tag::OctetString)?.to_vec());
        }
    }
    digest.filter(|_| is_tst_info).ok_or(Malformed)
}

impl Hash {
    fn of_oid(oid: &[u8]) -> Result<Hash, Malformed> {
        match oid {
            SHA256 => Ok(Hash::Sha256),
            SHA384 => Ok(Hash::Sha384),
            SHA512 => Ok(Hash::Sha512),
            _ => Err(Malformed),
        }
    }

    fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha256 => Sha256::digest(bytes).to_vec(),
            Hash::Sha384 => Sha384::digest(bytes).to_vec(),
            Hash::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    /// The kinds of signature that use it; a key fits at most one.
    fn signatures(self) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
        match self {
            Hash::Sha256 => vec![ring::RSA_PKCS1_2048_8192_SHA256, ring::ECDSA_P256_SHA256, ring::ECDSA_P384_SHA256],
            Hash::Sha384 => vec![ring::RSA_PKCS1_2048_8192_SHA384, ring::ECDSA_P384_SHA384, ring::ECDSA_P256_SHA384],
            // RFC 8419: Ed25519 goes with SHA-512.
            Hash::Sha512 => vec![ring::RSA_PKCS1_2048_8192_SHA512, ring::ED25519],
        }
    }
}

const SET_BYTE: u8 = 0x31;
const CONTEXT_0_BYTE: u8 = 0xa0;
/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.9.16.1.4
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
/// 1.2.840.113549.1.9.3
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
/// 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// 2.16.840.1.101.3.4.2.2
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
/// 2.16.840.1.101.3.4.2.3
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
/// 1.3.6.1.5.5.7.3.8, id-kp-timeStamping
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];
