//! One bit of one file: flipped, then the directory is opened, verified, and read to the last row.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bulla_storage::{Identity, StorageError, Store};

use super::directory::{State, make, options};
use super::redb_file::{Place, places};

/// A bit of a file of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flip {
    /// Which file, by its place in [`Original::files`].
    pub file: u32,
    /// Which byte of it.
    pub at: u32,
    /// Which bit of that byte, 0 the lowest.
    pub bit: u8,
}

/// What a flipped bit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An error says what is wrong.
    Noticed(String),
    /// All that can be read is what it was.
    SameData,
    /// Something else is read, and nothing was noticed.
    OtherData(String),
    /// A bug: damage must be an error.
    Panicked,
}

/// A whole directory, to flip bits of.
#[derive(Debug, Clone)]
pub struct Original {
    /// How the node had ended.
    pub state: State,
    /// Every file, with its path in the directory.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    identity: Identity,
    contents: Vec<u8>,
}

impl Original {
    /// Makes the directory and reads it to the last row.
    ///
    /// # Panics
    /// When a directory that nobody touched is not in order.
    pub fn new(state: State) -> Self {
        let home = scratch();
        let identity = make(home.path(), state);
        let mut files = Vec::new();
        collect(home.path(), home.path(), &mut files);
        files.sort();
        let contents = read_all(home.path(), &identity).expect("the directory is in order");
        Self { state, files, identity, contents }
    }

    /// What each byte of a file is for, if it is a database.
    ///
    /// # Panics
    /// When it is not as redb writes it.
    pub fn places(&self, file: u32) -> Option<Vec<Place>> {
        let (path, bytes) = &self.files[file as usize];
        let is_database = path.extension().is_some_and(|extension| extension == "redb");
        is_database.then(|| places(bytes).expect("the file is as redb wrote it"))
    }
}

/// A directory of its own in which one thread tries one bit after the other.
#[derive(Debug)]
pub struct Bench<'a> {
    original: &'a Original,
    home: tempfile::TempDir,
}

impl<'a> Bench<'a> {
    /// A copy of `original`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn new(original: &'a Original) -> Self {
        let bench = Self { original, home: scratch() };
        bench.restore();
        bench
    }

    /// Flips bits of one file, looks, and puts everything back.
    ///
    /// # Panics
    /// When the directory cannot be written, or the bits are of several files.
    pub fn try_flips(&self, flips: &[Flip]) -> Outcome {
        let file = flips[0].file;
        let (path, bytes) = &self.original.files[file as usize];
        let mut flipped = bytes.clone();
        for flip in flips {
            assert_eq!(flip.file, file, "one file at a time");
            flipped[flip.at as usize] ^= 1 << flip.bit;
        }
        fs::write(self.home.path().join(path), flipped).expect("it can be written");
        let read = catch_unwind(AssertUnwindSafe(|| read_all(self.home.path(), &self.original.identity)));
        self.restore();
        match read {
            Err(_) => Outcome::Panicked,
            Ok(Err(error)) => Outcome::Noticed(error.to_string()),
            Ok(Ok(contents)) if contents == self.original.contents => Outcome::SameData,
            Ok(Ok(contents)) => Outcome::OtherData(first_difference(&self.original.contents, &contents)),
        }
    }

    /// Opening changes files: recovery writes to both databases.
    fn restore(&self) {
        for (path, bytes) in &self.original.files {
            let path = self.home.path().join(path);
            fs::create_dir_all(path.parent().expect("it lies in the directory")).expect("a directory");
            if fs::read(&path).ok().as_ref() != Some(bytes) {
                fs::write(&path, bytes).expect("it can be written");
            }
        }
    }
}

/// Opens the directory, verifies all there is to verify, and reads all there is to read.
fn read_all(dir: &Path, identity: &Identity) -> Result<Vec<u8>, StorageError> {
    let store = Store::open(dir, identity, options())?;
    store.ledger().verify_all(&mut |_| {})?;
    let mut contents = Vec::new();
    let mut put = |what: &str, bytes: &[u8]| {
        contents.extend_from_slice(what.as_bytes());
        contents.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        contents.extend_from_slice(bytes);
    };
    store.each_row(|table, key, value| {
        put(table, key);
        put("", value);
    })?;
    put("guard", &store.guard().verify()?.to_be_bytes());
    let durable = store.ledger().durable();
    put("durable", format!("{durable:?} {:?}", store.ledger().sealing_status()).as_bytes());
    for height in 0..durable.height.map_or(0, |height| height + 1) {
        let length = store.ledger().block_len(height)?;
        put("block", &store.ledger().read_block(height, 0, length as usize)?);
    }
    drop(store);
    put("guard", &fs::read(dir.join("guard.log")).expect("it was just verified"));
    Ok(contents)
}

fn first_difference(before: &[u8], after: &[u8]) -> String {
    let at = before.iter().zip(after).position(|(before, after)| before != after);
    let at = at.unwrap_or(before.len().min(after.len()));
    format!("what is read differs from byte {at} of {} on", before.len())
}

/// In memory where there is such a directory: nothing here must survive a power cut, and a sweep writes a great deal.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a temporary directory")
}

fn collect(root: &Path, dir: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("a name")) {
        let path = entry.path();
        match path.is_dir() {
            true => collect(root, &path, files),
            false if path.ends_with("lock") => {}
            false => {
                let name = path.strip_prefix(root).expect("it lies inside").to_owned();
                files.push((name, fs::read(&path).expect("it can be read")));
            }
        }
    }
}
