//! DER, element by element: each with the tag that it must have, and none left over.

use der::{AnyRef, Decode, Reader, SliceReader, Tag, TagNumber};

/// Some bytes are not DER, or not the DER that stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The elements inside a SEQUENCE or SET, front to back.
#[derive(Debug, Clone)]
pub(super) struct Elements<'a>(SliceReader<'a>);

impl<'a> Elements<'a> {
    /// The elements that these bytes are.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Elements<'a>, Malformed> {
        Ok(Elements(SliceReader::new(bytes).map_err(|_| Malformed)?))
    }

    /// The next element with its tag and length.
    pub(super) fn whole(&mut self) -> Result<&'a [u8], Malformed> {
        self.0.tlv_bytes().map_err(|_| Malformed)
    }

    /// What is inside the next element, which has this tag.
    pub(super) fn inside(&mut self, tag: Tag) -> Result<&'a [u8], Malformed> {
        let (found, inside) = open(self.whole()?)?;
        if found == tag { Ok(inside) } else { Err(Malformed) }
    }

    /// The same, if the next element has this tag at all.
    pub(super) fn inside_optional(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, Malformed> {
        match self.next_is(tag)? {
            true => self.inside(tag).map(Some),
            false => Ok(None),
        }
    }

    /// The elements inside the next element, which is a SEQUENCE.
    pub(super) fn sequence(&mut self) -> Result<Elements<'a>, Malformed> {
        Elements::of(self.inside(Tag::Sequence)?)
    }

    /// The next element is this object identifier.
    pub(super) fn expect_oid(&mut self, oid: &[u8]) -> Result<(), Malformed> {
        if self.inside(Tag::ObjectIdentifier)? == oid { Ok(()) } else { Err(Malformed) }
    }

    /// The next element is an INTEGER of one byte.
    pub(super) fn small_integer(&mut self) -> Result<u8, Malformed> {
        match self.inside(Tag::Integer)? {
            [number @ 0..0x80] => Ok(*number),
            _ => Err(Malformed),
        }
    }

    /// Whether there is a next element, and it has this tag.
    pub(super) fn next_is(&self, tag: Tag) -> Result<bool, Malformed> {
        Ok(!self.is_end() && self.0.peek_tag().map_err(|_| Malformed)? == tag)
    }

    pub(super) fn is_end(&self) -> bool {
        self.0.is_finished()
    }

    /// Nothing is left.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.is_end() { Ok(()) } else { Err(Malformed) }
    }
}

/// The tag of one element, and what is inside.
fn open(element: &[u8]) -> Result<(Tag, &[u8]), Malformed> {
    let any = AnyRef::from_der(element).map_err(|_| Malformed)?;
    Ok((der::Tagged::tag(&any), any.value()))
}

/// The constructed tag `[number]`.
pub(super) const fn context(number: TagNumber) -> Tag {
    Tag::ContextSpecific { constructed: true, number }
}
