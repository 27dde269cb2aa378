//! `bulla asset`: the things themselves, where they are and where they were.

use std::path::PathBuf;

use bulla_client::{
    Act, AssetView, Client, HoldingView, Kind, Moves, Named, PageQuery, Quantity, RecordView, TransferRequest,
};
use clap::Subcommand;

use super::certificate::prove;
use super::connect::Paging;
use super::names::Names;
use super::print::{count, table};
use super::transfer::quantity;
use super::write::WriteOptions;
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Subcommand)]
pub(crate) enum AssetCommand {
    /// Register an asset
    Register {
        /// A name such as tag:LAPTOP-0042, or a UUID
        asset: Named,
        /// Its class
        #[arg(long)]
        class: Named,
        /// Who owns and holds it at first; left out for an asset that is a quantity
        #[arg(long, value_name = "PARTY")]
        owner: Option<Named>,
        #[command(flatten)]
        write: WriteOptions,
    },
    /// Show who owns and holds an asset now, or how much of it each party has
    Show {
        /// Its name or UUID
        asset: Named,
    },
    /// Show everything that ever happened to an asset, newest first
    ///
    /// Of an asset that is a quantity, this is what changed how much of it there is. What one party gave and
    /// received of it is shown with --party.
    History {
        /// Its name or UUID
        asset: Named,
        /// Of an asset that is a quantity: only what this party gave and received
        #[arg(long)]
        party: Option<Named>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Prove who owns and holds an asset as of the last sealed block, or that there is none; verified against --policy
    Prove {
        /// Its name or UUID
        asset: Named,
        /// Of an asset that is a quantity: how much this party has
        #[arg(long)]
        party: Option<Named>,
        /// Keep the proof in this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List the assets
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Bring more of an asset that is a quantity into the world
    Issue {
        /// Its name or UUID
        asset: Named,
        /// Who gets it
        #[arg(long, value_name = "PARTY")]
        to: Named,
        /// How much
        #[arg(long, value_parser = quantity, allow_hyphen_values = true)]
        quantity: Quantity,
        #[command(flatten)]
        write: WriteOptions,
    },
    /// Add something to an asset's history without moving it; say what with --payload
    Amend {
        /// Its name or UUID
        asset: Named,
        #[command(flatten)]
        write: WriteOptions,
    },
}

impl AssetCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let client = servers.client()?;
        match self {
            AssetCommand::Register { asset, class, owner, write } => {
                let request = TransferRequest {
                    act: Act::Register,
                    asset: Some(asset),
                    class: Some(class),
                    to: owner,
                    ..Default::default()
                };
                write.record(&client, request, printer).await
            }
            AssetCommand::Issue { asset, to, quantity, write } => {
                let request = TransferRequest {
                    act: Act::Issue,
                    asset: Some(asset),
                    to: Some(to),
                    quantity: Some(quantity),
                    ..Default::default()
                };
                write.record(&client, request, printer).await
            }
            AssetCommand::Amend { asset, write } => {
                if !write.has_payload() {
                    return Err(Failure::could_not("an amendment says something: give it with --payload JSON"));
                }
                let request = TransferRequest { act: Act::Amend, asset: Some(asset), ..Default::default() };
                write.record(&client, request, printer).await
            }
            AssetCommand::Prove { asset, party, out } => prove(servers, &asset, party.as_ref(), out, printer).await,
            AssetCommand::Show { asset } => show(&client, &asset, printer).await,
            AssetCommand::History { asset, party, paging } => {
                let page = client.history(&asset, party.as_ref(), &paging.query()).await?;
                let mut rows = Vec::new();
                let mut names = Names::new(&client);
                for record in page.items.iter().filter(|_| !printer.json()) {
                    rows.push(history_row(record, &mut names).await);
                }
                printer.show(&page, || {
                    table(["WHEN", "WHAT", "FROM", "TO", "LEAF", "STAGE"], rows) + &paging.more(page.next.as_deref())
                });
                Ok(Exit::Done)
            }
            AssetCommand::List { paging } => {
                let page = client.assets(&paging.query()).await?;
                let mut rows = Vec::new();
                let mut names = Names::new(&client);
                for asset in page.items.iter().filter(|_| !printer.json()) {
                    let name = asset.name.clone().unwrap_or_else(|| asset.asset_id.to_string());
                    let holder = match &asset.outstanding {
                        Some(quantity) => format!("{quantity} in all"),
                        None if asset.retired => "retired".to_owned(),
                        None => names.party(asset.holder).await,
                    };
                    rows.push([name, names.class(asset.class_id).await, names.party(asset.owner).await, holder]);
                }
                printer.show(&page, || {
                    table(["ASSET", "CLASS", "OWNER", "HELD BY"], rows) + &paging.more(page.next.as_deref())
                });
                Ok(Exit::Done)
            }
        }
    }
}

async fn show(client: &Client, asset: &Named, printer: &Printer) -> Result<Exit, Failure> {
    let view = client.asset(asset).await?;
    let mut names = Names::new(client);
    if view.kind == Kind::Unique {
        let (owner, holder) = (names.party(view.owner).await, names.party(view.holder).await);
        let class = names.class(view.class_id).await;
        printer.show(&view, || {
            let state = if view.retired { "\nretired; these were the last to own and hold it" } else { "" };
            format!(
                "{}{state}\nclass    {class}\nowner    {owner}\nholder   {holder}\nhistory  {}, the newest is leaf {}",
                called(&view),
                count(view.seq + 1, "record"),
                view.last_leaf
            )
        });
        return Ok(Exit::Done);
    }
    let class = names.class(view.class_id).await;
    let positions = positions(client, asset).await?;
    let mut rows = Vec::new();
    for position in positions.iter().filter(|_| !printer.json()) {
        let available = position.available.as_ref().map(ToString::to_string).unwrap_or_default();
        rows.push([names.party(Some(position.party_id)).await, available]);
    }
    printer.show(&serde_json::json!({ "asset": view, "positions": { "items": positions } }), || {
        let total = view.outstanding.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{}\nclass    {class}\nin all   {total}\n\n{}", called(&view), table(["PARTY", "HAS"], rows))
    });
    Ok(Exit::Done)
}

/// Who has how much of it, page after page.
async fn positions(client: &Client, asset: &Named) -> Result<Vec<HoldingView>, Failure> {
    let mut all = Vec::new();
    let mut query = PageQuery { after: None, limit: Some(1000) };
    loop {
        let page = client.positions(asset, &query).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(all),
        }
    }
}

async fn history_row(record: &RecordView, names: &mut Names<'_>) -> [String; 6] {
    let what = match (&record.quantity, record.moves) {
        (Some(quantity), _) => format!("{} {quantity}", record.act.as_str()),
        (None, Some(Moves::Title)) => "transfer of title".to_owned(),
        (None, Some(Moves::Custody)) => "transfer of custody".to_owned(),
        _ => record.act.as_str().to_owned(),
    };
    let stage = match record.stage {
        bulla_client::Stage::Recorded => "recorded",
        bulla_client::Stage::Sealed => "sealed",
    };
    [
        record.event_time.unwrap_or(record.time).to_string(),
        what,
        names.party(record.from).await,
        names.party(record.to).await,
        record.leaf_index.to_string(),
        stage.to_owned(),
    ]
}

fn called(view: &AssetView) -> String {
    view.name.as_ref().map_or_else(|| view.asset_id.to_string(), |name| format!("{name}  ({})", view.asset_id))
}
