//! One transaction server in the caller's process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bulla_consensus::{
    Clock, ClusterStatus, Event, IncidentReport, Member, NoPeers, PeerHandler, QuarantineStatus, ScrubStatus,
    SubmitError, Transport,
};
use bulla_ledger::{Asset, AssetId, PartyId, Record, RecordId};
use bulla_sealing::{Policy, SignedNote};
use bulla_storage::identity as identity_files;
use bulla_storage::{
    Answer, Batch, BlockView, Entry, Identity, Incident, Item, Ledger, ReceiptAnswer, StorageError, Store,
    StoreOptions, TableView,
};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::found::{FoundError, found};
use crate::options::NodeOptions;

/// Why a node could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory could not be opened; the message says what to do.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The identity in the data directory and the configuration do not belong together.
    #[error("{0}")]
    Members(String),
    /// A new ledger could not be founded.
    #[error(transparent)]
    Found(#[from] FoundError),
    /// Raft could not be started.
    #[error("consensus could not be started")]
    Consensus(#[source] std::io::Error),
}

/// One transaction server in the caller's process. Clones share it.
///
/// All methods must be called within a tokio runtime. The reads are synchronous: they read memory
/// and, when that does not have it, the disk. They show what this server has applied, which is never
/// less than what it has acknowledged, but on a follower may be behind the leader.
///
/// # Examples
/// ```
/// use bulla_ledger::{Name, PartyId, RecordId, Transfer};
/// use bulla_node::{Answer, Item, Node};
///
/// # let runtime = tokio::runtime::Runtime::new().unwrap();
/// # runtime.block_on(async {
/// let data = tempfile::tempdir().unwrap();
/// let node = Node::single(data.path()).await.unwrap();
///
/// let stores = bulla_ledger::party_id(node.ledger_id(), &Name::parse("central stores").unwrap());
/// let enroll = Transfer::enroll(RecordId(uuid::Uuid::now_v7()), stores);
/// let answer = node.submit(Item { transfer: enroll, payload: None }).await.unwrap();
/// assert!(matches!(answer, Answer::Recorded { repeated: false, .. }));
///
/// // The same request again gets the same answer, for ever.
/// let again = node.submit(Item { transfer: enroll, payload: None }).await.unwrap();
/// assert!(matches!(again, Answer::Recorded { repeated: true, .. }));
/// node.shutdown().await;
/// # });
/// ```
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    options: NodeOptions,
    store: Arc<Store>,
    policy: Policy,
    member: Member,
    clock: Clock,
}

impl Node {
    /// Opens the node whose data directory `options` names, and joins its peers through `transport`.
    ///
    /// What the transport's answering half receives is to be given to [`Node::peer_handler`].
    ///
    /// A node whose ledger is damaged opens all the same if it has peers: it is quarantined, and rebuilds its ledger from
    /// theirs. See [`Node::quarantine`].
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was changed.
    pub async fn open(options: NodeOptions, transport: Arc<dyn Transport>) -> Result<Node, OpenError> {
        let identity = identity_files::load(&options.data_dir)?;
        check_members(&options, &identity)?;
        let policy = Policy::from_config(&identity.genesis).map_err(|error| OpenError::Members(error.to_string()))?;
        let store = {
            let (data_dir, store_options) = (options.data_dir.clone(), options.store_options());
            let (expect, has_peers) = (identity.clone(), options.members.len() > 1);
            let open = move || open_store(&data_dir, &expect, store_options, has_peers);
            let opened = tokio::task::spawn_blocking(open).await;
            Arc::new(opened.map_err(|stopped| OpenError::Consensus(std::io::Error::other(stopped)))??)
        };
        let clock: Clock = Arc::new(system_clock_us);
        let settings = options.settings(clock.clone());
        let member = Member::open(settings, store.clone(), transport).await.map_err(OpenError::Consensus)?;
        Ok(Node(Arc::new(Inner { options, store, policy, member, clock })))
    }

