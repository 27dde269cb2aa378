//! Incidents: what went wrong with a server's copy, and that it was put right, as records of the ledger itself.

use std::sync::Arc;
use std::time::Duration;

use bulla_ledger::{Payload, RecordId, Transfer, incident_closed_id, incident_id};
use bulla_storage::{Batch, Item};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::sleep;
use uuid::Uuid;

use crate::consensus::Consensus;
use crate::engine::Engine;

/// How long to wait before a report that the ledger has not decided on is sent again.
const AGAIN: Duration = Duration::from_secs(1);

/// Something that is wrong with a server's copy of the ledger.
///
/// Two reports are of the same thing, and make one record, when they agree in `incident`, `server`, `height` and `found`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentReport {
    /// What went wrong, as one word: `root_differs`, `block_damaged`, `rows_damaged`.
    pub incident: String,
    /// The server whose copy it is.
    pub server: String,
    /// The block, if it is in one.
    pub height: Option<u64>,
    /// The leaf, if it is in one.
    pub leaf_index: Option<u64>,
    /// The root that was found in the place of another, or a SHA-256 of the bytes.
    pub found: [u8; 32],
    /// The same in a sentence, for people.
    pub what: String,
    /// What proves it: a signed attestation as a note, where there is one.
    pub evidence: Option<String>,
    /// Whether it is put right already.
    pub healed: bool,
}

impl IncidentReport {
    /// The record id under which it is reported, by whichever server.
    pub fn record_id(&self, ledger: Uuid) -> RecordId {
        incident_id(ledger, &self.incident, &self.server, self.height.unwrap_or(u64::MAX), &self.found)
    }

    /// The payload of its record.
    fn payload(&self, noticed_by: &str) -> String {
        let IncidentReport { incident, server, height, leaf_index, found, what, evidence, healed } = self;
        let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({
            "incident": incident, "server": server, "height": height, "leaf_index": leaf_index, "found": found,
            "what": what, "evidence": evidence, "noticed_by": noticed_by, "healed": healed,
        })
        .to_string()
    }
}

/// A report on its way into the ledger.
#[derive(Debug, Clone)]
pub(crate) enum Notice {
    Opened(IncidentReport),
    Closed { opened: RecordId, what: String },
}

impl Engine {
    /// Has an incident recorded, by whoever leads and as soon as somebody does. Does not wait for that. Reports that are
    /// not recorded when the node stops are lost; whoever finds the same thing again reports it again.
    pub(crate) fn report_incident(&self, report: IncidentReport) {
        tracing::error!(incident = report.incident, server = report.server, height = report.height, "an incident");
        self.notice(Notice::Opened(report));
    }

    /// Has the end of an incident recorded that was recorded, or reported by this node, before; likewise.
    pub(crate) fn close_incident(&self, opened: RecordId, what: impl Into<String>) {
        self.notice(Notice::Closed { opened, what: what.into() });
    }

    fn notice(&self, notice: Notice) {
        // Nobody listens any more when the node is stopping.
        let _stopping = self.notices.send(notice);
    }

    /// The request that records a notice, under a fresh salt.
    fn item(&self, notice: &Notice) -> Result<Item, getrandom::Error> {
        let genesis = &self.store.identity().genesis;
        let noticed_by = &self.store.identity().node_name;
        let text = match notice {
            Notice::Opened(report) => report.payload(noticed_by),
            Notice::Closed { what, .. } => {
                json!({ "what": what, "noticed_by": noticed_by, "healed": true }).to_string()
            }
        };
        let mut salt = [0; 32];
        getrandom::fill(&mut salt)?;
        let payload = Payload { salt, bytes: text.into_bytes() };
        let commit = payload.commit();
        let transfer = match notice {
            Notice::Opened(report) => Transfer::incident(report.record_id(genesis.ledger_id), commit),
            Notice::Closed { opened, .. } => Transfer::close_incident(incident_closed_id(*opened), *opened, commit),
        };
        Ok(Item { transfer, payload: Some(payload) })
    }
}

