//! From text to a [`ClusterFile`], and the line on which each setting stands.

use super::{ClusterFile, Problem};

/// A file as written, and where it says what.
pub(super) struct Document {
    pub file: ClusterFile,
}

/// Reads `text`, or lists everything in it that is not a setting of the right kind.
pub(super) fn read(text: &str) -> Result<Document, Vec<Problem>> {
    let file = toml::from_str(text).map_err(|error| {
        vec![Problem {
            line: 1,
            what: error.message().to_owned(),
            remedy: "see cluster.toml".to_owned(),
        }]
    })?;
    Ok(Document { file })
}
