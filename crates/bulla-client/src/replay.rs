//! A log read from its first leaf: every record held against the rules, every header against all before it.

use bulla_ledger::{DecodeError, Facts, Outcome, Place, Record, decide, leaf_kind};
use bulla_sealing::{
    Checkpoint, ConfigLeaf, Frontier, Hash, Header, KIND_HEADER, Policy, Run, StateMap, leaf_hash, table_id,
};

use crate::replay_rows::Rows;

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
    /// What was so after the last header whose states were computed. The rows know what has changed since.
    states: StateMap,
    states_from: u64,
    /// The leaf that comes next.
    next: u64,
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
            states_from: 0,
            next: 0,
            height: 0,
            first_leaf: 0,
            prev_header: Hash::ZERO,
            config: Hash::ZERO,
            opened_us: 0,
            last_time_us: 0,
        }
    }

    /// The log was verified before, from its first leaf up to this size: of the headers below, only the last one's state
    /// root is held against the states that the records lead to. Those are all states since the first leaf, so nothing
    /// that is so after that header is left out; only in which block each came about is not seen again.
    pub fn was_verified(&mut self, size: u64) {
        self.states_from = size;
    }

    /// Reads the next leaf. `hash` is its leaf hash, which the caller has made from these bytes.
    ///
    /// # Errors
    /// When it is not what the rules, the clock and the leaves before it make of it. The log ends there.
    pub fn leaf(&mut self, leaf: &[u8], hash: Hash) -> Result<(), BrokenLeaf> {
        match self.next {
            0 => self.genesis(leaf, hash)?,
            _ if leaf_kind(leaf) == Ok(KIND_HEADER) => {
                let records_root = self.records.root();
                self.header(leaf, hash, records_root)?;
                self.records = Frontier::new();
                return Ok(());
            }
            _ => self.record(Record::decode(leaf))?,
        }
        self.log.push(hash);
        self.records.push(hash);
        Ok(())
    }

    /// Reads the next block: its leaves, the header last; the run of all but the header; and the header's leaf hash. The
    /// caller has hashed these bytes.
    ///
    /// # Errors
    /// When a leaf is not what the rules, the clock and the leaves before it make of it. The log ends there.
    ///
    /// # Panics
    /// When the run does not begin where the log ends, or within a block.
    pub fn block(&mut self, leaves: &[&[u8]], records: &Run, header_hash: Hash) -> Result<(), BrokenLeaf> {
        assert_eq!((self.log.size(), self.records.size()), (records.first_leaf(), 0), "blocks follow each other");
        assert_eq!(leaves.len() as u64, records.size() + 1, "the run has all leaves but the last");
        let (header, mut leaves) = leaves.split_last().expect("there is one");
        if self.next == 0
            && let Some((config, others)) = leaves.split_first()
        {
            self.genesis(config, leaf_hash(config))?;
            leaves = others;
        }
        let mut decoded = Vec::with_capacity(TOGETHER);
        for leaves in leaves.chunks(TOGETHER) {
            decoded.extend(leaves.iter().map(|leaf| Record::decode(leaf)));
            self.rows.fetch(decoded.iter().flatten());
            for (leaf, record) in leaves.iter().zip(decoded.drain(..)) {
                if record.is_err() && leaf_kind(leaf) == Ok(KIND_HEADER) {
                    return Err(self.wrong("a header stands before the end of its block"));
                }
                self.record(record)?;
            }
        }
        if Record::decode(header).is_ok() {
            return Err(self.wrong("a record stands where the block's header should be"));
        }
        self.log.append(records);
        self.header(header, header_hash, records.root())
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
            true => (self.config, self.next) = (hash, 1),
            false => return Err(self.wrong("the ledger was founded with other keys or names than the policy has")),
        }
        Ok(())
    }

    fn record(&mut self, decoded: Result<Record, DecodeError>) -> Result<(), BrokenLeaf> {
        let record = decoded
            .map_err(|error| self.broken(format!("the record does not decode: {error}"), error.cannot_verify()))?;
        let record_id = record.transfer.record_id;
        if record.time_us < self.last_time_us {
            return Err(self.wrong("the record is earlier than the one before it"));
        }
        if self.rows.is_spent(record_id) {
            return Err(self.wrong(format!("record id {record_id} is used a second time")));
        }
        let Ok(facts) = Facts::gather(&record.transfer, None, &self.rows);
        let place = Place { leaf_index: self.next, time_us: record.time_us };
        match decide(&record.transfer, &facts, place) {
            Outcome::Accepted(effects) if effects.record == record => {
                self.rows.apply(&effects);
            }
            Outcome::Accepted(_) => return Err(self.wrong("the record is not what the rules make of its request")),
            Outcome::Rejected(rejection) => {
                return Err(self.wrong(format!("the record should have been refused: {rejection}")));
            }
            Outcome::AlreadyAccepted { .. } | Outcome::AlreadyRejected(_) => unreachable!("the record id is fresh"),
        }
        self.last_time_us = record.time_us;
        self.next += 1;
        Ok(())
    }

    fn header(&mut self, leaf: &[u8], hash: Hash, records_root: Hash) -> Result<(), BrokenLeaf> {
        let header = Header::decode(leaf)
            .map_err(|error| self.broken(format!("the header does not decode: {error}"), error.is_unknown()))?;
        let ledger_id = self.policy.ledger_id();
        let with_states = self.next + 1 >= self.states_from;
        if with_states {
            self.states.update(&self.rows.changed_states());
        }
        let fields = [
            ("ledger_id", header.ledger_id == ledger_id),
            ("height", header.height == self.height),
            ("prev_header", header.prev_header == self.prev_header),
            ("table_id", header.table_id == table_id(ledger_id, self.height, &self.prev_header)),
            ("first_leaf", header.first_leaf == self.first_leaf),
            ("leaf_index", header.leaf_index == self.next),
            ("records_root", header.records_root == records_root),
            ("log_root", header.log_root == self.log.root()),
            ("state_root", !with_states || header.state_root == self.states.root()),
            ("config", header.config == self.config),
            ("opened_us", header.opened_us == self.opened_us),
            ("closed_us", header.closed_us >= self.last_time_us),
        ];
        if let Some((field, _)) = fields.into_iter().find(|(_, follows)| !follows) {
            return Err(self.wrong(format!("the header's {field} does not follow from the leaves before it")));
        }
        self.log.push(hash);
        self.next += 1;
        self.height += 1;
        self.first_leaf = self.next;
        self.prev_header = hash;
        (self.opened_us, self.last_time_us) = (header.closed_us, header.closed_us);
        Ok(())
    }

    fn wrong(&self, what: impl Into<String>) -> BrokenLeaf {
        self.broken(what.into(), false)
    }

    fn broken(&self, what: String, unknown: bool) -> BrokenLeaf {
        BrokenLeaf { leaf_index: self.next, height: self.height, what, unknown }
    }
}

