//! One asset or one block, picked out of a log while all of it is verified.
//!
//! Only whoever has read every leaf knows that no record of an asset was kept from him.

use bulla_client::{Named, Time};
use bulla_ledger::{AssetId, Name, Record, asset_id};
use bulla_sealing::{Header, Policy};
use serde_json::{Value, json};

use super::super::Failure;
use super::super::exit::chain;
use super::super::print::count;
use super::finding::Finding;

/// What to pick out, and what was picked.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    asset: Option<(String, AssetId)>,
    block: Option<u64>,
    chain: Vec<Record>,
    header: Option<Header>,
}

impl Wanted {
    pub(super) fn new(asset: Option<&str>, block: Option<u64>, policy: &Policy) -> Result<Wanted, Failure> {
        let id = |text: &str| match Named::from(text) {
            Named::Id(id) => Ok(AssetId(id)),
            Named::Name(name) => Name::parse(&name)
                .map(|name| asset_id(policy.ledger_id(), &name))
                .map_err(|error| Failure::could_not(format!("{text:?} is no name of an asset: {}", chain(&error)))),
        };
        let asset = asset.map(|text| Ok::<_, Failure>((text.to_owned(), id(text)?))).transpose()?;
        Ok(Wanted { asset, block, chain: Vec::new(), header: None })
    }

    /// Whether anything is.
    pub(super) fn any(&self) -> bool {
        self.asset.is_some() || self.block.is_some()
    }

    /// Looks at a leaf that was just found to be right.
    pub(super) fn see(&mut self, leaf: &[u8]) {
        if let (Some((_, asset)), Ok(record)) = (&self.asset, Record::decode(leaf))
            && record.transfer.asset_id == *asset
        {
            self.chain.push(record);
        }
        if let (Some(height), Ok(header)) = (self.block, Header::decode(leaf))
            && header.height == height
        {
            self.header = Some(header);
        }
    }

    /// What was wanted, and is not there.
    pub(super) fn missing(&self, at: &str) -> Option<Finding> {
        let lacking = |what: String| Some(Finding::unchecked("not_there", at, what, NOT_THERE));
        match (&self.asset, self.block) {
            (Some((name, id)), _) if self.chain.is_empty() => lacking(format!("no leaf is about asset {name} ({id})")),
            (_, Some(height)) if self.header.is_none() => lacking(format!("there is no block {height}")),
            _ => None,
        }
    }

    /// What was picked, for programs.
    pub(super) fn to_json(&self) -> Value {
        let record = |record: &Record| {
            let transfer = &record.transfer;
            json!({
                "leaf_index": record.leaf_index,
                "record_id": transfer.record_id.to_string(),
                "act": transfer.act.name(),
                "from": transfer.from.to_string(),
                "to": transfer.to.to_string(),
                "quantity": transfer.quantity.to_string(),
                "seq": record.asset_seq,
                "time": Time::from_micros(record.time_us),
            })
        };
        let block = |header: &Header| {
            json!({
                "height": header.height,
                "table_id": header.table_id,
                "first_leaf": header.first_leaf,
                "leaf_index": header.leaf_index,
                "records_root": header.records_root.to_string(),
                "header_hash": header.leaf_hash().to_string(),
            })
        };
        json!({
            "asset_id": self.asset.as_ref().map(|(_, id)| id.to_string()),
            "chain": self.chain.iter().map(record).collect::<Vec<_>>(),
            "block": self.header.as_ref().map(block),
        })
    }

    /// The same for people.
    pub(super) fn to_words(&self) -> String {
        let mut text = String::new();
        if let Some((name, id)) = &self.asset {
            let records = count(self.chain.len() as u64, "record");
            text += &format!("\nasset {name} ({id}): {records}, and no other in this log");
            for record in &self.chain {
                let transfer = &record.transfer;
                text += &format!(
                    "\n  leaf {}  {}  {}",
                    record.leaf_index,
                    Time::from_micros(record.time_us),
                    transfer.act.name()
                );
                for (word, party) in [("from", transfer.from), ("to", transfer.to)] {
                    if !party.is_nil() {
                        text += &format!("  {word} {party}");
                    }
                }
            }
        }
        if let Some(header) = &self.header {
            text += &format!(
                "\nblock {}: {} from leaf {}, header at leaf {} with hash {}",
                header.height,
                count(header.record_count, "record"),
                header.first_leaf,
                header.leaf_index,
                header.leaf_hash()
            );
        }
        text
    }
}

const NOT_THERE: &str = "the log that was read does not have it, which is proven as far as the signed root reaches; it \
    may be newer than that, or of another ledger";
