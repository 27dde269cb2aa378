//! `bulla verify --data`: are the files of a server what was sealed?

use std::path::Path;

use bulla_node::{BlockFiles, ReadOnlyStore, StorageError, Verified};
use bulla_sealing::SignedNote;
use serde_json::json;

use super::super::exit::chain;
use super::super::print::count;
use super::super::{Exit, Failure, Printer, Servers, policy, progress};
use super::Verify;
use super::state::replace;

pub(super) fn verify(command: &Verify, data: &Path, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
    if servers.has_policy() {
        let (given, own) = (servers.policy()?, policy::of_directory(data)?);
        if given != own {
            return Err(Failure::no(format!(
                "{} belongs to ledger {}, and the policy is of ledger {} or of other keys",
                data.display(),
                own.ledger_id(),
                given.ledger_id()
            )));
        }
    }
    let (verified, newest) = read_again(data).map_err(failed)?;
    if let (Some(path), Some(newest)) = (&command.save_checkpoint, newest) {
        replace(path, newest.to_string().as_bytes())?;
    }
    let size = verified.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
    let root = verified.checkpoint.as_ref().map(|checkpoint| checkpoint.root.to_string());
    let value = json!({
        "proven": true,
        "blocks": verified.blocks,
        "sealed_blocks": verified.sealed_blocks,
        "leaves": verified.leaves,
        "size": size,
        "root": root,
    });
    printer.show(&value, || {
        let mut text = format!(
            "everything is as it was sealed: {} read again, {} leaves hashed and held against the rules",
            count(verified.blocks, "block"),
            verified.leaves,
        );
        text += &match verified.blocks - verified.sealed_blocks {
            0 => "\nall of them carry the signatures of every server".to_owned(),
            newest => format!(
                "\nall but the newest {newest} carry the signatures of every server: those reach the files with the block after, \
                 or when the server stops in order"
            ),
        };
        if let Some(root) = root {
            text += &format!("\nroot of the whole log of {size} leaves: {root}");
        }
        text
    });
    Ok(Exit::Done)
}

/// Reads every block file again, hashes every leaf, and applies the rules to every record.
pub(crate) fn directory(data: &Path) -> Result<Verified, Failure> {
    Ok(read_again(data).map_err(failed)?.0)
}

fn read_again(data: &Path) -> Result<(Verified, Option<SignedNote>), StorageError> {
    let store = ReadOnlyStore::open(data).map_err(|error| name_the_damage(data, error))?;
    let bar = progress::bar(0, "blocks").with_message("verifying");
    let verified = store.verify_all(&mut |progress| {
        bar.set_length(progress.blocks);
        bar.set_position(progress.blocks_done);
    });
    bar.finish_and_clear();
    Ok((verified?, store.checkpoint()?))
}

/// A directory that does not open says that it is damaged; its block files, read alone, say where.
fn name_the_damage(data: &Path, error: StorageError) -> StorageError {
    if !matches!(error, StorageError::Corrupt { .. }) {
        return error;
    }
    let damaged = BlockFiles::open(data)
        .and_then(|files| (0..files.blocks()).try_for_each(|height| files.read(height, 0).map(drop)));
    damaged.err().unwrap_or(error)
}

fn failed(error: StorageError) -> Failure {
    match &error {
        StorageError::Corrupt { .. } => Failure::no(format!("something was changed: {}", chain(&error))),
        StorageError::InUse { path } => Failure::could_not(format!(
            "a node runs in {}; stop it first, or give --blocks-only, which reads the block files of a running node",
            path.display()
        )),
        _ => Failure::could_not(chain(&error)),
    }
}