/// Records whose rows are fetched from memory together.
const TOGETHER: usize = 128;

#[cfg(test)]
mod tests {
    use bulla_ledger::{AssetId, ClassId, PartyId, RecordId, Source, State, Transfer};
    use bulla_sealing::{ConfigNode, SigningKey, state_value, subtree_root};
    use uuid::Uuid;

    use super::*;

    /// A block: a configuration, a party, a class, an asset, and a header with this state root.
    fn block(state_root: impl FnOnce(Hash) -> Hash) -> (Policy, Vec<Vec<u8>>) {
        let public = |seed: u8| SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
        let nodes = vec![ConfigNode { name: "node-1".into(), public_key: public(1) }];
        let config = ConfigLeaf::genesis("bulla/test", public(9), nodes).unwrap();
        let (mut rows, mut leaves) = (Rows::default(), vec![config.encode()]);

        let id = Uuid::from_u128;
        let (party, class, asset) = (PartyId(id(1)), ClassId(id(2)), AssetId(id(3)));
        let requests = [
            Transfer::enroll(RecordId(id(11)), party),
            Transfer::define(RecordId(id(12)), class, false, 0),
            Transfer::register(RecordId(id(13)), asset, class, party),
        ];
        for transfer in requests {
            let Ok(facts) = Facts::gather(&transfer, None, &rows);
            let place = Place { leaf_index: leaves.len() as u64, time_us: 5 };
            let Outcome::Accepted(effects) = decide(&transfer, &facts, place) else { panic!("{transfer:?}") };
            rows.apply(&effects);
            leaves.push(effects.record.encode().to_vec());
        }
        let Ok(asset) = rows.asset(asset);
        let state = State::of_asset(&asset.unwrap()).unwrap();
        let mut states = StateMap::new();
        states.update(&[(Hash(state.key()), state_value(&state.encode()))]);
        let root = subtree_root(&hashes(&leaves));
        let header = Header {
            ledger_id: config.ledger_id,
            table_id: table_id(config.ledger_id, 0, &Hash::ZERO),
            leaf_index: 4,
            height: 0,
            first_leaf: 0,
            record_count: 4,
            opened_us: 0,
            closed_us: 9,
            raft_term: 1,
            raft_index: 1,
            records_root: root,
            log_root: root,
            state_root: state_root(states.root()),
            prev_header: Hash::ZERO,
            config: config.leaf_hash(),
        };
        leaves.push(header.encode().to_vec());
        (Policy::from_config(&config).unwrap(), leaves)
    }

