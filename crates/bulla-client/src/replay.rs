//! A log read from its first leaf: every record held against the rules, every header against all before it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bulla_ledger::{
    Asset, AssetId, Class, ClassId, Effects, Facts, Outcome, Party, PartyId, Place, Position, Prior, Record, RecordId,
    Source, State, Subject, decide, leaf_kind,
};
use bulla_sealing::{
    Checkpoint, ConfigLeaf, Frontier, Hash, Header, KIND_HEADER, Policy, StateMap, state_value, table_id,
};

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
    /// What was so after the last header, and what that block's records have changed since.
    states: StateMap,
    changed: BTreeMap<Hash, Hash>,
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
            states: StateMap::new(),
            changed: BTreeMap::new(),
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
        if self.rows.spent.contains_key(&record_id) {
            return Err(self.wrong(format!("record id {record_id} is used a second time")));
        }
        let Ok(facts) = Facts::gather(&record.transfer, None, &self.rows);
        let place = Place { leaf_index: self.log.size(), time_us: record.time_us };
        match decide(&record.transfer, &facts, place) {
            Outcome::Accepted(effects) if effects.record == record => {
                self.rows.apply(&effects);
                self.changed.extend(states(&effects).map(|state| (Hash(state.key()), state_value(&state.encode()))));
            }
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
        let changed: Vec<(Hash, Hash)> = std::mem::take(&mut self.changed).into_iter().collect();
        self.states.update(&changed);
        let fields = [
            ("ledger_id", header.ledger_id == ledger_id),
            ("height", header.height == self.height),
            ("prev_header", header.prev_header == self.prev_header),
            ("table_id", header.table_id == table_id(ledger_id, self.height, &self.prev_header)),
            ("first_leaf", header.first_leaf == self.first_leaf),
            ("leaf_index", header.leaf_index == self.log.size()),
            ("records_root", header.records_root == self.records.root()),
            ("log_root", header.log_root == self.log.root()),
            ("state_root", header.state_root == self.states.root()),
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

/// The states that a record leads to.
fn states(effects: &Effects) -> impl Iterator<Item = State> {
    let unique = effects.asset.as_ref().and_then(State::of_asset);
    unique.into_iter().chain(effects.positions.into_iter().flatten().map(State::Position))
}

/// The facts that records are held against.
#[derive(Debug, Clone, Default)]
struct Rows {
    /// Every record id that was used, with what became of the record.
    spent: BTreeMap<RecordId, Subject>,
    assets: BTreeMap<AssetId, Asset>,
    positions: BTreeMap<(AssetId, PartyId), Position>,
    parties: BTreeMap<PartyId, Party>,
    classes: BTreeMap<ClassId, Class>,
}

impl Rows {
    fn apply(&mut self, effects: &Effects) {
        let record = &effects.record;
        self.spent.insert(record.transfer.record_id, Subject::of(record));
        if let Some(subject) = record.transfer.subject().and_then(|subject| self.spent.get_mut(&subject)) {
            subject.erased |= record.erases().is_some();
            subject.closed |= record.closes_incident().is_some();
        }
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

    fn subject(&self, record_id: RecordId) -> Result<Option<Subject>, Infallible> {
        Ok(self.spent.get(&record_id).copied())
    }
}

#[cfg(test)]
mod tests {
    use bulla_ledger::Transfer;
    use bulla_sealing::{ConfigNode, SigningKey, leaf_hash};
    use uuid::Uuid;

    use super::*;

    /// A configuration, a party, a class, an asset, and a header with this state root: does it follow?
    fn check(state_root: impl FnOnce(Hash) -> Hash) -> Result<(), BrokenLeaf> {
        let public = |seed: u8| SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
        let nodes = vec![ConfigNode { name: "node-1".into(), public_key: public(1) }];
        let config = ConfigLeaf::genesis("bulla/test", public(9), nodes).unwrap();
        let mut replay = Replay::new(&Policy::from_config(&config).unwrap());
        let read = |replay: &mut Replay, leaf: &[u8]| replay.leaf(leaf, leaf_hash(leaf));
        read(&mut replay, &config.encode()).unwrap();

        let id = Uuid::from_u128;
        let (party, class, asset) = (PartyId(id(1)), ClassId(id(2)), AssetId(id(3)));
        let requests = [
            Transfer::enroll(RecordId(id(11)), party),
            Transfer::define(RecordId(id(12)), class, false, 0),
            Transfer::register(RecordId(id(13)), asset, class, party),
        ];
        for transfer in requests {
            let Ok(facts) = Facts::gather(&transfer, None, &replay.rows);
            let place = Place { leaf_index: replay.size(), time_us: 5 };
            let Outcome::Accepted(effects) = decide(&transfer, &facts, place) else { panic!("{transfer:?}") };
            read(&mut replay, &effects.record.encode()).unwrap();
        }
        let mut states = StateMap::new();
        let row = replay.rows.assets[&asset];
        let state = State::of_asset(&row).unwrap();
        states.update(&[(Hash(state.key()), state_value(&state.encode()))]);
        let header = Header {
            ledger_id: config.ledger_id,
            table_id: table_id(config.ledger_id, 0, &Hash::ZERO),
            leaf_index: replay.size(),
            height: 0,
            first_leaf: 0,
            record_count: replay.size(),
            opened_us: 0,
            closed_us: 9,
            raft_term: 1,
            raft_index: 1,
            records_root: replay.root(),
            log_root: replay.root(),
            state_root: state_root(states.root()),
            prev_header: Hash::ZERO,
            config: config.leaf_hash(),
        };
        read(&mut replay, &header.encode())
    }

    #[test]
    fn a_header_must_have_the_root_of_the_states_that_its_records_lead_to() {
        assert_eq!(check(|root| root), Ok(()));
        let broken = check(|root| Hash(root.0.map(|byte| !byte))).unwrap_err();
        assert!(broken.what.contains("state_root"), "{broken}");
    }
}