    /// Opens a ledger with one server in `data_dir`; the first time, founds it there.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn single(data_dir: impl Into<PathBuf>) -> Result<Node, OpenError> {
        let options = NodeOptions::single(data_dir);
        match identity_files::load(&options.data_dir) {
            Err(StorageError::NoIdentity { .. }) => {
                for identity in found(None, &options.members)? {
                    identity_files::create(&options.data_dir, &identity)?;
                }
            }
            loaded => drop(loaded?),
        }
        Node::open(options, Arc::new(NoPeers)).await
    }

    /// What the transport's answering half hands arriving requests to.
    pub fn peer_handler(&self) -> Arc<dyn PeerHandler> {
        self.0.member.peer_handler()
    }

    /// Records one request, wherever the leader is. Resolves once a majority of servers has it on
    /// disk and the ledger has decided: [`Answer::Rejected`] is an answer, not an error.
    ///
    /// # Errors
    /// See [`SubmitError`]; all may be tried again with the same record id.
    pub async fn submit(&self, item: Item) -> Result<Answer, SubmitError> {
        let mut answers = self.submit_batch(Batch { atomic: false, items: vec![item] }).await?;
        Ok(answers.pop().expect("one request has one answer"))
    }

    /// Records a batch: one answer an item, in their order. An atomic batch is recorded whole or not at all.
    ///
    /// # Errors
    /// See [`SubmitError`]; all may be tried again with the same record ids.
    pub async fn submit_batch(&self, batch: Batch) -> Result<Vec<Answer>, SubmitError> {
        self.0.member.submit(batch).await
    }

    /// Waits until the table of `height` is sealed, at most `limit`; whether it is. [`Answer::Recorded`] names the height.
    pub async fn wait_sealed(&self, height: u64, limit: Duration) -> bool {
        self.0.member.wait_sealed(height, limit).await
    }

    /// Waits until a leader is known, at most `limit`; whether one is.
    pub async fn wait_leader(&self, limit: Duration) -> bool {
        self.0.member.wait_leader(limit).await.is_some()
    }

    /// The cluster as this node sees it; asks the leader about the others.
    pub async fn status(&self) -> ClusterStatus {
        self.0.member.status().await
    }

    /// Why this node takes no part and answers no reads, and what it waits for; `None` when it takes part. A node leaves
    /// by itself when its ledger is damaged or most servers signed another root, and comes back by itself when its
    /// ledger is rebuilt from theirs and verified.
    pub fn quarantine(&self) -> Option<QuarantineStatus> {
        self.0.member.quarantine()
    }

    /// How far the scrubber of this node has come, and what it found: it reads everything that is stored again and again,
    /// and has damage put right from the peers.
    pub fn scrub_status(&self) -> ScrubStatus {
        self.0.member.scrub_status()
    }

    /// Asks for a pass of the scrubber that begins after this, also when the scrubber is off. Returns how many passes are
    /// completed once it is.
    pub fn scrub_now(&self) -> u64 {
        self.0.member.scrub_now()
    }

    /// Waits until so many passes of the scrubber are completed, at most `limit`; whether they are.
    pub async fn wait_scrubbed(&self, passes: u64, limit: Duration) -> bool {
        self.0.member.wait_scrubbed(passes, limit).await
    }

    /// The asset as it is now.
    ///
    /// # Errors
    /// [`StorageError`] when the data directory cannot be read.
    pub fn asset(&self, asset_id: AssetId) -> Result<Option<Asset>, StorageError> {
        self.ledger().asset(asset_id)
    }

    /// The records of an asset, newest first, below the leaf `before`: see [`Ledger::history`].
    ///
    /// # Errors
    /// [`StorageError`] when the data directory cannot be read.
    pub fn history(
        &self,
        asset_id: AssetId,
        party: Option<PartyId>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Record>, StorageError> {
        self.ledger().history(asset_id, party, before, limit)
    }

    /// What went wrong with servers' copies, in the order in which it was recorded: see [`Ledger::incidents`].
    ///
    /// # Errors
    /// [`StorageError`] when the data directory cannot be read.
    pub fn incidents(&self, after: Option<u64>, limit: usize) -> Result<Vec<Incident>, StorageError> {
        self.ledger().incidents(after, limit)
    }

    /// Has an incident recorded, by whoever leads and as soon as somebody does. Does not wait for that; the same thing
    /// may be reported again and by others, and makes one record.
    pub fn report_incident(&self, report: IncidentReport) {
        self.0.member.report_incident(report);
    }

    /// Has the end of an incident recorded, likewise.
    pub fn close_incident(&self, opened: RecordId, what: impl Into<String>) {
        self.0.member.close_incident(opened, what);
    }

    /// A record table by its id.
    ///
    /// # Errors
    /// [`StorageError`] when the data directory cannot be read.
    pub fn table(&self, table_id: Uuid) -> Result<Option<TableView>, StorageError> {
        self.ledger().table_by_id(table_id)
    }

    /// A block by its height.
    ///
    /// # Errors
    /// [`StorageError`] when the data directory cannot be read.
    pub fn block(&self, height: u64) -> Result<Option<BlockView>, StorageError> {
        self.ledger().block(height)
    }

    /// The receipt of a record, without its payload; this node has verified it before it returns it.
    ///
    /// # Errors
    /// [`StorageError`] when the data directory cannot be read, or when what is in it does not verify.
    pub fn receipt(&self, record_id: RecordId) -> Result<ReceiptAnswer, StorageError> {
        match self.ledger().record(record_id)?.map(|view| view.entry) {
            Some(Entry::Recorded(record)) => self.ledger().receipt(record.leaf_index, false),
            Some(Entry::Refused { .. }) | None => Ok(ReceiptAnswer::Unknown),
        }
    }

    /// This node's signed word that the record has its place in the log and in its table; `None` when this node has
    /// applied no such record, which on a follower may be a moment behind. It is no receipt: all servers make that.
    ///
    /// # Errors
    /// [`StorageError`] when the data directory cannot be read, or when the promise would not verify.
    pub fn promise(&self, record_id: RecordId) -> Result<Option<SignedNote>, StorageError> {
        self.0.store.promise(record_id, self.now_us() / 1_000)
    }

    /// Everything that can be read of the ledger.
    pub fn ledger(&self) -> &Ledger {
        self.0.store.ledger()
    }

    /// What a verifier must be told about this ledger: its origin, its id, its keys.
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// The ledger's id.
    pub fn ledger_id(&self) -> Uuid {
        self.0.store.identity().genesis.ledger_id
    }

    /// Who this node is.
    pub fn identity(&self) -> &Identity {
        self.0.store.identity()
    }

    /// What this node was opened with.
    pub fn options(&self) -> &NodeOptions {
        &self.0.options
    }

    /// The node's clock, in POSIX microseconds.
    pub fn now_us(&self) -> u64 {
        (self.0.clock)()
    }

    /// What happens from now on.
    pub fn watch(&self) -> broadcast::Receiver<Event> {
        self.0.member.watch()
    }

    /// Whether the node has stopped, by itself after a failure or because it was told to.
    pub fn has_stopped(&self) -> bool {
        self.0.member.has_stopped()
    }

    /// Resolves when the node stops, by itself after a failure or because it is told to.
    pub async fn stopped(&self) {
        self.0.member.stopped().await;
    }

    /// Stops the node. What was acknowledged is durable already; the newest seals go into the files too. The data
    /// directory is free for another process once the last clone of the node is dropped.
    pub async fn shutdown(&self) {
        self.0.member.shutdown().await;
        let store = Arc::clone(&self.0.store);
        match tokio::task::spawn_blocking(move || store.ledger().store_seals()).await {
            Ok(Ok(())) | Ok(Err(StorageError::Quarantined { .. })) => {}
            // The Raft log has them, so the next start does too.
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the newest seals were not stored")
            }
            Err(error) => tracing::error!(%error, "storing the newest seals ended early"),
        }
    }
}

