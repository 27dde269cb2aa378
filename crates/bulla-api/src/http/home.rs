//! The page at `/`: what this is and what it has done lately, for somebody who looks around.

use std::fmt::{self, Write};

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse, Response};
use bulla_client::{ClusterView, Moves, RecordAnswer, RecordView, TableStage, TableView};
use bulla_ledger::{AssetId, PartyId};
use bulla_node::{Ledger, Node};
use uuid::Uuid;

use super::app::App;
use super::errors::ApiError;
use super::read::blocks::table_view;
use super::read::cluster::cluster_view;
use super::view::Viewer;

const TABLES_SHOWN: u64 = 10;
const RECORDS_SHOWN: usize = 20;
/// Leaves looked at to find that many records: headers are leaves too.
const LEAVES_LOOKED_AT: u64 = 100;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}\
 h1{margin-bottom:0}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}\
 th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #ddd;vertical-align:top}\
 code{font-size:.9em}.when{white-space:nowrap}.scroll{overflow-x:auto}\
 @media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}a{color:#8bf}th,td{border-color:#444}}";

/// A page to look around.
#[utoipa::path(get, path = "/", tag = "operate", responses(
    (status = 200, description = "A small page.", body = String, content_type = "text/html"),
))]
pub(super) async fn home(State(app): State<App>) -> Result<Response, ApiError> {
    let cluster = cluster_view(&app.node).await;
    let html = app
        .read(move |node, ledger| {
            let lately = Lately::read(node, ledger)?;
            let mut html = String::new();
            page(&mut html, &cluster, &lately).expect("writing to a string does not fail");
            Ok(html)
        })
        .await?;
    let headers =
        [(CACHE_CONTROL, "no-store"), (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'")];
    Ok((headers, Html(html)).into_response())
}

/// The newest tables and records, newest first.
struct Lately {
    tables: Vec<TableView>,
    records: Vec<Line>,
}

/// A record with the names of those it speaks of.
struct Line {
    record: RecordView,
    subject: String,
    from: String,
    to: String,
}

impl Lately {
    fn read(node: &Node, ledger: &Ledger) -> Result<Lately, ApiError> {
        let viewer = Viewer { ledger_id: node.ledger_id(), ledger };
        let newest = ledger.open_table().height;
        let mut tables = Vec::new();
        for height in (newest.saturating_sub(TABLES_SHOWN - 1)..=newest).rev() {
            tables.extend(ledger.table(height)?.map(table_view));
        }
        let size = ledger.size();
        let mut records = Vec::new();
        for leaf_index in (size.saturating_sub(LEAVES_LOOKED_AT)..size).rev() {
            let Some(record) = ledger.record_at(leaf_index)? else { continue };
            if let RecordAnswer::Recorded(view) = viewer.record(record.transfer.record_id, false)? {
                records.push(line(&viewer, *view)?);
            }
            if records.len() == RECORDS_SHOWN {
                break;
            }
        }
        Ok(Lately { tables, records })
    }
}

fn line(viewer: &Viewer<'_>, record: RecordView) -> Result<Line, ApiError> {
    let party = |id: Option<Uuid>| -> Result<String, ApiError> {
        let Some(id) = id else { return Ok(String::new()) };
        let party = viewer.ledger.party(PartyId(id))?;
        let name = party.map(|party| viewer.party(&party)).transpose()?.and_then(|party| party.name);
        Ok(link("parties", id, name))
    };
    let subject = match (record.asset_id, record.class_id, record.party_id) {
        (Some(id), _, _) => {
            let asset = viewer.ledger.asset(AssetId(id))?;
            let name = asset.map(|asset| viewer.asset(&asset)).transpose()?.and_then(|asset| asset.name);
            link("assets", id, name)
        }
        (None, Some(id), _) => {
            let class = viewer.ledger.class(bulla_ledger::ClassId(id))?;
            let name = class.map(|class| viewer.class(&class)).transpose()?.and_then(|class| class.name);
            link("classes", id, name)
        }
        (None, None, id) => party(id)?,
    };
    let (from, to) = (party(record.from)?, party(record.to)?);
    Ok(Line { record, subject, from, to })
}

fn page(html: &mut String, cluster: &ClusterView, lately: &Lately) -> fmt::Result {
    write!(
        html,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>bulla</title><style>{STYLE}</style><h1>bulla</h1>\
         <p>A replicated ledger of who handed which asset to whom. Every record table is sealed into a \
         block once all servers have it, and anybody can prove a record later, offline.</p>\
         <p><a href=/v1/cluster>cluster</a> · <a href=/v1/parties>parties</a> · <a href=/v1/classes>classes</a> · \
         <a href=/v1/assets>assets</a> · <a href=/checkpoint>checkpoint</a> · <a href=/v1/policy>policy</a> · \
         <a href=/metrics>metrics</a> · <a href=/openapi.json>API</a></p>"
    )?;
    cluster_section(html, cluster)?;
    tables_section(html, &lately.tables)?;
    records_section(html, &lately.records)
}

fn cluster_section(html: &mut String, cluster: &ClusterView) -> fmt::Result {
    let height = cluster.sealed_height.map_or("none yet".to_owned(), |height| height.to_string());
    write!(
        html,
        "<h2>Cluster</h2><p>Ledger <code>{}</code>, seen by node {}. Term {}, {} leaves recorded, newest sealed \
         block: {height}.</p><table><tr><th>Server<th>Role<th>Signed up to<th>Behind by",
        escape(&cluster.ledger_id.to_string()),
        cluster.node_id,
        cluster.term,
        cluster.recorded_size,
    )?;
    for member in &cluster.members {
        let behind = match &member.progress {
            Some(progress) if progress.reachable => format!("{} entries", progress.lag_entries),
            Some(_) => "not reachable".to_owned(),
            None => "not known".to_owned(),
        };
        write!(
            html,
            "<tr><td>{}<td>{}<td>{}<td>{behind}",
            escape(&member.name),
            if cluster.leader == Some(member.node_id) { "leader" } else { "follower" },
            member.attested_height.map_or("nothing".to_owned(), |height| format!("block {height}")),
        )?;
    }
    html.write_str("</table>")
}

fn tables_section(html: &mut String, tables: &[TableView]) -> fmt::Result {
    html.write_str("<h2>Record tables</h2><table><tr><th>Height<th>Table<th>Records<th>Closed<th>Stage")?;
    for table in tables {
        let stage = match table.stage {
            TableStage::Open => "open".to_owned(),
            TableStage::Closed => format!("waits for {}", escape(&table.waiting_for.join(", "))),
            TableStage::Sealed => format!("<a href=/v1/blocks/{}>sealed</a>", table.height),
        };
        write!(
            html,
            "<tr><td>{0}<td><a href=/v1/tables/{0}><code>{1}</code></a><td>{2}<td>{3}<td>{stage}",
            table.height,
            table.table_id,
            table.records,
            table.closed.map_or(String::new(), |time| time.to_string()),
        )?;
    }
    html.write_str("</table>")
}

fn records_section(html: &mut String, lines: &[Line]) -> fmt::Result {
    html.write_str(
        "<h2>Newest records</h2><div class=scroll><table><tr><th>Leaf<th>Time<th>Act<th>What<th>From<th>To<th>Quantity<th>",
    )?;
    for Line { record, subject, from, to } in lines {
        write!(
            html,
            "<tr><td>{}<td class=when>{}<td><a href=/v1/records/{id}>{}</a><td>{subject}<td>{from}<td>{to}<td>{}\
             <td><a href=/v1/records/{id}/receipt>receipt</a>",
            record.leaf_index,
            record.time,
            act(record),
            record.quantity.as_ref().map_or("", |quantity| quantity.as_str()),
            id = record.record_id,
        )?;
    }
    html.write_str("</table></div>")
}

fn act(record: &RecordView) -> &str {
    match record.moves {
        Some(Moves::Title) => "transfer of title",
        Some(Moves::Custody) => "transfer of custody",
        _ => record.act.as_str(),
    }
}

fn link(list: &str, id: Uuid, name: Option<String>) -> String {
    let text = name.unwrap_or_else(|| id.to_string());
    format!("<a href=/v1/{list}/{id}>{}</a>", escape(&text))
}

/// Names come from callers: none of them may become markup.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_markup() {
        let name = Some("<script>alert('1')</script>".to_owned());
        let html = link("parties", Uuid::nil(), name);
        assert!(html.ends_with(">&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;</a>"), "{html}");
    }
}
