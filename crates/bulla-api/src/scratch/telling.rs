//! What a story says while it happens: to people, and only to them.

use std::time::Duration;

use indicatif::ProgressBar;

use crate::cli::{Printer, print, progress_bar, progress_wheel};

/// Says the story on standard output, unless a program reads it.
pub(crate) struct Telling {
    quiet: bool,
}

impl Telling {
    pub(crate) fn new(printer: &Printer) -> Telling {
        Telling { quiet: printer.json() }
    }

    /// Starts a chapter.
    pub(crate) fn chapter(&self, number: u32, title: &str) {
        self.say(&format!("\n{number}. {title}"));
    }

    /// Says a line of the story.
    pub(crate) fn say(&self, line: &str) {
        if !self.quiet {
            print(line);
        }
    }

    /// A wheel that turns until it is dropped.
    pub(crate) fn waiting(&self, what: &str) -> Waiting {
        Waiting(if self.quiet { ProgressBar::hidden() } else { progress_wheel(what.to_owned()) })
    }

    /// A bar that fills up.
    pub(crate) fn filling(&self, what: &'static str, total: u64, unit: &str) -> ProgressBar {
        if self.quiet { ProgressBar::hidden() } else { progress_bar(total, unit).with_message(what) }
    }
}

/// Somebody is waiting.
pub(crate) struct Waiting(ProgressBar);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// `1.2 s`.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
