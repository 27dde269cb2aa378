//! How far the scrubber has come, and what it found.

/// What the scrubber of this node has done since the node started, and is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScrubStatus {
    /// Passes that were completed.
    pub passes: u64,
    /// The pass that is going on.
    pub running: Option<ScrubRunning>,
    /// The last pass that was completed.
    pub last: Option<ScrubbedPass>,
    /// Things found damaged.
    pub found: u64,
    /// Of those, how many were put right.
    pub healed: u64,
    /// What is damaged now, oldest first.
    pub damaged: Vec<Damaged>,
}

/// A pass that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrubRunning {
    /// When it began, POSIX microseconds.
    pub started_us: u64,
    /// Bytes read so far.
    pub bytes_done: u64,
    /// Bytes that there were to read when it began, roughly.
    pub bytes_total: u64,
}

/// A pass that was completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrubbedPass {
    /// When it ended, POSIX microseconds.
    pub ended_us: u64,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// Bytes that it read.
    pub bytes: u64,
    /// Things that it found damaged.
    pub found: u64,
}

/// Something that is damaged and could not be put right yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// The file or row, as a noun phrase.
    pub what: String,
    /// What about it is wrong.
    pub detail: String,
    /// Its block, if it is in one.
    pub height: Option<u64>,
    /// When it was found, POSIX microseconds.
    pub since_us: u64,
    /// Why it is not put right, for people.
    pub waits_for: String,
}

impl ScrubRunning {
    /// How much of it is done, 0 to 100.
    pub fn percent(&self) -> u8 {
        let percent = self.bytes_done.saturating_mul(100).checked_div(self.bytes_total).unwrap_or(100);
        percent.min(100) as u8
    }
}
