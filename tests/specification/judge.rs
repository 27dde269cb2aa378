//! What this project's code says to a test vector.

use bulla_ledger::{Name, Record, asset_id, class_id, commit, party_id};
use bulla_sealing::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{errors, judge_states};

/// What holds, or the error's name and whether it means *cannot verify*.
pub type Judged = Result<Value, (String, bool)>;

/// The fields that a vector of this sort must have beside its input: `holds`, or `error` and `cannot_verify`.
///
/// # Panics
/// When the vector is not of the form that the README of the vectors describes.
pub fn judge(sort: &str, case: &Value, policies: &Value) -> Value {
    let judged = match sort {
        "receipts" => receipt(case, policies),
        "policies" => policy(case),
        "seals" => seal(case, policies),
        "notes" => note(case),
        "checkpoints" => checkpoint(case),
        "verifier keys" => verifier_key(case),
        "records" => record(case),
        "headers" => header(case),
        "configs" => config(case),
        "ids" => id(case),
        "payload commitments" => payload_commitment(case),
        "inclusion" => inclusion(case),
        "consistency" => consistency(case),
        "signatures" => signature(case),
        "promises" => promise(case, policies),
        "states" => judge_states::state(case),
        "map proofs" => judge_states::map_proof(case),
        "state proofs" => judge_states::state_proof(case, policies),
        "certificates" => judge_states::certificate(case, policies),
        other => panic!("no vectors are called {other}"),
    };
    match judged {
        Ok(holds) => json!({ "holds": holds }),
        Err((error, cannot_verify)) => json!({ "error": error, "cannot_verify": cannot_verify }),
    }
}

/// A policy that receipts or seals are judged by.
pub fn policy_of(case: &Value, policies: &Value) -> Policy {
    Policy::parse(text(&policies[text(&case["policy"])])).unwrap()
}

/// Bytes that a vector gives as text, as runs of text, or in hexadecimal.
pub fn piece(case: &Value, field: &str) -> Vec<u8> {
    match (&case[format!("{field}_hex")], &case[field]) {
        (Value::String(hex), _) => from_hex(hex),
        (_, Value::String(text)) => text.clone().into_bytes(),
        (_, runs) => {
            let runs = runs.as_array().unwrap().iter();
            runs.flat_map(|run| text(&run[0]).repeat(run[1].as_u64().unwrap() as usize).into_bytes()).collect()
        }
    }
}

fn receipt(case: &Value, policies: &Value) -> Judged {
    let verified = verify_receipt(&piece(case, "receipt"), &policy_of(case, policies));
    let verified = verified.map_err(|error| (errors::of_receipt(&error), error.is_unknown()))?;
    Ok(json!({ "words": verified.to_string() }))
}

fn policy(case: &Value) -> Judged {
    let policy = Policy::parse(text(&case["text"])).map_err(|error| (errors::of_policy(&error), false))?;
    Ok(json!({
        "origin": policy.origin(),
        "ledger_id": policy.ledger_id().to_string(),
        "log_key": hex(policy.log_key()),
        "nodes": signers(policy.nodes()),
        "witnesses": signers(policy.witnesses()),
        "demand": policy.quorum().map(demand),
    }))
}

/// A name, or how many of which demands.
fn demand(quorum: &Quorum) -> Value {
    match quorum {
        Quorum::Witness(name) => json!(name),
        Quorum::Group { needed, members, .. } => {
            json!([needed.to_string(), members.iter().map(demand).collect::<Vec<_>>()])
        }
    }
}

fn seal(case: &Value, policies: &Value) -> Judged {
    let note = SignedNote::parse(&piece(case, "note")).map_err(|error| (errors::of_note(&error), false))?;
    let sealed = policy_of(case, policies).verify(&note).map_err(|error| (errors::of_seal(&error), false))?;
    let times = |signers: &[Signer]| -> Vec<Value> {
        signers.iter().map(|signer| json!([signer.name, signer.time_s.to_string()])).collect()
    };
    let mut holds = checkpoint_fields(&sealed.checkpoint);
    holds["nodes"] = json!(times(&sealed.nodes));
    holds["witnesses"] = json!(times(&sealed.witnesses));
    Ok(holds)
}

