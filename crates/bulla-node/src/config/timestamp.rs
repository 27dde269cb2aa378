//! The rules for `[timestamp]`: an authority that can be asked, and not too often.

use std::path::PathBuf;

use super::findings::Findings;
use super::http_url::is_http;
use super::{ClusterTimestamp, TimestampSection};

/// The authority that a section means; none when what it says is found wrong.
pub(super) fn check(section: &TimestampSection, findings: &mut Findings) -> Option<ClusterTimestamp> {
    if !is_http(&section.url) {
        findings.add(
            &["timestamp.url"],
            format!("url = {:?} is no URL of a timestamping authority", section.url),
            "write http://host, perhaps with a port and a path; what is sent is a hash and what is answered is signed, \
             so there is no https",
        );
    }
    if section.certificate.as_deref() == Some("") {
        findings.add(
            &["timestamp.certificate"],
            "certificate is empty".to_owned(),
            "name the file with the certificate of the authority, or leave the setting out",
        );
    }
    if !(1..=EVERY_S_MAX).contains(&section.every_s) {
        findings.add(
            &["timestamp.every_s"],
            format!("timestamp.every_s is {}", section.every_s),
            format!("choose 1 to {EVERY_S_MAX}"),
        );
    }
    is_http(&section.url).then(|| ClusterTimestamp {
        url: section.url.clone(),
        certificate: section.certificate.as_ref().map(PathBuf::from),
        every_s: section.every_s,
    })
}

/// 31 days. Whoever wants fewer timestamps than that wants none.
const EVERY_S_MAX: u32 = 2_678_400;
