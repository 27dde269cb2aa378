//! Calls that read what the ledger says now; receipts prove it, these do not.

use bulla_ledger::{Name, asset_id, class_id, party_id};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Client;
use crate::{
    AssetView, ClassView, ClientError, ClusterView, HoldingView, IncidentView, Named, Page, PageQuery, PartyView,
    PayloadQuery, RecordAnswer, RecordView, ScrubAsked, TableView,
};

impl Client {
    /// Parties in the order of their ids.
    ///
    /// # Errors
    /// [`ClientError`], as of all calls here: refused, unreachable or unintelligible.
    pub async fn parties(&self, page: &PageQuery) -> Result<Page<PartyView>, ClientError> {
        self.get(&["v1", "parties"], page).await
    }

    /// One party.
    ///
    /// # Errors
    /// Also [`ClientError::SomethingElse`], when the answer's id is not the one asked for, or not the
    /// one derived from the name asked for.
    pub async fn party(&self, party: &Named) -> Result<PartyView, ClientError> {
        let view: PartyView = self.get(&["v1", "parties", &party.to_string()], &()).await?;
        self.about(party, view.party_id, |ledger, name| party_id(ledger, name).0)?;
        Ok(view)
    }

    /// What a party owns, holds or has, in the order of asset ids.
    ///
    /// # Errors
    /// As [`Client::party`].
    pub async fn holdings(&self, party: &Named, page: &PageQuery) -> Result<Page<HoldingView>, ClientError> {
        let holdings: Page<HoldingView> = self.get(&["v1", "parties", &party.to_string(), "holdings"], page).await?;
        for holding in &holdings.items {
            self.about(party, holding.party_id, |ledger, name| party_id(ledger, name).0)?;
        }
        Ok(holdings)
    }

    /// Classes in the order of their ids.
    ///
    /// # Errors
    /// As [`Client::parties`].
    pub async fn classes(&self, page: &PageQuery) -> Result<Page<ClassView>, ClientError> {
        self.get(&["v1", "classes"], page).await
    }

    /// One class.
    ///
    /// # Errors
    /// As [`Client::party`].
    pub async fn class(&self, class: &Named) -> Result<ClassView, ClientError> {
        let view: ClassView = self.get(&["v1", "classes", &class.to_string()], &()).await?;
        self.about(class, view.class_id, |ledger, name| class_id(ledger, name).0)?;
        Ok(view)
    }

    /// Assets in the order of their ids.
    ///
    /// # Errors
    /// As [`Client::parties`].
    pub async fn assets(&self, page: &PageQuery) -> Result<Page<AssetView>, ClientError> {
        self.get(&["v1", "assets"], page).await
    }

    /// One asset as it stands now.
    ///
    /// # Errors
    /// As [`Client::party`].
    pub async fn asset(&self, asset: &Named) -> Result<AssetView, ClientError> {
        let view: AssetView = self.get(&["v1", "assets", &asset.to_string()], &()).await?;
        self.about(asset, view.asset_id, |ledger, name| asset_id(ledger, name).0)?;
        Ok(view)
    }

    /// Who has how much of a quantity asset, in the order of party ids.
    ///
    /// # Errors
    /// As [`Client::party`].
    pub async fn positions(&self, asset: &Named, page: &PageQuery) -> Result<Page<HoldingView>, ClientError> {
        let positions: Page<HoldingView> = self.get(&["v1", "assets", &asset.to_string(), "positions"], page).await?;
        for position in &positions.items {
            self.about(asset, position.asset_id, |ledger, name| asset_id(ledger, name).0)?;
        }
        Ok(positions)
    }

    /// The records of an asset, newest first. Of a quantity asset: those of `party`'s position, or
    /// of the asset's own chain (registration, issues, redemptions, amendments).
    ///
    /// # Errors
    /// As [`Client::party`].
    pub async fn history(
        &self,
        asset: &Named,
        party: Option<&Named>,
        page: &PageQuery,
    ) -> Result<Page<RecordView>, ClientError> {
        let query = HistoryQuery { party: party.cloned(), after: page.after.clone(), limit: page.limit };
        let history: Page<RecordView> = self.get(&["v1", "assets", &asset.to_string(), "history"], &query).await?;
        for record in &history.items {
            let id = record.asset_id.unwrap_or_default();
            self.about(asset, id, |ledger, name| asset_id(ledger, name).0)?;
        }
        Ok(history)
    }

