//! The sealed log for mirrors, monitors and witnesses written by others: C2SP tlog-tiles.
//!
//! What is named by a coordinate or a size never changes, so it may be cached for ever; the rest is asked for again.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bulla_client::Problem;
use bulla_node::TILE_WIDTH;
use sha2::{Digest, Sha256};

use crate::http::app::App;
use crate::http::errors::{ApiError, Missing};

/// The checkpoint of the newest sealed block: a C2SP signed note.
#[utoipa::path(get, path = "/checkpoint", tag = "prove", responses(
    (status = 200, description = "The signed note.", body = String, content_type = "text/plain"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn checkpoint(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    let witnesses = app.witnesses.clone();
    let note = app.read(move |_, ledger| {
        let mut note = ledger.checkpoint()?.ok_or(Missing::Checkpoint)?;
        witnesses.cosign(&mut note);
        Ok(note)
    });
    let note = note.await?;
    Ok(Served { content: note.to_string().into_bytes(), content_type: TEXT, for_ever: false }.answer(&headers))
}

/// The checkpoint of the newest sealed block, under its versioned name.
#[utoipa::path(get, path = "/v1/checkpoint", tag = "prove", responses(
    (status = 200, description = "The signed note.", body = String, content_type = "text/plain"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn checkpoint_v1(state: State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    checkpoint(state, headers).await
}

/// The checkpoint of exactly this many leaves, if a sealed block ends there.
#[utoipa::path(get, path = "/checkpoint/{size}", tag = "prove",
    params(("size" = u64, Path, description = "Leaves, the block's header included.")), responses(
    (status = 200, description = "The signed note.", body = String, content_type = "text/plain"),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn checkpoint_of_size(
    State(app): State<App>,
    Path(size): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let size = decimal(&size).ok_or(Missing::CheckpointOfSize)?;
    let witnesses = app.witnesses.clone();
    let read = app.read(move |_, ledger| {
        let mut note = ledger.checkpoint_of_size(size)?.ok_or(Missing::CheckpointOfSize)?;
        // It may change as long as a witness may still sign it.
        let for_ever = witnesses.all_signed(witnesses.cosign(&mut note));
        Ok((note, for_ever))
    });
    let (note, for_ever) = read.await?;
    Ok(Served { content: note.to_string().into_bytes(), content_type: TEXT, for_ever }.answer(&headers))
}

/// A tile of hashes, `<level>/<index>[.p/<width>]`, or a bundle of entries, `entries/<index>[.p/<width>]`, as in C2SP
/// tlog-tiles.
#[utoipa::path(get, path = "/tile/{path}", tag = "prove",
    params(("path" = String, Path, description = "Such as `0/x001/234`, `1/000.p/8`, `entries/005`.")), responses(
    (status = 200, description = "Hashes of 32 bytes, or entries behind their lengths.", content_type = "application/octet-stream"),
    (status = 304, description = "The caller has it: its `If-None-Match` names the tag."),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn tile(
    State(app): State<App>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let coordinate = Coordinate::parse(&path).ok_or(Missing::Tile)?;
    let content = app
        .read(move |_, ledger| {
            let Coordinate { level, index, width } = coordinate;
            Ok(match level {
                Some(level) => ledger.tile(level, index, width)?,
                None => ledger.entry_bundle(index, width)?,
            })
        })
        .await?;
    let content = content.ok_or(Missing::Tile)?;
    Ok(Served { content, content_type: "application/octet-stream", for_ever: true }.answer(&headers))
}

/// The keys that sign checkpoints, one verifier key a line: the log's first, then every server's.
///
/// A verifier takes them from the operator, not from here: a server that lies would lie here too.
#[utoipa::path(get, path = "/vkeys", tag = "prove", responses(
    (status = 200, description = "C2SP verifier keys.", body = String, content_type = "text/plain"),
))]
pub(crate) async fn verifier_keys(State(app): State<App>, headers: HeaderMap) -> Response {
    let policy = app.node.policy();
    let nodes = policy.nodes().iter().map(|node| node.verifier_key().to_string());
    let lines: String =
        std::iter::once(policy.log_verifier_key().to_string()).chain(nodes).map(|key| format!("{key}\n")).collect();
    Served { content: lines.into_bytes(), content_type: TEXT, for_ever: false }.answer(&headers)
}

/// The policy of this ledger: origin, id and keys.
///
/// A verifier takes it from the operator, not from here: a server that lies would lie here too.
#[utoipa::path(get, path = "/policy", tag = "prove", responses(
    (status = 200, description = "The policy file.", body = String, content_type = "text/plain"),
    (status = 304, description = "The caller has it: its `If-None-Match` names the tag."),
))]
pub(crate) async fn policy(State(app): State<App>, headers: HeaderMap) -> Response {
    let content = app.node.policy().to_text().into_bytes();
    Served { content, content_type: TEXT, for_ever: false }.answer(&headers)
}

