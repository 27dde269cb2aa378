//! `bulla init`: puts a server's keys into its data directory.

use std::path::PathBuf;

use bulla_node::config::{ClusterConfig, ClusterNode};
use clap::Args;
use serde_json::json;

use super::keygen::load;
use super::{Exit, Failure, Printer};
use crate::keygen::KeyFilesError;

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The configuration of the cluster
    #[arg(long, value_name = "FILE", default_value = "cluster.toml")]
    config: PathBuf,
    /// Prepare the data directory of this server, by id or name
    #[arg(long, value_name = "N", required_unless_present = "all", conflicts_with = "all")]
    node: Option<String>,
    /// Prepare the data directories of all servers: for a cluster on one machine
    #[arg(long)]
    all: bool,
    /// The directory that `bulla keygen` made
    #[arg(long, value_name = "DIR", default_value = "keys")]
    keys: PathBuf,
}

impl Init {
    pub(crate) fn run(self, printer: &Printer) -> Result<Exit, Failure> {
        let config = load(&self.config)?;
        let nodes: Vec<&ClusterNode> = match &self.node {
            Some(node) => vec![find(&config, node)?],
            None => config.nodes.iter().collect(),
        };
        let mut done = Vec::new();
        for node in nodes {
            match crate::keygen::install(&self.keys, node) {
                // Of all servers, some may have been prepared by a run that was cut off.
                Err(KeyFilesError::Installed { .. }) if self.all => {}
                Err(error) => return Err(Failure::could_not(super::exit::chain(&error))),
                Ok(identity) => drop(identity),
            }
            done.push(node);
        }
        let value: Vec<_> = done.iter().map(|node| json!({ "node_id": node.id, "data": node.data })).collect();
        printer.show(&value, || {
            let line = |node: &&ClusterNode| {
                format!(
                    "{} is ready for {}; start it with `bulla serve --config {} --node {}`\n",
                    node.data.display(),
                    node.name,
                    self.config.display(),
                    node.id
                )
            };
            done.iter().map(line).collect()
        });
        Ok(Exit::Done)
    }
}

/// The server that is called so, by id or by name.
pub(super) fn find<'a>(config: &'a ClusterConfig, called: &str) -> Result<&'a ClusterNode, Failure> {
    let by_id = called.parse().ok().and_then(|id| config.node(id));
    by_id.or_else(|| config.node_named(called)).ok_or_else(|| {
        let names: Vec<String> = config.nodes.iter().map(|node| format!("{} ({})", node.id, node.name)).collect();
        Failure::could_not(format!("the configuration has no node {called}; it has {}", names.join(", ")))
    })
}
