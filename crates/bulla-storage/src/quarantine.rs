//! The quarantine mark: a durable note that the ledger in this directory is not to be believed until it is rebuilt.

use std::fmt;
use std::path::Path;

use bulla_sealing::Hash;

use crate::directory::{partial, publish, remove_file, write_private};
use crate::error::StorageError;

/// Why a server takes no part until its ledger is rebuilt from its peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuarantineReason {
    /// A majority of the voters signed another root for the table of this height than this server computed.
    OtherRoot {
        /// Height of the table.
        height: u64,
        /// The root that this server computed for the tree that ends with it.
        root: Hash,
    },
    /// What is stored of the ledger is damaged, and what is damaged cannot be mended piece by piece.
    Damaged {
        /// What is damaged and how, for people; one line.
        what: String,
    },
}

impl fmt::Display for QuarantineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherRoot { height, .. } => {
                write!(f, "most servers signed another root for table {height} than this one computed")
            }
            Self::Damaged { what } => f.write_str(what),
        }
    }
}

/// What the file `quarantine` in a data directory says. While it is there the directory takes no part in agreement and
/// answers no reads; it goes when the ledger has been rebuilt and verified.
///
/// ```text
/// bulla quarantine v1
/// since_us 1767225600000000
/// sealed 41                    or "none", or "unknown"
/// stage marked                 or "rebuilding": what was damaged is set aside
/// other_root 42 0a1b...        or "damaged" and what is
/// crc32c 0a1b2c3d              of the lines above
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Why.
    pub reason: QuarantineReason,
    /// Since when, POSIX microseconds; names the directory that the damaged files are kept in.
    pub since_us: u64,
    /// How far this server knew the ledger to be sealed: no root up to there is ever signed anew.
    pub(crate) sealed: Sealed,
    pub(crate) stage: Stage,
}

/// How far a server knew its ledger to be sealed when it was quarantined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sealed {
    /// Up to this height, or not at all.
    UpTo(Option<u64>),
    /// Whoever could say it was damaged.
    Unknown,
}

/// How far a rebuild has come, as far as a restart must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The damaged files are where they were.
    Marked,
    /// They are set aside; what is in their place came from the rebuild.
    Rebuilding,
}

impl Quarantine {
    /// The mark of a directory; `None` when it has none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, StorageError> {
        match std::fs::read_to_string(path) {
            Ok(text) => match Self::decode(&text) {
                Some(mark) => Ok(Some(mark)),
                None => Err(StorageError::corrupt(path.display().to_string(), "it is no mark of a quarantine")),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageError::io("read", path)(error)),
        }
    }

    /// Makes the mark durable, instead of the one before it.
    pub(crate) fn write(&self, path: &Path) -> Result<(), StorageError> {
        let incomplete = partial(path);
        remove_file(&incomplete)?;
        write_private(&incomplete, self.encode().as_bytes())?;
        publish(&incomplete, path)
    }

    fn encode(&self) -> String {
        let sealed = match self.sealed {
            Sealed::UpTo(Some(height)) => height.to_string(),
            Sealed::UpTo(None) => "none".to_owned(),
            Sealed::Unknown => "unknown".to_owned(),
        };
        let stage = match self.stage {
            Stage::Marked => "marked",
            Stage::Rebuilding => "rebuilding",
        };
        let reason = match &self.reason {
            QuarantineReason::OtherRoot { height, root } => format!("other_root {height} {root}"),
            QuarantineReason::Damaged { what } => format!("damaged {}", what.replace(['\n', '\r'], " ")),
        };
        let body = format!("{HEAD}\nsince_us {}\nsealed {sealed}\nstage {stage}\n{reason}\n", self.since_us);
        let sum = crc32c::crc32c(body.as_bytes());
        format!("{body}crc32c {sum:08x}\n")
    }

    fn decode(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().collect();
        let &[HEAD, since_us, sealed, stage, reason, _] = lines.as_slice() else {
            return None;
        };
        let mark = Self {
            since_us: since_us.strip_prefix("since_us ")?.parse().ok()?,
            sealed: match sealed.strip_prefix("sealed ")? {
                "none" => Sealed::UpTo(None),
                "unknown" => Sealed::Unknown,
                height => Sealed::UpTo(Some(height.parse().ok()?)),
            },
            stage: match stage.strip_prefix("stage ")? {
                "marked" => Stage::Marked,
                "rebuilding" => Stage::Rebuilding,
                _ => return None,
            },
            reason: match reason.split_once(' ')? {
                ("other_root", tree) => {
                    let (height, root) = tree.split_once(' ')?;
                    QuarantineReason::OtherRoot { height: height.parse().ok()?, root: root.parse().ok()? }
                }
                ("damaged", what) => QuarantineReason::Damaged { what: what.to_owned() },
                _ => return None,
            },
        };
        (mark.encode() == text).then_some(mark)
    }
}

const HEAD: &str = "bulla quarantine v1";

#[cfg(test)]
mod tests {
    use super::*;

    fn marks() -> Vec<Quarantine> {
        let damaged = QuarantineReason::Damaged { what: "row 00 of table assets is corrupt: it is none".into() };
        let other_root = QuarantineReason::OtherRoot { height: 42, root: Hash([7; 32]) };
        vec![
            Quarantine { reason: damaged, since_us: 7, sealed: Sealed::Unknown, stage: Stage::Marked },
            Quarantine {
                reason: other_root.clone(),
                since_us: u64::MAX,
                sealed: Sealed::UpTo(Some(41)),
                stage: Stage::Rebuilding,
            },
            Quarantine { reason: other_root, since_us: 1, sealed: Sealed::UpTo(None), stage: Stage::Marked },
        ]
    }

    #[test]
    fn a_mark_reads_back_as_it_was_written() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("quarantine");
        assert_eq!(Quarantine::read(&path).unwrap(), None);
        for mark in marks() {
            mark.write(&path).unwrap();
            assert_eq!(Quarantine::read(&path).unwrap(), Some(mark));
        }
    }

    #[test]
    fn every_changed_byte_of_a_mark_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("quarantine");
        for mark in marks() {
            let good = mark.encode().into_bytes();
            for at in 0..good.len() {
                let mut bad = good.clone();
                bad[at] ^= 1;
                std::fs::write(&path, &bad).unwrap();
                assert!(matches!(Quarantine::read(&path), Err(StorageError::Corrupt { .. })), "byte {at}");
            }
        }
    }

    #[test]
    fn what_is_damaged_stays_one_line() {
        let what = "two\nlines".to_owned();
        let reason = QuarantineReason::Damaged { what };
        let mark = Quarantine { reason, since_us: 1, sealed: Sealed::Unknown, stage: Stage::Marked };
        let read = Quarantine::decode(&mark.encode()).unwrap();
        assert_eq!(read.reason, QuarantineReason::Damaged { what: "two lines".to_owned() });
    }
}
