//! `bulla verify --url`: do these servers show one history, the one they showed before, and is it what was signed?

use std::path::Path;
use std::time::Duration;

use bulla_client::{AuditError, Client, ClientOptions, Replay, SealedTiles, TILE_WIDTH};
use bulla_sealing::{NODES_MAX, Policy};
use serde_json::{Value, json};

use super::super::print::count;
use super::super::{Exit, Failure, Printer, Servers, progress};
use super::Verify;
use super::finding::{Finding, Findings, keep_evidence};
use super::state::{Signed, State, replace};
use super::wanted::Wanted;

/// How often, and how long apart, a server is asked again that shows less than it did: one that was just started takes
/// a moment to have its newest seal again.
const ASKED_AGAIN: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// A server that showed a checkpoint which satisfies the policy.
struct Shown {
    url: String,
    client: Client,
    signed: Signed,
    /// Its own tiles lead to its own signed root.
    has_tiles: bool,
    /// With `--full`, what was read.
    read: Option<Read>,
}

/// What a whole log held.
struct Read {
    leaves: u64,
    blocks: u64,
}

pub(super) async fn verify(command: &Verify, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
    let policy = servers.policy()?;
    let mut state = command.state.as_ref().map(|path| State::open(path, &policy)).transpose()?;
    let mut findings = Findings::default();
    let mut shown = Vec::new();
    let mut urls = servers.urls();
    let given = urls.len();
    let mut place = 0;
    while let Some(url) = urls.get(place).cloned() {
        // One client for each: what one server says must not stand in for another.
        let mut options = ClientOptions::new([&url]);
        options.policy = Some(policy.clone());
        let client = Client::new(options)?;
        let before = state.as_ref().and_then(|state| state.servers.get(&url));
        match ask(&client, &url, &policy, before).await {
            Ok(signed) => {
                if place < given && !command.no_discovery {
                    discover(&client, &mut urls, given).await;
                }
                shown.push(Shown { url, client, signed, has_tiles: false, read: None });
            }
            Err(finding) => findings.add(finding),
        }
        place += 1;
    }
    going_back(&shown, state.as_ref(), &command.evidence, &mut findings)?;
    one_history(&mut shown, state.as_ref(), &command.evidence, &mut findings).await?;
    let nothing = Wanted::new(command.asset.as_deref(), command.block, &policy)?;
    let full = command.full || nothing.any();
    let mut picked = None;
    // A server whose tiles are not those that it signed has been reported already.
    for server in shown.iter_mut().filter(|server| full && server.has_tiles) {
        let mut wanted = nothing.clone();
        match read_all(server, &policy, &mut wanted).await {
            Ok(read) => server.read = Some(read),
            Err(error) => {
                findings.add(Finding::audit(&server.url, &error));
                continue;
            }
        }
        wanted.missing(&server.url).into_iter().for_each(|finding| findings.add(finding));
        picked = Some(wanted).filter(Wanted::any).or(picked);
    }
    let before = state.as_ref().and_then(|state| state.newest.as_ref()).map(|signed| signed.checkpoint.size);
    if let Some(state) = &mut state
        && !findings.prove_tampering()
    {
        shown.iter().filter(|server| server.has_tiles).for_each(|server| state.saw(&server.url, &server.signed));
        state.save()?;
    }
    let newest = shown.iter().filter(|server| server.has_tiles).max_by_key(|server| server.signed.checkpoint.size);
    if let (Some(path), Some(newest), false) = (&command.save_checkpoint, newest, findings.prove_tampering()) {
        replace(path, newest.signed.note.as_bytes())?;
    }
    let discovered = &urls[given..];
    let mut value = facts(&policy, &shown, before);
    value["discovered"] = json!(discovered);
    let mut words = words(&policy, urls.len(), &shown, before, state.is_some(), full);
    if !discovered.is_empty() {
        words += &format!("named by those that were given, and asked too: {}\n", discovered.join(", "));
    }
    if let Some(picked) = picked {
        value["picked"] = picked.to_json();
        words += &picked.to_words();
    }
    Ok(findings.show(printer, value, &words))
}

