//! Which bits are flipped: all of them, or a fair share of each file.

use super::flip::{Flip, Original};
use super::redb_file::Place;

/// Every bit of every file that `of` says yes to, in groups that are flipped at once.
///
/// A bit is a group of its own, unless `grouped` and no tree of its database reaches it: then it is flipped together
/// with others like it, far apart in the same file. If all of them together change nothing, none of them does; if not,
/// they are tried one by one.
pub fn every_bit(original: &Original, grouped: bool, of: impl Fn(&str) -> bool) -> Vec<Vec<Flip>> {
    let mut groups = Vec::new();
    for (file, (path, bytes)) in (0..).zip(&original.files) {
        if !of(&path.display().to_string()) {
            continue;
        }
        let places = original.places(file).filter(|_| grouped);
        let is_unreached = |at: usize| {
            places.as_ref().is_some_and(|places| matches!(places[at], Place::FreePage | Place::PagePadding))
        };
        let bits_of = |at: usize| (0..8).map(move |bit| Flip { file, at: at as u32, bit });
        let (unreached, reached): (Vec<usize>, Vec<usize>) = (0..bytes.len()).partition(|at| is_unreached(*at));
        groups.extend(reached.into_iter().flat_map(bits_of).map(|flip| vec![flip]));
        let unreached: Vec<Flip> = unreached.into_iter().flat_map(bits_of).collect();
        let apart = unreached.len().div_ceil(GROUP);
        let group = |first: usize| unreached.iter().skip(first).step_by(apart).copied().collect();
        groups.extend((0..apart).map(group));
    }
    groups
}

/// About `count` bits, as many of each file: each is in a stretch of its own, so that none of the file is left out.
/// Of a database, half of them are where its trees are: most of such a file is nothing.
pub fn sample(original: &Original, count: usize, seed: u64) -> Vec<Vec<Flip>> {
    let share = count / original.files.len();
    let mut chance = Chance(seed);
    let mut flips = Vec::new();
    for (file, (_, bytes)) in (0..).zip(&original.files) {
        let all: Vec<usize> = (0..bytes.len()).collect();
        let strata = match original.places(file) {
            Some(places) => {
                let is_free = |at: &usize| matches!(places[*at], Place::FreePage | Place::PagePadding);
                let (free, used): (Vec<usize>, Vec<usize>) = all.into_iter().partition(is_free);
                vec![free, used]
            }
            None => vec![all],
        };
        for stratum in &strata {
            let stretch = (stratum.len() * 8 * strata.len() / share).max(1);
            for start in (0..stratum.len() * 8).step_by(stretch) {
                let number = (start + chance.below(stretch)).min(stratum.len() * 8 - 1);
                flips.push(vec![Flip { file, at: stratum[number / 8] as u32, bit: (number % 8) as u8 }]);
            }
        }
    }
    flips
}

/// How many bits that nothing reaches are flipped at once.
const GROUP: usize = 64;

/// SplitMix64: the same numbers from the same seed, for ever.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}
