//! `bulla import`: files of other programs, recorded.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use bulla_client::{BatchRequest, Client, ClientError, ItemAnswer, Moves, Named, Stage, Time, TransferRequest};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::print::count;
use super::{Exit, Failure, Printer, Servers, progress};
use crate::import::{
    Cause, Dates, Ndjson, Opening, Report, Sink, SlashOrder, SnipeIt, SnipeItOptions, Source, Stopped, TransfersCsv,
    TransfersCsvOptions, run,
};

/// Refused rows that are printed one by one; --json has them all.
const SHOWN_MAX: usize = 20;

/// Record a file of assets or transfers
///
/// Each row is recorded once, however often the file is imported, and bad rows do not stop good ones. An import that was cut off is simply run again: what is there already is not repeated.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file, in UTF-8
    file: PathBuf,
    /// What kind of file it is
    #[arg(long, value_enum)]
    format: Format,
    /// Rows that are sent together, 1 to 8190
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=8_190))]
    batch: u16,
    /// 1/2/2026 is the first of February, not the second of January
    #[arg(long)]
    day_first: bool,
    /// snipe-it: who owns the assets of rows that name no company
    #[arg(long, value_name = "NAME")]
    company: Option<String>,
    /// transfers-csv: what becomes of assets that move before anything said where they are
    #[arg(long, value_enum, default_value_t = OpeningOption::Known)]
    opening: OpeningOption,
    /// transfers-csv: what moves when a unique asset does
    #[arg(long, value_enum, default_value_t = MovesOption::Both)]
    moves: MovesOption,
    /// transfers-csv: class of the unique assets that the file brings in
    #[arg(long, value_name = "NAME", default_value = "Imported assets")]
    class: String,
    /// transfers-csv: class of the stock items that the file brings in
    #[arg(long, value_name = "NAME", default_value = "Imported stock")]
    stock_class: String,
    /// transfers-csv: decimals that the quantities of such stock items may have, 0 to 38
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=38))]
    scale: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Assets as Snipe-IT imports or exports them: Asset Tag, Category, Company, Checked Out To ...
    SnipeIt,
    /// A table of time,asset,from,to,quantity,reference; an empty quantity means a unique asset, an
    /// empty from that something appears, an empty to that it is gone
    TransfersCsv,
    /// Requests as the HTTP API takes them, one JSON object a line
    Ndjson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OpeningOption {
    /// The ledger must know them; rows about others are refused
    Known,
    /// Whoever gives what it does not have has had it from the beginning: it is issued to it first
    Issue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MovesOption {
    /// Owner and holder change
    Both,
    /// Only the owner changes
    Title,
    /// Only the holder changes
    Custody,
}

impl Import {
    pub(crate) async fn run(self, servers: &Servers, printer: &Printer) -> Result<Exit, Failure> {
        let report = self.import(&servers.client()?).await;
        let (report, stopped) = match report {
            Ok(report) => (report, None),
            Err((report, failure)) => (report, Some(failure)),
        };
        if let Some(report) = &report {
            printer.show(report, || words(report));
        }
        match (stopped, report) {
            (Some(failure), _) => Err(failure),
            (None, Some(report)) if report.refused > 0 => Ok(Exit::No),
            (None, _) => Ok(Exit::Done),
        }
    }

    /// Imports the file; what was done until then comes with what stopped it.
    async fn import(&self, client: &Client) -> Result<Option<Report>, (Option<Report>, Failure)> {
        let cannot_read =
            |error: io::Error| Failure::caused(format_args!("cannot import {}", self.file.display()), &error);
        let file = File::open(&self.file).map_err(|error| (None, cannot_read(error)))?;
        let length = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
        let bar = progress::bytes(length, "importing");
        let input = BufReader::new(bar.wrap_read(file));
        let mut source = self.source(input).map_err(|error| (None, cannot_read(error)))?;
        let mut ledger = Cluster { client };
        let done = run(&mut *source, &mut ledger, self.batch.into(), |_| {}).await;
        bar.finish_and_clear();
        match done {
            Ok(report) => Ok(Some(report)),
            Err(Stopped { report, cause: Cause::File(error) }) => Err((Some(report), cannot_read(error))),
            Err(Stopped { report, cause: Cause::Ledger(error) }) => {
                let failure = Failure::from(error).and("the import stopped; run it again to go on from here");
                Err((Some(report), failure))
            }
        }
    }

    fn source<'a>(&self, input: impl BufRead + 'a) -> io::Result<Box<dyn Source + 'a>> {
        let slashes = if self.day_first { SlashOrder::DayFirst } else { SlashOrder::MonthFirst };
        let now = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default();
        let dates = Dates { slashes, latest: Time::from_micros(now) };
        Ok(match self.format {
            Format::Ndjson => Box::new(Ndjson::open(input)),
            Format::SnipeIt => Box::new(SnipeIt::open(input, SnipeItOptions { company: self.company.clone(), dates })?),
            Format::TransfersCsv => {
                let options = TransfersCsvOptions {
                    opening: match self.opening {
                        OpeningOption::Known => Opening::Known,
                        OpeningOption::Issue => Opening::Issue,
                    },
                    moves: match self.moves {
                        MovesOption::Both => Moves::Both,
                        MovesOption::Title => Moves::Title,
                        MovesOption::Custody => Moves::Custody,
                    },
                    class: self.class.clone(),
                    stock_class: self.stock_class.clone(),
                    scale: self.scale,
                    dates,
                };
                Box::new(TransfersCsv::open(input, options)?)
            }
        })
    }
}

/// The ledger of a running cluster.
pub(crate) struct Cluster<'a> {
    /// Asks it.
    pub(crate) client: &'a Client,
}

impl Sink for Cluster<'_> {
    type Error = ClientError;

    async fn send(&mut self, transfers: Vec<TransferRequest>) -> Result<Vec<ItemAnswer>, ClientError> {
        let batch = BatchRequest { atomic: false, transfers };
        Ok(self.client.submit_batch(batch, Stage::Recorded).await?.results)
    }

    async fn knows(&mut self, asset: &str) -> Result<bool, ClientError> {
        match self.client.asset(&Named::from(asset)).await {
            Ok(_) => Ok(true),
            Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What an import did, as people read it.
pub(crate) fn words(report: &Report) -> String {
    let mut text = format!(
        "{} read: {} recorded, {} recorded before, {} refused\n",
        count(report.rows, "row"),
        report.recorded,
        report.repeated,
        report.refused
    );
    text += &format!(
        "{} made; new are {}, {} and {}\n",
        count(report.records, "record"),
        count(report.new_parties, "party"),
        count(report.new_classes, "class"),
        count(report.new_assets, "asset")
    );
    for row in report.refused_rows.iter().take(SHOWN_MAX) {
        text += &format!("  line {}: {}\n", row.line, row.reason);
    }
    let hidden = report.refused.saturating_sub(SHOWN_MAX as u64);
    if hidden > 0 {
        text += &format!("  and {} more; --json lists them\n", count(hidden, "row"));
    }
    text
}
