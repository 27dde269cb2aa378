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
    let states = chain.states_after(&table);
    let ours = chain.close(charter, &mut table, states, header.closed_us, header.raft_term, header.raft_index);
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

#[cfg(test)]
mod tests {
    use bulla_ledger::{AssetId, ClassId, PartyId, RecordId, Transfer};
    use bulla_sealing::{ConfigNode, Policy, SigningKey};

    use super::*;
    use crate::layers::Memory;

    fn charter() -> Charter {
        let log_key = SigningKey::from_bytes(&[200; 32]);
        let public = |key: &SigningKey| key.verifying_key().to_bytes();
        let node = ConfigNode { name: "a".into(), public_key: public(&SigningKey::from_bytes(&[1; 32])) };
        let config = bulla_sealing::ConfigLeaf::genesis("ledger.example", public(&log_key), vec![node]).unwrap();
        let policy = Policy::from_config(&config).unwrap();
        Charter { config_leaf: config.encode(), config, policy, log_key }
    }

    fn id(number: u8) -> [u8; 16] {
        [number; 16]
    }

    fn requests() -> Vec<Transfer> {
        let record = |number| RecordId::from_bytes(id(number));
        let party = |number| PartyId::from_bytes(id(number));
        let (desk, furniture) = (AssetId::from_bytes(id(30)), ClassId::from_bytes(id(40)));
        vec![
            Transfer::enroll(record(1), party(21)),
            Transfer::enroll(record(2), party(22)),
            Transfer::define(record(3), furniture, false, 0),
            Transfer::register(record(4), desk, furniture, party(21)),
            Transfer::transfer(record(5), desk, party(21), party(22)),
        ]
    }

    /// Block 0 with `requests()`, each record changed by `forge`; consistent in itself, with a header of its own.
    fn block(charter: &Charter, forge: impl Fn(&mut Record)) -> Block {
        let mut chain = Chain::new();
        let mut table = chain.open_table(charter);
        let mut honest = chain.open_table(charter);
        for (time_us, transfer) in (100..).zip(requests()) {
            let place = Place { leaf_index: honest.next_leaf(), time_us };
            let over = Over { table: &honest, base: &Memory::default() };
            let facts = Facts::gather(&transfer, None, &over).unwrap_or_else(|_| unreachable!("memory"));
            let Outcome::Accepted(effects) = decide(&transfer, &facts, place) else { panic!("{transfer:?}") };
            honest.record(&effects, None);
            let mut record = effects.record;
            forge(&mut record);
            table.push_leaf(&record.encode(), time_us);
            chain.last_time_us = chain.last_time_us.max(record.time_us);
        }
        let states = chain.states_after(&honest);
        chain.close(charter, &mut table, states, 1_000, 1, 1);
        let ledger_id = charter.config.ledger_id;
        Block { ledger_id, height: 0, first_leaf: 0, leaves: table.leaves, refused: Vec::new() }
    }

    /// Why the fold refuses a block that was forged like this; empty if it does not.
    fn check(forge: impl Fn(&mut Record)) -> String {
        let charter = charter();
        match fold(&block(&charter, forge), &Memory::default(), &mut Chain::new(), &charter) {
            Ok(_) => String::new(),
            Err(FoldError::Wrong(reason)) => reason,
            Err(FoldError::Storage(error)) => panic!("{error}"),
        }
    }

    /// Forges the record at a leaf.
    fn at(leaf_index: u64, forge: impl Fn(&mut Record)) -> impl Fn(&mut Record) {
        move |record| {
            if record.leaf_index == leaf_index {
                forge(record);
            }
        }
    }

    #[test]
    fn an_honest_block_folds() {
        assert_eq!(check(|_| {}), "");
    }

    #[test]
    fn a_transfer_by_somebody_else_is_noticed() {
        let reason = check(at(5, |record| {
            std::mem::swap(&mut record.transfer.from, &mut record.transfer.to);
        }));
        assert!(reason.starts_with("leaf 5 should have been refused"), "{reason}");
    }

    #[test]
    fn a_record_with_other_links_or_numbers_is_noticed() {
        let expected = "leaf 5 is not what the rules make of its request";
        assert_eq!(check(at(5, |record| record.prev_leaf = 3)), expected);
        assert_eq!(check(at(5, |record| record.asset_seq = 2)), expected);
        assert_eq!(check(at(5, |record| record.ref_leaf = 3)), expected);
        assert_eq!(check(at(5, |record| record.leaf_index = 9)), expected);
    }

    #[test]
    fn a_repeated_record_id_is_noticed() {
        let reason = check(at(5, |record| record.transfer.record_id = RecordId::from_bytes(id(4))));
        assert!(reason.starts_with("leaf 5 repeats record id"), "{reason}");
    }

    #[test]
    fn time_that_goes_back_is_noticed() {
        assert_eq!(check(at(4, |record| record.time_us = 99)), "leaf 4 is earlier than the one before it");
    }

    #[test]
    fn a_header_of_other_records_is_noticed() {
        let charter = charter();
        let (mut mixed, other) = (block(&charter, |_| {}), block(&charter, at(5, |record| record.time_us += 1)));
        let leaves: Vec<&[u8]> = other.leaves.iter().collect();
        mixed.leaves.truncate(mixed.leaves.len() as usize - 1);
        mixed.leaves.push(leaves[leaves.len() - 1]);
        let folded = fold(&mixed, &Memory::default(), &mut Chain::new(), &charter);
        assert!(matches!(folded, Err(FoldError::Wrong(reason)) if reason.starts_with("its header does not follow")));
    }

    #[test]
    fn another_configuration_at_leaf_0_is_noticed() {
        let charter = charter();
        let mut other = block(&charter, |_| {});
        let mut leaves: Vec<Vec<u8>> = other.leaves.iter().map(<[u8]>::to_vec).collect();
        leaves[0][20] ^= 1;
        other.leaves = Default::default();
        leaves.iter().for_each(|leaf| other.leaves.push(leaf));
        let folded = fold(&other, &Memory::default(), &mut Chain::new(), &charter);
        assert!(matches!(folded, Err(FoldError::Wrong(reason)) if reason.starts_with("leaf 0 is not")));
    }
}
