//! One asset, one block, one receipt: picked out of a log that was proven, whole.

use std::fs;

use bulla_client::{AssetRequest, ClassRequest, Client, Kind, Named, Stage, TransferRequest};
use bulla_ledger::Record;
use bulla_node::identity_files;
use bulla_sealing::{Promise, leaf_hash, sign_promise, verify_promise};
use bulla_tests::embedded::until;
use serde_json::Value;

use crate::ledger::Ledger;

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_is_shown_with_every_record_of_it_and_a_block_with_its_header() {
    let mut ledger = Ledger::of_one_server().await;
    let client = ledger.cluster.client();
    let receipt = hand_over(&client).await;
    ledger.seal(1).await;
    fs::write(ledger.cluster.directory().join("newest"), ledger.checkpoint().await.to_string()).unwrap();

    let by_url = ledger.verify(&["--url", &ledger.url(), "--asset", "tag:LAPTOP-1", "--block", "1"]).await.all_proven();
    let data = ledger.data().display().to_string();
    let files = ["--data", &data, "--blocks-only", "--checkpoint", "newest", "--asset", "tag:LAPTOP-1", "--block", "1"];
    let by_data =
        ledger.run(&[&["--json", "verify", "--policy", "policy.txt"][..], &files].concat()).await.all_proven();
    assert_eq!(by_url["picked"], by_data["picked"]);
    let chain = by_url["picked"]["chain"].as_array().unwrap();
    let acts: Vec<&Value> = chain.iter().map(|record| &record["act"]).collect();
    assert_eq!(acts, ["register", "transfer"]);
    assert_eq!(by_url["picked"]["block"]["height"], 1);

    ledger.verify(&["--url", &ledger.url(), "--asset", "tag:LAPTOP-2"]).await.leaves_open("not_there");
    fs::write(ledger.cluster.directory().join("receipt"), &receipt).unwrap();
    let arguments = ["verify", "--policy", "policy.txt", "--receipt", "receipt"];
    ledger.cluster.succeed(&arguments).await;
    fs::write(ledger.cluster.directory().join("receipt"), receipt.replacen("index ", "index 1", 1)).unwrap();
    assert_eq!(ledger.cluster.run(&arguments).await.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_kept_by_a_receipt_and_a_broken_one_is_proven_by_it() {
    let mut ledger = Ledger::of_one_server().await;
    let receipt = hand_over(&ledger.cluster.client()).await;
    ledger.seal(1).await;
    let file = |name: &str| ledger.cluster.directory().join(name);
    fs::write(file("receipt"), &receipt).unwrap();
    let record = Record::decode(&bulla_sealing::Receipt::parse(receipt.as_bytes()).unwrap().record).unwrap();
    let record_id = record.transfer.record_id.to_string();
    let url = ledger.url();
    let get = ["promise", "get", &record_id, "--url", &url, "--policy", "policy.txt", "--out", "promise"];
    ledger.cluster.succeed(&get).await;
    let verify = ["promise", "verify", "promise", "--policy", "policy.txt", "--receipt", "receipt"];
    let said = ledger.cluster.succeed(&verify).await;
    assert!(said.contains("promised   by ") && said.contains("kept: "), "{said}");

    // The server's own key signs that another leaf stands there.
    let identity = identity_files::load(&ledger.data()).unwrap();
    let text = fs::read_to_string(file("promise")).unwrap();
    let honest = verify_promise(text.as_bytes(), &ledger.cluster.policy()).unwrap().promise;
    let lie = Promise { leaf_hash: leaf_hash(b"another"), ..honest };
    fs::write(file("promise"), sign_promise(&identity.node_key, &identity.node_name, &lie).to_string()).unwrap();
    let output = ledger.cluster.run(&verify).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("broken: another leaf is sealed in the promised place"), "{said}");
    fs::write(file("promise"), text.replacen("leaf ", "leaf 1", 1)).unwrap();
    assert_eq!(ledger.cluster.run(&verify).await.status.code(), Some(1));
}

/// Registers an asset with one party and hands it to another; the receipt of that.
async fn hand_over(client: &Client) -> String {
    let (class, asset) = (Named::from("Laptop"), Named::from("tag:LAPTOP-1"));
    let define = ClassRequest {
        record_id: None,
        class: class.clone(),
        kind: Kind::Unique,
        scale: None,
        event_time: None,
        payload: None,
    };
    client.define(define, Stage::Recorded).await.unwrap();
    let register = AssetRequest {
        record_id: None,
        asset: asset.clone(),
        class,
        owner: Some(Named::from("party 0")),
        event_time: None,
        payload: None,
    };
    client.register(register, Stage::Recorded).await.unwrap();
    let transfer = TransferRequest {
        asset: Some(asset),
        from: Some(Named::from("party 0")),
        to: Some(Named::from("party 1")),
        ..TransferRequest::default()
    };
    let recorded = client.submit(transfer, Stage::Recorded).await.unwrap();
    until("it is sealed", async || client.receipt(recorded.record_id, false).await.ok()).await.text
}