fn note(case: &Value) -> Judged {
    let note = SignedNote::parse(&piece(case, "note")).map_err(|error| (errors::of_note(&error), false))?;
    let line = |line: &NoteSignature| json!([line.name, format!("{:08x}", line.key_id), hex(&line.signature)]);
    Ok(json!({ "text": note.text, "signatures": note.signatures.iter().map(line).collect::<Vec<_>>() }))
}

fn checkpoint(case: &Value) -> Judged {
    let checkpoint: Result<Checkpoint, _> = text(&case["text"]).parse();
    Ok(checkpoint_fields(&checkpoint.map_err(|error| (errors::of_checkpoint(&error), false))?))
}

fn checkpoint_fields(checkpoint: &Checkpoint) -> Value {
    json!({ "origin": checkpoint.origin, "size": checkpoint.size.to_string(), "root": checkpoint.root.to_string() })
}

fn verifier_key(case: &Value) -> Judged {
    let key: Result<VerifierKey, _> = text(&case["text"]).parse();
    let key = key.map_err(|error| (errors::of_verifier_key(&error), false))?;
    Ok(json!({
        "name": key.name,
        "type": (key.signature_type as u8).to_string(),
        "public_key": hex(&key.public_key),
        "key_id": format!("{:08x}", key.key_id()),
    }))
}

/// Decoded by the ledger where it decodes; the error is the one that a verifier of receipts gives.
fn record(case: &Value) -> Judged {
    let leaf = from_hex(text(&case["leaf"]));
    if let Some(error) = crate::forgery::error_of_record(&leaf) {
        assert!(Record::decode(&leaf).is_err(), "the ledger reads what a verifier refuses: {case}");
        return Err((errors::of_leaf(&error), error.is_unknown()));
    }
    let record = Record::decode(&leaf).expect("the ledger reads what a verifier accepts");
    let transfer = record.transfer;
    Ok(json!({
        "kind": transfer.act.name(),
        "flags": leaf[5].to_string(),
        "leaf_index": record.leaf_index.to_string(),
        "record_id": transfer.record_id.to_string(),
        "asset_id": transfer.asset_id.to_string(),
        "asset_seq": record.asset_seq.to_string(),
        "prev_leaf": record.prev_leaf.to_string(),
        "prev_leaf_to": record.prev_leaf_to.to_string(),
        "ref_leaf": record.ref_leaf.to_string(),
        "from": transfer.from.to_string(),
        "to": transfer.to.to_string(),
        "quantity": transfer.quantity.to_string(),
        "time_us": record.time_us.to_string(),
        "event_time_us": transfer.event_time_us.to_string(),
        "payload_commit": transfer.payload_commit.map(|commit| hex(&commit)),
        "leaf_hash": leaf_hash(&leaf).to_string(),
    }))
}

fn header(case: &Value) -> Judged {
    let header = Header::decode(&from_hex(text(&case["leaf"]))).map_err(leaf_error)?;
    Ok(json!({
        "ledger_id": header.ledger_id.to_string(),
        "table_id": header.table_id.to_string(),
        "leaf_index": header.leaf_index.to_string(),
        "height": header.height.to_string(),
        "first_leaf": header.first_leaf.to_string(),
        "record_count": header.record_count.to_string(),
        "opened_us": header.opened_us.to_string(),
        "closed_us": header.closed_us.to_string(),
        "raft_term": header.raft_term.to_string(),
        "raft_index": header.raft_index.to_string(),
        "records_root": header.records_root.to_string(),
        "log_root": header.log_root.to_string(),
        "state_root": header.state_root.to_string(),
        "prev_header": header.prev_header.to_string(),
        "config": header.config.to_string(),
        "leaf_hash": header.leaf_hash().to_string(),
    }))
}

