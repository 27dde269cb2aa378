//! The small ledger that is tampered with: an asset that went back and forth, and somebody who would like to have it.

use bulla_client::{
    Act, AssetRequest, ClassRequest, Client, Kind, Named, PartyRequest, ProvenAsset, ProvenRecord, RecordAnswer, Stage,
    TransferRequest,
};
use bulla_ledger::{AssetId, PartyId, RecordId, State};
use uuid::Uuid;

use crate::cli::Failure;
use crate::scratch::{Cluster, check, wait_sealed};

/// Hand-overs that are sealed before the drill begins, each in a block of its own.
const SEALED: usize = 4;

/// What is in the ledger, and what the truth is.
pub(super) struct Books {
    asset: Named,
    asset_id: Uuid,
    thief_id: Uuid,
    /// The hand-overs, oldest first: the record, and who received.
    moves: Vec<(Uuid, Uuid)>,
}

impl Books {
    /// Records the ledger, and waits until all of it is sealed.
    pub(super) async fn record(cluster: &mut Cluster) -> Result<Books, Failure> {
        let client = cluster.client()?;
        for party in [ADA, BOB, THIEF] {
            let request = PartyRequest { record_id: None, party: party.into(), event_time: None, payload: None };
            client.enroll(request, Stage::Recorded).await?;
        }
        let class = ClassRequest {
            record_id: None,
            class: "laptop".into(),
            kind: Kind::Unique,
            scale: None,
            event_time: None,
            payload: None,
        };
        client.define(class, Stage::Recorded).await?;
        let asset = AssetRequest {
            record_id: None,
            asset: ASSET.into(),
            class: "laptop".into(),
            owner: Some(ADA.into()),
            event_time: None,
            payload: None,
        };
        client.register(asset, Stage::Recorded).await?;
        let thief_id = client.party(&THIEF.into()).await?.party_id;
        let asset_id = client.asset(&ASSET.into()).await?.asset_id;
        let mut books = Books { asset: ASSET.into(), asset_id, thief_id, moves: Vec::new() };
        for _ in 0..SEALED {
            let leaf_index = books.hand_over(&client).await?;
            wait_sealed(cluster, leaf_index).await?;
        }
        Ok(books)
    }

    /// Hands the asset to the other of the two who share it; the leaf.
    pub(super) async fn hand_over(&mut self, client: &Client) -> Result<u64, Failure> {
        let (from, to) = if self.moves.len().is_multiple_of(2) { (ADA, BOB) } else { (BOB, ADA) };
        let record_id = Uuid::now_v7();
        let request = TransferRequest {
            record_id: Some(record_id),
            act: Act::Transfer,
            asset: Some(self.asset.clone()),
            from: Some(from.into()),
            to: Some(to.into()),
            ..TransferRequest::default()
        };
        let recorded = client.submit(request, Stage::Recorded).await?;
        self.moves.push((record_id, client.party(&to.into()).await?.party_id));
        Ok(recorded.leaf_index)
    }

    /// A sealed hand-over that others came after.
    pub(super) fn old(&self) -> RecordId {
        RecordId(self.moves[1].0)
    }

    /// Another one.
    pub(super) fn another(&self) -> RecordId {
        RecordId(self.moves[2].0)
    }

    /// The last hand-over.
    pub(super) fn last(&self) -> RecordId {
        RecordId(self.moves.last().expect("hand-overs are recorded before anything else").0)
    }

    pub(super) fn asset_id(&self) -> AssetId {
        AssetId(self.asset_id)
    }

    /// Who would like to have it.
    pub(super) fn thief(&self) -> PartyId {
        PartyId(self.thief_id)
    }

    /// A server answers about every hand-over and the asset itself, proves what is sealed of it, and all of it is true.
    pub(super) async fn all_is_answered(&self, client: &Client, name: &str) -> Result<(), Failure> {
        for (record_id, to) in &self.moves {
            let told = match client.record(*record_id, false).await? {
                RecordAnswer::Recorded(record) => record.record_id == *record_id && record.to == Some(*to),
                RecordAnswer::Rejected(_) => false,
            };
            check(told, &format!("{name} did not answer truly about record {record_id}"))?;
            client.receipt(*record_id, false).await?;
        }
        let asset = client.asset(&self.asset).await?;
        check(![asset.owner, asset.holder].contains(&Some(self.thief_id)), &lie(name))?;
        client.asset_proof(&self.asset, None).await?;
        self.nothing_false_is_proven(client, name).await
    }

    /// Whatever a server proves about the hand-overs and the asset is true. It may have nothing to prove, or refuse to.
    pub(super) async fn nothing_false_is_proven(&self, client: &Client, name: &str) -> Result<(), Failure> {
        for (record_id, to) in &self.moves {
            if let Ok(ProvenRecord { record, .. }) = client.receipt(*record_id, false).await {
                let true_to_it = record.transfer.record_id.0 == *record_id && record.transfer.to.0 == *to;
                check(true_to_it, &format!("{name} proved a forged record {record_id}"))?;
            }
        }
        match client.asset_proof(&self.asset, None).await {
            Ok((_, ProvenAsset { state: Some(State::Unique(asset)), .. })) => {
                check(![asset.owner, asset.holder].contains(&self.thief()), &lie(name))
            }
            _ => Ok(()),
        }
    }
}

fn lie(name: &str) -> String {
    format!("{name} says that the thief has the asset")
}

const ASSET: &str = "tag:LAPTOP-0001";
const ADA: &str = "person:ada";
const BOB: &str = "person:bob";
const THIEF: &str = "person:mallory";
