//! `bulla class`: kinds of assets, and how they are counted.

use bulla_client::{Act, ClassView, Kind, Named, TransferRequest};
use clap::Subcommand;

use super::connect::Paging;
use super::print::table;
use super::write::WriteOptions;
use super::{Exit, Failure, Printer, Servers};

#[derive(Debug, Subcommand)]
pub(crate) enum ClassCommand {
    /// Define a class: of unique things, or with --quantity of things that are counted or weighed
    Add {
        /// A name such as Laptops, or a UUID
        class: Named,
        /// Its assets are quantities, not single things
        #[arg(long)]
        quantity: bool,
        /// Decimals that a quantity may have, 0 to 38
        #[arg(long, requires = "quantity", value_name = "N", value_parser = clap::value_parser!(u8).range(0..=38))]
        scale: Option<u8>,
        #[command(flatten)]
        write: WriteOptions,
    },
    /// List the classes
    List {
        #[command(flatten)]
        paging: Paging,
    },
}

impl ClassCommand {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let client = servers.client()?;
        match self {
            ClassCommand::Add { class, quantity, scale, write } => {
                let kind = if quantity { Kind::Quantity } else { Kind::Unique };
                let request = TransferRequest {
                    act: Act::Define,
                    class: Some(class),
                    kind: Some(kind),
                    scale,
                    ..Default::default()
                };
                write.record(&client, request, printer).await
            }
            ClassCommand::List { paging } => {
                let page = client.classes(&paging.query()).await?;
                printer.show(&page, || {
                    table(["NAME", "ASSETS ARE", "ID"], page.items.iter().map(row)) + &paging.more(page.next.as_deref())
                });
                Ok(Exit::Done)
            }
        }
    }
}

fn row(class: &ClassView) -> [String; 3] {
    let counted = match (class.kind, class.scale) {
        (Kind::Unique, _) => "single things".to_owned(),
        (Kind::Quantity, 0) => "quantities".to_owned(),
        (Kind::Quantity, scale) => format!("quantities with {scale} decimals"),
    };
    [class.name.clone().unwrap_or_default(), counted, class.class_id.to_string()]
}
