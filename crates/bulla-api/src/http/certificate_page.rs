//! A certificate as a page: for people, and for paper.

use std::fmt::{self, Write};

use bulla_client::{ProvenCustody, Time};
use bulla_ledger::{Act, AssetId, PartyId, Record, State};

use super::errors::ApiError;
use super::home::escape;
use super::view::Viewer;

const STYLE: &str = "body{font:15px/1.45 Georgia,serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#000;background:#fff}\
 h1{margin-bottom:0}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem}dt{color:#555}dd{margin:0}\
 table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}thead{display:table-header-group}\
 th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #999;vertical-align:top}\
 tr{break-inside:avoid}code{font:.8em/1.3 ui-monospace,monospace;overflow-wrap:anywhere}\
 footer{border-top:2px solid #000;margin-top:2rem;font-size:.9em}\
 @page{margin:18mm}@media print{body{margin:0;max-width:none;padding:0;font-size:11pt}a{color:inherit;text-decoration:none}}";

/// The page of a verified certificate. Names are shown only where the ids follow from them.
pub(super) fn page(viewer: &Viewer<'_>, proven: &ProvenCustody) -> Result<String, ApiError> {
    let asset_id = proven.custody.state.asset_id();
    let mut lines = Vec::new();
    for record in &proven.custody.records {
        lines.push(Line::of(viewer, record)?);
    }
    let mut html = String::new();
    let subject = asset(viewer, asset_id)?;
    let state = state(viewer, &proven.custody.state)?;
    write_page(&mut html, &subject, &state, &lines, proven).expect("writing to a string does not fail");
    Ok(html)
}

/// A record in words, as markup.
struct Line {
    leaf_index: u64,
    time: Time,
    act: &'static str,
    from: String,
    to: String,
    quantity: String,
}

impl Line {
    fn of(viewer: &Viewer<'_>, record: &Record) -> Result<Line, ApiError> {
        let transfer = &record.transfer;
        let act = match (transfer.act, transfer.quantity_asset, transfer.moves_title, transfer.moves_custody) {
            (Act::Transfer, false, true, false) => "transfer of title",
            (Act::Transfer, false, false, true) => "transfer of custody",
            (act, ..) => act.name(),
        };
        // What a registration has in this place is the class.
        let from = if transfer.act == Act::Register { PartyId::NIL } else { transfer.from };
        let quantity = match transfer.quantity_asset && transfer.quantity > 0 {
            true => viewer.quantity_of(transfer.quantity, transfer.asset_id)?.to_string(),
            false => String::new(),
        };
        Ok(Line {
            leaf_index: record.leaf_index,
            time: Time::from_micros(record.time_us),
            act,
            from: party(viewer, from)?,
            to: party(viewer, transfer.to)?,
            quantity: escape(&quantity),
        })
    }
}

fn write_page(
    html: &mut String,
    subject: &str,
    state: &[(&str, String)],
    lines: &[Line],
    proven: &ProvenCustody,
) -> fmt::Result {
    let (header, sealed) = (&proven.verified.header, &proven.verified.sealed);
    write!(
        html,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Certificate of custody</title><style>{STYLE}</style><h1>Certificate of custody</h1>\
         <p>This is so as of block {}, which every server of the ledger has signed, and no record of how it came about \
         is missing below.</p><dl><dt>Asset<dd>{subject}",
        header.height
    )?;
    state.iter().try_for_each(|(what, value)| write!(html, "<dt>{what}<dd>{value}"))?;
    write!(
        html,
        "</dl><h2>Every record, newest first</h2>\
         <table><thead><tr><th>Time<th>Act<th>From<th>To<th>Quantity<th>Leaf</thead><tbody>"
    )?;
    for Line { leaf_index, time, act, from, to, quantity } in lines {
        write!(html, "<tr><td>{time}<td>{act}<td>{from}<td>{to}<td>{quantity}<td>{leaf_index}")?;
    }
    let checkpoint = &sealed.checkpoint;
    write!(
        html,
        "</table><h2>Seal</h2><dl><dt>Ledger<dd><code>{}</code><dt>Log<dd>{}<dt>Block<dd>{}, closed {}\
         <dt>Record table<dd><code>{}</code><dt>Leaves<dd>{}<dt>Root<dd><code>{}</code>\
         <dt>State root<dd><code>{}</code>",
        header.ledger_id,
        escape(&checkpoint.origin),
        header.height,
        Time::from_micros(header.closed_us),
        header.table_id,
        checkpoint.size,
        checkpoint.root,
        header.state_root,
    )?;
    for signer in sealed.nodes.iter().chain(&sealed.witnesses) {
        let time = Time::from_micros(signer.time_s.saturating_mul(1_000_000));
        write!(html, "<dt>Signed by<dd>{} at {time}", escape(&signer.name))?;
    }
    write!(
        html,
        "</dl><footer><p>This page proves nothing by itself. The certificate does: fetch it from this page's address \
         without <code>.html</code>, as <code>text/plain</code>, and verify it offline with <code>bulla certificate \
         verify FILE --policy POLICY</code>, with a policy that you have from somebody you trust. Names are shown where \
         the ids follow from them.</p></footer>"
    )
}

fn state(viewer: &Viewer<'_>, state: &State) -> Result<Vec<(&'static str, String)>, ApiError> {
    Ok(match state {
        State::Unique(unique) => {
            let mut lines = vec![("Owner", party(viewer, unique.owner)?), ("Holder", party(viewer, unique.holder)?)];
            if unique.retired {
                lines.push(("Retired", "yes; owner and holder are the last ones".to_owned()));
            }
            lines
        }
        State::Position(position) => {
            let available = escape(&viewer.quantity_of(position.available, position.asset_id)?.to_string());
            match position.party_id.is_nil() {
                true => vec![("Outstanding", available)],
                false => vec![("Party", party(viewer, position.party_id)?), ("Has", available)],
            }
        }
    })
}

fn asset(viewer: &Viewer<'_>, id: AssetId) -> Result<String, ApiError> {
    let asset = viewer.ledger.asset(id)?;
    let name = asset.map(|asset| viewer.asset(&asset)).transpose()?.and_then(|asset| asset.name);
    Ok(called(name, id.to_string()))
}

fn party(viewer: &Viewer<'_>, id: PartyId) -> Result<String, ApiError> {
    if id.is_nil() {
        return Ok(String::new());
    }
    let party = viewer.ledger.party(id)?;
    let name = party.map(|party| viewer.party(&party)).transpose()?.and_then(|party| party.name);
    Ok(called(name, id.to_string()))
}

fn called(name: Option<String>, id: String) -> String {
    match name {
        Some(name) => format!("{} <code>{id}</code>", escape(&name)),
        None => format!("<code>{id}</code>"),
    }
}
