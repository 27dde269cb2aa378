//! The newest entries of the log, in memory: what is not on disk yet, and what peers ask for next.

use std::collections::BTreeMap;

use crate::types::Entry;

/// The tail of the log. Everything that is not yet durable is here, because an entry must be
/// readable as soon as it is appended; above that, as much as fits in `bytes_max`.
///
/// ```text
///  purged │ on disk only │ cached and durable │ cached, being written │ last
///                        ^ first cached        ^ flushed
/// ```
pub(crate) struct LogCache {
    entries: BTreeMap<u64, (Entry, usize)>,
    bytes: usize,
    bytes_max: usize,
}

impl LogCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        LogCache { entries: BTreeMap::new(), bytes: 0, bytes_max }
    }

    pub(crate) fn push(&mut self, entry: Entry, bytes: usize) {
        self.bytes += bytes;
        let replaced = self.entries.insert(entry.log_id.index, (entry, bytes));
        assert!(replaced.is_none(), "an entry is appended once; what it replaces was truncated before");
    }

    /// Forgets all entries from `index` on.
    pub(crate) fn truncate_from(&mut self, index: u64) {
        let cut = self.entries.split_off(&index);
        self.bytes -= cut.values().map(|(_, bytes)| bytes).sum::<usize>();
    }

    /// Forgets all entries up to and including `index`.
    pub(crate) fn purge_to(&mut self, index: u64) {
        let kept = self.entries.split_off(&(index + 1));
        let purged = std::mem::replace(&mut self.entries, kept);
        self.bytes -= purged.values().map(|(_, bytes)| bytes).sum::<usize>();
    }

    /// Forgets the oldest entries that are durable (up to and including `flushed`) while there are too many bytes.
    pub(crate) fn shrink(&mut self, flushed: u64) {
        while self.bytes > self.bytes_max {
            match self.entries.first_entry() {
                Some(oldest) if *oldest.key() <= flushed => self.bytes -= oldest.remove().1,
                _ => return,
            }
        }
    }

    /// The first index that is cached, if any.
    pub(crate) fn first(&self) -> Option<u64> {
        self.entries.first_key_value().map(|(index, _)| *index)
    }

    /// The entries of `start..end` that are cached, stopping once they exceed `bytes_max`.
    pub(crate) fn read(&self, start: u64, end: u64, bytes_max: usize) -> Vec<Entry> {
        let mut bytes = 0;
        let within = self.entries.range(start..end).take_while(|(_, (_, length))| {
            let fits = bytes == 0 || bytes + length <= bytes_max;
            bytes += length;
            fits
        });
        within.map(|(_, (entry, _))| entry.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Payload;
    use crate::wire;

    fn cache(indexes: std::ops::Range<u64>, bytes_max: usize) -> LogCache {
        let mut cache = LogCache::new(bytes_max);
        for index in indexes {
            let head = wire::encode_entry(&blank(index));
            cache.push(wire::decode_entry(head).unwrap(), 10);
        }
        cache
    }

    fn blank(index: u64) -> Entry {
        Entry { log_id: wire::log_id(1, index), payload: Payload::Blank }
    }

    fn indexes(entries: &[Entry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.log_id.index).collect()
    }

    #[test]
    fn what_is_not_durable_is_never_forgotten() {
        let mut cache = cache(0..10, 30);
        cache.shrink(4);
        assert_eq!(cache.first(), Some(5), "six entries of ten bytes stay although thirty bytes are allowed");
        cache.shrink(9);
        assert_eq!(cache.first(), Some(7));
    }

    #[test]
    fn a_read_stops_at_its_byte_limit_but_brings_at_least_one_entry() {
        let cache = cache(0..10, 1_000);
        assert_eq!(indexes(&cache.read(2, 9, 35)), [2, 3, 4]);
        assert_eq!(indexes(&cache.read(2, 9, 1)), [2]);
        assert_eq!(indexes(&cache.read(8, 100, 1_000)), [8, 9]);
    }

    #[test]
    fn truncating_and_purging_leave_what_is_between() {
        let mut cache = cache(0..10, 50);
        cache.truncate_from(8);
        cache.purge_to(2);
        assert_eq!(indexes(&cache.read(0, 100, 1_000)), [3, 4, 5, 6, 7]);
        cache.shrink(9);
        assert_eq!(cache.first(), Some(3), "fifty bytes are left, and fifty are allowed");
    }
}
