//! What each byte of a redb 4 file is for: read off the file itself, without redb.
//!
//! ```text
//!   0   magic 9 | god byte | 0 0 | page size u32 | region header pages u32 | pages in a region u32 | full regions u32
//!       | pages in the last region u32 | zero up to 64                                           (little-endian)
//!  64   commit slot 0, 128     version, which roots there are | user root 32 | system root 32 | ... | id 8 | sum 16
//! 192   commit slot 1, 128     a root: page number 8 | checksum 16 | length 8
//! 320   zero up to the end of the page; then pages: branches and leaves of the trees, or nothing that is reached
//! ```
//! The source is redb's `docs/design.md`, and `header.rs` and `btree_base.rs` of its release 4.5.0.

use std::ops::Range;

/// What a byte is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The magic number.
    Magic,
    /// The byte of flags that says which commit counts.
    GodByte,
    /// Page size and region sizes.
    Geometry,
    /// How many regions there are, and pages in the last: what the file's length says too.
    RegionCounts,
    /// The commit that counts.
    PrimarySlot,
    /// The commit before it.
    SecondarySlot,
    /// Nothing, in the first page.
    HeaderPadding,
    /// A page of a tree, up to where its last row or key ends.
    Row,
    /// A page of a tree, after that.
    PagePadding,
    /// A page that no tree of the commit that counts reaches.
    FreePage,
}

/// For each byte of the file, what it is for.
///
/// # Errors
/// When the file is not as redb writes it.
pub fn places(file: &[u8]) -> Result<Vec<Place>, &'static str> {
    let reader = Reader { file };
    let god_byte = *file.get(GOD_BYTE).ok_or("it is too short")?;
    let mut places = vec![Place::FreePage; file.len()];
    let mut put = |range: Range<usize>, place| places[range].fill(place);
    let primary = SLOTS[usize::from(god_byte & 1)];
    let secondary = SLOTS[usize::from(god_byte & 1 == 0)];
    put(0..PAGE, Place::HeaderPadding);
    put(0..GOD_BYTE, Place::Magic);
    put(GOD_BYTE..GOD_BYTE + 1, Place::GodByte);
    put(12..24, Place::Geometry);
    put(24..32, Place::RegionCounts);
    put(primary..primary + SLOT_LEN, Place::PrimarySlot);
    put(secondary..secondary + SLOT_LEN, Place::SecondarySlot);
    for page in reader.pages_of_commit(primary)? {
        put(page.at..page.used, Place::Row);
        put(page.used..page.end, Place::PagePadding);
    }
    Ok(places)
}

/// A page of a tree: where it begins, where what it says ends, and where it ends.
struct Page {
    at: usize,
    used: usize,
    end: usize,
}

/// Widths of the keys and values of a tree; `None` when each has a length of its own.
#[derive(Clone, Copy)]
struct Widths {
    key: Option<usize>,
    value: Option<usize>,
}

struct Reader<'a> {
    file: &'a [u8],
}

impl Reader<'_> {
    fn pages_of_commit(&self, slot: usize) -> Result<Vec<Page>, &'static str> {
        let mut pages = Vec::new();
        for (flag, root) in [(slot + 1, slot + 8), (slot + 2, slot + 40)] {
            if self.bytes(flag, 1)?[0] == 0 {
                continue;
            }
            let mut definitions = Vec::new();
            self.walk(self.u64(root)?, Widths { key: None, value: None }, &mut pages, &mut |value| {
                definitions.push(value);
            })?;
            for definition in definitions {
                self.pages_of_table(definition, &mut pages)?;
            }
        }
        Ok(pages)
    }

    /// A table definition: type 1 | rows 8 | has a root 1 | root 32 | fixed key 1, 4 | fixed value 1, 4 | names.
    fn pages_of_table(&self, at: usize, pages: &mut Vec<Page>) -> Result<(), &'static str> {
        let width = |at: usize| -> Result<Option<usize>, &'static str> {
            Ok((self.bytes(at, 1)?[0] != 0).then_some(self.u32(at + 1)?))
        };
        let widths = Widths { key: width(at + 42)?, value: width(at + 47)? };
        match self.bytes(at + 9, 1)?[0] {
            0 => Ok(()),
            _ => self.walk(self.u64(at + 10)?, widths, pages, &mut |_| {}),
        }
    }

    /// Visits the pages below a page number; hands over where each value of the leaves begins.
    fn walk(
        &self,
        number: u64,
        widths: Widths,
        pages: &mut Vec<Page>,
        value: &mut dyn FnMut(usize),
    ) -> Result<(), &'static str> {
        let order = number >> 59;
        let length = PAGE << order;
        let at = PAGE + (number & (0xf_ffff >> order)) as usize * length;
        if (number >> 20) & 0xf_ffff != 0 {
            return Err("it has more than one region");
        }
        let count = usize::from(u16::from_le_bytes([self.bytes(at + 2, 1)?[0], self.bytes(at + 3, 1)?[0]]));
        match self.bytes(at, 1)?[0] {
            LEAF => {
                let used = self.leaf(at, count, widths, value)?;
                pages.push(Page { at, used, end: at + length });
                Ok(())
            }
            BRANCH => {
                let children = at + 8 + 16 * (count + 1);
                let keys = children + 8 * (count + 1);
                let used = match widths.key {
                    Some(width) => keys + width * count,
                    None if count == 0 => keys,
                    None => at + self.u32(keys + 4 * (count - 1))?,
                };
                pages.push(Page { at, used, end: at + length });
                (0..=count).try_for_each(|child| self.walk(self.u64(children + 8 * child)?, widths, pages, value))
            }
            _ => Err("a page is neither leaf nor branch"),
        }
    }

    /// Where a leaf ends.
    fn leaf(
        &self,
        at: usize,
        count: usize,
        widths: Widths,
        value: &mut dyn FnMut(usize),
    ) -> Result<usize, &'static str> {
        let key_ends = at + 4;
        let value_ends = key_ends + if widths.key.is_none() { 4 * count } else { 0 };
        let keys = value_ends + if widths.value.is_none() { 4 * count } else { 0 };
        let keys_end = match widths.key {
            Some(width) => keys + width * count,
            None if count == 0 => keys,
            None => at + self.u32(key_ends + 4 * (count - 1))?,
        };
        let mut start = keys_end;
        for row in 0..count {
            value(start);
            start = match widths.value {
                Some(width) => start + width,
                None => at + self.u32(value_ends + 4 * row)?,
            };
        }
        Ok(start)
    }

    fn bytes(&self, at: usize, length: usize) -> Result<&[u8], &'static str> {
        self.file.get(at..at + length).ok_or("it ends too soon")
    }

    fn u32(&self, at: usize) -> Result<usize, &'static str> {
        Ok(u32::from_le_bytes(self.bytes(at, 4)?.try_into().expect("4 bytes")) as usize)
    }

    fn u64(&self, at: usize) -> Result<u64, &'static str> {
        Ok(u64::from_le_bytes(self.bytes(at, 8)?.try_into().expect("8 bytes")))
    }
}

const PAGE: usize = 4096;
const GOD_BYTE: usize = 9;
const SLOTS: [usize; 2] = [64, 192];
const SLOT_LEN: usize = 128;
const LEAF: u8 = 1;
const BRANCH: u8 = 2;
