//! Record ids that an import can make again: the same row gets the same id, in every run.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Separates these hashes from every other use of SHA-256.
const TAG: &[u8] = b"bulla/import/v1\0";

/// Gives out the ids of one file, counting rows that look alike.
///
/// Two identical rows are two facts (the same ten screws may leave the store twice in a day), so the
/// second one gets an id of its own. Running the import again counts the same way, arrives at the
/// same ids, and so repeats nothing.
pub(crate) struct Ids {
    format: &'static str,
    /// How often a row with this hash was seen; 16 bytes of the hash are plenty within one file.
    seen: HashMap<[u8; 16], u32>,
}

/// The identity of one row of one file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowId([u8; 32]);

impl Ids {
    /// Starts a file in the named format.
    pub(crate) fn new(format: &'static str) -> Ids {
        Ids { format, seen: HashMap::new() }
    }

    /// The identity of the next row of the file, from what stands in it.
    pub(crate) fn row<'a>(&mut self, fields: impl IntoIterator<Item = &'a str>) -> RowId {
        let mut hash = parts("row", [self.format]);
        for field in fields {
            add(&mut hash, field);
        }
        let content: [u8; 32] = hash.finalize().into();
        let occurrence = self.seen.entry(first_16(&content)).or_insert(0);
        *occurrence += 1;
        RowId(
            Sha256::new()
                .chain_update(TAG)
                .chain_update(content)
                .chain_update(occurrence.to_be_bytes())
                .finalize()
                .into(),
        )
    }
}

impl RowId {
    /// The record id of one of the steps that the row asks for.
    pub(crate) fn step(&self, step: &str) -> Uuid {
        let mut hash = parts("step", [step]);
        hash.update(self.0);
        uuid_of(hash)
    }
}

/// The record id for something that many rows, and many files, need: a party, a class, a stock item.
pub(crate) fn shared(kind: &str, name: &str) -> Uuid {
    uuid_of(parts("shared", [kind, name]))
}

fn parts<const N: usize>(purpose: &str, texts: [&str; N]) -> Sha256 {
    let mut hash = Sha256::new().chain_update(TAG);
    add(&mut hash, purpose);
    texts.iter().for_each(|text| add(&mut hash, text));
    hash
}

// The length stands in front of each text; without it `ab|c` and `a|bc` would be one row.
fn add(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text);
}

fn uuid_of(hash: Sha256) -> Uuid {
    uuid::Builder::from_custom_bytes(first_16(&hash.finalize().into())).into_uuid()
}

fn first_16(hash: &[u8; 32]) -> [u8; 16] {
    *hash.first_chunk().expect("32 bytes have a first half")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_ids_never_change() {
        let row = Ids::new("snipe-it").row(["LAP-1", "Ada"]);
        assert_eq!(row.step("register").to_string(), "3e7b949d-117e-8376-86f3-eb84152c8eee");
        assert_eq!(shared("party", "person:ada").to_string(), "7d16fb6f-39b0-8e6f-b48c-d24cfb551402");
    }

    #[test]
    fn identical_rows_are_counted_and_a_second_run_counts_alike() {
        let run = || {
            let mut ids = Ids::new("transfers-csv");
            [["a", "b"], ["a", "b"], ["ab", ""], ["a", "b"]].map(|row| ids.row(row).step("move"))
        };
        let first = run();
        assert_eq!(first, run());
        let distinct: std::collections::BTreeSet<_> = first.iter().collect();
        assert_eq!(distinct.len(), 4);
    }

    #[test]
    fn the_format_and_the_step_are_part_of_the_id() {
        let row = |format| Ids::new(format).row(["a"]);
        assert_ne!(row("snipe-it").step("move"), row("transfers-csv").step("move"));
        assert_ne!(row("snipe-it").step("move"), row("snipe-it").step("register"));
        assert_eq!(row("snipe-it").step("move").get_version_num(), 8);
    }
}
