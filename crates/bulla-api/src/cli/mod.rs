//! The command line: every command in a file of its own, with its arguments and its help.

mod asset;
mod block;
mod certificate;
mod class;
mod cluster;
mod completion;
mod connect;
mod demo;
mod drill;
mod exit;
mod import;
mod init;
mod keygen;
mod names;
mod party;
mod policy;
mod print;
mod progress;
mod promise;
mod receipt;
mod record;
mod sample;
mod serve;
mod timestamp;
mod transfer;
mod verify;
mod witness;
mod write;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use connect::Servers;
pub(crate) use demo::Demo;
pub(crate) use drill::TamperDrill;
pub(crate) use exit::{Exit, Failure, chain};
pub(crate) use import::{Cluster, words as import_words};
pub(crate) use names::Names;
pub(crate) use policy::of_directory as policy_of;
pub(crate) use print::{Printer, count, print};
pub(crate) use progress::{bar as progress_bar, wheel as progress_wheel};
pub(crate) use verify::directory as verify_directory;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for verify and receipt verify: everything is proven
  1  the ledger said no, or verification proved that something was changed
  2  it could not be done: wrong usage, unreadable file, broken configuration
  3  no server answered, or the cluster cannot serve right now; try again
  4  recorded, but not sealed by every server within the time to wait";

/// bulla records who handed which asset to whom. Several servers keep the same records, sign them
/// together in sealed blocks, and anybody can prove later that nothing was changed.
///
/// New here? `bulla demo` shows all of it on this machine in under a minute.
#[derive(Debug, Parser)]
#[command(name = "bulla", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Print JSON, for programs: the result to standard output, what went wrong to standard error
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    servers: Servers,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(Demo),
    /// Try what happens on bad days, on a scratch cluster
    #[command(subcommand)]
    Drill(drill::DrillCommand),
    /// Make the keys of a new ledger
    Keygen(keygen::Keygen),
    /// Prepare data directories, with the keys that `bulla keygen` made
    Init(init::Init),
    Serve(serve::Serve),
    /// Look at the cluster
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Add and list parties: people, companies, places that own or hold assets
    #[command(subcommand)]
    Party(party::PartyCommand),
    /// Add and list asset classes
    #[command(subcommand)]
    Class(class::ClassCommand),
    /// Register, show and list assets
    #[command(subcommand)]
    Asset(asset::AssetCommand),
    /// Hand an asset, or a quantity of it, from one party to another
    Transfer(transfer::TransferCommand),
    /// End a unique asset: sold for scrap, lost, destroyed
    Retire(transfer::Retire),
    /// Take a quantity of an asset out of the world: used up, paid out
    Redeem(transfer::Redeem),
    Import(import::Import),
    /// Make up a company and its hand-overs, to try things with
    Sample(sample::SampleCommand),
    /// Look at sealed blocks
    #[command(subcommand)]
    Block(block::Block),
    /// Show a record, or erase what was kept with it
    #[command(subcommand)]
    Record(record::RecordCommand),
    /// Get receipts, and verify them without asking anybody
    #[command(subcommand)]
    Receipt(receipt::ReceiptCommand),
    /// Get a server's promise that it has a record, and see whether it was kept
    #[command(subcommand)]
    Promise(promise::PromiseCommand),
    /// Get certificates of where an asset is and how it came there, and verify them without asking anybody
    #[command(subcommand)]
    Certificate(certificate::CertificateCommand),
    /// Get timestamps of what was sealed, and verify them without asking anybody
    #[command(subcommand)]
    Timestamp(timestamp::TimestampCommand),
    Verify(verify::Verify),
    Witness(witness::WitnessCommand),
    /// Print the policy: the keys that receipts must be signed with
    Policy(policy::PolicyCommand),
    /// Print the completion script for a shell
    Completion(completion::Completion),
}

/// The command line as clap knows it. Commands that talk to no cluster accept the settings of
/// [`Servers`], as all do, and do not list them in their help.
pub(crate) fn command() -> clap::Command {
    let servers = Servers::augment_args(clap::Command::new("servers"));
    let unlisted: Vec<clap::Arg> = servers.get_arguments().map(|setting| setting.clone().hide(true)).collect();
    ["demo", "drill", "keygen", "init", "serve", "sample", "completion"]
        .into_iter()
        .fold(Arguments::command(), |all, name| all.mut_subcommand(name, |one| one.args(unlisted.clone())))
        // A witness has policies of its own.
        .mut_subcommand("witness", |one| one.args(unlisted.iter().filter(|setting| setting.get_id() == "url")))
}

/// The whole program `bulla`: reads its arguments, does what they say, prints, and says how it went.
pub fn main() -> ExitCode {
    let arguments = Arguments::from_arg_matches(&command().get_matches()).unwrap_or_else(|error| error.exit());
    let json = arguments.common.json;
    match run(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            match json {
                true => eprintln!("{}", failure.to_json()),
                false => eprintln!("bulla: {failure}"),
            }
            failure.exit.into()
        }
    }
}

fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::could_not(format!("cannot start: {error}")))?;
    let Arguments { common, command } = arguments;
    let printer = Printer::new(common.json);
    let servers = &common.servers;
    let done = runtime.block_on(async {
        match command {
            Command::Demo(command) => command.run(&printer).await,
            Command::Drill(command) => command.run(&printer).await,
            Command::Keygen(command) => command.run(&printer),
            Command::Init(command) => command.run(&printer),
            Command::Serve(command) => command.run(&printer).await,
            Command::Cluster(command) => command.run(servers, &printer).await,
            Command::Party(command) => command.run(servers, &printer).await,
            Command::Class(command) => command.run(servers, &printer).await,
            Command::Asset(command) => command.run(servers, &printer).await,
            Command::Transfer(command) => command.run(servers, &printer).await,
            Command::Retire(command) => command.run(servers, &printer).await,
            Command::Redeem(command) => command.run(servers, &printer).await,
            Command::Import(command) => command.run(servers, &printer).await,
            Command::Sample(command) => command.run(&printer),
            Command::Block(command) => command.run(servers, &printer).await,
            Command::Record(command) => command.run(servers, &printer).await,
            Command::Receipt(command) => command.run(servers, &printer).await,
            Command::Promise(command) => command.run(servers, &printer).await,
            Command::Certificate(command) => command.run(servers, &printer).await,
            Command::Timestamp(command) => command.run(servers, &printer).await,
            Command::Verify(command) => command.run(servers, &printer).await,
            Command::Witness(command) => command.run(&printer).await,
            Command::Policy(command) => command.run(servers, &printer).await,
            Command::Completion(command) => command.run(&printer),
        }
    });
    // A task that never ends must not keep a finished command from ending.
    runtime.shutdown_background();
    done
}
