//! `bulla verify --data --blocks-only`: is what stands in these block files the log that was signed?

use std::path::Path;

use bulla_client::{AuditError, Replay};
use bulla_node::{AuditedBlock, BlockFiles, StorageError, read_ahead};
use bulla_sealing::Policy;
use serde_json::json;

use super::super::exit::chain;
use super::super::print::count;
use super::super::{Exit, Failure, Printer, Servers, policy, progress};
use super::Verify;
use super::finding::{Finding, Findings};
use super::state::{Signed, replace};
use super::wanted::Wanted;

pub(super) fn verify(command: &Verify, data: &Path, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
    let policy = match servers.has_policy() {
        true => servers.policy()?,
        false => policy::of_directory(data)
            .map_err(|failure| failure.and("without a server's identity, give the policy with --policy FILE"))?,
    };
    let signed = |path: &std::path::PathBuf| Signed::read(path, &policy);
    let newest = command.checkpoint.as_ref().map(signed).transpose()?;
    let from = command.from_checkpoint.as_ref().map(signed).transpose()?;
    let wanted = Wanted::new(command.asset.as_deref(), command.block, &policy)?;
    let mut audit = Audit::new(&policy, wanted, [&from, &newest].into_iter().flatten().cloned().collect());
    let mut findings = Findings::default();
    let hash_from = from.as_ref().map_or(0, |from| from.checkpoint.size);
    audit.replay.was_verified(hash_from);
    let at = data.display().to_string();
    let read = BlockFiles::open(data)
        .map_err(|error| damaged(&at, "the block files", &error))
        .and_then(|files| audit.read(&files, hash_from))
        .and_then(|()| audit.reaches(&at, from.as_ref(), newest.as_ref()));
    match (read, audit.wanted.missing(&at)) {
        (Err(finding), _) | (Ok(()), Some(finding)) => findings.add(finding),
        (Ok(()), None) => {}
    }
    if let (Some(path), Some(proven), Exit::Done) = (&command.save_checkpoint, &audit.proven, findings.exit()) {
        replace(path, proven.note.as_bytes())?;
    }
    let (leaves, blocks) = (audit.replay.size(), audit.replay.blocks());
    let proven = audit.proven.as_ref().map(|signed| signed.checkpoint.size);
    let value = json!({
        "ledger_id": policy.ledger_id(),
        "picked": audit.wanted.any().then(|| audit.wanted.to_json()),
        "blocks": blocks,
        "leaves": leaves,
        "leaves_hashed": leaves.saturating_sub(hash_from),
        "size": proven,
        "root": audit.proven.as_ref().map(|signed| signed.checkpoint.root.to_string()),
    });
    let mut words = format!("{} read, {leaves} leaves held against the rules", count(blocks, "block"));
    if hash_from > 0 {
        words += &format!(
            "\nthe first {hash_from} were verified before: the rules were applied to them again and the states that they \
             lead to have the sealed root, but the leaves were not hashed again, and neither were the states after each \
             block"
        );
    }
    match proven {
        Some(proven) if proven == leaves => words += "\nall of them are under the signed root",
        Some(proven) => {
            words += &format!(
                "\nthe first {proven} are under the signed root; the {} after them follow from those, and no signature \
                 over them was given",
                leaves - proven
            );
        }
        None => {}
    }
    words += &audit.wanted.to_words();
    Ok(findings.show(printer, value, &words))
}

/// The log that the files hold, so far.
struct Audit<'a> {
    policy: &'a Policy,
    replay: Replay,
    wanted: Wanted,
    /// The checkpoints to hold the log against.
    signed: Vec<Signed>,
    /// The largest of them that the log had.
    proven: Option<Signed>,
}

