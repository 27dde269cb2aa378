//! Changes to block files, each found by `bulla verify --data` with the block and the byte.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bulla_node::{Node, ReadOnlyStore};
use bulla_sealing::{Hash, leaf_hash};

use crate::ledger::{Ledger, Verdict};

#[tokio::test(flavor = "multi_thread")]
async fn block_files_are_proven_beside_a_running_server_and_nothing_is_written() {
    let ledger = sealed().await;
    let blocks = contents(&ledger.data().join("blocks"));
    let value = verify(&ledger, &ledger.data(), &["--checkpoint", "newest"]).await.all_proven();
    assert_eq!(value["size"], value["leaves"]);

    let copy = ledger.cluster.directory().join("copy");
    fs::create_dir(&copy).unwrap();
    for (path, bytes) in &blocks {
        fs::write(copy.join(path.file_name().unwrap()), bytes).unwrap();
    }
    verify(&ledger, &copy, &["--checkpoint", "newest", "--save-checkpoint", "saved"]).await.all_proven();
    assert_eq!(contents(&copy).len(), blocks.len());
    let read = |name| fs::read(ledger.cluster.directory().join(name)).unwrap();
    assert_eq!(read("saved"), read("newest"));
    verify(&ledger, &copy, &[]).await.leaves_open("no_signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_verified_without_a_change_to_it_and_not_while_its_server_runs() {
    let mut ledger = sealed().await;
    let data = ledger.data();
    let directory = data.display().to_string();
    let verify = ["verify", "--data", &directory];
    let output = ledger.cluster.run(&verify).await;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("a node runs in") && errors.contains("--blocks-only"), "{errors}");

    ledger.cluster.kill(1).await;
    fs::write(data.join("blocks/0000000009.block.partial"), b"half").unwrap();
    let all = || ["", "blocks", "identity", "incoming"].map(|part| contents(&data.join(part)));
    let before = all();
    ledger.cluster.succeed(&verify).await;
    assert!(all() == before, "something in the directory changed");
    fs::write(block(&ledger, 1), b"damaged").unwrap();
    let before = all();
    assert_eq!(ledger.cluster.run(&verify).await.status.code(), Some(1));
    assert!(all() == before, "something in the damaged directory changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stopped_in_order_leaves_no_block_unsigned() {
    let data = tempfile::tempdir().unwrap();
    let node = Node::single(data.path()).await.unwrap();
    assert!(node.wait_sealed(0, Duration::from_secs(60)).await);
    node.shutdown().await;
    drop(node);
    let verified = ReadOnlyStore::open(data.path()).unwrap().verify_all(&mut |_| {}).unwrap();
    assert_eq!((verified.blocks, verified.sealed_blocks), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_in_each_part_of_a_block_file_is_named() {
    let mut ledger = sealed().await;
    ledger.cluster.kill(1).await;
    let path = block(&ledger, 2);
    let good = fs::read(&path).unwrap();
    let parts = Parts::of(&good);
    let (leaves, ends) = (parts.leaves.start, parts.ends.start);
    assert!(!parts.refused.is_empty(), "a request was refused");
    let trailer = format!("bytes {} to {}, its trailer", parts.refused.end, good.len() - 1);
    for (at, names) in [
        (20, "bytes 0 to 63, its prelude".to_owned()),
        (leaves + 1, format!("at byte {leaves} ")),
        (leaves + 60, format!("at byte {leaves} does not have the hash at byte {}", parts.hashes.start)),
        (ends + 3, format!("than its end at byte {ends} says")),
        (parts.hashes.start + 32, format!("the hash at byte {}", parts.hashes.start + 32)),
        (parts.refused.start + 9, format!("bytes {} to {}, its refused", parts.refused.start, parts.refused.end - 1)),
        (good.len() - 40, trailer),
    ] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).unwrap();
        let found = verify(&ledger, &ledger.data(), &["--checkpoint", "newest"]).await.proves("damaged_block");
        assert_eq!(found.at, path.display().to_string());
        assert!(found.what.starts_with("block 2: ") && found.what.contains(&names), "{at}: {}", found.what);

        let data = ledger.data().display().to_string();
        let output = ledger.cluster.run(&["verify", "--data", &data]).await;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{at}: {errors}");
        assert!(errors.contains("0000000002.block") && errors.contains(&names), "{at}: {errors}");
    }
    fs::write(&path, good).unwrap();
    let data = ledger.data().display().to_string();
    ledger.cluster.succeed(&["verify", "--data", &data, "--save-checkpoint", "saved"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_rewritten_with_checksums_that_fit_breaks_its_header() {
    let mut ledger = sealed().await;
    ledger.cluster.kill(1).await;
    let path = block(&ledger, 2);
    let mut bytes = fs::read(&path).unwrap();
    let parts = Parts::of(&bytes);
    // The last byte of the id of the block's first record.
    let leaf = parts.leaves.start + 2..parts.leaves.start + 2 + 176;
    bytes[leaf.start + RECORD_ID_END - 1] ^= 1;
    let hash = leaf_hash(&bytes[leaf]);
    bytes[parts.hashes.start..parts.hashes.start + 32].copy_from_slice(&hash.0);
    parts.fit_checksums(&mut bytes);
    fs::write(&path, bytes).unwrap();
    let found = verify(&ledger, &ledger.data(), &["--checkpoint", "newest"]).await.proves("broken_rule");
    assert!(found.what.contains("in block 2") && found.what.contains("at byte "), "{}", found.what);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_another_history_than_the_signed_one_are_told_apart() {
    let ledger = sealed().await;
    let forged = ledger.forge(ledger.size().await, Hash([7; 32])).to_string();
    fs::write(ledger.cluster.directory().join("forged"), forged).unwrap();
    let found = verify(&ledger, &ledger.data(), &["--checkpoint", "forged"]).await.proves("other_history");
    assert!(found.what.contains(&Hash([7; 32]).to_string()), "{}", found.what);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_that_are_missing_are_found_in_the_middle_and_at_the_end() {
    let mut ledger = sealed().await;
    ledger.cluster.kill(1).await;
    let blocks = contents(&ledger.data().join("blocks"));
    let (last, bytes) = blocks.last().unwrap();
    fs::remove_file(last).unwrap();
    verify(&ledger, &ledger.data(), &["--checkpoint", "newest"]).await.leaves_open("behind");
    verify(&ledger, &ledger.data(), &["--from-checkpoint", "newest"]).await.proves("cut_off");
    fs::write(last, bytes).unwrap();
    fs::remove_file(block(&ledger, 1)).unwrap();
    let found = verify(&ledger, &ledger.data(), &["--checkpoint", "newest"]).await.proves("damaged_block");
    assert!(found.what.contains("0000000001.block is missing"), "{}", found.what);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_verified_before_is_proven_again_without_hashing_its_leaves() {
    let mut ledger = sealed().await;
    fs::rename(ledger.cluster.directory().join("newest"), ledger.cluster.directory().join("before")).unwrap();
    let before = ledger.size().await;
    ledger.seal(3).await;
    save_newest(&ledger).await;
    let arguments = ["--from-checkpoint", "before", "--checkpoint", "newest"];
    let value = verify(&ledger, &ledger.data(), &arguments).await.all_proven();
    assert_eq!(value["leaves_hashed"].as_u64(), Some(value["leaves"].as_u64().unwrap() - before));

    // A hash that was changed, with checksums that fit, leads to another root all the same.
    ledger.cluster.kill(1).await;
    let path = block(&ledger, 0);
    let mut bytes = fs::read(&path).unwrap();
    let parts = Parts::of(&bytes);
    bytes[parts.hashes.end - 1] ^= 1;
    parts.fit_checksums(&mut bytes);
    fs::write(&path, bytes).unwrap();
    assert_eq!(verify(&ledger, &ledger.data(), &arguments).await.exit, 1);
}

/// Four blocks or more, with the newest checkpoint in the file `newest`.
async fn sealed() -> Ledger {
    let mut ledger = Ledger::of_one_server().await;
    ledger.seal(2).await;
    save_newest(&ledger).await;
    ledger
}

async fn save_newest(ledger: &Ledger) {
    fs::write(ledger.cluster.directory().join("newest"), ledger.checkpoint().await.to_string()).unwrap();
}

async fn verify(ledger: &Ledger, data: &Path, arguments: &[&str]) -> Verdict {
    let data = data.display().to_string();
    let common = ["--json", "verify", "--policy", "policy.txt", "--data", &data, "--blocks-only"];
    ledger.run(&[&common[..], arguments].concat()).await
}

fn block(ledger: &Ledger, height: u64) -> PathBuf {
    ledger.data().join(format!("blocks/{height:010}.block"))
}

fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let mut contents: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    contents.sort();
    contents
}

/// Where the parts of a block file are: see the DESIGN of bulla-storage.
struct Parts {
    leaves: Range<usize>,
    ends: Range<usize>,
    hashes: Range<usize>,
    refused: Range<usize>,
}

impl Parts {
    fn of(bytes: &[u8]) -> Parts {
        let u32_at = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let trailer = bytes.len() - 48;
        let leaves_end = 64 + u32_at(trailer + 4);
        let ends_end = leaves_end + 4 * u32_at(12);
        let hashes_end = ends_end + 32 * u32_at(12);
        Parts {
            leaves: 64..leaves_end,
            ends: leaves_end..ends_end,
            hashes: ends_end..hashes_end,
            refused: hashes_end..trailer,
        }
    }

    /// Writes the checksums anew, as a patient attacker does.
    fn fit_checksums(&self, bytes: &mut [u8]) {
        let trailer = self.refused.end;
        let sections = [&self.leaves, &self.ends, &self.hashes, &self.refused];
        for (place, section) in sections.into_iter().enumerate() {
            let sum = crc32c(&bytes[section.clone()]).to_be_bytes();
            bytes[trailer + 8 + 4 * place..trailer + 12 + 4 * place].copy_from_slice(&sum);
        }
        let sum = crc32c(&bytes[trailer..trailer + 36]).to_be_bytes();
        bytes[trailer + 36..trailer + 40].copy_from_slice(&sum);
    }
}

/// Where the record id of a record leaf ends.
const RECORD_ID_END: usize = 32;

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}