    fn hashes(leaves: &[Vec<u8>]) -> Vec<Hash> {
        leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
    }

    /// Does the block follow? Read leaf by leaf and at once, which must agree.
    fn check(verified_before: u64, (policy, leaves): (Policy, Vec<Vec<u8>>)) -> Result<Hash, BrokenLeaf> {
        let [mut by_leaf, mut at_once] = [Replay::new(&policy), Replay::new(&policy)];
        by_leaf.was_verified(verified_before);
        at_once.was_verified(verified_before);
        let one = leaves.iter().try_for_each(|leaf| by_leaf.leaf(leaf, leaf_hash(leaf)));
        let hashes = hashes(&leaves);
        let (header_hash, records) = hashes.split_last().unwrap();
        let leaves: Vec<&[u8]> = leaves.iter().map(Vec::as_slice).collect();
        let other = at_once.block(&leaves, &Run::new(0, records), *header_hash);
        assert_eq!(one, other);
        one.map(|()| {
            assert_eq!((by_leaf.size(), by_leaf.root()), (at_once.size(), at_once.root()));
            assert_eq!((by_leaf.size(), by_leaf.root()), (5, subtree_root(&hashes)));
            by_leaf.root()
        })
    }

    #[test]
    fn a_header_must_have_the_root_of_the_states_that_its_records_lead_to() {
        check(0, block(|root| root)).unwrap();
        let broken = check(0, block(|root| Hash(root.0.map(|byte| !byte)))).unwrap_err();
        assert!(broken.what.contains("state_root"), "{broken}");
    }

    #[test]
    fn of_what_was_verified_before_the_last_states_are_held_against_their_root_again() {
        let other = || block(|root| Hash(root.0.map(|byte| !byte)));
        let broken = check(5, other()).unwrap_err();
        assert!(broken.what.contains("state_root"), "{broken}");
        check(6, other()).unwrap();
    }

    #[test]
    fn a_record_that_is_not_what_the_rules_make_of_it_is_named() {
        let (policy, mut leaves) = block(|root| root);
        leaves[3][48 + 7] ^= 1;
        let broken = check(0, (policy, leaves)).unwrap_err();
        assert_eq!((broken.leaf_index, broken.unknown), (3, false), "{broken}");
    }

    #[test]
    fn a_block_ends_where_its_header_is() {
        let (policy, leaves) = block(|root| root);
        let replay = Replay::new(&policy);
        let at_once = |leaves: &[Vec<u8>]| {
            let hashes = hashes(leaves);
            let (last, records) = hashes.split_last().unwrap();
            let leaves: Vec<&[u8]> = leaves.iter().map(Vec::as_slice).collect();
            replay.clone().block(&leaves, &Run::new(0, records), *last).unwrap_err()
        };
        let [early, none] = [[&leaves[..], &leaves[4..]].concat(), leaves[..4].to_vec()].map(|leaves| at_once(&leaves));
        assert_eq!((early.leaf_index, early.unknown), (4, false), "{early}");
        assert_eq!((none.leaf_index, none.unknown), (3, false), "{none}");
    }
}
