//! What every party must have in the end, added up without the importer, and what the servers say it has.

use std::collections::{BTreeMap, BTreeSet};

use bulla_client::{AssetView, Client, ClientError, HoldingView, Named, Page, PageQuery};
use bulla_ledger::{Name, asset_id, party_id};
use bulla_tests::embedded::until;
use bulla_tests::processes::ProcessCluster;
use uuid::Uuid;

use crate::moves::Move;

/// Asset and party, by name.
type Account = (String, String);

/// The sums of a list of movements.
#[derive(Default)]
pub struct Books {
    /// What came in less what went out.
    net: BTreeMap<Account, i128>,
    /// The lowest that the net ever was: what the party must have had before.
    lowest: BTreeMap<Account, i128>,
    /// Issued less redeemed, by asset.
    made: BTreeMap<String, i128>,
}

impl Books {
    /// Adds up the movements that can be recorded.
    pub fn of(moves: &[Move]) -> Books {
        let mut books = Books::default();
        for moved in moves.iter().filter(|moved| moved.refusal().is_none()) {
            let units = i128::try_from(moved.units).expect("sums far below 127 bits");
            for (party, change) in [(&moved.from, -units), (&moved.to, units)] {
                match party {
                    Some(party) => books.post(&moved.asset, party, change),
                    // What nobody gives is made, and what nobody receives is gone.
                    None => *books.made.entry(moved.asset.clone()).or_default() -= change,
                }
            }
        }
        books
    }

    fn post(&mut self, asset: &str, party: &str, change: i128) {
        let account = (asset.to_owned(), party.to_owned());
        let net = self.net.entry(account.clone()).or_default();
        *net += change;
        let lowest = self.lowest.entry(account).or_default();
        *lowest = (*lowest).min(*net);
    }

    /// What each account must have had before the first movement, where that is anything.
    pub fn openings(&self) -> impl Iterator<Item = (&Account, u128)> {
        let had = |(account, lowest): (_, &i128)| (account, lowest.unsigned_abs());
        self.lowest.iter().map(had).filter(|(_, units)| *units > 0)
    }

    /// The assets that moved.
    pub fn assets(&self) -> BTreeSet<&str> {
        self.net.keys().map(|(asset, _)| asset.as_str()).collect()
    }

    /// The parties that gave or received.
    pub fn parties(&self) -> BTreeSet<&str> {
        self.net.keys().map(|(_, party)| party.as_str()).collect()
    }

    /// What a ledger of this id must say of every account, those that are empty in the end included.
    pub fn positions(&self, ledger: Uuid) -> BTreeMap<(Uuid, Uuid), u128> {
        let position = |(account, net): (&Account, &i128)| {
            let has = u128::try_from(net - self.lowest[account]).expect("never below the lowest");
            ((asset(ledger, &account.0), party(ledger, &account.1)), has)
        };
        self.net.iter().map(position).collect()
    }

    /// What a ledger of this id must say is outstanding of every asset: had before, and made since.
    pub fn outstanding(&self, ledger: Uuid) -> BTreeMap<Uuid, u128> {
        let units = |name: &str| {
            let had: i128 = self.lowest.iter().filter(|((asset, _), _)| asset == name).map(|(_, lowest)| -lowest).sum();
            u128::try_from(had + self.made.get(name).unwrap_or(&0)).expect("no more is gone than there was")
        };
        self.assets().into_iter().map(|name| (asset(ledger, name), units(name))).collect()
    }
}

/// Every asset with its positions, as a server has them.
#[derive(Debug, PartialEq)]
pub struct State(pub Vec<(AssetView, Vec<HoldingView>)>);

impl State {
    /// Asks for everything.
    pub async fn of(client: &Client) -> Result<State, ClientError> {
        let mut state = Vec::new();
        for asset in all(async |page| client.assets(&page).await).await? {
            let named = Named::Id(asset.asset_id);
            let positions = all(async |page| client.positions(&named, &page).await).await?;
            state.push((asset, positions));
        }
        Ok(State(state))
    }

    /// Units of every quantity asset at every party.
    pub fn positions(&self) -> BTreeMap<(Uuid, Uuid), u128> {
        let of_assets = self.0.iter().flat_map(|(_, positions)| positions);
        of_assets
            .filter_map(|at| Some(((at.asset_id, at.party_id), at.available.as_ref()?.units(0).expect("whole units"))))
            .collect()
    }

    /// Units outstanding of every quantity asset.
    pub fn outstanding(&self) -> BTreeMap<Uuid, u128> {
        let units = |asset: &AssetView| Some((asset.asset_id, asset.outstanding.as_ref()?.units(0).expect("units")));
        self.0.iter().filter_map(|(asset, _)| units(asset)).collect()
    }

    /// Holds every position against the sums, and what is outstanding against the positions.
    pub fn assert_is(&self, books: &Books, ledger: Uuid) {
        assert_eq!(self.positions(), books.positions(ledger));
        assert_eq!(self.outstanding(), books.outstanding(ledger));
        let mut sums = BTreeMap::new();
        for ((asset, _), units) in self.positions() {
            *sums.entry(asset).or_default() += units;
        }
        assert_eq!(self.outstanding(), sums, "what is outstanding is what the parties have");
    }
}

/// What every server says, once all have the same records and have sealed them.
pub async fn settled(cluster: &ProcessCluster) -> State {
    let clients: Vec<Client> = cluster.config().nodes.iter().map(|node| cluster.client_of_server(node.id)).collect();
    until("all servers have the same records, sealed", async || {
        let mut sizes = BTreeSet::new();
        for client in &clients {
            let status = client.cluster().await.ok()?;
            sizes.insert((status.recorded_size, status.unsealed.is_empty()));
        }
        (sizes.len() == 1 && sizes.iter().all(|(_, sealed)| *sealed)).then_some(())
    })
    .await;
    let mut states = Vec::new();
    for client in &clients {
        states.push(State::of(client).await.expect("a server that answers"));
    }
    let first = states.swap_remove(0);
    states.iter().for_each(|state| assert_eq!(*state, first, "all servers say the same"));
    first
}

/// All items of a list, page by page.
pub async fn all<T>(ask: impl AsyncFn(PageQuery) -> Result<Page<T>, ClientError>) -> Result<Vec<T>, ClientError> {
    let mut query = PageQuery { after: None, limit: Some(PageQuery::LIMIT_MAX) };
    let mut items = Vec::new();
    loop {
        let page = ask(query.clone()).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(items),
        }
    }
}

/// The id of the asset that people call so.
pub fn asset(ledger: Uuid, name: &str) -> Uuid {
    asset_id(ledger, &Name::parse(name).expect("a name")).0
}

/// The id of the party that people call so.
pub fn party(ledger: Uuid, name: &str) -> Uuid {
    party_id(ledger, &Name::parse(name).expect("a name")).0
}
