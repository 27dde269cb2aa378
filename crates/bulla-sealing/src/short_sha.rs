//! SHA-256 of short messages that begin with a byte of their kind: padded in place, no buffer between.

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

use crate::hash::Hash;

/// `SHA-256(prefix || left || right)`.
pub(crate) fn hash_pair(prefix: u8, left: &Hash, right: &Hash) -> Hash {
    let mut blocks = [[0; BLOCK]; 2];
    let [first, last] = &mut blocks;
    first[0] = prefix;
    first[1..33].copy_from_slice(&left.0);
    first[33..].copy_from_slice(&right.0[..31]);
    last[0] = right.0[31];
    last[1] = END_OF_MESSAGE;
    last[LENGTH_AT..].copy_from_slice(&(65_u64 * 8).to_be_bytes());
    compressed(&blocks)
}

/// `SHA-256(prefix || message)`.
pub(crate) fn hash_prefixed(prefix: u8, message: &[u8]) -> Hash {
    let length = 1 + message.len();
    let count = (length + 1 + 8).div_ceil(BLOCK);
    if count > BLOCKS_MAX {
        return Hash(Sha256::new().chain_update([prefix]).chain_update(message).finalize().into());
    }
    let mut blocks = [[0; BLOCK]; BLOCKS_MAX];
    let bytes = blocks.as_flattened_mut();
    bytes[0] = prefix;
    bytes[1..length].copy_from_slice(message);
    bytes[length] = END_OF_MESSAGE;
    blocks[count - 1][LENGTH_AT..].copy_from_slice(&(8 * length as u64).to_be_bytes());
    compressed(&blocks[..count])
}

fn compressed(blocks: &[[u8; BLOCK]]) -> Hash {
    let mut state = INITIAL;
    compress256(&mut state, blocks);
    let mut hash = [0; 32];
    for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    Hash(hash)
}

const BLOCK: usize = 64;
/// Enough for a record leaf.
const BLOCKS_MAX: usize = 4;
/// The padding of FIPS 180-4 section 5.1.1: a one bit, zeros, and the length in bits.
const END_OF_MESSAGE: u8 = 0x80;
const LENGTH_AT: usize = BLOCK - 8;
/// FIPS 180-4 section 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_every_length_have_the_hash_that_sha_256_gives_them() {
        let message: Vec<u8> = (0..600_u32).map(|place| (place * 7) as u8).collect();
        for length in 0..message.len() {
            let message = &message[..length];
            let expected = Sha256::new().chain_update([9]).chain_update(message).finalize();
            assert_eq!(hash_prefixed(9, message), Hash(expected.into()), "{length} bytes");
        }
    }

    #[test]
    fn a_pair_has_the_hash_of_its_bytes_one_after_another() {
        let (left, right) = (Hash([0xAB; 32]), Hash(std::array::from_fn(|place| place as u8)));
        assert_eq!(hash_pair(3, &left, &right), hash_prefixed(3, &[left.0, right.0].concat()));
    }
}
