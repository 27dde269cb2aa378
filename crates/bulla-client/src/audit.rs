//! The log of one server under its own signed checkpoint: hashes and entries that are proven as they are read.

use std::collections::BTreeMap;

use bulla_sealing::{Checkpoint, Frontier, Hash, leaf_hash, subtree_root};

use crate::replay::BrokenLeaf;
use crate::tile::TILE_WIDTH;
use crate::{Client, ClientError, Tile};

/// Why what a server gives is not the log that it signed.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// It gave nothing that could be checked.
    #[error("nothing came that could be checked")]
    Client(#[from] ClientError),
    /// Bytes are missing or left over. Nothing follows from that but that they cannot be checked.
    #[error("{tile} is cut short or too long: {what}")]
    Length {
        /// Path of the tile or bundle.
        tile: String,
        /// How many bytes there are, and how many belong there.
        what: String,
    },
    /// Hashes that do not lead to the signed root.
    #[error("{} was altered: its hashes do not lead to the signed root of {size} leaves", tiles.join(" or "))]
    AlteredTile {
        /// Path of the tile; several when it is one of them.
        tiles: Vec<String>,
        /// Size of the log that was signed.
        size: u64,
    },
    /// A leaf that is not the one under the signed root.
    #[error(
        "{tile} was altered: leaf {leaf_index}, at byte {offset}, has hash {found}, and the one that was sealed has {sealed}{clue}"
    )]
    AlteredEntry {
        /// Path of the bundle.
        tile: String,
        /// Which leaf.
        leaf_index: u64,
        /// Where it begins in the bundle, bytes.
        offset: usize,
        /// Hash of what is there.
        found: Hash,
        /// Hash of what was sealed.
        sealed: Hash,
        /// What else can be told of it, or nothing.
        clue: String,
    },
    /// What was sealed breaks the rules.
    #[error(transparent)]
    Broken(#[from] BrokenLeaf),
}

impl AuditError {
    /// Whether bytes contradict what was signed. If not, nothing could be checked, and nothing is proven either way.
    pub fn proves_tampering(&self) -> bool {
        match self {
            AuditError::Client(_) | AuditError::Length { .. } => false,
            AuditError::AlteredTile { .. } | AuditError::AlteredEntry { .. } => true,
            AuditError::Broken(broken) => !broken.unknown,
        }
    }
}

/// The tiles of one server. Each is held against the signed root, by way of the tiles above it, before anything is
/// read from it: whatever comes out was signed.
///
/// ```text
///            signed root
///         ┌──────┴──────┐          the tiles at the edge say the root together,
///   tile/1/000.p/2      │
///    ┌────┴────┐        │          each full tile has its root in the tile above
/// tile/0/000  001  tile/0/002.p/188
/// ```
#[derive(Debug)]
pub struct SealedTiles<'a> {
    client: &'a Client,
    size: u64,
    tiles: BTreeMap<Tile, Vec<Hash>>,
}

