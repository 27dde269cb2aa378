//! Roots that differ: who was outvoted, and what becomes of it.
//!
//! A node that a majority of all voters signed another root against is the one that is wrong, and leaves by itself. The
//! others see one voter that differs; the leader has that written into the ledger, with the voter's signature. Where no
//! root has a majority nobody knows who is wrong: sealing waits, recording goes on, and the names are told.

use std::sync::Arc;
use std::time::Duration;

use bulla_ledger::RecordId;
use bulla_sealing::{Attestation, Checkpoint, Hash, SignatureType, SignedNote, VerifierKey, leaf_hash};
use bulla_storage::{QuarantineReason, StorageError, Verdict, WaitingTable};
use tokio::time::Instant;

use crate::engine::Engine;
use crate::incident::IncidentReport;
use crate::transport::NodeId;

/// A voter signed another root than a majority.
const ROOT_DIFFERS: &str = "root_differs";

/// A server's ledger was damaged and had to be rebuilt.
const LEDGER_DAMAGED: &str = "ledger_damaged";

/// How often a leader looks whether something is to be reported or closed, if nothing else tells it to.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long an outvoted node waits for its own signature to reach the log.
const EVIDENCE: Duration = Duration::from_secs(3);

/// Incidents that are looked through at once.
const PAGE: usize = 100;

/// Looks at what the voters signed whenever that changes, until the node stops.
pub(crate) async fn watch_roots(engine: Arc<Engine>) {
    let mut progress = engine.progress.subscribe();
    let mut told = Told::default();
    loop {
        let seen = *progress.borrow_and_update();
        if let Err(error) = look(&engine, &mut told) {
            tracing::error!(%error, "it cannot be told what the servers signed");
            engine.quarantine.enter_if_damaged(&error);
        }
        let news =
            progress.wait_for(|now| (now.other_roots, now.sealed_height) != (seen.other_roots, seen.sealed_height));
        tokio::select! {
            () = engine.stopped() => return,
            _news_or_time_to_look_again = tokio::time::timeout(LOOK_AGAIN, news) => {}
        }
    }
}

/// What one look leaves for the next.
#[derive(Default)]
struct Told {
    /// The height of the last table whose dispute was told.
    disputed: Option<u64>,
    /// Since when this node is outvoted.
    outvoted: Option<Instant>,
}

fn look(engine: &Engine, told: &mut Told) -> Result<(), StorageError> {
    if engine.store.quarantine().is_some() {
        return Ok(());
    }
    let leads = engine.leader() == Some(engine.settings.node_id);
    let voters = engine.store.identity().genesis.nodes.len();
    for table in engine.store.ledger().sealing_status().closed.iter().filter(|table| !table.other_roots.is_empty()) {
        match table.verdict(voters) {
            Verdict::Agreed if leads => {
                for attestation in &table.other_roots {
                    engine.report_deviation(
                        table.height,
                        &attestation.node_name,
                        attestation.root,
                        Some(attestation),
                    )?;
                }
            }
            Verdict::Agreed => {}
            Verdict::Outvoted => {
                // What this node signed is the evidence, so it leaves once that is in the log, but not much later.
                let since = *told.outvoted.get_or_insert_with(Instant::now);
                let evidence_missing = table.waiting_for.contains(&engine.store.identity().node_name);
                if evidence_missing && since.elapsed() < EVIDENCE {
                    return Ok(());
                }
                engine.quarantine(QuarantineReason::OtherRoot { height: table.height, root: table.root });
                return Ok(());
            }
            Verdict::Undecided => {
                if told.disputed < Some(table.height) {
                    told.disputed = Some(table.height);
                    tell_of_dispute(table);
                }
            }
        }
    }
    if leads { engine.close_healed() } else { Ok(()) }
}

fn tell_of_dispute(table: &WaitingTable) {
    for Attestation { node_name, root, .. } in &table.other_roots {
        tracing::error!(
            height = table.height,
            by = node_name,
            theirs = %root,
            ours = %table.root,
            "a server signed another root, and no root has a majority of all servers yet: sealing waits"
        );
    }
}

