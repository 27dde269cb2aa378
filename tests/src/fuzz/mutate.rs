//! Mutation of inputs: small changes, the same ones from the same seed.

/// Changes inputs. SplitMix64 chooses how.
#[derive(Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// The changes that follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of `corpus`, changed up to eight times, at most [`BYTES_MAX`] long.
    ///
    /// # Panics
    /// When there is nothing to change.
    pub fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut input, corpus);
        }
        input.truncate(BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        match self.below(10) {
            // Most of all what damage and malice do: a bit, a byte, a number.
            0..=2 if at < input.len() => input[at] ^= 1 << self.below(8),
            3 if at < input.len() => input[at] = self.below(256) as u8,
            4 => self.number(input, at),
            5 => drop(input.drain(at..(at + self.below(40)).min(input.len()))),
            6 => drop(input.splice(at..at, WORDS[self.below(WORDS.len())].iter().copied())),
            7 => {
                let end = (at + self.below(80)).min(input.len());
                let copy = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                drop(input.splice(to..to, copy));
            }
            8 => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.truncate(at),
        }
    }

    /// Writes a number where lengths and counts may stand: small, huge, or next to what is there.
    fn number(&mut self, input: &mut [u8], at: usize) {
        let width = [1, 2, 4, 8][self.below(4)];
        let Some(place) = input.get_mut(at..at + width) else { return };
        let mut bytes = [0; 8];
        bytes[8 - width..].copy_from_slice(place);
        let before = u64::from_be_bytes(bytes);
        let number = match self.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => before.wrapping_add(1),
            3 => before.wrapping_sub(1),
            4 => 1 << self.below(64),
            _ => self.below(300) as u64,
        };
        let number = if self.below(2) == 0 { number.to_be_bytes() } else { number.swap_bytes().to_be_bytes() };
        place.copy_from_slice(&number[8 - width..]);
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}

/// What means something somewhere: magics, separators, what texts begin and lines end with.
const WORDS: [&[u8]; 28] = [
    b"BUL\x01",
    b"BULR\x01",
    b"BULLABLK",
    b"BULLAEND",
    b"BULP",
    b"\n",
    b"\n\n",
    b"\r\n",
    b" ",
    b"\0",
    b"+",
    b"=",
    b"==",
    b"-",
    b"0",
    b"18446744073709551615",
    b"18446744073709551616",
    b"\xe2\x80\x94 ",
    b"\xef\xbb\xbf",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    b"c2sp.org/tlog-proof@v1\n",
    b"bulla-accept/v1\n",
    b"extra ",
    b"old ",
    b"log ",
    b"quorum ",
    b"group ",
];

/// The longest input.
pub const BYTES_MAX: usize = 16 << 10;