impl Audit<'_> {
    fn new(policy: &Policy, wanted: Wanted, signed: Vec<Signed>) -> Audit<'_> {
        Audit { policy, replay: Replay::new(policy), wanted, signed, proven: None }
    }

    /// Reads every block, several at once, and holds them against each other in their order.
    fn read(&mut self, files: &BlockFiles, hash_from: u64) -> Result<(), Finding> {
        let bar = progress::bar(files.blocks(), "blocks").with_message("verifying");
        let read = |height| files.read(height, hash_from);
        let done = read_ahead(files.blocks(), read, |height, block| {
            bar.inc(1);
            let at = files.path(height).display().to_string();
            self.block(&at, block.map_err(|error| damaged(&at, &format!("block {height}"), &error))?)
        });
        bar.finish_and_clear();
        done
    }

    fn block(&mut self, at: &str, block: AuditedBlock) -> Result<(), Finding> {
        let height = block.height;
        if block.ledger_id != self.policy.ledger_id() || block.first_leaf != self.replay.size() {
            let what = format!(
                "block {height}, bytes 16 to 47: it says that it begins at leaf {} of ledger {}, and here leaf {} of \
                 ledger {} should follow",
                block.first_leaf,
                block.ledger_id,
                self.replay.size(),
                self.policy.ledger_id()
            );
            return Err(Finding::tampering("other_block", at, what, DAMAGED));
        }
        let leaves: Vec<&[u8]> = block.leaves().collect();
        self.replay.block(&leaves, block.records(), block.header_hash()).map_err(|broken| {
            let byte = block.byte_of(broken.leaf_index);
            let mut finding = Finding::audit(at, &AuditError::Broken(broken));
            finding.what += &format!(" (at byte {byte} of the file)");
            finding.means = if finding.proves_tampering { CHANGED } else { finding.means };
            finding
        })?;
        if self.wanted.any() {
            leaves.iter().for_each(|leaf| self.wanted.see(leaf));
        }
        let (size, root) = (self.replay.size(), self.replay.root());
        for signed in self.signed.iter().filter(|signed| signed.checkpoint.size == size) {
            if signed.checkpoint.root != root {
                let what = format!(
                    "block {height}: the log up to here has {size} leaves and root {root}, and the signed checkpoint of \
                     as many leaves has root {}",
                    signed.checkpoint.root
                );
                return Err(Finding::tampering("other_history", at, what, OTHER_HISTORY));
            }
            self.proven = Some(signed.clone());
        }
        Ok(())
    }

    /// Every checkpoint that was given is one that this log had.
    fn reaches(&self, at: &str, from: Option<&Signed>, newest: Option<&Signed>) -> Result<(), Finding> {
        let leaves = self.replay.size();
        if self.signed.is_empty() {
            let what = format!("the {leaves} leaves follow from each other, and nothing was given that is signed");
            return Err(Finding::unchecked("no_signature", at, what, NO_SIGNATURE));
        }
        for signed in [from, newest].into_iter().flatten() {
            let size = signed.checkpoint.size;
            if self.proven.as_ref().is_some_and(|proven| proven.checkpoint.size >= size) {
                continue;
            }
            let what =
                format!("the signed checkpoint is of {size} leaves, and here are {leaves} with no block ending there");
            return Err(match Some(signed) == from || size < leaves {
                true => Finding::tampering("cut_off", at, what, CUT_OFF),
                false => Finding::unchecked("behind", at, what, BEHIND),
            });
        }
        Ok(())
    }
}

fn damaged(at: &str, what: &str, error: &StorageError) -> Finding {
    match error {
        StorageError::Corrupt { detail, .. } => {
            Finding::tampering("damaged_block", at, format!("{what}: {detail}"), DAMAGED)
        }
        _ => Finding::unchecked("unreadable", at, chain(error), UNREADABLE),
    }
}

const DAMAGED: &str = "the file is not what the server wrote: it was changed, or the disk lost it. The other servers \
    have the same block; replace this server from them";
const CHANGED: &str = "the file was rewritten with checksums that fit, or the server wrote what it should not have; \
    hold it against the same block of the other servers";
const OTHER_HISTORY: &str = "these files hold another history than the one that all servers signed; keep both";
const CUT_OFF: &str = "what was verified before is no longer there, or the signed log is not this one; keep the files \
    and the checkpoint";
const BEHIND: &str = "these files are older than the checkpoint, or cut off at the end; get the newer blocks, or the \
    checkpoint of the last one here";
const NO_SIGNATURE: &str = "whoever can write these files could have made all of them; get a signed checkpoint from \
    any server (GET /checkpoint) and give it with --checkpoint";
const UNREADABLE: &str = "nothing is known about this file; read access is enough to verify it";
