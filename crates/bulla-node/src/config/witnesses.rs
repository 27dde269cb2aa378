//! The rules for `[[witness]]`: an address that can be asked and a key that can be told from the others.

use bulla_sealing::{SignatureType, VerifierKey};

use super::findings::Findings;
use super::http_url::is_http;
use super::{ClusterNode, ClusterWitness, WitnessSection};

/// The witnesses that `sections` mean. One without a proper address or key is left out, and found wrong.
pub(super) fn check(
    sections: &[WitnessSection],
    nodes: &[ClusterNode],
    findings: &mut Findings,
) -> Vec<ClusterWitness> {
    let mut witnesses: Vec<(usize, ClusterWitness)> = Vec::new();
    for (place, section) in sections.iter().enumerate() {
        let (url, key) = (url(place, section, findings), key(place, section, findings));
        let (Some(url), Some(key)) = (url, key) else { continue };
        let witness = ClusterWitness { url, key };
        for (earlier_place, earlier) in &witnesses {
            told_apart(*earlier_place, earlier, place, &witness, findings);
        }
        if nodes.iter().any(|node| node.name == witness.key.name) {
            findings.add(
                &[&at(place, "vkey")],
                format!("this witness has the name of the node {:?}", witness.key.name),
                "let somebody else run it, under another name: servers cannot witness themselves",
            );
        }
        witnesses.push((place, witness));
    }
    if sections.len() > WITNESSES_MAX {
        findings.add(&["witness"], format!("{} witnesses", sections.len()), format!("name at most {WITNESSES_MAX}"));
    }
    witnesses.into_iter().map(|(_, witness)| witness).collect()
}

fn url(place: usize, section: &WitnessSection, findings: &mut Findings) -> Option<String> {
    let url = section.url.trim_end_matches('/');
    if is_http(url) {
        return Some(url.to_owned());
    }
    findings.add(
        &[&at(place, "url")],
        format!("url = {:?} is no URL of a witness", section.url),
        "write http://host:port, or with a path after it; what is sent is public and what is answered is signed, so \
         there is no https",
    );
    None
}

fn key(place: usize, section: &WitnessSection, findings: &mut Findings) -> Option<VerifierKey> {
    let wrong = match section.vkey.parse::<VerifierKey>() {
        Ok(key) if key.signature_type == SignatureType::Cosignature => return Some(key),
        Ok(_) => "it is the key of a log; a witness's is of signature type 04".to_owned(),
        Err(error) => error.to_string(),
    };
    findings.add(
        &[&at(place, "vkey")],
        format!("vkey = {:?} is not the key of a witness: {wrong}", section.vkey),
        "copy the whole line that `bulla witness keygen` printed, or that the witness's operator publishes",
    );
    None
}

fn told_apart(
    earlier_place: usize,
    earlier: &ClusterWitness,
    place: usize,
    witness: &ClusterWitness,
    findings: &mut Findings,
) {
    let mut same = |key: &str, what: &str| {
        let line = findings.line(&at(earlier_place, key));
        let what = format!("this witness has the same {what} as the one on line {line}");
        findings.add(&[&at(place, key)], what, "name each witness once; one that counts twice is no second one");
    };
    if witness.url == earlier.url {
        same("url", "url");
    }
    if witness.key.public_key == earlier.key.public_key {
        same("vkey", "key");
    } else if witness.key.name == earlier.key.name {
        same("vkey", "name");
    }
}

fn at(place: usize, key: &str) -> String {
    format!("witness[{place}].{key}")
}

/// Most witnesses of a policy, too.
const WITNESSES_MAX: usize = bulla_sealing::NODES_MAX;