impl Consensus {
    /// Has an incident recorded, by whoever leads and as soon as somebody does. Does not wait for that.
    pub fn report_incident(&self, report: IncidentReport) {
        self.engine.report_incident(report);
    }

    /// Has the end of an incident recorded that was recorded, or reported by this node, before; likewise.
    pub fn close_incident(&self, opened: RecordId, what: impl Into<String>) {
        self.engine.close_incident(opened, what);
    }
}

/// Brings notices into the ledger, in their order, until the node stops.
pub(crate) async fn record_notices(node: Consensus, mut notices: mpsc::UnboundedReceiver<Notice>) {
    let engine: Arc<Engine> = node.engine.clone();
    let record = async {
        while let Some(notice) = notices.recv().await {
            while !record(&node, &notice).await {
                sleep(AGAIN).await;
            }
        }
    };
    tokio::select! {
        () = record => {}
        () = engine.stopped() => {}
    }
}

/// Whether the ledger has decided. A rejection is a decision too: another server was quicker, and said the same in other
/// words.
async fn record(node: &Consensus, notice: &Notice) -> bool {
    let item = match node.engine.item(notice) {
        Ok(item) => item,
        Err(error) => {
            tracing::warn!(%error, "no random salt for the report of an incident");
            return false;
        }
    };
    match node.submit(Batch { atomic: false, items: vec![item] }).await {
        Ok(answers) => {
            tracing::info!(?answers, "an incident is recorded");
            true
        }
        Err(error) => {
            tracing::debug!(%error, "an incident is not recorded yet");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use bulla_storage::{Store, StoreOptions};
    use tempfile::TempDir;

    use super::*;
    use crate::blocks_suite::settings;
    use crate::event::Event;
    use crate::log_store_suite::new_identity;
    use crate::transport::NoPeers;

    fn report(height: u64) -> IncidentReport {
        IncidentReport {
            incident: "block_damaged".into(),
            server: "node-1".into(),
            height: Some(height),
            leaf_index: None,
            found: [7; 32],
            what: "a byte of its file is not what was stored".into(),
            evidence: None,
            healed: false,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_incident_is_recorded_once_however_often_it_is_reported_and_closed_once() {
        let directory = TempDir::new().unwrap();
        let identity = new_identity(&directory);
        let store = Arc::new(Store::open(directory.path(), &identity, StoreOptions::default()).unwrap());
        let ledger_id = identity.genesis.ledger_id;
        let node = Consensus::start(settings(1, 1), store.clone(), Arc::new(NoPeers)).await.unwrap();
        let mut events = node.engine.events.subscribe();
        // Before anybody leads, perhaps.
        node.report_incident(report(3));
        node.report_incident(report(3));
        node.close_incident(report(3).record_id(ledger_id), "the block was fetched from a peer");
        node.close_incident(report(3).record_id(ledger_id), "the block was fetched from a peer");
        node.report_incident(report(4));
        let mut seen = Vec::new();
        tokio::time::timeout(Duration::from_secs(60), async {
            while seen.len() < 3 {
                if let Event::Incident { record_id, closed, .. } = events.recv().await.unwrap() {
                    seen.push((record_id, closed));
                }
            }
        })
        .await
        .expect("all three are recorded");
        let [third, fourth] = [3, 4].map(|height| report(height).record_id(ledger_id));
        assert_eq!(seen, [(third, None), (incident_closed_id(third), Some(third)), (fourth, None)]);

        let incidents = store.ledger().incidents(None, 10).unwrap();
        let ids = incidents.iter().map(|incident| incident.opened.transfer.record_id);
        assert_eq!(ids.collect::<Vec<_>>(), [third, fourth]);
        assert_eq!(incidents[0].closed.map(|closed| closed.transfer.record_id), Some(incident_closed_id(third)));
        assert_eq!(incidents[1].closed, None);
        let payload = store.ledger().payload(incidents[1].opened.leaf_index).unwrap().unwrap();
        let told: serde_json::Value = serde_json::from_slice(&payload.bytes).unwrap();
        assert_eq!(told["incident"], "block_damaged");
        assert_eq!(told["height"], 4);
        assert_eq!(told["noticed_by"], "node-1");
        node.shutdown().await;
    }
}
