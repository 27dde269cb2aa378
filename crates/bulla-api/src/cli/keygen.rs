//! `bulla keygen`: the keys of a new ledger, made once, before it runs.

use std::path::PathBuf;

use bulla_node::config::ClusterConfig;
use clap::Args;
use serde_json::json;

use super::{Exit, Failure, Printer};

#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// The configuration of the cluster
    #[arg(long, value_name = "FILE", default_value = "cluster.toml")]
    config: PathBuf,
    /// A new directory for the keys
    #[arg(long, value_name = "DIR", default_value = "keys")]
    out: PathBuf,
}

impl Keygen {
    pub(crate) fn run(self, printer: &Printer) -> Result<Exit, Failure> {
        let config = load(&self.config)?;
        let keys = crate::keygen::generate(&config, &self.out)
            .map_err(|error| Failure::could_not(super::exit::chain(&error)))?;
        let nodes: Vec<_> = keys.nodes.iter().map(|(id, path)| json!({ "node_id": id, "keys": path })).collect();
        let value = json!({
            "ledger_id": keys.ledger_id,
            "origin": keys.origin,
            "authority_key": keys.authority_key,
            "nodes": nodes,
        });
        printer.show(&value, || {
            let mut text = format!("made the keys of ledger {} ({})\n", keys.origin, keys.ledger_id);
            for (id, path) in &keys.nodes {
                text += &format!("  node {id}: take {} to that server, and nowhere else\n", path.display());
            }
            text += &format!("  keep {} off all servers: it can admit new ones\n", keys.authority_key.display());
            let (config, out) = (self.config.display(), self.out.display());
            text += &format!("next, on each server: bulla init --config {config} --node N --keys {out}\n");
            text + &format!("or, with all servers on this machine: bulla init --config {config} --all --keys {out}")
        });
        Ok(Exit::Done)
    }
}

/// Reads `cluster.toml`.
pub(super) fn load(path: &std::path::Path) -> Result<ClusterConfig, Failure> {
    ClusterConfig::load(path).map_err(|error| Failure::could_not(super::exit::chain(&error)))
}
