//! Assets handed from party to party in turn, so that everybody's holdings are known beforehand.

use bulla_ledger::{AssetId, ClassId, PartyId, RecordId, Transfer};
use bulla_node::{Answer, Item, Node};
use uuid::Uuid;

/// `assets` unique assets among as many parties; transfer number n moves asset n modulo `assets` on to the next party.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    assets: u64,
    transfers: u64,
}

impl Workload {
    /// A workload of `transfers` hand-overs.
    pub fn new(assets: u64, transfers: u64) -> Workload {
        Workload { assets, transfers }
    }

    /// Enrols the parties, defines the class and registers the assets: asset n with party n.
    pub fn furniture(self) -> impl Iterator<Item = Item> {
        let class = ClassId(id(3, 0));
        let enrol = (0..self.assets).map(|number| Transfer::enroll(RecordId(id(10, number)), party(number)));
        let define = Transfer::define(RecordId(id(11, 0)), class, false, 0);
        let register = (0..self.assets)
            .map(move |number| Transfer::register(RecordId(id(12, number)), asset(number), class, party(number)));
        enrol.chain([define]).chain(register).map(|transfer| Item { transfer, payload: None })
    }

    /// The hand-overs, in order.
    pub fn hand_overs(self) -> impl Iterator<Item = Item> {
        (0..self.transfers).map(move |number| {
            let (asset_number, round) = (number % self.assets, number / self.assets);
            let (from, to) = (self.holder(asset_number, round), self.holder(asset_number, round + 1));
            let transfer = Transfer::transfer(RecordId(id(13, number)), asset(asset_number), from, to);
            Item { transfer, payload: None }
        })
    }

    fn holder(self, asset_number: u64, round: u64) -> PartyId {
        party((asset_number + round) % self.assets)
    }

    /// Holds the node's ledger against what was handed over.
    ///
    /// # Panics
    /// When anything is held by another party than it was handed to.
    pub fn check(self, node: &Node) {
        for number in 0..self.assets {
            let rounds = self.transfers / self.assets + u64::from(number < self.transfers % self.assets);
            let holder = node.asset(asset(number)).expect("readable").expect("registered").holder;
            assert_eq!(holder, self.holder(number, rounds), "asset {number}");
        }
    }
}

/// The height of the table that holds an accepted record.
///
/// # Panics
/// When it was refused.
pub fn height_of(answer: &Answer) -> u64 {
    match answer {
        Answer::Recorded { height, .. } => *height,
        Answer::Rejected { rejection } => panic!("refused: {rejection}"),
    }
}

/// Time-ordered ids, as clients are advised to make them.
fn id(kind: u64, number: u64) -> Uuid {
    Uuid::from_u64_pair(kind << 32, number)
}

fn party(number: u64) -> PartyId {
    PartyId(id(1, number + 1))
}

fn asset(number: u64) -> AssetId {
    AssetId(id(2, number + 1))
}