    /// What became of a record id.
    ///
    /// # Errors
    /// As [`Client::party`].
    pub async fn record(&self, record_id: Uuid, payload: bool) -> Result<RecordAnswer, ClientError> {
        let answer: RecordAnswer =
            self.get(&["v1", "records", &record_id.to_string()], &PayloadQuery { payload }).await?;
        let answered = match &answer {
            RecordAnswer::Recorded(record) => record.record_id,
            RecordAnswer::Rejected(rejected) => rejected.record_id,
        };
        self.about(&Named::Id(record_id), answered, |_, _| answered)?;
        Ok(answer)
    }

    /// What went wrong with servers' copies, in the order in which it was recorded.
    ///
    /// # Errors
    /// As [`Client::parties`].
    pub async fn incidents(&self, page: &PageQuery) -> Result<Page<IncidentView>, ClientError> {
        self.get(&["v1", "incidents"], page).await
    }

    /// A record table, by id or height.
    ///
    /// # Errors
    /// As [`Client::parties`].
    pub async fn table(&self, id_or_height: &str) -> Result<TableView, ClientError> {
        self.get(&["v1", "tables", id_or_height], &()).await
    }

    /// The cluster as the answering server sees it.
    ///
    /// # Errors
    /// As [`Client::parties`].
    pub async fn cluster(&self) -> Result<ClusterView, ClientError> {
        self.get(&["v1", "cluster"], &()).await
    }

    /// Has the answering server read everything that it stores, and put right what it finds damaged.
    ///
    /// # Errors
    /// As [`Client::parties`].
    pub async fn scrub(&self) -> Result<ScrubAsked, ClientError> {
        self.exchange.send(&["v1", "scrub"], |http, url| http.post(url)).await?.json()
    }

    /// Whether a server is ready to serve.
    ///
    /// # Errors
    /// [`ClientError::Refused`] says why it is not.
    pub async fn ready(&self) -> Result<(), ClientError> {
        self.text(&["readyz"], &()).await.map(drop)
    }

    /// Whether a server is alive.
    ///
    /// # Errors
    /// As [`Client::parties`].
    pub async fn live(&self) -> Result<(), ClientError> {
        self.text(&["livez"], &()).await.map(drop)
    }

    /// Metrics of the answering server, as Prometheus reads them.
    ///
    /// # Errors
    /// As [`Client::parties`].
    pub async fn metrics(&self) -> Result<String, ClientError> {
        self.text(&["metrics"], &()).await
    }

    /// The OpenAPI description, in JSON.
    ///
    /// # Errors
    /// As [`Client::parties`].
    pub async fn openapi(&self) -> Result<String, ClientError> {
        self.text(&["openapi.json"], &()).await
    }

    /// The policy that the server claims for itself. Compare it with what its operator publishes
    /// before believing a receipt on its strength.
    ///
    /// # Errors
    /// As [`Client::parties`].
    pub async fn claimed_policy(&self) -> Result<String, ClientError> {
        self.text(&["v1", "policy"], &()).await
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.exchange.send(path, |http, url| http.get(url).query(query)).await?.json()
    }

    pub(super) async fn text(&self, path: &[&str], query: &impl Serialize) -> Result<String, ClientError> {
        self.exchange.send(path, |http, url| http.get(url).query(query)).await?.text()
    }

    /// Holds an answer against what was asked for. A name can be checked only by a client that
    /// knows the ledger, from its policy.
    fn about(&self, asked: &Named, answered: Uuid, derive: impl Fn(Uuid, &Name) -> Uuid) -> Result<(), ClientError> {
        let expected = match (asked, &self.policy) {
            (Named::Id(id), _) => *id,
            (Named::Name(name), Some(policy)) => derive(policy.ledger_id(), &Name::parse(name)?),
            (Named::Name(_), None) => answered,
        };
        match expected == answered {
            true => Ok(()),
            false => Err(ClientError::SomethingElse {
                asked: format!("{asked} ({expected})"),
                answered: answered.to_string(),
            }),
        }
    }
}

/// Which piece of which history.
#[derive(Serialize)]
struct HistoryQuery {
    party: Option<Named>,
    after: Option<String>,
    limit: Option<usize>,
}
