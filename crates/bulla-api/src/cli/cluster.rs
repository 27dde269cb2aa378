//! `bulla cluster`: who leads, who is behind, what waits to be sealed.

use std::time::Duration;

use bulla_client::{
    Client, ClusterView, IncidentView, MemberView, PageQuery, Role, ScrubView, TimestampingView, WitnessView,
};
use clap::Subcommand;

use super::print::{count, table};
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Show the servers, how far each has come, and what is not sealed yet
    Status,
    /// Have the server read everything that it stores, put right what is damaged, and wait for it
    Scrub,
    /// List what went wrong with servers' copies, oldest first, and whether it is over
    Incidents {
        /// Only what is not over
        #[arg(long)]
        open: bool,
    },
}

impl ClusterCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let client = servers.client()?;
        match self {
            ClusterCommand::Status => {
                let view = client.cluster().await?;
                printer.show(&view, || words(&view));
            }
            ClusterCommand::Scrub => {
                let view = scrub(&client).await?;
                printer.show(&view.scrub, || view.scrub.as_ref().map_or_else(String::new, scrub_words));
            }
            ClusterCommand::Incidents { open } => {
                let (mut incidents, mut page) = (Vec::new(), PageQuery::default());
                loop {
                    let found = client.incidents(&page).await?;
                    incidents.extend(found.items.into_iter().filter(|incident| incident.open || !open));
                    page.after = found.next;
                    if page.after.is_none() {
                        break;
                    }
                }
                printer.show(&incidents, || incident_words(&incidents));
            }
        }
        Ok(Exit::Done)
    }
}

/// Asks for a pass and waits until it is over.
async fn scrub(client: &Client) -> Result<ClusterView, Failure> {
    let asked = client.scrub().await?;
    loop {
        let view = client.cluster().await?;
        let passes = view.scrub.as_ref().map_or(0, |scrub| scrub.passes);
        // Another server may answer, when that one does not any more.
        if view.node_id != asked.node_id || passes >= asked.passes || view.quarantine.is_some() {
            return Ok(view);
        }
        tokio::time::sleep(SCRUB_LOOK).await;
    }
}

/// What the scrubber has done as people read it.
fn scrub_words(scrub: &ScrubView) -> String {
    let mut text = match &scrub.last {
        Some(last) => format!(
            "scrubbed up to {}: {} bytes in {} ms, {} damaged",
            last.ended, last.bytes, last.duration_ms, last.found
        ),
        None => "not scrubbed since it started".to_owned(),
    };
    if let Some(percent) = scrub.running_percent {
        text.push_str(&format!("; {percent} % of the next pass"));
    }
    text.push('\n');
    for damaged in &scrub.damaged {
        text.push_str(&format!("DAMAGED since {}: {}; waits for {}\n", damaged.since, damaged.what, damaged.waits_for));
    }
    text
}

/// How often a pass is looked at.
const SCRUB_LOOK: Duration = Duration::from_millis(200);

/// Incidents as people read them.
fn incident_words(incidents: &[IncidentView]) -> String {
    if incidents.is_empty() {
        return "no incidents".to_owned();
    }
    let row = |incident: &IncidentView| {
        let told = incident.told.as_ref();
        let place = match told.map(|told| (told.height, told.leaf_index)) {
            Some((_, Some(leaf_index))) => format!("leaf {leaf_index}"),
            Some((Some(height), None)) => format!("block {height}"),
            _ => "-".to_owned(),
        };
        let text = |of: fn(&bulla_client::IncidentTold) -> &str| told.map_or("(erased)", of).to_owned();
        let state = match &incident.closed {
            None => "OPEN".to_owned(),
            Some(closed) => format!("over since {}", closed.time),
        };
        let (what, server) = (text(|told| &told.incident), text(|told| &told.server));
        [incident.record.time.to_string(), what, server, place, state, text(|told| &told.what)]
    };
    table(["REPORTED", "INCIDENT", "SERVER", "WHERE", "STATE", "WHAT"], incidents.iter().map(row))
}

/// The cluster as people read it.
fn words(view: &ClusterView) -> String {
    let sealed =
        view.sealed_height.map_or_else(|| "no block is sealed yet".to_owned(), |h| format!("sealed up to block {h}"));
    let rows = view.members.iter().map(|member| row(member, view.node_id));
    let mut text = format!(
        "ledger {} ({})\n{} leaves recorded, {sealed}\n\n{}",
        view.origin,
        view.ledger_id,
        view.recorded_size,
        table(["ID", "NAME", "ROLE", "SIGNED UP TO", "STATE"], rows)
    );
    let reachable = view.members.iter().filter(|member| member.progress.as_ref().is_some_and(|one| one.reachable));
    if let Some(quarantine) = &view.quarantine {
        text += &format!(
            "\nthis server is QUARANTINED since {}: {}\nit answers no reads and rebuilds its ledger from the others; it waits for {}\n",
            quarantine.since, quarantine.reason, quarantine.waits_for
        );
    } else if 2 * reachable.count() <= view.members.len() {
        text += "\nno leader reaches a majority of the servers: nothing can be recorded until it does\n";
    }
    if let Some(scrub) = &view.scrub {
        text += &format!("\n{}", scrub_words(scrub));
    }
    if !view.witnesses.is_empty() {
        text += &format!("\n{}", table(["WITNESS", "COSIGNED UP TO", "STATE"], view.witnesses.iter().map(witness_row)));
    }
    if let Some(timestamps) = &view.timestamps {
        text += &format!("\n{}", table(["TIMESTAMPS FROM", "STAMPED UP TO", "STATE"], [timestamps_row(timestamps)]));
    }
    if let Some(oldest) = view.unsealed.first() {
        text += &format!(
            "\n{} not sealed yet; block {} (closed {}) waits for {}\n",
            count(view.unsealed.len() as u64, "table"),
            oldest.height,
            oldest.closed,
            oldest.waiting_for.join(", ")
        );
    }
    for table in &view.unsealed {
        for other in &table.other_roots {
            text += &format!("block {}: {} signed ANOTHER ROOT, {}\n", table.height, other.name, other.root);
        }
    }
    text
}

