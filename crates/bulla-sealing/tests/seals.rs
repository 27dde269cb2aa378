//! Checkpoints, attestations and notes: who must have signed, and what counts.

mod small_ledger;

use bulla_sealing::*;
use expect_test::expect;
use proptest::prelude::*;
use small_ledger::*;

#[test]
fn all_nodes_make_the_identical_seal() {
    let checkpoint = checkpoint(&leaves());
    let mut shuffled = attestations(&checkpoint);
    shuffled.rotate_left(1);
    let log_signature = LogSigner::new(log_key(), ORIGIN).sign(&checkpoint);
    let note = signed_checkpoint(&policy(), &checkpoint, &log_signature, &shuffled).unwrap();
    assert_eq!(note, seal(&checkpoint));
    let names: Vec<&str> = note.signatures.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, [ORIGIN, "alpha", "beta", "gamma"]);
    let sealed = policy().verify(&note).unwrap();
    let times = sealed.nodes.iter().map(|signer| signer.time_s).collect::<Vec<_>>();
    assert_eq!((sealed.checkpoint, times), (checkpoint, vec![TIME_S; 3]));
}

#[test]
fn the_seal_of_the_small_ledger_is_these_bytes() {
    expect![[r#"
        ledger.example/tools
        10
        15sCPN/RsuUFSA4BfqKZokbS0dZWl40s6gYmMVp5C40=

        — ledger.example/tools HHIBdJjoUNANexHSKdvqcyUUuW7X/ZBiwC2o2wkkmmtwe8La114NTT6bh7cr2fuxT999W5ke1FlXn8Trt2Cd0JIdyQE=
        — alpha iex4qQAAAABlU/EAgu8HAyrpQGTIL7vFKDPlf6pozN+jqEGz1+unMlRTFbghfI/eONDaLV84XC6w3CH92QuczTYmKWcmux2fTPh4BA==
        — beta gUN4LQAAAABlU/EAP4jo2FTSdaPw40cnSQIppFniTHuNs14tcZC6khsQfuzP9VLYdSw0UiDk6ASvrbZxIIbh19VvH6NCnUyCiOrvBQ==
        — gamma QPcrrAAAAABlU/EABTnyTN/xCx7NZrcom1DHWLQFmRTb66QRqtVmJEfM/UIsLo/K51Ww7ZgIC41K4BazgfJN+uMCAV04auFAfJIRAA==
    "#]]
    .assert_eq(&seal(&checkpoint(&leaves())).to_string());
}

#[test]
fn a_seal_is_not_made_before_every_node_has_attested_to_this_tree() {
    let leaves = leaves();
    let (ours, earlier) = (checkpoint(&leaves), checkpoint(&leaves[..5]));
    let log_signature = LogSigner::new(log_key(), ORIGIN).sign(&ours);
    let mut attestations = attestations(&ours);
    attestations[1] = cosign(&node_key("beta"), "beta", &earlier, TIME_S);
    let missing = SealError::NodesMissing { names: vec!["beta".into()] };
    let seal = signed_checkpoint(&policy(), &ours, &log_signature, &attestations);
    assert_eq!(seal, Err(missing));
}

#[test]
fn a_seal_with_a_signature_that_does_not_verify_is_not_made() {
    let checkpoint = checkpoint(&leaves());
    let mut attestations = attestations(&checkpoint);
    attestations[2].time_s += 1;
    let log_signature = LogSigner::new(log_key(), ORIGIN).sign(&checkpoint);
    let bad = |name: &str| Err(SealError::BadSignature { name: name.into() });
    let seal = signed_checkpoint(&policy(), &checkpoint, &log_signature, &attestations);
    assert_eq!(seal, bad("gamma"));
    let seal = signed_checkpoint(&policy(), &checkpoint, &[0; 64], &attestations);
    assert_eq!(seal, bad(ORIGIN));
}

#[test]
fn an_attestation_to_another_tree_is_told_from_a_bad_signature() {
    let leaves = leaves();
    let (ours, theirs) = (checkpoint(&leaves), checkpoint(&leaves[..5]));
    let key = node_key("alpha").verifying_key().to_bytes();
    let attestation = cosign(&node_key("alpha"), "alpha", &theirs, TIME_S);
    assert_eq!(verify_attestation(&key, &theirs, &attestation), Ok(()));
    let other = AttestationError::OtherTree { size: theirs.size, root: theirs.root };
    assert_eq!(verify_attestation(&key, &ours, &attestation), Err(other));
    let bad = Err(AttestationError::BadSignature);
    let forged = Attestation { root: ours.root, size: ours.size, ..attestation.clone() };
    assert_eq!(verify_attestation(&key, &ours, &forged), bad);
    let redated = Attestation { time_s: TIME_S + 1, ..attestation.clone() };
    assert_eq!(verify_attestation(&key, &theirs, &redated), bad);
    let beta = node_key("beta").verifying_key().to_bytes();
    assert_eq!(verify_attestation(&beta, &theirs, &attestation), bad);
    let elsewhere = Checkpoint { origin: "other.example".into(), ..theirs };
    assert_eq!(verify_attestation(&key, &elsewhere, &attestation), bad);
}

#[test]
fn lines_of_unknown_keys_are_ignored_and_those_of_known_witnesses_reported() {
    let checkpoint = checkpoint(&leaves());
    let mut note = seal(&checkpoint);
    for name in ["walter", "stranger"] {
        let key = node_key(name);
        let attestation = cosign(&key, name, &checkpoint, TIME_S + 5);
        let signature = [&(TIME_S + 5).to_be_bytes()[..], &attestation.signature].concat();
        let key_id = Cosigner::new(key, name).verifier_key().key_id();
        note.signatures.push(NoteSignature { name: name.into(), key_id, signature });
    }
    let stranger_with_a_known_name = NoteSignature { name: "alpha".into(), key_id: 1, signature: vec![1] };
    note.signatures.push(stranger_with_a_known_name);
    let config = config();
    let policy =
        Policy::new(ORIGIN, config.ledger_id, config.log_key, config.nodes, vec![node("walter"), node("xenia")])
            .unwrap();
    let witnesses = policy.verify(&note).unwrap().witnesses;
    let walter = Signer { name: "walter".into(), time_s: TIME_S + 5 };
    assert_eq!(witnesses, [walter]);
    note.signatures[4].signature[20] ^= 1;
    let bad = SealError::BadSignature { name: "walter".into() };
    assert_eq!(policy.verify(&note), Err(bad));
}

#[test]
fn a_seal_without_the_demanded_witnesses_is_a_seal_and_does_not_satisfy_the_policy() {
    let checkpoint = checkpoint(&leaves());
    let mut note = seal(&checkpoint);
    let (config, witnesses) = (config(), vec![node("walter"), node("xenia")]);
    let lesser = Policy::new(ORIGIN, config.ledger_id, config.log_key, config.nodes, witnesses).unwrap();
    let members = ["walter", "xenia"].map(|name| Quorum::Witness(name.into())).to_vec();
    let both = Quorum::Group { name: "outside".into(), needed: 2, members };
    let policy = lesser.clone().demanding(both).unwrap();
    for (place, name) in ["walter", "xenia"].into_iter().enumerate() {
        assert!(policy.verify_seal(&note).is_ok() && lesser.verify(&note).is_ok());
        let signed = ["walter".to_owned()][..place].to_vec();
        let missing = SealError::WitnessesMissing { demanded: "2 of (walter, xenia)".into(), signed };
        assert_eq!(policy.verify(&note), Err(missing));

        let witness = Cosigner::new(node_key(name), name);
        let cosigned = witness.cosign(&checkpoint, TIME_S + 5);
        assert_eq!(witness.verifier_key().cosigned(&note), Ok(None));
        note.signatures.push(cosigned.note_line(&witness.verifier_key()));
        assert_eq!(witness.verifier_key().cosigned(&note), Ok(Some(TIME_S + 5)));
    }
    assert_eq!(policy.verify(&note).unwrap().witnesses.len(), 2);
}

#[test]
fn a_seal_that_lacks_somebody_says_whom() {
    let nodes = SealError::NodesMissing { names: vec!["beta".into(), "gamma".into()] };
    assert_eq!(nodes.to_string(), "not sealed by all: the signatures of beta, gamma are missing");
    let lacking = |signed: &[&str]| {
        let signed = signed.iter().map(|name| (*name).to_owned()).collect();
        SealError::WitnessesMissing { demanded: "3 of (v, w, x)".into(), signed }.to_string()
    };
    let said = "not witnessed: the policy demands 3 of (v, w, x), and of the witnesses";
    assert_eq!(lacking(&[]), format!("{said} nobody signed"));
    assert_eq!(lacking(&["v", "w"]), format!("{said} v, w signed"));
}

#[test]
fn the_text_of_a_seal_must_be_a_checkpoint() {
    let mut note = seal(&checkpoint(&leaves()));
    let lines: Vec<String> = note.text.lines().map(str::to_owned).collect();
    let mut verdict = |text: String| {
        note.text = text;
        policy().verify(&note).unwrap_err()
    };
    let [origin, size, root] = &lines[..] else { panic!() };
    let is = |error: MalformedCheckpoint| SealError::NotACheckpoint(error);
    use MalformedCheckpoint::*;
    assert_eq!(verdict(format!("{origin}\n{size}\n{root}\nmore\n")), is(Lines));
    assert_eq!(verdict(format!("{origin}\n{size}\n{root}")), is(Lines));
    assert_eq!(verdict(format!("\n{size}\n{root}\n")), is(Origin));
    assert_eq!(verdict(format!("{origin}\n0{size}\n{root}\n")), is(Size));
    assert_eq!(verdict(format!("{origin}\n+{size}\n{root}\n")), is(Size));
    assert_eq!(verdict(format!("{origin}\n{size}\n{}\n", &root[1..])), is(Root));
}

#[test]
fn a_note_has_one_spelling() {
    use MalformedNote::*;
    let parse = |text: &str| SignedNote::parse(text.as_bytes()).map(|note| note.text);
    assert_eq!(parse("a\n\n\n\u{2014} n AAAAAAA=\n"), Ok("a\n\n".into()));
    assert_eq!(parse("a\n\u{2014} n AAAAAAA=\n"), Err(NoEmptyLine));
    assert_eq!(parse("a\r\n\n\u{2014} n AAAAAAA=\n"), Err(ControlCharacter));
    for line in [
        "",
        "\u{2014} n AAAAAAA=",
        "\u{2014} n AAAAAAB=\n",
        "\u{2014} n AAAAAAA\n",
        "\u{2014} n AAAAAA==\n",
        "\u{2014}  n AAAAAAA=\n",
        "\u{2014} n+m AAAAAAA=\n",
        "\u{2014} n\u{a0}m AAAAAAA=\n",
        "- n AAAAAAA=\n",
        "\u{2014} n AAAAAAA= \n",
    ] {
        assert_eq!(parse(&format!("a\n\n{line}")), Err(SignatureLine { line: 1 }), "{line:?}");
    }
    assert_eq!(SignedNote::parse(b"\xff\n\n"), Err(NotUtf8));
    let many = "\u{2014} n AAAAAAA=\n".repeat(SIGNATURES_MAX + 1);
    assert_eq!(parse(&format!("a\n\n{many}")), Err(TooManySignatures));
}

#[test]
fn a_verifier_key_has_one_spelling() {
    let text = policy().log_verifier_key().to_string();
    assert_eq!(text.parse(), Ok(policy().log_verifier_key()));
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] ^= 1;
        let changed = String::from_utf8(bytes).unwrap();
        assert!(changed.parse::<VerifierKey>().is_err(), "{changed}");
    }
    for part in 0..text.len() {
        assert!(text[part + 1..].parse::<VerifierKey>().is_err());
        assert!(text[..part].parse::<VerifierKey>().is_err());
    }
    let of_another_type = "a+00000000+BgAA";
    let unused = VerifierKeyError::SignatureType(6);
    assert_eq!(of_another_type.parse::<VerifierKey>(), Err(unused));
}

proptest! {
    #[test]
    fn accepted_notes_are_written_back_byte_for_byte(
        text in "[ -~\u{e9}\n]{0,40}\n",
        lines in proptest::collection::vec(("[!-*,-~\u{e9}]{1,20}", any::<u32>(), proptest::collection::vec(any::<u8>(), 1..80)), 1..5),
    ) {
        let signatures = lines.into_iter()
            .map(|(name, key_id, signature)| NoteSignature { name, key_id, signature })
            .collect();
        let note = SignedNote { text, signatures };
        let written = note.to_string();
        prop_assert_eq!(SignedNote::parse(written.as_bytes()), Ok(note));
    }

    #[test]
    fn a_note_changed_anywhere_parses_to_itself_or_not_at_all(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = seal(&checkpoint(&leaves())).to_string().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(note) = SignedNote::parse(&bytes) {
            prop_assert_eq!(note.to_string().into_bytes(), bytes);
        }
    }
}