impl Engine {
    /// Reports what a quarantined peer says of itself.
    pub(crate) fn report_quarantine(
        &self,
        peer: NodeId,
        since_us: u64,
        outvoted: Option<(u64, [u8; 32])>,
        what: String,
    ) -> Result<(), StorageError> {
        let Some((_, name)) = self.settings.voters.iter().find(|(node_id, _)| *node_id == peer) else {
            return Ok(());
        };
        match outvoted {
            Some((height, root)) => {
                let closed = self.store.ledger().sealing_status().closed;
                let table = closed.iter().find(|table| table.height == height);
                let signed = table.and_then(|table| table.other_roots.iter().find(|one| one.node_name == *name));
                self.report_deviation(height, name, signed.map_or(Hash(root), |signed| signed.root), signed)
            }
            None => self.report_once(IncidentReport {
                incident: LEDGER_DAMAGED.into(),
                server: name.clone(),
                height: None,
                leaf_index: None,
                found: leaf_hash(format!("{since_us} {what}").as_bytes()).0,
                what: format!("{name} rebuilds its ledger: {what}"),
                evidence: None,
                healed: false,
            }),
        }
    }

    fn report_deviation(
        &self,
        height: u64,
        name: &str,
        root: Hash,
        signed: Option<&Attestation>,
    ) -> Result<(), StorageError> {
        self.report_once(IncidentReport {
            incident: ROOT_DIFFERS.into(),
            server: name.to_owned(),
            height: Some(height),
            leaf_index: None,
            found: root.0,
            what: format!(
                "{name} computed another root for table {height} than most servers, and is rebuilt from them"
            ),
            evidence: signed.and_then(|signed| self.note(signed)).map(|note| note.to_string()),
            healed: false,
        })
    }

    /// What a voter signed, as a note that verifies without any server.
    fn note(&self, signed: &Attestation) -> Option<SignedNote> {
        let genesis = &self.store.identity().genesis;
        let voter = genesis.nodes.iter().find(|node| node.name == signed.node_name)?;
        let key = VerifierKey {
            name: voter.name.clone(),
            signature_type: SignatureType::Cosignature,
            public_key: voter.public_key,
        };
        let checkpoint = Checkpoint { origin: genesis.origin.clone(), size: signed.size, root: signed.root };
        Some(SignedNote { text: checkpoint.to_string(), signatures: vec![signed.note_line(&key)] })
    }

    fn report_once(&self, report: IncidentReport) -> Result<(), StorageError> {
        let record_id = report.record_id(self.store.identity().genesis.ledger_id);
        if self.store.ledger().record(record_id)?.is_none() && self.tell_once(record_id) {
            self.report_incident(report);
        }
        Ok(())
    }

    /// Closes what servers were rebuilt for, once the block that holds the report is sealed: every server has signed a
    /// tree with the report in it, so the one that it is about is whole again.
    fn close_healed(&self) -> Result<(), StorageError> {
        let ledger = self.store.ledger();
        if ledger.incident_count()?.0 == 0 {
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = ledger.incidents(after, PAGE)?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.opened.leaf_index);
            for incident in page.iter().filter(|incident| incident.closed.is_none()) {
                let record_id = incident.opened.transfer.record_id;
                let healed = self.is_rebuilt_for(incident.opened.leaf_index)?
                    && ledger.record(record_id)?.is_some_and(|record| record.sealed);
                if healed && self.tell_once(bulla_ledger::incident_closed_id(record_id)) {
                    self.close_incident(record_id, "the server was rebuilt from its peers and signs again");
                }
            }
        }
    }

    /// Whether the incident at a leaf is one that ends with a rebuilt server.
    fn is_rebuilt_for(&self, leaf_index: u64) -> Result<bool, StorageError> {
        let payload = self.store.ledger().payload(leaf_index)?;
        let told = payload.and_then(|payload| serde_json::from_slice::<serde_json::Value>(&payload.bytes).ok());
        let incident = told.as_ref().and_then(|told| told["incident"].as_str());
        Ok(matches!(incident, Some(ROOT_DIFFERS | LEDGER_DAMAGED)))
    }

    fn tell_once(&self, record_id: RecordId) -> bool {
        self.told.lock().expect("nobody panics while what was told is held").insert(record_id)
    }
}
