//! Names for ids: people read `person:ada`, the ledger's answers carry UUIDs.

use std::collections::HashMap;

use bulla_client::{Client, Named};
use uuid::Uuid;

/// Looks names up, each id once.
pub(crate) struct Names<'a> {
    client: &'a Client,
    known: HashMap<Uuid, String>,
}

impl<'a> Names<'a> {
    /// Asks `client`.
    pub(crate) fn new(client: &'a Client) -> Names<'a> {
        Names { client, known: HashMap::new() }
    }

    /// What people call a party; its id when nobody said.
    pub(crate) async fn party(&mut self, id: Option<Uuid>) -> String {
        let Some(id) = id else { return "-".to_owned() };
        if let Some(name) = self.known.get(&id) {
            return name.clone();
        }
        let view = self.client.party(&Named::Id(id)).await.ok();
        self.remember(id, view.and_then(|view| view.name))
    }

    /// What people call an asset; its id when nobody said.
    pub(crate) async fn asset(&mut self, id: Uuid) -> String {
        if let Some(name) = self.known.get(&id) {
            return name.clone();
        }
        let view = self.client.asset(&Named::Id(id)).await.ok();
        self.remember(id, view.and_then(|view| view.name))
    }

    /// What people call a class; its id when nobody said.
    pub(crate) async fn class(&mut self, id: Uuid) -> String {
        if let Some(name) = self.known.get(&id) {
            return name.clone();
        }
        let view = self.client.class(&Named::Id(id)).await.ok();
        self.remember(id, view.and_then(|view| view.name))
    }

    fn remember(&mut self, id: Uuid, name: Option<String>) -> String {
        self.known.entry(id).or_insert_with(|| name.unwrap_or_else(|| id.to_string())).clone()
    }
}
