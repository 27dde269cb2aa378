//! Clusters of embedded nodes: they agree, seal, do without each other, and catch up.

use bulla_ledger::Transfer;
use bulla_node::{Answer, Batch, NodeOptions, ReceiptAnswer};
use bulla_tests::embedded::{EmbeddedCluster, asset, furnish, height_of, party, plain, record_id, until};

fn as_they_are(_: &mut NodeOptions) {}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_sealed_once_all_three_servers_have_signed_and_each_gives_the_same_receipt() {
    let cluster = EmbeddedCluster::start(3, as_they_are).await;
    let leader = cluster.leader().await;
    furnish(cluster.node(leader), 2, 1).await;
    let hand_over = plain(Transfer::transfer(record_id(9, 1), asset(1), party(1), party(2)));
    let answer = cluster.node(leader).submit(hand_over).await.unwrap();
    cluster.sealed_everywhere(height_of(&answer)).await;

    let mut receipts = Vec::new();
    for node in cluster.nodes() {
        assert_eq!(node.asset(asset(1)).unwrap().unwrap().holder, party(2));
        match node.receipt(record_id(9, 1)).unwrap() {
            ReceiptAnswer::Ready(receipt) => {
                receipt.verify(node.policy()).unwrap();
                receipts.push(receipt.to_text());
            }
            other => panic!("{other:?}"),
        }
    }
    receipts.dedup();
    assert_eq!(receipts.len(), 1, "all servers give the same receipt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_passes_requests_on_to_the_leader() {
    let cluster = EmbeddedCluster::start(3, as_they_are).await;
    let follower = cluster.follower().await;
    furnish(cluster.node(follower), 2, 1).await;
    let hand_over = plain(Transfer::transfer(record_id(9, 1), asset(1), party(1), party(2)));
    let first = cluster.node(follower).submit(hand_over.clone()).await.unwrap();
    let again = cluster.node(follower).submit(hand_over).await.unwrap();
    let (Answer::Recorded { leaf_index, .. }, Answer::Recorded { leaf_index: same, repeated, .. }) = (&first, &again)
    else {
        panic!("{first:?} {again:?}")
    };
    assert_eq!((leaf_index, true), (same, *repeated));
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_goes_on_without_a_follower_while_sealing_waits_for_it_by_name() {
    let mut cluster = EmbeddedCluster::start(3, as_they_are).await;
    let leader = cluster.leader().await;
    furnish(cluster.node(leader), 2, 1).await;
    let absent = cluster.follower().await;
    cluster.stop_node(absent).await;

    let hand_over = plain(Transfer::transfer(record_id(9, 1), asset(1), party(1), party(2)));
    let answer = cluster.node(leader).submit(hand_over).await.unwrap();
    let height = height_of(&answer);
    let waiting_for = until("sealing waits for the absent server alone", async || {
        let status = cluster.node(leader).status().await;
        let table = status.unsealed.iter().find(|table| table.height == height)?.clone();
        (table.waiting_for.len() == 1).then_some(table.waiting_for)
    })
    .await;
    assert_eq!(waiting_for, [format!("node-{absent}")]);
    assert!(cluster.node(leader).ledger().checkpoint().unwrap().is_none_or(|_| {
        let sealed = cluster.node(leader).ledger().sealing_status().sealed_height;
        sealed < Some(height)
    }));

    cluster.start_node(absent).await;
    cluster.sealed_everywhere(height).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_leader_goes_and_the_others_elect_another() {
    let mut cluster = EmbeddedCluster::start(3, as_they_are).await;
    let first_leader = cluster.leader().await;
    furnish(cluster.node(first_leader), 2, 20).await;
    for number in 1..=10 {
        let hand_over = plain(Transfer::transfer(record_id(9, number), asset(number), party(1), party(2)));
        height_of(&cluster.node(first_leader).submit(hand_over).await.unwrap());
    }
    cluster.stop_node(first_leader).await;
    let second_leader = cluster.leader().await;
    assert_ne!(first_leader, second_leader);
    let mut last_height = 0;
    for number in 1..=20 {
        let hand_over = plain(Transfer::transfer(record_id(9, number), asset(number), party(1), party(2)));
        match cluster.node(second_leader).submit(hand_over).await.unwrap() {
            Answer::Recorded { repeated, height, .. } => {
                assert_eq!(repeated, number <= 10, "record {number}");
                last_height = last_height.max(height);
            }
            refused => panic!("{refused:?}"),
        }
    }
    cluster.start_node(first_leader).await;
    cluster.sealed_everywhere(last_height).await;
    for node in cluster.nodes() {
        (1..=20).for_each(|number| assert_eq!(node.asset(asset(number)).unwrap().unwrap().holder, party(2)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_lacks_more_than_the_log_keeps_pulls_the_blocks() {
    fn keep_little(options: &mut NodeOptions) {
        options.raft.lag_entries_max = 4;
        options.seal.records_max = 64;
        options.limits.batch_records_max = 64;
    }
    let mut cluster = EmbeddedCluster::start(3, keep_little).await;
    let leader = cluster.leader().await;
    let absent = cluster.follower().await;
    cluster.stop_node(absent).await;
    let mut number = 0;
    let mut last_height = 0;
    while last_height < 12 {
        let enrol = (0..48).map(|_| {
            number += 1;
            plain(Transfer::enroll(record_id(0, number), party(number)))
        });
        let batch = Batch { atomic: true, items: enrol.collect() };
        let answers = cluster.node(leader).submit_batch(batch).await.unwrap();
        last_height = height_of(&answers[0]);
    }
    until("the leader has forgotten the first entries", async || {
        let durable = cluster.node(leader).ledger().durable().height?;
        (durable + 1 >= last_height).then_some(())
    })
    .await;

    cluster.start_node(absent).await;
    cluster.sealed_everywhere(last_height).await;
    let ledger = cluster.node(absent).ledger();
    let verified = ledger.verify_all(&mut |_| {}).unwrap();
    assert!(verified.blocks > last_height);
    (1..=number).for_each(|number| assert!(ledger.party(party(number)).unwrap().is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minority_acknowledges_nothing_and_rejoins_without_harm() {
    fn impatient(options: &mut NodeOptions) {
        options.limits.request_ms_max = 1_000;
    }
    let cluster = EmbeddedCluster::start(3, impatient).await;
    let cut_off = cluster.leader().await;
    furnish(cluster.node(cut_off), 2, 1).await;
    cluster.set_cut(cut_off, true);
    let hand_over = plain(Transfer::transfer(record_id(9, 1), asset(1), party(1), party(2)));
    cluster.node(cut_off).submit(hand_over.clone()).await.unwrap_err();

    cluster.set_cut(cut_off, false);
    let other = if cut_off == 1 { 2 } else { 1 };
    let answer = until("the request is answered once the cut is healed", async || {
        cluster.node(other).submit(hand_over.clone()).await.ok()
    })
    .await;
    cluster.sealed_everywhere(height_of(&answer)).await;
    for node in cluster.nodes() {
        assert_eq!(node.history(asset(1), None, None, 10).unwrap().len(), 2, "registered once, handed over once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_waiting_callers_share_entries_and_each_gets_its_own_answer() {
    let cluster = EmbeddedCluster::start(3, as_they_are).await;
    let leader = cluster.leader().await;
    let mut callers = tokio::task::JoinSet::new();
    for number in 1..=512 {
        let node = cluster.node(leader).clone();
        callers.spawn(async move {
            let answer = node.submit(plain(Transfer::enroll(record_id(0, number), party(number)))).await.unwrap();
            let Answer::Recorded { leaf_index, .. } = answer else { panic!("{answer:?}") };
            (number, leaf_index)
        });
    }
    let answers = callers.join_all().await;
    let ledger = cluster.node(leader).ledger();
    for (number, leaf_index) in answers {
        assert_eq!(ledger.record_at(leaf_index).unwrap().unwrap().transfer.record_id, record_id(0, number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_servers_stopped_and_started_again_know_everything_and_go_on() {
    let mut cluster = EmbeddedCluster::start(3, as_they_are).await;
    let leader = cluster.leader().await;
    furnish(cluster.node(leader), 2, 5).await;
    for node_id in 1..=3 {
        cluster.stop_node(node_id).await;
    }
    for node_id in 1..=3 {
        cluster.start_node(node_id).await;
    }
    let leader = cluster.leader().await;
    let hand_over = plain(Transfer::transfer(record_id(9, 1), asset(1), party(1), party(2)));
    let answer = cluster.node(leader).submit(hand_over).await.unwrap();
    cluster.sealed_everywhere(height_of(&answer)).await;
    for node in cluster.nodes() {
        assert_eq!(node.asset(asset(1)).unwrap().unwrap().holder, party(2));
        assert_eq!(node.asset(asset(5)).unwrap().unwrap().holder, party(1));
    }
}
