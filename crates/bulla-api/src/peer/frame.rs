//! The frame: a fixed header, then bytes that only the two ends' handlers understand.
//!
//! ```text
//!  0         4      5      6         10                18            22
//!  │ len u32 │ kind │ lane │ group   │ request id u64  │ crc32c u32  │ len bytes of body …
//!            │  u8  │  u8  │ u32 = 0 │                 │ of all else │
//! ```
//! Integers are big-endian. TLS already keeps strangers from changing bytes; the checksum is there
//! for our own bugs, for bad memory, and for loopback without TLS.

use std::io;

use bulla_node::Lane;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::hello::Hello;

/// The longest request or answer that a peer connection carries, in bytes: 64 MiB.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first frame of each end: who speaks.
    Hello = 1,
    /// A call, answered by a frame with the same request id.
    Request = 2,
    /// The answer to a call.
    Response = 3,
    /// A sentence in UTF-8 that says why there is no hello or no answer.
    Error = 4,
}

/// One message on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) lane: Lane,
    /// Chosen by the caller, unique within the connection. Zero in a hello.
    pub(super) request_id: u64,
    pub(super) body: Bytes,
}

/// Why no further frame can be read from a connection. There is no way to find the next frame after
/// a bad one, so the connection ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("connection failed: {0}")]
    Io(io::Error),
    #[error("connection was closed")]
    Closed,
    #[error("frame is corrupt: {0}")]
    Corrupt(&'static str),
    #[error("frame of {body_bytes} bytes is longer than {body_bytes_max}")]
    TooLong { body_bytes: usize, body_bytes_max: usize },
}

/// Writes `frame` and leaves it to the caller to flush. The body is not copied on its way to a
/// writer with vectored writes.
pub(super) async fn write_frame(writer: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let header = frame.header();
    let mut bytes = Buf::chain(&header[..], &frame.body[..]);
    writer.write_all_buf(&mut bytes).await
}

/// Reads the next frame. Not safe to cancel: what was read is lost.
pub(super) async fn read_frame(
    reader: &mut (impl AsyncRead + Unpin),
    body_bytes_max: usize,
) -> Result<Frame, FrameError> {
    let mut header = [0; HEADER_BYTES];
    if let Err(error) = reader.read_exact(&mut header).await {
        return Err(match error.kind() {
            io::ErrorKind::UnexpectedEof => FrameError::Closed,
            _ => FrameError::Io(error),
        });
    }
    let mut fields = &header[..];
    let body_bytes = fields.get_u32() as usize;
    let kind = fields.get_u8();
    let lane = fields.get_u8();
    let group = fields.get_u32();
    let request_id = fields.get_u64();
    let checksum = fields.get_u32();
    if body_bytes > body_bytes_max {
        return Err(FrameError::TooLong { body_bytes, body_bytes_max });
    }

    // The length is not yet proven. Memory that is reserved and never filled costs nothing.
    let mut body = BytesMut::with_capacity(body_bytes);
    while body.len() < body_bytes {
        let missing = body_bytes - body.len();
        if reader.read_buf(&mut (&mut body).limit(missing)).await.map_err(FrameError::Io)? == 0 {
            return Err(FrameError::Closed);
        }
    }
    if checksum_of(&header, &body) != checksum {
        return Err(FrameError::Corrupt("its checksum differs"));
    }
    if group != GROUP {
        return Err(FrameError::Corrupt("it names a group other than 0"));
    }
    Ok(Frame { kind: kind_from(kind)?, lane: lane_from(lane)?, request_id, body: body.freeze() })
}

impl Frame {
    pub(super) fn hello(lane: Lane, hello: &Hello) -> Frame {
        Frame { kind: Kind::Hello, lane, request_id: 0, body: hello.encode() }
    }

    pub(super) fn error(lane: Lane, request_id: u64, why: String) -> Frame {
        Frame { kind: Kind::Error, lane, request_id, body: Bytes::from(why) }
    }

    fn header(&self) -> [u8; HEADER_BYTES] {
        let body_bytes = u32::try_from(self.body.len()).expect("callers keep bodies below BODY_BYTES_MAX");
        let mut header = [0; HEADER_BYTES];
        let mut fields = &mut header[..];
        fields.put_u32(body_bytes);
        fields.put_u8(self.kind as u8);
        fields.put_u8(lane_number(self.lane));
        fields.put_u32(GROUP);
        fields.put_u64(self.request_id);
        let checksum = checksum_of(&header, &self.body);
        header[CHECKSUM_AT..].copy_from_slice(&checksum.to_be_bytes());
        header
    }
}

fn checksum_of(header: &[u8; HEADER_BYTES], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&header[..CHECKSUM_AT]), body)
}

fn kind_from(number: u8) -> Result<Kind, FrameError> {
    match number {
        1 => Ok(Kind::Hello),
        2 => Ok(Kind::Request),
        3 => Ok(Kind::Response),
        4 => Ok(Kind::Error),
        _ => Err(FrameError::Corrupt("its kind is unknown")),
    }
}

fn lane_number(lane: Lane) -> u8 {
    match lane {
        Lane::Append => 1,
        Lane::Control => 2,
        Lane::Blocks => 3,
    }
}

fn lane_from(number: u8) -> Result<Lane, FrameError> {
    match number {
        1 => Ok(Lane::Append),
        2 => Ok(Lane::Control),
        3 => Ok(Lane::Blocks),
        _ => Err(FrameError::Corrupt("its lane is unknown")),
    }
}

const HEADER_BYTES: usize = 22;
const CHECKSUM_AT: usize = 18;

// Room for many Raft groups over one connection; there is one today.
const GROUP: u32 = 0;

const _: () = assert!(BODY_BYTES_MAX <= u32::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    async fn bytes_of(frame: &Frame) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, frame).await.unwrap();
        bytes
    }

    fn request() -> Frame {
        Frame { kind: Kind::Request, lane: Lane::Blocks, request_id: 7, body: Bytes::from_static(b"block 12") }
    }

    #[tokio::test]
    async fn a_frame_reads_back_as_it_was_written() {
        for kind in [Kind::Hello, Kind::Request, Kind::Response, Kind::Error] {
            for lane in [Lane::Append, Lane::Control, Lane::Blocks] {
                let frame = Frame { kind, lane, ..request() };
                let bytes = bytes_of(&frame).await;
                assert_eq!(read_frame(&mut &bytes[..], BODY_BYTES_MAX).await.unwrap(), frame);
            }
        }
    }

    #[tokio::test]
    async fn every_flipped_bit_is_noticed() {
        let bytes = bytes_of(&request()).await;
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read_frame(&mut &damaged[..], BODY_BYTES_MAX).await.is_err(), "bit {bit} was not noticed");
        }
    }

    #[tokio::test]
    async fn a_frame_cut_short_is_a_closed_connection() {
        let bytes = bytes_of(&request()).await;
        for length in 0..bytes.len() {
            let read = read_frame(&mut &bytes[..length], BODY_BYTES_MAX).await;
            assert!(matches!(read, Err(FrameError::Closed)), "{length} bytes gave {read:?}");
        }
    }

    #[tokio::test]
    async fn a_length_beyond_the_bound_is_refused_before_the_body_is_read() {
        let bytes = bytes_of(&request()).await;
        let read = read_frame(&mut &bytes[..HEADER_BYTES], 7).await;
        assert!(matches!(read, Err(FrameError::TooLong { body_bytes: 8, body_bytes_max: 7 })), "{read:?}");
    }
}
