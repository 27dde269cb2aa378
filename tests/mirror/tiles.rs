//! Fetched tiles, as the mirror's library wants to read them.

use std::collections::BTreeMap;

use tlog_tiles::tile::{Tile, TileReader};
use tlog_tiles::tlog::Error;

/// Tiles by their paths.
pub struct Fetched(pub BTreeMap<String, Vec<u8>>);

/// The C2SP path of a tile. The library writes the older one, which names the height of tiles too.
pub fn path_of(tile: &Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1)
}

impl TileReader for Fetched {
    fn height(&self) -> u8 {
        super::TILE_HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        Ok(tiles.iter().map(|tile| self.0[&path_of(tile)].clone()).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}
