//! A ledger in your own process: somebody gets a laptop, and a receipt that anybody can check.
//!
//! `cargo run -p bulla-node --example handover`

use std::error::Error;
use std::time::Duration;

use bulla_ledger::{Name, RecordId, Transfer, asset_id, class_id, party_id};
use bulla_node::{Answer, Batch, Item, Node, ReceiptAnswer};
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let node = Node::single(directory.path()).await?;
    let ledger = node.ledger_id();

    let stores = party_id(ledger, &Name::parse("Central stores")?);
    let ada = party_id(ledger, &Name::parse("Ada Byron")?);
    let laptops = class_id(ledger, &Name::parse("Laptop")?);
    let laptop = asset_id(ledger, &Name::parse("tag:LAPTOP-0042")?);
    let hand_over = new_id();
    let requests = [
        Transfer::enroll(new_id(), stores),
        Transfer::enroll(new_id(), ada),
        Transfer::define(new_id(), laptops, false, 0),
        Transfer::register(new_id(), laptop, laptops, stores),
        Transfer::custody(hand_over, laptop, stores, ada),
    ];
    let items = requests.into_iter().map(|transfer| Item { transfer, payload: None }).collect();
    let answers = node.submit_batch(Batch { atomic: true, items }).await?;
    for answer in &answers {
        println!("{answer:?}");
    }

    let Some(Answer::Recorded { height, .. }) = answers.last() else { return Err("the hand-over was refused".into()) };
    if !node.wait_sealed(*height, Duration::from_secs(10)).await {
        return Err("the table was not sealed in time".into());
    }
    let asset = node.asset(laptop)?.ok_or("the laptop is gone")?;
    println!("{laptop} is owned by {} and held by {}", asset.owner, asset.holder);

    match node.receipt(hand_over)? {
        ReceiptAnswer::Ready(receipt) => println!("{}", receipt.to_text()?),
        ReceiptAnswer::NotSealed | ReceiptAnswer::Unknown => return Err("there is no receipt".into()),
    }
    node.shutdown().await;
    Ok(())
}

fn new_id() -> RecordId {
    RecordId(Uuid::now_v7())
}
