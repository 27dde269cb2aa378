//! Tiles of a log: which there are, and what they are called (C2SP tlog-tiles).

use std::fmt;

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// Levels of tiles that a log of less than 2^64 leaves can have.
pub(crate) const LEVELS: u8 = 8;

/// A tile of hashes, or a bundle of entries. `Display` is its path.
///
/// ```text
/// level 1                ●  tile/1/000.p/2         each hash is the root of a full tile below it
///                 ┌──────┴──────┐
/// level 0   tile/0/000    tile/0/001   tile/0/002.p/188     leaf hashes
///           tile/entries/000  ...                           the leaves themselves
/// ```
///
/// ```
/// use bulla_client::Tile;
/// assert_eq!(Tile::of(Some(0), 2, 700).to_string(), "tile/0/002.p/188");
/// assert_eq!(Tile::of(None, 1_234_067, u64::MAX).to_string(), "tile/entries/x001/x234/067");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// 0 to 7; none for a bundle of entries.
    pub level: Option<u8>,
    /// Its place among those of its level.
    pub index: u64,
    /// How many hashes or entries it has, 1 to [`TILE_WIDTH`].
    pub width: u64,
}

impl Tile {
    /// The tile at this place in a log of `size` leaves.
    ///
    /// # Panics
    /// When that log has no such tile.
    pub fn of(level: Option<u8>, index: u64, size: u64) -> Tile {
        let nodes = size >> (8 * level.unwrap_or(0));
        let before = index.checked_mul(TILE_WIDTH).filter(|before| *before < nodes);
        let before = before.unwrap_or_else(|| panic!("a log of {size} leaves has no tile {level:?}/{index}"));
        Tile { level, index, width: TILE_WIDTH.min(nodes - before) }
    }

    /// The tile that holds the root of this full one, in a log of `size` leaves.
    pub(crate) fn parent(&self, size: u64) -> Tile {
        let level = self.level.expect("a bundle of entries has no root of its own");
        Tile::of(Some(level + 1), self.index / TILE_WIDTH, size)
    }

    /// The tiles of a log that are not full, which together say its root.
    pub(crate) fn edge(size: u64) -> impl Iterator<Item = Tile> {
        let at = move |level: u8| (level, size >> (8 * level));
        let partial = |(_, nodes): &(u8, u64)| !nodes.is_multiple_of(TILE_WIDTH);
        (0..LEVELS).map(at).filter(partial).map(move |(level, nodes)| Tile::of(Some(level), nodes / TILE_WIDTH, size))
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "tile/{level}/")?,
            None => write!(f, "tile/entries/")?,
        }
        let digits = format!("{:03}", self.index);
        let digits = format!("{digits:0>width$}", width = digits.len().div_ceil(3) * 3);
        let (before, last) = digits.split_at(digits.len() - 3);
        for group in before.as_bytes().chunks(3) {
            write!(f, "x{}/", String::from_utf8_lossy(group))?;
        }
        match self.width {
            TILE_WIDTH => f.write_str(last),
            width => write!(f, "{last}.p/{width}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_is_called_as_the_format_says() {
        let path = |level, index, width| Tile { level, index, width }.to_string();
        assert_eq!(path(Some(0), 0, 256), "tile/0/000");
        assert_eq!(path(Some(1), 5, 8), "tile/1/005.p/8");
        assert_eq!(path(None, 1_000, 255), "tile/entries/x001/000.p/255");
        assert_eq!(path(Some(3), 12_345_678, 256), "tile/3/x012/x345/678");
    }

    #[test]
    fn the_edge_of_a_log_is_what_its_full_tiles_do_not_cover() {
        let edge = |size| Tile::edge(size).map(|tile| tile.to_string()).collect::<Vec<_>>();
        assert_eq!(edge(0), [""; 0]);
        assert_eq!(edge(40), ["tile/0/000.p/40"]);
        assert_eq!(edge(256), ["tile/1/000.p/1"]);
        assert_eq!(edge(700), ["tile/0/002.p/188", "tile/1/000.p/2"]);
        assert_eq!(edge(65_536), ["tile/2/000.p/1"]);
    }
}
