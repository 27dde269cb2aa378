//! From text to a [`ClusterFile`]: everything that is no setting, or no value for one, is listed.
//!
//! A file is held against a complete sample of one. What is wrong is replaced by what the sample
//! says and reading goes on, so that one look shows every mistake.

use std::ops::Range;

use bulla_sealing::{SignatureType, VerifierKey};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use super::lines::{Lines, line_of};
use super::nearest::nearest;
use super::{ClusterConfig, ClusterFile, ClusterTimestamp, ClusterWitness, Ports, Problem};

/// A file as written, and where it says what.
pub(super) struct Document {
    pub file: ClusterFile,
    pub lines: Lines,
}

/// Reads `text`, or lists everything in it that cannot be read.
pub(super) fn read(text: &str) -> Result<Document, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| no_toml(text, error)).collect());
    }
    let mut root = root.into_inner();
    let lines = Lines::of(text, &root);

    let sample_text = sample().to_toml();
    let sample = DeTable::parse(&sample_text).expect("what we write is TOML").into_inner();
    let mut reader = Reader { text, sample_text: &sample_text, problems: Vec::new() };
    reader.hold_root(&mut root, &sample);
    let file = reader.deserialize(root, &sample);
    match file {
        Some(file) if reader.problems.is_empty() => Ok(Document { file, lines }),
        _ => Err(reader.problems),
    }
}

/// A configuration in which no setting is left out.
fn sample() -> ClusterConfig {
    let ports = Ports { http: 7601, peer: 7701 };
    let mut sample = ClusterConfig::local("data".as_ref(), &[ports]);
    sample.ledger.origin = Some("ledger.example.org".to_owned());
    let name = "witness.example.org".to_owned();
    // Nobody's key: it shows the form, and a node that was given it would not start.
    let key = VerifierKey { name, signature_type: SignatureType::Cosignature, public_key: [0; 32] };
    sample.witnesses.push(ClusterWitness { url: "http://witness.example.org:7900".to_owned(), key });
    sample.timestamp = Some(ClusterTimestamp {
        url: "http://timestamp.example.org".to_owned(),
        certificate: Some("authority.pem".into()),
        every_s: 3_600,
    });
    sample.peer.insecure = false; // What is shown as an example should be safe to follow.
    sample
}

fn no_toml(text: &str, error: &toml::de::Error) -> Problem {
    Problem {
        line: error.span().map_or(1, |span| line_of(text, &span)),
        what: format!("not TOML: {}", error.message()),
        remedy: "write settings as `name = value` under a `[section]`".to_owned(),
    }
}