/// Adds the servers that this one names as members of the cluster. They are only ever asked as well: each is held to the
/// policy for itself, and none stands in for one that was given.
async fn discover(client: &Client, urls: &mut Vec<String>, given: usize) {
    // A mirror of the tiles knows no cluster, and that is fine.
    let Ok(cluster) = client.cluster().await else { return };
    for url in cluster.members.into_iter().filter_map(|member| member.url) {
        let known = urls.iter().any(|known| known.trim_end_matches('/') == url.trim_end_matches('/'));
        let is_url = url.starts_with("http://") && Client::new(ClientOptions::new([&url])).is_ok();
        if !known && is_url && urls.len() < given + NODES_MAX {
            urls.push(url);
        }
    }
}

/// The newest checkpoint of a server, if the policy accepts it.
async fn ask(client: &Client, url: &str, policy: &Policy, before: Option<&Signed>) -> Result<Signed, Finding> {
    let mut asked = 0;
    loop {
        let note = client.claimed_checkpoint().await.map_err(|error| Finding::client(url, &error))?;
        let signed = Signed::verify(&note, policy).map_err(|error| Finding::seal(url, &error))?;
        let less = before.is_some_and(|before| signed.checkpoint.size < before.checkpoint.size);
        if !less || asked == ASKED_AGAIN {
            return Ok(signed);
        }
        asked += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Servers that show less than was seen before.
fn going_back(shown: &[Shown], state: Option<&State>, evidence: &Path, findings: &mut Findings) -> Result<(), Failure> {
    let Some((state, newest)) = state.and_then(|state| Some((state, state.newest.as_ref()?))) else {
        return Ok(());
    };
    for server in shown {
        let now = &server.signed;
        let Some(before) = state.servers.get(&server.url) else { continue };
        if now.checkpoint.size < before.checkpoint.size {
            let what = format!(
                "it showed this verifier a signed log of {} leaves before, and now one of {}",
                before.checkpoint.size, now.checkpoint.size
            );
            let mut finding = Finding::tampering("rollback", &server.url, what, ROLLBACK);
            finding.evidence = keep_both(evidence, before, now)?;
            findings.add(finding);
        }
    }
    let largest = shown.iter().map(|server| server.signed.checkpoint.size).max();
    if largest.is_some_and(|largest| largest < newest.checkpoint.size) && !findings.prove_tampering() {
        for server in shown {
            let what = format!(
                "it shows {} leaves, and {} were seen at another server",
                server.signed.checkpoint.size, newest.checkpoint.size
            );
            findings.add(Finding::unchecked("behind", &server.url, what, BEHIND));
        }
    }
    Ok(())
}

/// Every signed tree, of the servers and of the state file, is how each larger one began.
async fn one_history(
    shown: &mut [Shown],
    state: Option<&State>,
    evidence: &Path,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let mut known: Vec<(String, Signed)> =
        shown.iter().map(|server| (server.url.clone(), server.signed.clone())).collect();
    for (url, signed) in state.iter().flat_map(|state| &state.servers) {
        known.push((format!("{url}, as seen before"), signed.clone()));
    }
    known.extend(state.and_then(|state| Some(("the state file".to_owned(), state.newest.clone()?))));
    known.sort_by_key(|(_, signed)| signed.checkpoint.size);
    known.dedup_by(|one, other| one.1.checkpoint == other.1.checkpoint);

    for (place, (who, signed)) in known.iter().enumerate() {
        for (other, other_signed) in &known[..place] {
            if other_signed.checkpoint.size == signed.checkpoint.size {
                findings.add(split(evidence, (who, signed), (other, other_signed))?);
            }
        }
    }
    for server in shown {
        let Shown { url, client, signed, has_tiles, .. } = server;
        let mut tiles = match SealedTiles::open(client, &signed.checkpoint).await {
            Ok(tiles) => tiles,
            Err(error) => {
                findings.add(Finding::audit(url, &error));
                continue;
            }
        };
        *has_tiles = true;
        for (who, earlier) in known.iter().filter(|(_, known)| known.checkpoint.size < signed.checkpoint.size) {
            match tiles.root_of(earlier.checkpoint.size).await {
                Ok(root) if root == earlier.checkpoint.root => {}
                Ok(_) => findings.add(split(evidence, (url, signed), (who, earlier))?),
                Err(error) => {
                    findings.add(Finding::audit(url, &error));
                    *has_tiles = false;
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Two signed trees of which the smaller is not how the larger began.
fn split(evidence: &Path, larger: (&str, &Signed), smaller: (&str, &Signed)) -> Result<Finding, Failure> {
    let ((who, one), (other, two)) = (larger, smaller);
    let what = format!(
        "two histories are signed: {} leaves with root {} here, {} leaves with root {} ({other}), and the second is \
         not how the first began",
        one.checkpoint.size, one.checkpoint.root, two.checkpoint.size, two.checkpoint.root
    );
    let mut finding = Finding::tampering("split_view", who, what, SPLIT);
    finding.evidence = keep_both(evidence, two, one)?;
    Ok(finding)
}

fn keep_both(evidence: &Path, one: &Signed, two: &Signed) -> Result<Vec<std::path::PathBuf>, Failure> {
    [one, two].into_iter().map(|signed| keep_evidence(evidence, &signed.checkpoint, &signed.note)).collect()
}

/// Mirrors a server's whole log, and works out again whatever can be.
async fn read_all(server: &Shown, policy: &Policy, wanted: &mut Wanted) -> Result<Read, AuditError> {
    let checkpoint = &server.signed.checkpoint;
    let mut tiles = SealedTiles::open(&server.client, checkpoint).await?;
    let mut replay = Replay::new(policy);
    let bar = progress::bar(checkpoint.size, "leaves").with_message(format!("reading {}", server.url));
    for index in 0..checkpoint.size.div_ceil(TILE_WIDTH) {
        for (leaf, hash) in tiles.entries(index).await? {
            replay.leaf(&leaf, hash)?;
            wanted.see(&leaf);
        }
        bar.set_position(replay.size());
    }
    bar.finish_and_clear();
    replay.finish(checkpoint)?;
    Ok(Read { leaves: replay.size(), blocks: replay.blocks() })
}

fn facts(policy: &Policy, shown: &[Shown], before: Option<u64>) -> Value {
    let newest = shown.iter().max_by_key(|server| server.signed.checkpoint.size).map(|server| &server.signed);
    let of_server = |server: &Shown| {
        let Signed { checkpoint, signers, .. } = &server.signed;
        json!({
            "url": server.url,
            "size": checkpoint.size,
            "root": checkpoint.root.to_string(),
            "signed_by": signers,
            "leaves_read": server.read.as_ref().map(|read| read.leaves),
            "blocks_read": server.read.as_ref().map(|read| read.blocks),
        })
    };
    json!({
        "ledger_id": policy.ledger_id(),
        "origin": policy.origin(),
        "size": newest.map(|signed| signed.checkpoint.size),
        "root": newest.map(|signed| signed.checkpoint.root.to_string()),
        "signed_by": newest.map(|signed| &signed.signers),
        "continues_size": before,
        "servers": shown.iter().map(of_server).collect::<Vec<_>>(),
    })
}

fn words(policy: &Policy, asked: usize, shown: &[Shown], before: Option<u64>, remembers: bool, full: bool) -> String {
    let mut text = format!("ledger {}\n", policy.origin());
    for server in shown {
        let Signed { checkpoint, signers, .. } = &server.signed;
        text += &format!(
            "{}: {} leaves, root {}, signed by {}\n",
            server.url,
            checkpoint.size,
            checkpoint.root,
            signers.join(", ")
        );
        if let Some(read) = &server.read {
            text += &format!(
                "  every leaf of it was read: {} leaves in {}, each under the signed root, each as the rules make it\n",
                read.leaves,
                count(read.blocks, "block")
            );
        }
    }
    if shown.len() > 1 {
        text += "they were held against each other: is each smaller log how the larger ones began?\n";
    }
    match before {
        Some(before) => text += &format!("and against the {before} leaves that this verifier saw before\n"),
        None if remembers => text += "nothing was seen before; from now on a history that is taken back is noticed\n",
        None => text += "nothing is remembered: give --state FILE, and a history that is taken back is noticed\n",
    }
    let members = policy.nodes().len();
    if asked < members {
        text += &format!("asked {asked} of the {members} servers that sign: the others may show something else\n");
    }
    if !full {
        text += "(this is about signatures and roots; --full reads every record too)\n";
    }
    text
}

const ROLLBACK: &str = "either the server was set back to an older copy, or it hides what it showed; both checkpoints \
    are signed, so both files prove it to anybody. A server that was just started may need a minute: then ask again";
const BEHIND: &str = "the server may only be slow; what was seen before is not taken back, and not shown either. Ask \
    again, or ask the others";
const SPLIT: &str = "the same servers signed two logs that exclude each other, which honest servers never do; show \
    both files to the other parties, and rely on neither history";
