//! Record tables and blocks.

use axum::Json;
use axum::extract::State;
use bulla_client::{BlockView, Digest, Problem, TableStage, TableView, Time};

use crate::http::app::App;
use crate::http::errors::{ApiError, Missing};
use crate::http::extract::{Segment, TableKey};

/// A record table, by id or height.
#[utoipa::path(get, path = "/v1/tables/{id}", tag = "read",
    params(("id" = String, Path, description = "UUID or height.")), responses(
    (status = 200, body = TableView),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn table(
    State(app): State<App>,
    Segment(key): Segment<TableKey>,
) -> Result<Json<TableView>, ApiError> {
    app.read(move |_, ledger| {
        let table = match key {
            TableKey::Id(table_id) => ledger.table_by_id(table_id)?,
            TableKey::Height(height) => ledger.table(height)?,
        };
        Ok(Json(table_view(table.ok_or(Missing::Table)?)))
    })
    .await
}

/// A block, by height.
#[utoipa::path(get, path = "/v1/blocks/{height}", tag = "read",
    params(("height" = u64, Path, description = "The height, from 0.")), responses(
    (status = 200, body = BlockView),
    (status = "default", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn block(State(app): State<App>, Segment(height): Segment<u64>) -> Result<Json<BlockView>, ApiError> {
    app.read(move |_, ledger| Ok(Json(block_view(ledger.block(height)?.ok_or(Missing::Block)?)))).await
}

pub(crate) fn table_view(table: bulla_node::TableView) -> TableView {
    TableView {
        table_id: table.table_id,
        height: table.height,
        stage: match table.state {
            bulla_node::TableState::Open => TableStage::Open,
            bulla_node::TableState::Closed => TableStage::Closed,
            bulla_node::TableState::Sealed => TableStage::Sealed,
        },
        first_leaf: table.first_leaf,
        records: table.records,
        opened: Time::from_micros(table.opened_us),
        closed: table.header.map(|header| Time::from_micros(header.closed_us)),
        waiting_for: table.waiting_for,
    }
}

fn block_view(block: bulla_node::BlockView) -> BlockView {
    let header = block.header;
    BlockView {
        height: header.height,
        table_id: header.table_id,
        leaf_index: header.leaf_index,
        first_leaf: header.first_leaf,
        record_count: header.record_count,
        opened: Time::from_micros(header.opened_us),
        closed: Time::from_micros(header.closed_us),
        raft_term: header.raft_term,
        raft_index: header.raft_index,
        records_root: header.records_root.into(),
        log_root: header.log_root.into(),
        state_root: header.state_root.into(),
        prev_header: header.prev_header.into(),
        config: header.config.into(),
        header_hash: header.leaf_hash().into(),
        file_sha256: Digest::from(block.sha256),
        file_bytes: block.bytes,
        checkpoint: block.note.map(|note| note.to_string()),
    }
}