struct Reader<'t> {
    text: &'t str,
    sample_text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    /// Sections: `[seal]` must be one table and `[[node]]` a list of them.
    fn hold_root(&mut self, root: &mut DeTable<'t>, sample: &DeTable<'t>) {
        self.drop_unknown("", root, sample);
        let mut misshapen = Vec::new();
        for (key, section) in root.iter_mut() {
            let name = key.get_ref().as_ref();
            let like = &sample[name];
            match (section.get_mut(), like.get_ref()) {
                (DeValue::Table(table), DeValue::Table(like)) => {
                    self.drop_unknown(&format!("[{name}]"), table, like);
                }
                (DeValue::Array(items), DeValue::Array(like)) => self.hold_list(name, items, like),
                (_, like) => {
                    let what = format!("`{name}` is not written as a section");
                    let remedy = format!("begin the section with `{}`", heading(name, like));
                    self.add(key.span(), what, remedy);
                    misshapen.push(key.clone());
                }
            }
        }
        for key in misshapen {
            root.remove(key.get_ref().as_ref());
        }
    }

    /// Every key of a `[[node]]` or `[[witness]]` is needed.
    fn hold_list(&mut self, section: &str, items: &mut DeArray<'t>, sample: &DeArray<'t>) {
        let like = sample[0].get_ref().as_table().expect("the sample's items are tables");
        for item in items.iter_mut() {
            let span = item.span();
            let DeValue::Table(node) = item.get_mut() else {
                let remedy = format!("begin each one with `[[{section}]]`");
                self.add(span, format!("a {section} is not written as a section"), remedy);
                *item = nowhere(&sample[0]);
                continue;
            };
            self.drop_unknown(&format!("[[{section}]]"), node, like);
            for (key, value) in like {
                let name = key.get_ref().as_ref();
                if !node.contains_key(name) {
                    let remedy = format!("add one, like `{name} = {}`", self.written(value));
                    self.add(span.clone(), format!("this [[{section}]] has no `{name}`"), remedy);
                    node.insert(key.clone(), nowhere(value));
                }
            }
        }
    }

    /// `section` is empty for the file itself.
    fn drop_unknown(&mut self, section: &str, table: &mut DeTable<'t>, sample: &DeTable<'t>) {
        let names: Vec<&str> = sample.keys().map(|key| key.get_ref().as_ref()).collect();
        let is_unknown = |name: &str| !names.contains(&name);
        let unknown = table.keys().filter(|key| is_unknown(key.get_ref())).cloned();
        for key in unknown.collect::<Vec<_>>() {
            let name = key.get_ref().as_ref();
            let (what, known) = match section {
                "" => (format!("unknown section `{name}`"), "the sections are".to_owned()),
                _ => (format!("unknown key `{name}` in {section}"), format!("{section} has")),
            };
            let remedy = match nearest(name, &names) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("{known} {}", names.join(", ")),
            };
            self.add(key.span(), what, remedy);
            table.remove(name);
        }
    }

    /// Reads the values. One that does not fit is named, replaced by the sample's, and the rest is
    /// read again.
    fn deserialize(&mut self, mut root: DeTable<'t>, sample: &DeTable<'t>) -> Option<ClusterFile> {
        loop {
            let whole = Spanned::new(0..self.text.len(), root.clone());
            let error = match ClusterFile::deserialize(Deserializer::from(whole)) {
                Ok(file) => return Some(file),
                Err(error) => error,
            };
            let span = error.span().unwrap_or(0..0);
            let Some((name, like)) = replace(&mut root, sample, &span) else {
                self.add(span, error.message().to_owned(), "see cluster.toml".to_owned());
                return None;
            };
            self.add(
                span,
                format!("`{name}`: {}", error.message()),
                format!("write it like `{name} = {}`", self.written(like)),
            );
        }
    }

    fn written(&self, value: &Spanned<DeValue<'_>>) -> &'t str {
        &self.sample_text[value.span()]
    }

    fn add(&mut self, span: Range<usize>, what: String, remedy: String) {
        let line = line_of(self.text, &span);
        self.problems.push(Problem { line, what, remedy });
    }
}

/// The sample's value, which stands nowhere in the text.
fn nowhere<'t>(like: &Spanned<DeValue<'t>>) -> Spanned<DeValue<'t>> {
    Spanned::new(usize::MAX..usize::MAX, like.get_ref().clone())
}

fn heading(name: &str, like: &DeValue<'_>) -> String {
    match like {
        DeValue::Array(_) => format!("[[{name}]]"),
        _ => format!("[{name}]"),
    }
}

/// Puts the sample's value in place of the one at `span`; the key it has, and that value.
fn replace<'s, 't>(
    table: &mut DeTable<'t>,
    sample: &'s DeTable<'t>,
    span: &Range<usize>,
) -> Option<(String, &'s Spanned<DeValue<'t>>)> {
    for (key, value) in table.iter_mut() {
        let like = sample.get(key.get_ref().as_ref())?;
        if value.span() == *span {
            *value = nowhere(like);
            return Some((key.get_ref().to_string(), like));
        }
        let inside = match (value.get_mut(), like.get_ref()) {
            (DeValue::Table(table), DeValue::Table(like)) => replace(table, like, span),
            (DeValue::Array(items), DeValue::Array(like)) => {
                items.iter_mut().find_map(|item| match (item.get_mut(), like.first()?.get_ref()) {
                    (DeValue::Table(table), DeValue::Table(like)) => replace(table, like, span),
                    _ => None,
                })
            }
            _ => None,
        };
        if inside.is_some() {
            return inside;
        }
    }
    None
}
