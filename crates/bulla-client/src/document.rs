//! A JSON object kept byte for byte, as it is committed to by a record.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A payload: one JSON object, exactly as written, at most 65,536 bytes and 64 levels deep.
#[derive(Clone, Debug)]
pub struct Document(Box<RawValue>);

/// Why a text is not a [`Document`].
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is not JSON.
    #[error("a payload is JSON")]
    NotJson(#[source] serde_json::Error),
    /// It is JSON but no object.
    #[error("a payload is a JSON object")]
    NotAnObject,
    /// It has too many bytes.
    #[error("a payload has at most {} bytes", Document::BYTES_MAX)]
    TooLong,
    /// Its objects and arrays nest too deeply.
    #[error("a payload nests at most {} levels deep", Document::DEPTH_MAX)]
    TooDeep,
}

impl Document {
    /// Most bytes of a payload.
    pub const BYTES_MAX: usize = bulla_ledger::PAYLOAD_BYTES_MAX;
    /// Most levels of objects and arrays inside each other: readers of JSON are often recursive.
    pub const DEPTH_MAX: usize = 64;

    /// Keeps `text` as it is, less the white space around it.
    ///
    /// # Errors
    /// [`DocumentError`] names what is wrong with it.
    pub fn parse(text: &str) -> Result<Document, DocumentError> {
        Document::new(serde_json::from_str(text).map_err(DocumentError::NotJson)?)
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The string under `key` at the top of the object, if there is one.
    pub fn string_at(&self, key: &str) -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(self.as_str()).ok()?;
        Some(value.get(key)?.as_str()?.to_owned())
    }

    fn new(raw: Box<RawValue>) -> Result<Document, DocumentError> {
        let text = raw.get();
        if text.len() > Document::BYTES_MAX {
            return Err(DocumentError::TooLong);
        }
        if !text.starts_with('{') {
            return Err(DocumentError::NotAnObject);
        }
        if depth(text) > Document::DEPTH_MAX {
            return Err(DocumentError::TooDeep);
        }
        Ok(Document(raw))
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Document {}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Document, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Document::new(raw).map_err(serde::de::Error::custom)
    }
}

/// The deepest nesting of `text`, which is known to be JSON.
fn depth(text: &str) -> usize {
    let (mut now, mut deepest) = (0usize, 0usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now += 1;
                deepest = deepest.max(now);
            }
            b'}' | b']' if !in_string => now -= 1,
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_its_bytes() {
        let text = r#"{ "b": 1.0, "a": "\u0041" }"#;
        let document: Document = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&document).unwrap(), text);
    }

    #[test]
    fn only_small_shallow_objects_are_documents() {
        let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(Document::parse(&nested(64)).is_ok());
        assert!(matches!(Document::parse(&nested(65)), Err(DocumentError::TooDeep)));
        assert!(Document::parse(r#"{"brackets in text": "[[{\"[{"}"#).is_ok());
        assert!(matches!(Document::parse("[]"), Err(DocumentError::NotAnObject)));
        assert!(matches!(Document::parse("{"), Err(DocumentError::NotJson(_))));
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(Document::BYTES_MAX));
        assert!(matches!(Document::parse(&long), Err(DocumentError::TooLong)));
    }
}
