//! Calls that prove what is so of an asset, and everything that led to it: verified before the caller sees them.

use bulla_ledger::{AssetId, Name, PartyId, asset_id, party_id};
use bulla_sealing::Policy;
use serde::Serialize;

use super::Client;
use crate::{ClientError, Named, ProvenAsset, ProvenCustody, verify_asset_proof, verify_certificate};

impl Client {
    /// What is so of an asset as of the last sealed block, with the text that proves it: of a unique asset itself, or of
    /// the units of a quantity asset that `party` has, or, without a party, that are outstanding. That there is no such
    /// asset is proven as well.
    ///
    /// # Errors
    /// [`ClientError::NoPolicy`] before anything is sent; [`ClientError::AssetProof`] when the proof does not prove, or
    /// proves something else than what was asked.
    pub async fn asset_proof(
        &self,
        asset: &Named,
        party: Option<&Named>,
    ) -> Result<(String, ProvenAsset), ClientError> {
        let policy = self.policy.as_ref().ok_or(ClientError::NoPolicy)?;
        let (asset_id, party_id) = ids(policy, asset, party)?;
        let query = PartyQuery { party: party.cloned() };
        let text = self.text(&["v1", "assets", &asset.to_string(), "proof"], &query).await?;
        let proven = verify_asset_proof(text.as_bytes(), policy, asset_id, party_id)?;
        Ok((text, proven))
    }

    /// The certificate of an asset, or of the units of it that `party` has: what is so, and every record that led to it.
    ///
    /// # Errors
    /// [`ClientError::NoPolicy`] before anything is sent; [`ClientError::Certificate`] when it does not prove;
    /// [`ClientError::SomethingElse`] when it is of another asset or party.
    pub async fn certificate(
        &self,
        asset: &Named,
        party: Option<&Named>,
    ) -> Result<(String, ProvenCustody), ClientError> {
        let policy = self.policy.as_ref().ok_or(ClientError::NoPolicy)?;
        let (asset_id, party_id) = ids(policy, asset, party)?;
        let query = PartyQuery { party: party.cloned() };
        let text = self.text(&["v1", "assets", &asset.to_string(), "certificate"], &query).await?;
        let proven = verify_certificate(text.as_bytes(), policy)?;
        let state = &proven.custody.state;
        let is_of_party = match state {
            bulla_ledger::State::Unique(_) => true,
            bulla_ledger::State::Position(position) => position.party_id == party_id.unwrap_or(PartyId::NIL),
        };
        match state.asset_id() == asset_id && is_of_party {
            true => Ok((text, proven)),
            false => Err(ClientError::SomethingElse {
                asked: format!("asset {asset_id}"),
                answered: format!("asset {} and the position of {}", state.asset_id(), state.chain()),
            }),
        }
    }
}

#[derive(Serialize)]
struct PartyQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    party: Option<Named>,
}

/// The ids that names stand for in the policy's ledger.
fn ids(policy: &Policy, asset: &Named, party: Option<&Named>) -> Result<(AssetId, Option<PartyId>), ClientError> {
    let ledger = policy.ledger_id();
    let asset = match asset {
        Named::Id(id) => AssetId(*id),
        Named::Name(name) => asset_id(ledger, &Name::parse(name)?),
    };
    let party = match party {
        Some(Named::Id(id)) => Some(PartyId(*id)),
        Some(Named::Name(name)) => Some(party_id(ledger, &Name::parse(name)?)),
        None => None,
    };
    Ok((asset, party))
}
