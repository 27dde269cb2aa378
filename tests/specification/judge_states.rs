//! What this project's code says to a test vector about what is so: states, proofs of them, certificates.

use bulla_client::{verify_asset_proof, verify_certificate};
use bulla_ledger::{AssetId, PartyId, State};
use bulla_sealing::{MapProof, StateProof, StateProofError, VerifiedStates};
use serde_json::{Value, json};

use crate::judge::{Judged, from_hex, hash, hex, leaf_error, piece, policy_of, text};
use crate::state_errors;

/// The state's fields, and the key that it stands under.
pub fn state(case: &Value) -> Judged {
    let state = State::decode(&from_hex(text(&case["state"])));
    let state = state.map_err(|error| (state_errors::of_state(&error), error.cannot_verify()))?;
    Ok(json!({ "state": state_fields(&state), "key": hex(&state.key()) }))
}

/// What a map with this root has under a key.
pub fn map_proof(case: &Value) -> Judged {
    let proof = MapProof::decode(&from_hex(text(&case["proof"]))).map_err(leaf_error)?;
    let value = proof.verify(&hash(&case["root"]), &hash(&case["key"]));
    let value = value.map_err(|error| (state_errors::of_map_proof(&error), false))?;
    Ok(json!({ "value": value.map(|value| value.to_string()) }))
}

/// What is so of each key; or, where an asset is asked about, of that asset.
pub fn state_proof(case: &Value, policies: &Value) -> Judged {
    let (proof, policy) = (piece(case, "proof"), policy_of(case, policies));
    let Some(asset) = case.get("asset").map(|asset| AssetId(text(asset).parse().unwrap())) else {
        let verified = StateProof::parse(&proof).map_err(StateProofError::from);
        let verified = verified.and_then(|proof| proof.verify(&policy));
        let verified = verified.map_err(|error| (state_errors::of_state_proof(&error), error.is_unknown()))?;
        let states = verified.states.iter().map(|(key, state)| json!([key.to_string(), state.as_deref().map(hex)]));
        return Ok(with_block(json!({ "states": states.collect::<Vec<_>>() }), &verified));
    };
    let party = case.get("party").map(|party| PartyId(text(party).parse().unwrap()));
    let proven = verify_asset_proof(&proof, &policy, asset, party);
    let proven = proven.map_err(|error| (state_errors::of_asset_proof(&error), error.is_unknown()))?;
    Ok(with_block(json!({ "state": proven.state.as_ref().map(state_fields) }), &proven.verified))
}

/// The state, and the leaf indexes of the records that led to it.
pub fn certificate(case: &Value, policies: &Value) -> Judged {
    let proven = verify_certificate(&piece(case, "certificate"), &policy_of(case, policies));
    let proven = proven.map_err(|error| (state_errors::of_certificate(&error), error.is_unknown()))?;
    let records = proven.custody.records.iter().map(|record| record.leaf_index.to_string());
    let holds = json!({ "state": state_fields(&proven.custody.state), "records": records.collect::<Vec<_>>() });
    Ok(with_block(holds, &proven.verified))
}

fn state_fields(state: &State) -> Value {
    let [seq, last_leaf] = [state.seq(), state.last_leaf()].map(|number| number.to_string());
    match state {
        State::Unique(unique) => json!({
            "asset_id": unique.asset_id.to_string(),
            "holder": unique.holder.to_string(),
            "owner": unique.owner.to_string(),
            "status": u8::from(unique.retired).to_string(),
            "seq": seq,
            "last_leaf": last_leaf,
        }),
        State::Position(position) => json!({
            "asset_id": position.asset_id.to_string(),
            "party_id": position.party_id.to_string(),
            "available": position.available.to_string(),
            "seq": seq,
            "last_leaf": last_leaf,
        }),
    }
}

/// As of which block and checkpoint.
fn with_block(mut holds: Value, verified: &VerifiedStates) -> Value {
    holds["height"] = json!(verified.header.height.to_string());
    holds["size"] = json!(verified.sealed.checkpoint.size.to_string());
    holds
}