fn config(case: &Value) -> Judged {
    let config = ConfigLeaf::decode(&from_hex(text(&case["leaf"]))).map_err(leaf_error)?;
    Ok(json!({
        "ledger_id": config.ledger_id.to_string(),
        "config_seq": config.config_seq.to_string(),
        "first_height": config.first_height.to_string(),
        "prev_config": config.prev_config.to_string(),
        "origin": config.origin,
        "log_key": hex(&config.log_key),
        "nodes": signers(&config.nodes),
        "leaf_hash": config.leaf_hash().to_string(),
    }))
}

fn id(case: &Value) -> Judged {
    let ledger: Uuid = text(&case["ledger_id"]).parse().unwrap();
    let sort = text(&case["sort"]);
    let id = match sort {
        "ledger" => ConfigLeaf::decode(&from_hex(text(&case["genesis"]))).map_err(leaf_error)?.ledger_id,
        "table" => table_id(ledger, number(&case["height"]), &hash(&case["prev_header"])),
        _ => {
            let name = Name::parse(text(&case["text"])).map_err(|error| (errors::of_name(&error), false))?;
            match sort {
                "asset" => asset_id(ledger, &name).0,
                "party" => party_id(ledger, &name).0,
                "class" => class_id(ledger, &name).0,
                other => panic!("no id is derived for a {other}"),
            }
        }
    };
    Ok(json!({ "id": id.to_string() }))
}

fn payload_commitment(case: &Value) -> Judged {
    let salt = from_hex(text(&case["salt"])).try_into().expect("32 bytes");
    Ok(json!({ "payload_commit": hex(&commit(&salt, &piece(case, "payload"))) }))
}

fn inclusion(case: &Value) -> Judged {
    let (leaf_index, size) = (number(&case["leaf_index"]), number(&case["size"]));
    let proven =
        verify_inclusion(leaf_index, size, &hash(&case["leaf_hash"]), &hashes(&case["path"]), &hash(&case["root"]));
    proven.map(|()| json!({})).map_err(|error| (errors::of_proof(&error), false))
}

fn consistency(case: &Value) -> Judged {
    let (size1, size2) = (number(&case["size1"]), number(&case["size2"]));
    let proven =
        verify_consistency(size1, size2, &hashes(&case["proof"]), &hash(&case["root1"]), &hash(&case["root2"]));
    proven.map(|()| json!({})).map_err(|error| (errors::of_proof(&error), false))
}

fn signature(case: &Value) -> Judged {
    let field = |name: &str| from_hex(text(&case[name]));
    let key = field("public_key").try_into().expect("32 bytes");
    let verified = verify_strict(&key, &field("message"), &field("signature"));
    verified.map(|()| json!({})).map_err(|BadSignature| ("BadSignature".into(), false))
}

/// What a node promised; and, when there is a receipt, which verifies, what became of it.
fn promise(case: &Value, policies: &Value) -> Judged {
    let policy = policy_of(case, policies);
    let verified = verify_promise(&piece(case, "promise"), &policy);
    let verified = verified.map_err(|error| (errors::of_promise(&error), error.is_unknown()))?;
    let receipt = case.get("receipt").map(|_| verify_receipt(&piece(case, "receipt"), &policy).unwrap());
    let promise = &verified.promise;
    Ok(json!({
        "node": verified.node_name,
        "origin": promise.origin,
        "leaf_index": promise.leaf_index.to_string(),
        "leaf_hash": promise.leaf_hash.to_string(),
        "table_id": promise.table_id.to_string(),
        "time_ms": promise.time_ms.to_string(),
        "fate": receipt.map(|receipt| errors::of_fate(&verified.held_against(&receipt))),
    }))
}

pub fn leaf_error(error: DecodeError) -> (String, bool) {
    (errors::of_leaf(&error), error.is_unknown())
}

fn signers(nodes: &[ConfigNode]) -> Value {
    nodes.iter().map(|node| json!([node.name, hex(&node.public_key)])).collect()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn number(value: &Value) -> u64 {
    text(value).parse().unwrap()
}

pub fn hash(value: &Value) -> Hash {
    text(value).parse().unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().unwrap().iter().map(hash).collect()
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}
