//! Replies that are no timestamps of what was asked are refused, each with its own words.

use std::time::Duration;

use bulla_client::{
    AuthorityError, Timestamp, TimestampAuthority, TimestampClient, TimestampClientError, TimestampError,
};
use expect_test::{Expect, expect};

use crate::authority::{Authority, Kind, P256, P384, RSA, RSA_SHA512};
use crate::responder::{Manner, Responder};

const BYTES: &[u8] = b"what is stamped\n";

fn trusted(authority: &Authority) -> TimestampAuthority {
    TimestampAuthority::from_pem(&std::fs::read(authority.certificate()).unwrap()).unwrap()
}

/// The error and what caused it, in words.
fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", words(source)),
        None => error.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_not_the_answer_to_the_query_is_refused_and_named() {
    let Some(authority) = Authority::make(RSA) else { return };
    let responder = Responder::start(authority, Manner::Honest).await;
    let known = trusted(responder.authority());
    let client = TimestampClient::new(&responder.url, Some(known), Duration::from_secs(20)).unwrap();
    let (reply, timestamp) = client.stamp(BYTES).await.unwrap();
    assert_eq!(Timestamp::parse(&reply), Ok(timestamp));

    let mut said = String::new();
    let manners = [
        Manner::OtherHash,
        Manner::OtherNonce,
        Manner::Rejects,
        Manner::Tampered,
        Manner::Garbage,
        Manner::Oversize,
        Manner::Unavailable,
    ];
    for manner in manners {
        responder.behave(manner);
        said += &format!("{manner:?}: {}\n", words(&client.stamp(BYTES).await.unwrap_err()));
    }
    let expected: Expect = expect![[r#"
        OtherHash: the timestamp is of another hash than that of these bytes
        OtherNonce: the timestamp has another nonce than the query
        Rejects: the authority does not grant a timestamp: status 2: Bad request version.
        Tampered: the signature of the timestamp is not of the authority's signer, or of a kind that is not known here
        Garbage: the reply is no timestamp: its outer structure cannot be read
        Oversize: the reply is longer than 65536 bytes
        Unavailable: the authority answered with the HTTP status 503
    "#]];
    expected.assert_eq(&said);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_hangs_is_left_after_the_time_it_has() {
    let Some(authority) = Authority::make(P256) else { return };
    let responder = Responder::start(authority, Manner::Hangs).await;
    let client = TimestampClient::new(&responder.url, None, Duration::from_millis(300)).unwrap();
    let error = client.stamp(BYTES).await.unwrap_err();
    let TimestampClientError::Unreachable(source) = error else { panic!("{error}") };
    assert!(source.is_timeout());
}

#[test]
fn signatures_of_every_kind_are_verified_under_their_own_authority_and_no_other() {
    let kinds: [Kind; 4] = [RSA, RSA_SHA512, P256, P384];
    let made: Vec<Authority> = kinds.into_iter().filter_map(Authority::make).collect();
    for (place, authority) in made.iter().enumerate() {
        let query = bulla_client::TimestampQuery::of(BYTES, place as u64);
        let reply = authority.reply(&query.to_der());
        let timestamp = Timestamp::parse(&reply).unwrap();
        timestamp.stamps(BYTES).unwrap();
        timestamp.answers(&query).unwrap();
        assert_eq!(timestamp.stamps(b"something else"), Err(TimestampError::OtherHash));
        for (other, known) in made.iter().enumerate() {
            match timestamp.signed_by(&trusted(known)) {
                Ok(()) => assert_eq!(place, other),
                Err(AuthorityError::Untrusted(_)) => assert_ne!(place, other),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn no_byte_of_a_reply_can_be_changed_so_that_it_says_something_else() {
    let Some(authority) = Authority::make(P256) else { return };
    let known = trusted(&authority);
    let query = bulla_client::TimestampQuery::of(BYTES, 7);
    let reply = authority.reply(&query.to_der());
    let good = Timestamp::parse(&reply).unwrap();
    let mut refused = 0;
    for at in 0..reply.len() {
        let mut changed = reply.clone();
        changed[at] ^= 1;
        let Ok(timestamp) = Timestamp::parse(&changed) else {
            refused += 1;
            continue;
        };
        let verified = timestamp.answers(&query).is_ok() && timestamp.signed_by(&known).is_ok();
        match verified {
            // What surrounds the signed part may differ; what is said may not.
            true => assert_eq!((timestamp.time_s, &timestamp.serial), (good.time_s, &good.serial), "byte {at}"),
            false => refused += 1,
        }
    }
    assert!(refused > reply.len() / 2, "{refused} of {}", reply.len());
}

#[test]
fn a_certificate_that_is_none_is_refused() {
    for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "policy"] {
        let refused = TimestampAuthority::from_pem(text.as_bytes());
        assert!(matches!(refused, Err(AuthorityError::NoCertificate)), "{text:?}");
    }
}