fn row(member: &MemberView, answering: u64) -> [String; 5] {
    let role = match member.role {
        Role::Leader => "leader",
        Role::Follower => "follower",
    };
    let signed = member.attested_height.map_or_else(|| "-".to_owned(), |height| format!("block {height}"));
    let state = match &member.progress {
        _ if member.node_id == answering => "answers you".to_owned(),
        None if member.role == Role::Leader => "DOES NOT ANSWER".to_owned(),
        None => "unknown".to_owned(),
        Some(progress) if !progress.reachable => "NOT REACHABLE".to_owned(),
        Some(progress) if progress.lag_entries > 0 => format!("{} entries behind", progress.lag_entries),
        Some(_) => "up to date".to_owned(),
    };
    [member.node_id.to_string(), member.name.clone(), role.to_owned(), signed, state]
}

fn witness_row(witness: &WitnessView) -> [String; 3] {
    let cosigned = witness.cosigned_size.map_or_else(|| "-".to_owned(), |size| format!("{size} leaves"));
    let state = match &witness.problem {
        Some(problem) => format!("DOES NOT COSIGN: {problem}"),
        None if witness.lag_leaves > 0 => format!("{} leaves behind", witness.lag_leaves),
        None => "up to date".to_owned(),
    };
    [witness.name.clone(), cosigned, state]
}

fn timestamps_row(view: &TimestampingView) -> [String; 3] {
    let stamped = view.stamped_size.zip(view.stamped);
    let stamped = stamped.map_or_else(|| "-".to_owned(), |(size, time)| format!("{size} leaves at {time}"));
    let state = view.problem.as_ref().map_or_else(|| "good".to_owned(), |problem| format!("DOES NOT STAMP: {problem}"));
    [view.url.clone(), stamped, state]
}

#[cfg(test)]
mod tests {
    use bulla_client::{OtherRootView, ProgressView, QuarantineView, Time, UnsealedView};
    use expect_test::expect;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_status_names_who_is_behind() {
        let member = |node_id: u64, role, attested_height, reachable, lag_entries| MemberView {
            node_id,
            name: format!("node-{node_id}"),
            url: None,
            role,
            attested_height,
            progress: Some(ProgressView { reachable, matched_index: None, lag_entries, heard_ms: None }),
        };
        let mut view = ClusterView {
            ledger_id: Uuid::nil(),
            origin: "ledger.example.org".to_owned(),
            node_id: 1,
            leader: Some(1),
            term: 3,
            recorded_size: 120,
            sealed_height: Some(4),
            members: vec![
                member(1, Role::Leader, Some(5), true, 0),
                member(2, Role::Follower, Some(5), true, 0),
                member(3, Role::Follower, None, false, 40),
            ],
            unsealed: vec![UnsealedView {
                height: 5,
                table_id: Uuid::nil(),
                closed: Time::from_micros(1_767_225_600_000_000),
                waiting_for: vec!["node-3".to_owned()],
                other_roots: vec![OtherRootView { name: "node-3".to_owned(), root: [0xab; 32].into() }],
            }],
            scrub: None,
            quarantine: None,
            witnesses: Vec::new(),
            timestamps: None,
        };
        expect![[r#"
            ledger ledger.example.org (00000000-0000-0000-0000-000000000000)
            120 leaves recorded, sealed up to block 4

            ID  NAME    ROLE      SIGNED UP TO  STATE
            1   node-1  leader    block 5       answers you
            2   node-2  follower  block 5       up to date
            3   node-3  follower  -             NOT REACHABLE

            1 table not sealed yet; block 5 (closed 2026-01-01T00:00:00.000000Z) waits for node-3
            block 5: node-3 signed ANOTHER ROOT, abababababababababababababababababababababababababababababababab
        "#]]
        .assert_eq(&words(&view));

        // Its leader is gone, and too few are left to elect another.
        view.node_id = 3;
        view.members.iter_mut().for_each(|member| member.progress = None);
        view.unsealed.clear();
        expect![[r#"
            ledger ledger.example.org (00000000-0000-0000-0000-000000000000)
            120 leaves recorded, sealed up to block 4

            ID  NAME    ROLE      SIGNED UP TO  STATE
            1   node-1  leader    block 5       DOES NOT ANSWER
            2   node-2  follower  block 5       unknown
            3   node-3  follower  -             answers you

            no leader reaches a majority of the servers: nothing can be recorded until it does
        "#]]
        .assert_eq(&words(&view));

        view.quarantine = Some(QuarantineView {
            reason: "its ledger is damaged".to_owned(),
            since: Time::from_micros(1_767_225_600_000_000),
            waits_for: "another server that answers".to_owned(),
        });
        let words = words(&view);
        let told = words.lines().rev().take(2).collect::<Vec<_>>();
        assert_eq!(
            told,
            [
                "it answers no reads and rebuilds its ledger from the others; it waits for another server that answers",
                "this server is QUARANTINED since 2026-01-01T00:00:00.000000Z: its ledger is damaged",
            ]
        );
    }
}
