//! `bulla transfer`, `retire` and `redeem`: what moves assets, and what ends them.

use bulla_client::{Act, Moves, Named, Quantity, TransferRequest};
use clap::Args;

use super::write::WriteOptions;
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Args)]
pub(crate) struct TransferCommand {
    /// The asset, by name or UUID
    asset: Named,
    /// Who gives
    #[arg(long, value_name = "PARTY")]
    from: Named,
    /// Who receives
    #[arg(long, value_name = "PARTY")]
    to: Named,
    /// Only the holder changes: lent, checked out, brought back
    #[arg(long, conflicts_with_all = ["title", "quantity"])]
    custody: bool,
    /// Only the owner changes: sold, but it stays where it is
    #[arg(long, conflicts_with = "quantity")]
    title: bool,
    /// How much, of an asset that is a quantity
    #[arg(long, value_parser = quantity, allow_hyphen_values = true)]
    quantity: Option<Quantity>,
    #[command(flatten)]
    write: WriteOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// The asset, by name or UUID
    asset: Named,
    /// Who owns it
    #[arg(long, value_name = "PARTY")]
    from: Named,
    #[command(flatten)]
    write: WriteOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Redeem {
    /// The asset, by name or UUID
    asset: Named,
    /// Whose it was
    #[arg(long, value_name = "PARTY")]
    from: Named,
    /// How much
    #[arg(long, value_parser = quantity, allow_hyphen_values = true)]
    quantity: Quantity,
    #[command(flatten)]
    write: WriteOptions,
}

impl TransferCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let moves = match (&self.quantity, self.title, self.custody) {
            (Some(_), ..) => None,
            (None, true, _) => Some(Moves::Title),
            (None, _, true) => Some(Moves::Custody),
            (None, ..) => Some(Moves::Both),
        };
        let request = TransferRequest {
            act: Act::Transfer,
            asset: Some(self.asset),
            from: Some(self.from),
            to: Some(self.to),
            quantity: self.quantity,
            moves,
            ..Default::default()
        };
        self.write.record(&servers.client()?, request, printer).await
    }
}

impl Retire {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let request =
            TransferRequest { act: Act::Retire, asset: Some(self.asset), from: Some(self.from), ..Default::default() };
        self.write.record(&servers.client()?, request, printer).await
    }
}

impl Redeem {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let request = TransferRequest {
            act: Act::Redeem,
            asset: Some(self.asset),
            from: Some(self.from),
            quantity: Some(self.quantity),
            ..Default::default()
        };
        self.write.record(&servers.client()?, request, printer).await
    }
}

/// Reads a quantity given on the command line.
pub(super) fn quantity(text: &str) -> Result<Quantity, String> {
    Quantity::parse(text)
        .map_err(|_| "a quantity is decimal digits with at most one point inside, such as 12 or 12.5".to_owned())
}
