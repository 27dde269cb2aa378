//! `bulla party`: who can own and hold assets.

use bulla_client::{Act, Kind, Named, TransferRequest};
use clap::Subcommand;

use super::connect::Paging;
use super::names::Names;
use super::print::{count, table};
use super::write::WriteOptions;
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Subcommand)]
pub(crate) enum PartyCommand {
    /// Make a party known to the ledger
    Add {
        /// A name such as person:ada or company:Acme, or a UUID
        party: Named,
        #[command(flatten)]
        write: WriteOptions,
    },
    /// List the parties
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show what a party owns and holds
    Show {
        /// Its name or UUID
        party: Named,
        #[command(flatten)]
        paging: Paging,
    },
}

impl PartyCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let client = servers.client()?;
        match self {
            PartyCommand::Add { party, write } => {
                let request = TransferRequest { act: Act::Enroll, party: Some(party), ..Default::default() };
                write.record(&client, request, printer).await
            }
            PartyCommand::List { paging } => {
                let page = client.parties(&paging.query()).await?;
                printer.show(&page, || {
                    let row = |party: &bulla_client::PartyView| {
                        [
                            party.name.clone().unwrap_or_default(),
                            party.party_id.to_string(),
                            party.leaf_index.to_string(),
                        ]
                    };
                    table(["NAME", "ID", "SINCE LEAF"], page.items.iter().map(row)) + &paging.more(page.next.as_deref())
                });
                Ok(Exit::Done)
            }
            PartyCommand::Show { party, paging } => {
                let view = client.party(&party).await?;
                let page = client.holdings(&party, &paging.query()).await?;
                let mut names = Names::new(&client);
                let mut rows = Vec::new();
                for holding in page.items.iter().filter(|_| !printer.json()) {
                    let what = match (holding.kind, holding.owns, holding.holds) {
                        (Kind::Quantity, ..) => holding.available.as_ref().map(ToString::to_string).unwrap_or_default(),
                        (Kind::Unique, true, true) => "owns and holds".to_owned(),
                        (Kind::Unique, true, false) => "owns".to_owned(),
                        (Kind::Unique, false, _) => "holds".to_owned(),
                    };
                    rows.push([names.asset(holding.asset_id).await, what, holding.last_leaf.to_string()]);
                }
                printer.show(&serde_json::json!({ "party": view, "holdings": page }), || {
                    let name = view.name.clone().unwrap_or_else(|| view.party_id.to_string());
                    let head = format!("{name} has {}\n", count(rows.len() as u64, "asset"));
                    head + &table(["ASSET", "HOW", "LAST LEAF"], rows) + &paging.more(page.next.as_deref())
                });
                Ok(Exit::Done)
            }
        }
    }
}
