//! The answer (RFC 3161 sections 2.4.2): a status and, if that is good, what the authority signed.

use der::{DateTime, Tag, TagNumber};
use sha2::{Digest, Sha256};

use super::TimestampQuery;
use super::authority::{AuthorityError, Signed, TimestampAuthority};
use super::elements::{Elements, Malformed, context};

/// A timestamp that an authority granted. See the module for what it does not say by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    /// POSIX seconds at which the authority says that it saw the hash; parts of a second are left out.
    pub time_s: u64,
    /// The number that the authority gave it, in hexadecimal digits.
    pub serial: String,
    imprint: Vec<u8>,
    nonce: Option<Vec<u8>>,
    signed: Signed,
}

/// Why a reply is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// It is longer than any reply.
    #[error("the reply is longer than {} bytes", Timestamp::BYTES_MAX)]
    TooLong,
    /// It is no TimeStampResp.
    #[error("the reply is no timestamp: its {part} cannot be read")]
    Malformed {
        /// Where reading it stopped.
        part: &'static str,
    },
    /// The authority says no.
    #[error("the authority does not grant a timestamp: status {status}{said}")]
    NotGranted {
        /// Its PKIStatus; 2 is rejection.
        status: u8,
        /// What it said about it, behind a colon; empty when it said nothing.
        said: String,
    },
    /// It stamps something else.
    #[error("the timestamp is of another hash than that of these bytes")]
    OtherHash,
    /// It answers another query: an older reply was sent again, or somebody's else.
    #[error("the timestamp has another nonce than the query")]
    OtherNonce,
}

impl Timestamp {
    /// The media type of a reply.
    pub const MEDIA_TYPE: &'static str = "application/timestamp-reply";
    /// Most bytes of a reply; one with a chain of certificates has under 10,000.
    pub const BYTES_MAX: usize = 65_536;

    /// Reads a TimeStampResp.
    ///
    /// # Errors
    /// [`TimestampError::TooLong`], [`TimestampError::Malformed`], [`TimestampError::NotGranted`].
    pub fn parse(reply: &[u8]) -> Result<Timestamp, TimestampError> {
        if reply.len() > Self::BYTES_MAX {
            return Err(TimestampError::TooLong);
        }
        let (mut status, signed) = split(reply).map_err(within("outer structure"))?;
        granted(&mut status)?;
        let signed = signed.ok_or(TimestampError::Malformed { part: "signed data" })?;
        let signed = Signed::parse(signed).map_err(within("signed data"))?;
        let Info { imprint, serial, time_s, nonce } = Info::parse(signed.content()).map_err(within("content"))?;
        Ok(Timestamp { time_s, serial, imprint, nonce, signed })
    }

    /// Whether these are the bytes that were stamped.
    ///
    /// # Errors
    /// [`TimestampError::OtherHash`].
    pub fn stamps(&self, bytes: &[u8]) -> Result<(), TimestampError> {
        let same = self.imprint == Sha256::digest(bytes).as_slice();
        if same { Ok(()) } else { Err(TimestampError::OtherHash) }
    }

    /// Whether it was made for this query.
    ///
    /// # Errors
    /// [`TimestampError::OtherHash`], [`TimestampError::OtherNonce`].
    pub fn answers(&self, query: &TimestampQuery) -> Result<(), TimestampError> {
        if self.imprint != query.imprint() {
            return Err(TimestampError::OtherHash);
        }
        let same = self.nonce.as_deref() == Some(query.nonce());
        if same { Ok(()) } else { Err(TimestampError::OtherNonce) }
    }

    /// Whether a signer whom this authority certified for timestamps, at the time that it states, has signed it.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn signed_by(&self, authority: &TimestampAuthority) -> Result<(), AuthorityError> {
        authority.verify(&self.signed, self.time_s)
    }
}

/// The PKIStatusInfo, and the signed data if there is any.
fn split(reply: &[u8]) -> Result<(Elements<'_>, Option<&[u8]>), Malformed> {
    let mut outer = Elements::of(reply)?;
    let mut response = outer.sequence()?;
    outer.end()?;
    let status = response.sequence()?;
    let signed = if response.is_end() { None } else { Some(response.whole()?) };
    response.end()?;
    Ok((status, signed))
}

fn granted(status: &mut Elements<'_>) -> Result<(), TimestampError> {
    let said = |status: &mut Elements<'_>| -> Result<String, Malformed> {
        let Some(texts) = status.inside_optional(Tag::Sequence)? else { return Ok(String::new()) };
        let (mut texts, mut said) = (Elements::of(texts)?, String::new());
        while !texts.is_end() {
            said += &String::from_utf8_lossy(texts.inside(Tag::Utf8String)?);
            said.push(' ');
        }
        Ok(said.chars().take(SAID_MAX).collect())
    };
    let code = status.small_integer().map_err(within("status"))?;
    match code {
        GRANTED | GRANTED_WITH_MODS => Ok(()),
        _ => {
            let said = said(status).map_err(within("status"))?.replace(char::is_control, " ");
            let said = if said.is_empty() { said } else { format!(": {}", said.trim()) };
            Err(TimestampError::NotGranted { status: code, said })
        }
    }
}

