//! What a sweep found: of each file, how many bits were noticed, harmless for which reason, or neither.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::flip::{Bench, Flip, Original, Outcome};
use super::redb_file::Place;

/// The outcomes of many flips.
#[derive(Debug, Default)]
pub struct Tally {
    files: BTreeMap<String, BTreeMap<Verdict, usize>>,
    /// What must not be, at most some of each file.
    pub failures: Vec<String>,
}

/// What one flip came to, with the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Noticed,
    Repaired(&'static str),
    Harmless(&'static str),
    Undetected,
}

/// Tries all of `groups` on `threads` threads: what is in a group is flipped at once, and one by one if that changes
/// anything. Tells `progress` of each few groups how many they are.
///
/// # Panics
/// When a database file is not as redb writes it, or the disk cannot be written.
pub fn sweep(original: &Original, groups: &[Vec<Flip>], threads: usize, progress: &(dyn Fn(usize) + Sync)) -> Tally {
    let places: Vec<_> = (0..original.files.len()).map(|file| original.places(file as u32)).collect();
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let count = |flip: Flip, outcome: &Outcome| {
        let place = places[flip.file as usize].as_ref().map(|places| places[flip.at as usize]);
        tally.lock().expect("no panic while it is held").count(original, flip, outcome, place);
    };
    let try_group = |bench: &Bench<'_>, group: &[Flip]| match bench.try_flips(group) {
        outcome if group.len() == 1 || outcome == Outcome::SameData => {
            group.iter().for_each(|flip| count(*flip, &outcome));
        }
        _ => group.iter().for_each(|flip| count(*flip, &bench.try_flips(&[*flip]))),
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let bench = Bench::new(original);
                loop {
                    let start = next.fetch_add(PIECE, Ordering::Relaxed).min(groups.len());
                    let piece = &groups[start..groups.len().min(start + PIECE)];
                    if piece.is_empty() {
                        return;
                    }
                    piece.iter().for_each(|group| try_group(&bench, group));
                    progress(piece.len());
                }
            });
        }
    });
    tally.into_inner().expect("no panic while it was held")
}

impl Tally {
    /// Adds what another sweep found.
    pub fn add(&mut self, other: Self) {
        for (file, verdicts) in other.files {
            for (verdict, count) in verdicts {
                *self.files.entry(file.clone()).or_default().entry(verdict).or_default() += count;
            }
        }
        self.failures.extend(other.failures);
    }

    /// How many flips were tried.
    pub fn flips(&self) -> usize {
        self.files.values().flat_map(BTreeMap::values).sum()
    }

    fn count(&mut self, original: &Original, flip: Flip, outcome: &Outcome, place: Option<Place>) {
        let name = original.files[flip.file as usize].0.display().to_string();
        let verdict = judge(outcome, place);
        let file = format!("{:?}: {}", original.state, name);
        *self.files.entry(file.clone()).or_default().entry(verdict).or_default() += 1;
        if verdict == Verdict::Undetected && self.failures.len() < FAILURES_MAX {
            let Flip { at, bit, .. } = flip;
            self.failures.push(format!("{file}, byte {at}, bit {bit}, {place:?}: {outcome:?}"));
        }
    }
}

/// Without a reason, even the same data is a failure: nobody would know why.
fn judge(outcome: &Outcome, place: Option<Place>) -> Verdict {
    match (outcome, place) {
        (Outcome::Noticed(_), _) => Verdict::Noticed,
        (Outcome::SameData, Some(Place::FreePage)) => Verdict::Harmless("in a page that no tree reaches"),
        (Outcome::SameData, Some(Place::PagePadding)) => Verdict::Harmless("after the last row of a page"),
        (Outcome::SameData, Some(Place::HeaderPadding)) => Verdict::Harmless("padding of the first page"),
        (Outcome::SameData, Some(Place::SecondarySlot)) => Verdict::Harmless("in the slot of the commit before"),
        (Outcome::SameData, Some(Place::GodByte)) => Verdict::Repaired("a flag, set right by the recovery at opening"),
        (Outcome::SameData, Some(Place::RegionCounts)) => Verdict::Repaired("counted anew from the file's length"),
        _ => Verdict::Undetected,
    }
}

impl fmt::Display for Tally {
    /// A table for a page in Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| file | flips | noticed | repaired | harmless | undetected |\n|---|---|---|---|---|---|")?;
        let mut reasons: BTreeMap<Verdict, usize> = BTreeMap::new();
        for (file, verdicts) in &self.files {
            let sum = |is: fn(&Verdict) -> bool| -> usize {
                verdicts.iter().filter(|(verdict, _)| is(verdict)).map(|(_, count)| count).sum()
            };
            let noticed = sum(|verdict| *verdict == Verdict::Noticed);
            let repaired = sum(|verdict| matches!(verdict, Verdict::Repaired(_)));
            let harmless = sum(|verdict| matches!(verdict, Verdict::Harmless(_)));
            let undetected = sum(|verdict| *verdict == Verdict::Undetected);
            let flips: usize = verdicts.values().sum();
            writeln!(f, "| {file} | {flips} | {noticed} | {repaired} | {harmless} | {undetected} |")?;
            for (verdict, count) in verdicts {
                *reasons.entry(*verdict).or_default() += count;
            }
        }
        writeln!(f, "\n| why | flips |\n|---|---|")?;
        for (verdict, count) in reasons {
            match verdict {
                Verdict::Noticed => writeln!(f, "| noticed | {count} |")?,
                Verdict::Repaired(reason) => writeln!(f, "| repaired: {reason} | {count} |")?,
                Verdict::Harmless(reason) => writeln!(f, "| harmless: {reason} | {count} |")?,
                Verdict::Undetected => writeln!(f, "| undetected | {count} |")?,
            }
        }
        Ok(())
    }
}

/// Groups that a thread takes at once.
const PIECE: usize = 64;
const FAILURES_MAX: usize = 100;
