//! The chain of headers: what ties each table to everything before it.

use bulla_sealing::{
    Checkpoint, ConfigLeaf, Frontier, Hash, Header, Policy, SigningKey, StateMap, leaf_hash, table_id,
};

use crate::identity::Identity;
use crate::states::after_table;
use crate::table::RecordTable;

/// What never changes in the life of a ledger.
pub(crate) struct Charter {
    pub(crate) config: ConfigLeaf,
    pub(crate) config_leaf: Vec<u8>,
    pub(crate) policy: Policy,
    pub(crate) log_key: SigningKey,
}

impl Charter {
    pub(crate) fn of(identity: &Identity) -> Self {
        Self {
            config: identity.genesis.clone(),
            config_leaf: identity.genesis.encode(),
            policy: Policy::from_config(&identity.genesis).expect("a config leaf that decodes states a policy"),
            log_key: identity.log_key.clone(),
        }
    }
}

/// The log up to the open table, or up to a header.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    /// Height of the open table, or of the next one.
    pub(crate) height: u64,
    /// Leaf hash of the last header.
    pub(crate) prev_header: Hash,
    /// The latest time seen, POSIX microseconds. Nothing recorded later is earlier.
    pub(crate) last_time_us: u64,
    /// All leaves before the open table, and those of it that `absorb` has seen.
    pub(crate) log: Frontier,
    /// The leaves of the open table that `absorb` has seen.
    records: Frontier,
    /// What is so after the last header.
    pub(crate) states: StateMap,
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self {
            height: 0,
            prev_header: Hash::ZERO,
            last_time_us: 0,
            log: Frontier::new(),
            records: Frontier::new(),
            states: StateMap::new(),
        }
    }

    /// The chain behind a header; `log` ends with it.
    pub(crate) fn after(header: &Header, log: Frontier) -> Self {
        let (height, prev_header) = (header.height + 1, header.leaf_hash());
        Self { height, prev_header, last_time_us: header.closed_us, log, ..Self::new() }
    }

    /// The table that follows the last header. Leaf 0 of a ledger is its configuration.
    pub(crate) fn open_table(&self, charter: &Charter) -> RecordTable {
        let table_id = table_id(charter.config.ledger_id, self.height, &self.prev_header);
        let mut table = RecordTable::new(self.height, table_id, self.last_time_us, self.log.size());
        if self.height == 0 {
            table.push_leaf(&charter.config_leaf, 0);
        }
        table
    }

    /// Takes in the leaves that were added to the open table since the last time. They stay for good.
    pub(crate) fn absorb(&mut self, table: &RecordTable) {
        let seen = self.records.size() as usize;
        for hash in &table.leaves.hashes[seen..] {
            self.records.push(*hash);
            self.log.push(*hash);
        }
    }

    /// The states after the open table, as it is now. The dearest part of closing.
    pub(crate) fn states_after(&self, table: &RecordTable) -> StateMap {
        after_table(&self.states, table)
    }

    /// Fixes the open table's header and makes it the table's last leaf. `states` are those after the table.
    pub(crate) fn close(
        &mut self,
        charter: &Charter,
        table: &mut RecordTable,
        states: StateMap,
        closed_us: u64,
        raft_term: u64,
        raft_index: u64,
    ) -> Header {
        self.absorb(table);
        table.forget_undo();
        let header = Header {
            ledger_id: charter.config.ledger_id,
            table_id: table.table_id,
            leaf_index: table.next_leaf(),
            height: table.height,
            first_leaf: table.first_leaf,
            record_count: table.leaves.len(),
            opened_us: table.opened_us,
            closed_us: closed_us.max(self.last_time_us),
            raft_term,
            raft_index,
            records_root: self.records.root(),
            log_root: self.log.root(),
            state_root: states.root(),
            prev_header: self.prev_header,
            config: leaf_hash(&charter.config_leaf),
        };
        table.push_leaf(&header.encode(), header.closed_us);
        self.height += 1;
        self.prev_header = header.leaf_hash();
        self.last_time_us = header.closed_us;
        self.log.push(self.prev_header);
        self.records = Frontier::new();
        self.states = states;
        header
    }

    /// The tree as it is now.
    pub(crate) fn checkpoint(&self, charter: &Charter) -> Checkpoint {
        Checkpoint { origin: charter.config.origin.clone(), size: self.log.size(), root: self.log.root() }
    }

    /// Only between tables.
    pub(crate) fn encode(&self) -> Vec<u8> {
        assert_eq!(self.records.size(), 0, "an open table is never written down");
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&self.height.to_be_bytes());
        bytes.extend_from_slice(&self.prev_header.0);
        bytes.extend_from_slice(&self.last_time_us.to_be_bytes());
        bytes.extend_from_slice(&self.log.encode());
        bytes
    }

    /// The states are not written down with it: whoever goes on from here brings them.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (height, rest) = bytes.split_first_chunk()?;
        let (prev_header, rest) = rest.split_first_chunk()?;
        let (last_time_us, log) = rest.split_first_chunk()?;
        Some(Self {
            height: u64::from_be_bytes(*height),
            prev_header: Hash(*prev_header),
            last_time_us: u64::from_be_bytes(*last_time_us),
            log: Frontier::decode(log).ok()?,
            records: Frontier::new(),
            states: StateMap::new(),
        })
    }
}
