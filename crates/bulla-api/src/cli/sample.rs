//! `bulla sample`: a made-up company, to try things with.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Exit, Failure, Printer};
use crate::sample::Sample;

#[derive(Debug, Args)]
pub(crate) struct SampleCommand {
    /// How many laptops, phones, tools and vehicles the company has
    #[arg(long, value_name = "N", default_value_t = 200)]
    assets: usize,
    /// How often one of them, or some of its stock, changes hands in two years
    #[arg(long, value_name = "M", default_value_t = 2_000)]
    transfers: u64,
    /// Another seed is another company; the same seed is always the same
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// The directory to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// assets.csv as Snipe-IT exports it, and transfers.csv with what follows
    Csv,
    /// transfers.ndjson: everything as the API takes it, one request a line
    Ndjson,
}

impl SampleCommand {
    pub(crate) fn run(self, printer: &Printer) -> Result<Exit, Failure> {
        let sample = Sample { assets: self.assets, transfers: self.transfers, seed: self.seed };
        let failed = |error: io::Error| {
            Failure::caused(format_args!("cannot write the sample to {}", self.out.display()), &error)
        };
        fs::create_dir_all(&self.out).map_err(failed)?;
        let path = |name: &str| self.out.join(name);
        let commands: Vec<String> = match self.format {
            Format::Csv => {
                write(&path("assets.csv"), |out| sample.write_snipe_it(out)).map_err(failed)?;
                write(&path("transfers.csv"), |out| sample.write_transfers_csv(out)).map_err(failed)?;
                vec![
                    format!("bulla import --format snipe-it {}", path("assets.csv").display()),
                    format!("bulla import --format transfers-csv --moves custody {}", path("transfers.csv").display()),
                ]
            }
            Format::Ndjson => {
                write(&path("transfers.ndjson"), |out| sample.write_ndjson(out)).map_err(failed)?;
                vec![format!("bulla import --format ndjson {}", path("transfers.ndjson").display())]
            }
        };
        let value = json!({ "assets": self.assets, "transfers": self.transfers, "seed": self.seed, "next": commands });
        printer.show(&value, || {
            format!("made up a company with {} assets; record it with\n  {}", self.assets, commands.join("\n  "))
        });
        Ok(Exit::Done)
    }
}

fn write(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    fill(&mut out)?;
    out.flush()
}