impl<'a> SealedTiles<'a> {
    /// Begins with the edge of the log that `checkpoint` says. `client` should have one endpoint: two servers give the
    /// same tiles only if both are honest.
    ///
    /// # Errors
    /// [`AuditError::AlteredTile`] when the edge does not lead to the root.
    pub async fn open(client: &'a Client, checkpoint: &Checkpoint) -> Result<SealedTiles<'a>, AuditError> {
        let mut sealed = SealedTiles { client, size: checkpoint.size, tiles: BTreeMap::new() };
        for tile in Tile::edge(checkpoint.size) {
            let hashes = fetch_hashes(client, &tile).await?;
            sealed.tiles.insert(tile, hashes);
        }
        match sealed.root_of(checkpoint.size).await? == checkpoint.root {
            true => Ok(sealed),
            false => {
                let tiles = Tile::edge(checkpoint.size).map(|tile| tile.to_string()).collect();
                Err(AuditError::AlteredTile { tiles, size: checkpoint.size })
            }
        }
    }

    /// Number of leaves of the log.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root that this log had when it had `size` leaves. Another log with another root of that size is not how this
    /// one began.
    ///
    /// # Errors
    /// [`AuditError::AlteredTile`] when the hashes that show it are not those that were signed.
    ///
    /// # Panics
    /// When the log has fewer leaves.
    pub async fn root_of(&mut self, size: u64) -> Result<Hash, AuditError> {
        assert!(size <= self.size, "a log of {} leaves had none of {size}", self.size);
        // As a frontier is written down: the size, then one root for each of its bits, tallest first.
        let mut frontier = size.to_be_bytes().to_vec();
        let mut start = 0;
        for level in (0..64).rev().filter(|level| size >> level & 1 == 1) {
            frontier.extend_from_slice(&self.subtree(level, start >> level).await?.0);
            start += 1 << level;
        }
        Ok(Frontier::decode(&frontier).expect("one root for each bit of the size").root())
    }

    /// The leaves of bundle `index`, each with its hash, which was signed.
    ///
    /// # Errors
    /// [`AuditError::AlteredEntry`] names the first leaf that is not the one that was signed.
    ///
    /// # Panics
    /// When the log has no such bundle.
    pub async fn entries(&mut self, index: u64) -> Result<Vec<(Vec<u8>, Hash)>, AuditError> {
        let bundle = Tile::of(None, index, self.size);
        let hashes_at = Tile { level: Some(0), ..bundle };
        let sealed = self.hashes(hashes_at).await?.to_vec();
        // A mirror needs each only once; the tiles above them are few.
        if bundle.width == TILE_WIDTH {
            self.tiles.remove(&hashes_at);
        }
        let bytes = self.client.claimed_tile(&bundle).await?;
        let mut entries = Vec::with_capacity(sealed.len());
        let mut rest = &bytes[..];
        for (leaf_index, sealed) in (TILE_WIDTH * index..).zip(sealed) {
            let offset = bytes.len() - rest.len();
            let cut = || AuditError::Length {
                tile: bundle.to_string(),
                what: format!("leaf {leaf_index} should begin at byte {offset} of {} and be whole", bytes.len()),
            };
            let (length, after) = rest.split_first_chunk().ok_or_else(cut)?;
            let (leaf, after) = after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or_else(cut)?;
            let found = leaf_hash(leaf);
            if found != sealed {
                let (tile, clue) = (bundle.to_string(), clue(leaf, leaf_index));
                return Err(AuditError::AlteredEntry { tile, leaf_index, offset, found, sealed, clue });
            }
            entries.push((leaf.to_vec(), found));
            rest = after;
        }
        match rest.is_empty() {
            true => Ok(entries),
            false => Err(AuditError::Length {
                tile: bundle.to_string(),
                what: format!("{} bytes are left over after its {} leaves", rest.len(), bundle.width),
            }),
        }
    }

    /// Root of the perfect subtree of 2^level leaves at this place.
    async fn subtree(&mut self, level: u8, index: u64) -> Result<Hash, AuditError> {
        let (tile_level, within) = (level / 8, level % 8);
        let first = index << within;
        let tile = Tile::of(Some(tile_level), first / TILE_WIDTH, self.size);
        let start = (first % TILE_WIDTH) as usize;
        Ok(subtree_root(&self.hashes(tile).await?[start..start + (1 << within)]))
    }

    /// The hashes of a tile; fetched, and held against the tile above, the first time.
    async fn hashes(&mut self, tile: Tile) -> Result<&[Hash], AuditError> {
        let mut lacking = Vec::new();
        let mut at = tile;
        // Tiles that are not full are here from the beginning, so this ends at the edge at the latest.
        while !self.tiles.contains_key(&at) {
            lacking.push(at);
            at = at.parent(self.size);
        }
        while let Some(tile) = lacking.pop() {
            let hashes = fetch_hashes(self.client, &tile).await?;
            let above = &self.tiles[&tile.parent(self.size)];
            if subtree_root(&hashes) != above[(tile.index % TILE_WIDTH) as usize] {
                return Err(AuditError::AlteredTile { tiles: vec![tile.to_string()], size: self.size });
            }
            self.tiles.insert(tile, hashes);
        }
        Ok(&self.tiles[&tile])
    }
}

async fn fetch_hashes(client: &Client, tile: &Tile) -> Result<Vec<Hash>, AuditError> {
    let bytes = client.claimed_tile(tile).await?;
    let expected = tile.width * 32;
    match bytes.len() as u64 == expected {
        true => Ok(bytes.chunks_exact(32).map(|hash| Hash(hash.try_into().expect("32 bytes"))).collect()),
        false => Err(AuditError::Length {
            tile: tile.to_string(),
            what: format!("it has {} bytes where {expected} belong", bytes.len()),
        }),
    }
}

/// What a leaf that stands in the wrong place says of itself.
fn clue(leaf: &[u8], leaf_index: u64) -> String {
    let says = bulla_sealing::Header::decode(leaf)
        .map(|header| (format!("the header of block {}", header.height), header.leaf_index))
        .or_else(|_| bulla_ledger::Record::decode(leaf).map(|record| ("a record".to_owned(), record.leaf_index)));
    match says {
        Ok((what, says)) if says != leaf_index => format!("; what stands there is {what} that belongs at leaf {says}"),
        _ => String::new(),
    }
}
