//! A log read from its first leaf: every record held against the rules, every header against all before it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use bulla_ledger::{
    Asset, AssetId, Class, ClassId, Effects, Facts, Outcome, Party, PartyId, Place, Position, Prior, Record, RecordId,
    Source, decide, leaf_kind,
};
use bulla_sealing::{Checkpoint, ConfigLeaf, Frontier, Hash, Header, KIND_HEADER, Policy, table_id};

/// The first leaf that is not what must stand there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("leaf {leaf_index}, in block {height}: {what}")]
pub struct BrokenLeaf {
    /// Which leaf.
    pub leaf_index: u64,
    /// The block that it belongs to.
    pub height: u64,
    /// What is wrong with it.
    pub what: String,
    /// It may be right in a format newer than this code.
    pub unknown: bool,
}

/// Where the log is, after the leaves so far. Made from the policy alone; keeps every party, class, asset, position and
/// record id in memory.
#[derive(Debug, Clone)]
pub struct Replay {
    policy: Policy,
    rows: Rows,
    log: Frontier,
    /// Leaves of the block that has no header yet.
    records: Frontier,
    height: u64,
    first_leaf: u64,
    prev_header: Hash,
    config: Hash,
    opened_us: u64,
    last_time_us: u64,
}

impl Replay {
    /// Before the first leaf of the ledger that the policy is about.
    pub fn new(policy: &Policy) -> Replay {
        Replay {
            policy: policy.clone(),
            rows: Rows::default(),
            log: Frontier::new(),
            records: Frontier::new(),
            height: 0,
            first_leaf: 0,
            prev_header: Hash::ZERO,
            config: Hash::ZERO,
            opened_us: 0,
            last_time_us: 0,
        }
    }

    /// Reads the next leaf. `hash` is its leaf hash, which the caller has made from these bytes.
    ///
    /// # Errors
    /// When it is not what the rules, the clock and the leaves before it make of it. The log ends there.
    pub fn leaf(&mut self, leaf: &[u8], hash: Hash) -> Result<(), BrokenLeaf> {
        let checked = match self.log.size() {
            0 => self.genesis(leaf, hash),
            _ if leaf_kind(leaf) == Ok(KIND_HEADER) => return self.header(leaf, hash),
            _ => self.record(leaf),
        };
        checked?;
        self.log.push(hash);
        self.records.push(hash);
        Ok(())
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.log.size()
    }

    /// Root of the log so far.
    pub fn root(&self) -> Hash {
        self.log.root()
    }

    /// Blocks so far.
    pub fn blocks(&self) -> u64 {
        self.height
    }

    /// Holds the end of the log against what was signed: a log is sealed only at a header.
    ///
    /// # Errors
    /// When it is another log, or ends within a block.
    pub fn finish(&self, signed: &Checkpoint) -> Result<(), BrokenLeaf> {
        let ends_with_header = self.height > 0 && self.records.size() == 0;
        match (self.size() == signed.size && self.root() == signed.root, ends_with_header) {
            (true, true) => Ok(()),
            (false, _) => Err(self.wrong(format!("the signed root of {} leaves is not this log's", signed.size))),
            (true, false) => Err(self.wrong("the log was signed where no block ends")),
        }
    }

    fn genesis(&mut self, leaf: &[u8], hash: Hash) -> Result<(), BrokenLeaf> {
        let config = ConfigLeaf::decode(leaf)
            .map_err(|error| self.broken(format!("the configuration does not decode: {error}"), error.is_unknown()))?;
        let stated = Policy::from_config(&config).map_err(|error| self.wrong(error.to_string()))?;
        let same = stated.ledger_id() == self.policy.ledger_id()
            && stated.origin() == self.policy.origin()
            && stated.log_key() == self.policy.log_key()
            && stated.nodes() == self.policy.nodes();
        match same {
            true => self.config = hash,
            false => return Err(self.wrong("the ledger was founded with other keys or names than the policy has")),
        }
        Ok(())
    }