/// Opens the store; one whose ledger is damaged, or that is rebuilding, to be rebuilt from peers.
fn open_store(
    data_dir: &Path,
    expect: &Identity,
    options: StoreOptions,
    has_peers: bool,
) -> Result<Store, StorageError> {
    match Store::open(data_dir, expect, options.clone()) {
        Err(StorageError::Quarantined { .. }) => Store::open_quarantined(data_dir, expect, options, None),
        // A server without peers has nobody to be rebuilt from: a person must find its backup.
        Err(error @ StorageError::Corrupt { .. }) if has_peers => {
            let what = error.to_string();
            match Store::open_quarantined(data_dir, expect, options, Some((what, system_clock_us()))) {
                // It is not the ledger that is damaged.
                Err(StorageError::Corrupt { .. }) => Err(error),
                opened => opened,
            }
        }
        opened => opened,
    }
}

/// The configuration names the members, the genesis leaf holds their keys; they must be the same.
fn check_members(options: &NodeOptions, identity: &Identity) -> Result<(), OpenError> {
    let configured: Vec<&str> = options.members.iter().map(|member| member.name.as_str()).collect();
    let founded: Vec<&str> = identity.genesis.nodes.iter().map(|node| node.name.as_str()).collect();
    if configured != founded {
        return Err(OpenError::Members(format!(
            "cluster.toml names the servers {configured:?}, but this ledger was founded with {founded:?}; put the names back, in that order"
        )));
    }
    let me = options.members.iter().find(|member| member.node_id == options.node_id);
    match me {
        Some(me) if me.name == identity.node_name && options.node_id == identity.node_id => Ok(()),
        _ => Err(OpenError::Members(format!(
            "the data directory {} belongs to node {} ({}), not to node {}; name the right directory or the right node",
            options.data_dir.display(),
            identity.node_id,
            identity.node_name,
            options.node_id
        ))),
    }
}

fn system_clock_us() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("the clock is set after 1970");
    since_1970.as_micros() as u64
}
