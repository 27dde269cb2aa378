//! Folding a block again: applying the rules to its records and comparing all that follows, byte for byte.

use bulla_ledger::{Facts, Outcome, Place, Record, decide};
use bulla_sealing::Header;

use crate::block_file::Block;
use crate::chain::{Chain, Charter};
use crate::error::StorageError;
use crate::layers::{Base, Over};
use crate::table::RecordTable;

/// Why a block is not one that follows from the blocks before it.
pub(crate) enum FoldError {
    /// The facts could not be read.
    Storage(StorageError),
    /// The block breaks a rule.
    Wrong(String),
}

impl From<StorageError> for FoldError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// Applies the rules to every record of `block`, over the facts before it, and moves `chain` past it.
///
/// Leaves, links, times, roots and header must come out as they stand in the block. Refused requests are not judged
/// again: one that failed within an atomic batch failed against facts that were then undone. They only must have
/// fresh ids.
pub(crate) fn fold(
    block: &Block,
    base: &impl Base,
    chain: &mut Chain,
    charter: &Charter,
) -> Result<(RecordTable, Header), FoldError> {
    let mut table = chain.open_table(charter);
    check(block.ledger_id == charter.config.ledger_id, || "it belongs to another ledger".into())?;
    check(block.height == table.height, || format!("it has height {} instead of {}", block.height, table.height))?;
    check(block.first_leaf == table.first_leaf, || format!("it begins at leaf {}", block.first_leaf))?;
    let header_place = block.leaves.len().checked_sub(1).ok_or_else(|| wrong("it has no leaves".into()))?;
    for (place, leaf) in (0..header_place).zip(block.leaves.iter()) {
        match table.leaves.get(place) {
            Some(given) => check(given == leaf, || "leaf 0 is not the configuration of this ledger".into())?,
            None => record(leaf, &mut table, base, chain)?,
        }
    }
    for refused in &block.refused {
        let record_id = refused.transfer.record_id;
        check(!Over { table: &table, base }.is_spent(record_id)?, || format!("record id {record_id} is used twice"))?;
        table.refuse(&refused.transfer, refused.rejection, refused.time_us);
    }
    let given = block.leaves.get(header_place).expect("the last leaf");
    let header = Header::decode(given).map_err(|error| wrong(format!("its header does not decode: {error}")))?;
    let ours = chain.close(charter, &mut table, header.closed_us, header.raft_term, header.raft_index);
    check(ours == header, || "its header does not follow from its records and the header before it".into())?;
    check(table.leaves == block.leaves, || "its leaves are not laid out as they should be".into())?;
    Ok((table, header))
}

fn record(leaf: &[u8], table: &mut RecordTable, base: &impl Base, chain: &mut Chain) -> Result<(), FoldError> {
    let leaf_index = table.next_leaf();
    let record = Record::decode(leaf).map_err(|error| wrong(format!("leaf {leaf_index} is no record: {error}")))?;
    check(record.time_us >= chain.last_time_us, || format!("leaf {leaf_index} is earlier than the one before it"))?;
    let over = Over { table, base };
    let record_id = record.transfer.record_id;
    check(!over.is_spent(record_id)?, || format!("leaf {leaf_index} repeats record id {record_id}"))?;
    let facts = Facts::gather(&record.transfer, None, &over)?;
    match decide(&record.transfer, &facts, Place { leaf_index, time_us: record.time_us }) {
        Outcome::Accepted(effects) if effects.record == record => {
            chain.last_time_us = record.time_us;
            // The payload is no leaf: whoever has it adds it.
            table.record(&effects, None);
            Ok(())
        }
        Outcome::Accepted(_) => Err(wrong(format!("leaf {leaf_index} is not what the rules make of its request"))),
        Outcome::AlreadyAccepted { .. } | Outcome::AlreadyRejected(_) => unreachable!("the record id is fresh"),
        Outcome::Rejected(rejection) => Err(wrong(format!("leaf {leaf_index} should have been refused: {rejection}"))),
    }
}

fn check(holds: bool, reason: impl FnOnce() -> String) -> Result<(), FoldError> {
    match holds {
        true => Ok(()),
        false => Err(wrong(reason())),
    }
}

fn wrong(reason: String) -> FoldError {
    FoldError::Wrong(reason)
}