/// The policy of this ledger, under its versioned name.
#[utoipa::path(get, path = "/v1/policy", tag = "prove", responses(
    (status = 200, description = "The policy file.", body = String, content_type = "text/plain"),
    (status = 304, description = "The caller has it: its `If-None-Match` names the tag."),
))]
pub(crate) async fn policy_v1(state: State<App>, headers: HeaderMap) -> Response {
    policy(state, headers).await
}

/// Which tile or bundle a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Coordinate {
    /// None for a bundle of entries.
    level: Option<u8>,
    index: u64,
    width: u16,
}

impl Coordinate {
    /// Reads `<level or "entries">/<index>[.p/<width>]`; there is one spelling for each.
    fn parse(path: &str) -> Option<Coordinate> {
        let (level, rest) = path.split_once('/')?;
        let level = match level {
            "entries" => None,
            level => Some(decimal(level).filter(|level| *level <= 63)? as u8),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => {
                (index, decimal(width).filter(|width| (1..TILE_WIDTH.into()).contains(width))? as u16)
            }
            None => (rest, TILE_WIDTH),
        };
        Some(Coordinate { level, index: parse_index(index)?, width })
    }
}

/// Reads groups of three digits, all but the last behind an `x`, without a leading group of zeros.
fn parse_index(text: &str) -> Option<u64> {
    let groups: Vec<&str> = text.split('/').collect();
    let (last, before) = groups.split_last()?;
    let mut index = 0_u64;
    for (place, group) in before.iter().map(|group| group.strip_prefix('x')).chain([Some(*last)]).enumerate() {
        let digits = group.filter(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        if place == 0 && groups.len() > 1 && digits == "000" {
            return None;
        }
        index = index.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(index)
}

/// Reads a decimal number without sign or leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| canonical)
}

const TEXT: &str = "text/plain; charset=utf-8";

/// Something that caches may keep.
struct Served {
    content: Vec<u8>,
    content_type: &'static str,
    /// Whether it can never change.
    for_ever: bool,
}

impl Served {
    /// The content under a tag made of its bytes, or only the word that the caller has it.
    fn answer(self, request: &HeaderMap) -> Response {
        let digest: String = Sha256::digest(&self.content)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let tag = HeaderValue::from_str(&format!("\"{digest}\"")).expect("hexadecimal digits");
        let cached = if self.for_ever { "public, max-age=31536000, immutable" } else { "no-cache" };
        let known = request.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known = known.flat_map(|value| value.split(',')).any(|one| one.trim().trim_start_matches("W/") == tag);
        let headers = [(CACHE_CONTROL, HeaderValue::from_static(cached)), (ETAG, tag)];
        match known {
            true => (StatusCode::NOT_MODIFIED, headers).into_response(),
            false => (headers, [(CONTENT_TYPE, self.content_type)], self.content).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coordinate(level: Option<u8>, index: u64, width: u16) -> Option<Coordinate> {
        Some(Coordinate { level, index, width })
    }

    #[test]
    fn every_tile_has_one_spelling() {
        assert_eq!(Coordinate::parse("0/000"), coordinate(Some(0), 0, 256));
        assert_eq!(Coordinate::parse("3/x001/x234/067"), coordinate(Some(3), 1_234_067, 256));
        assert_eq!(Coordinate::parse("1/005.p/8"), coordinate(Some(1), 5, 8));
        assert_eq!(Coordinate::parse("entries/x001/000.p/255"), coordinate(None, 1_000, 255));
        let others = [
            "",
            "0",
            "0/",
            "00/000",
            "+1/000",
            "64/000",
            "0/00",
            "0/0000",
            "0/x000/001",
            "0/001/002",
            "0/x001",
            "0/00a",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/08",
            "0/000.p/",
            "entries",
            "Entries/000",
            "0/000/",
            "0/x018/x446/x744/x073/x709/x551/616",
        ];
        for other in others {
            assert_eq!(Coordinate::parse(other), None, "{other:?}");
        }
    }
}