    fn record(&mut self, leaf: &[u8]) -> Result<(), BrokenLeaf> {
        let record = Record::decode(leaf)
            .map_err(|error| self.broken(format!("the record does not decode: {error}"), error.cannot_verify()))?;
        let record_id = record.transfer.record_id;
        if record.time_us < self.last_time_us {
            return Err(self.wrong("the record is earlier than the one before it"));
        }
        if self.rows.spent.contains(&record_id) {
            return Err(self.wrong(format!("record id {record_id} is used a second time")));
        }
        let Ok(facts) = Facts::gather(&record.transfer, None, &self.rows);
        let place = Place { leaf_index: self.log.size(), time_us: record.time_us };
        match decide(&record.transfer, &facts, place) {
            Outcome::Accepted(effects) if effects.record == record => self.rows.apply(&effects),
            Outcome::Accepted(_) => return Err(self.wrong("the record is not what the rules make of its request")),
            Outcome::Rejected(rejection) => {
                return Err(self.wrong(format!("the record should have been refused: {rejection}")));
            }
            Outcome::AlreadyAccepted { .. } | Outcome::AlreadyRejected(_) => unreachable!("the record id is fresh"),
        }
        self.last_time_us = record.time_us;
        Ok(())
    }

    fn header(&mut self, leaf: &[u8], hash: Hash) -> Result<(), BrokenLeaf> {
        let header = Header::decode(leaf)
            .map_err(|error| self.broken(format!("the header does not decode: {error}"), error.is_unknown()))?;
        let ledger_id = self.policy.ledger_id();
        let fields = [
            ("ledger_id", header.ledger_id == ledger_id),
            ("height", header.height == self.height),
            ("prev_header", header.prev_header == self.prev_header),
            ("table_id", header.table_id == table_id(ledger_id, self.height, &self.prev_header)),
            ("first_leaf", header.first_leaf == self.first_leaf),
            ("leaf_index", header.leaf_index == self.log.size()),
            ("records_root", header.records_root == self.records.root()),
            ("log_root", header.log_root == self.log.root()),
            ("config", header.config == self.config),
            ("opened_us", header.opened_us == self.opened_us),
            ("closed_us", header.closed_us >= self.last_time_us),
        ];
        if let Some((field, _)) = fields.into_iter().find(|(_, follows)| !follows) {
            return Err(self.wrong(format!("the header's {field} does not follow from the leaves before it")));
        }
        self.log.push(hash);
        self.records = Frontier::new();
        self.height += 1;
        self.first_leaf = self.log.size();
        self.prev_header = hash;
        (self.opened_us, self.last_time_us) = (header.closed_us, header.closed_us);
        Ok(())
    }

    fn wrong(&self, what: impl Into<String>) -> BrokenLeaf {
        self.broken(what.into(), false)
    }

    fn broken(&self, what: String, unknown: bool) -> BrokenLeaf {
        BrokenLeaf { leaf_index: self.log.size(), height: self.height, what, unknown }
    }
}

/// The facts that records are held against.
#[derive(Debug, Clone, Default)]
struct Rows {
    spent: BTreeSet<RecordId>,
    assets: BTreeMap<AssetId, Asset>,
    positions: BTreeMap<(AssetId, PartyId), Position>,
    parties: BTreeMap<PartyId, Party>,
    classes: BTreeMap<ClassId, Class>,
}

impl Rows {
    fn apply(&mut self, effects: &Effects) {
        self.spent.insert(effects.record.transfer.record_id);
        self.assets.extend(effects.asset.map(|asset| (asset.asset_id, asset)));
        self.parties.extend(effects.party.map(|party| (party.party_id, party)));
        self.classes.extend(effects.class.map(|class| (class.class_id, class)));
        let positions = effects.positions.into_iter().flatten();
        self.positions.extend(positions.map(|position| ((position.asset_id, position.party_id), position)));
    }
}

impl Source for Rows {
    type Error = Infallible;

    fn prior(&self, _: RecordId) -> Result<Option<Prior>, Infallible> {
        // Only ids that were never used are asked about.
        Ok(None)
    }

    fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, Infallible> {
        Ok(self.assets.get(&asset_id).copied())
    }

    fn position(&self, asset_id: AssetId, party_id: PartyId) -> Result<Option<Position>, Infallible> {
        Ok(self.positions.get(&(asset_id, party_id)).copied())
    }

    fn party(&self, party_id: PartyId) -> Result<Option<Party>, Infallible> {
        Ok(self.parties.get(&party_id).copied())
    }

    fn class(&self, class_id: ClassId) -> Result<Option<Class>, Infallible> {
        Ok(self.classes.get(&class_id).copied())
    }
}