/// The TSTInfo: what an authority signs.
struct Info {
    imprint: Vec<u8>,
    serial: String,
    time_s: u64,
    nonce: Option<Vec<u8>>,
}

impl Info {
    fn parse(bytes: &[u8]) -> Result<Info, Malformed> {
        let mut outer = Elements::of(bytes)?;
        let mut info = outer.sequence()?;
        outer.end()?;
        if info.small_integer()? != 1 {
            return Err(Malformed);
        }
        info.inside(Tag::ObjectIdentifier)?; // The authority's policy, which is between it and its customers.
        let mut imprint = info.sequence()?;
        let is_sha256 = imprint.sequence()?.inside(Tag::ObjectIdentifier)? == SHA256;
        let hash = imprint.inside(Tag::OctetString)?;
        imprint.end()?;
        // Of any other kind, it is the hash of nothing that is stamped here.
        let hash = if is_sha256 { hash.to_vec() } else { Vec::new() };
        let serial = info.inside(Tag::Integer)?.iter().map(|byte| format!("{byte:02x}")).collect();
        let time_s = seconds(info.inside(Tag::GeneralizedTime)?)?;
        info.inside_optional(Tag::Sequence)?; // How exact the time is.
        info.inside_optional(Tag::Boolean)?; // Whether it orders its timestamps.
        let nonce = info.inside_optional(Tag::Integer)?.map(<[u8]>::to_vec);
        info.inside_optional(context(TagNumber::N0))?; // Its name.
        info.inside_optional(context(TagNumber::N1))?; // Extensions, none of which changes what is said above.
        info.end()?;
        Ok(Info { imprint: hash, serial, time_s, nonce })
    }
}

/// POSIX seconds of `YYYYMMDDhhmmss[.f...]Z`.
fn seconds(time: &[u8]) -> Result<u64, Malformed> {
    let time = std::str::from_utf8(time).map_err(|_| Malformed)?.strip_suffix('Z').ok_or(Malformed)?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if !fraction.bytes().chain(time.bytes()).all(|byte| byte.is_ascii_digit()) || time.len() != 14 {
        return Err(Malformed);
    }
    let number = |place: std::ops::Range<usize>| time[place].parse::<u16>().expect("at most four digits");
    let small = |at: usize| number(at..at + 2) as u8;
    let time = DateTime::new(number(0..4), small(4), small(6), small(8), small(10), small(12));
    Ok(time.map_err(|_| Malformed)?.unix_duration().as_secs())
}

fn within(part: &'static str) -> impl Fn(Malformed) -> TimestampError {
    move |Malformed| TimestampError::Malformed { part }
}

const GRANTED: u8 = 0;
const GRANTED_WITH_MODS: u8 = 1;
/// 2.16.840.1.101.3.4.2.1
pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// Characters of a refusal that are kept.
const SAID_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_and_without_parts_of_a_second() {
        assert_eq!(seconds(b"19700102000001Z"), Ok(86_401));
        assert_eq!(seconds(b"20260228235959.123456Z"), Ok(1_772_323_199));
        for wrong in
            ["", "Z", "20260228235959", "20260230000000Z", "20260228235959,1Z", "202602282359Z", "2026022823595+Z"]
        {
            assert_eq!(seconds(wrong.as_bytes()), Err(Malformed), "{wrong}");
        }
    }

    #[test]
    fn a_rejection_is_told_with_what_the_authority_said() {
        let reply = b"\x30\x0d\x30\x0b\x02\x01\x02\x30\x06\x0c\x04busy";
        let error = Timestamp::parse(reply).unwrap_err();
        assert_eq!(error, TimestampError::NotGranted { status: 2, said: ": busy".into() });
        let error = Timestamp::parse(b"\x30\x05\x30\x03\x02\x01\x03").unwrap_err();
        assert_eq!(error.to_string(), "the authority does not grant a timestamp: status 3");
    }

    #[test]
    fn what_is_no_reply_is_refused_with_the_part_that_is_wrong() {
        let said = |bytes: &[u8]| Timestamp::parse(bytes).unwrap_err().to_string();
        assert!(said(b"").contains("outer structure"));
        assert!(said(b"<html>").contains("outer structure"));
        assert!(said(b"\x30\x05\x30\x03\x02\x01\x00").contains("signed data"));
        assert!(said(b"\x30\x07\x30\x03\x02\x01\x00\x05\x00").contains("signed data"));
        assert!(said(b"\x30\x05\x30\x03\x02\x01\x00\x00").contains("outer structure"), "nothing may follow");
        assert_eq!(Timestamp::parse(&vec![0; Timestamp::BYTES_MAX + 1]), Err(TimestampError::TooLong));
    }
}
