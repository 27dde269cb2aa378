//! Forgeries for tests: bytes of files and rows that were changed, with every checksum beside them made to fit.

use bulla_sealing::leaf_hash;
use redb::{Database, TableDefinition};

use crate::node::Node;

/// A block file with one leaf changed in place; its hash, the sums of the sections and of the trailer fit.
pub fn forge(good: &[u8], place: u64, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let trailer = bytes.len() - 48;
    let count = u32::from_be_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let leaves_len = u64::from_be_bytes(bytes[trailer..trailer + 8].try_into().unwrap()) as usize;
    let (ends, hashes) = (64 + leaves_len, 64 + leaves_len + 4 * count);
    let end_of = |place: usize| u32::from_be_bytes(good[ends + 4 * place..][..4].try_into().unwrap()) as usize;
    let place = place as usize;
    let start = 64 + 2 + if place == 0 { 0 } else { end_of(place - 1) };
    let leaf = &mut bytes[start..64 + end_of(place)];
    change(leaf);
    let hash = leaf_hash(leaf).0;
    bytes[hashes + 32 * place..][..32].copy_from_slice(&hash);
    refit(&mut bytes, [64, ends, hashes, hashes + 32 * count, trailer]);
    bytes
}

fn refit(bytes: &mut [u8], bounds: [usize; 5]) {
    let trailer = bounds[4];
    for (number, bound) in bounds.windows(2).enumerate() {
        let sum = crc32c::crc32c(&bytes[bound[0]..bound[1]]);
        bytes[trailer + 8 + 4 * number..][..4].copy_from_slice(&sum.to_be_bytes());
    }
    let sum = crc32c::crc32c(&bytes[trailer..trailer + 36]);
    bytes[trailer + 36..trailer + 40].copy_from_slice(&sum.to_be_bytes());
}

/// Writes a row of the ledger's database with a checksum that fits, or removes it.
pub fn rewrite_row(node: &Node, table: &str, key: &[u8], value: Option<&[u8]>) {
    let stored = value.map(|value| {
        let sum = [table.as_bytes(), key, value].iter().fold(0, |sum, part| crc32c::crc32c_append(sum, part));
        [value, &sum.to_be_bytes()].concat()
    });
    write_raw(node, table, key, stored.as_deref());
}

/// Writes the bytes of a row as they are, or removes it.
pub fn write_raw(node: &Node, table: &str, key: &[u8], stored: Option<&[u8]>) {
    let definition: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(table);
    let database = Database::open(node.file("ledger.redb")).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut table = write.open_table(definition).unwrap();
        match stored {
            Some(stored) => drop(table.insert(key, stored).unwrap()),
            None => drop(table.remove(key).unwrap()),
        }
    }
    write.commit().unwrap();
}
