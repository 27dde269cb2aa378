//! Real servers and a real authority: what they seal is stamped, and what the authority does holds nothing up.

use std::path::Path;

use bulla_client::{Act, Client, ClientError, Named, Stage, TransferRequest};
use bulla_tests::embedded::until;
use bulla_tests::processes::ProcessCluster;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::authority::{Authority, P256, RSA, openssl_verifies};
use crate::responder::{Manner, Responder};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bulla-under-test");

/// A cluster that asks an authority for timestamps, an hour apart at least, and has its certificate.
async fn cluster_asking(responder: &Responder, servers: usize) -> ProcessCluster {
    let mut cluster = ProcessCluster::prepare(PROGRAM, servers).await;
    let directory = cluster.directory();
    std::fs::copy(responder.authority().certificate(), directory.join("authority.pem")).unwrap();
    let path = directory.join("cluster.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let section = format!("\n[timestamp]\nurl = \"{}\"\ncertificate = \"authority.pem\"\n", responder.url);
    std::fs::write(&path, config + &section).unwrap();
    for node_id in 1..=servers as u64 {
        cluster.start_server(node_id).await;
    }
    cluster
}

/// Enrolls a party, and waits until that is sealed.
async fn enroll(client: &Client, name: &str) {
    let party = Some(Named::from(name));
    let request = TransferRequest { act: Act::Enroll, party, ..TransferRequest::default() };
    let recorded = client.submit(request, Stage::Sealed).await.unwrap();
    assert_eq!(recorded.stage, Stage::Sealed, "sealing waits for no authority");
}

/// GETs a path of a server: the head and the body.
async fn get(cluster: &ProcessCluster, node_id: u64, path: &str) -> (String, Vec<u8>) {
    let address = cluster.config().node(node_id).unwrap().http.to_string();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("the headers end");
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer.split_off(end + 4))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_server_sealed_is_stamped_and_openssl_verifies_it() {
    let (Some(authority), Some(stranger)) = (Authority::make(RSA), Authority::make(P256)) else { return };
    let responder = Responder::start(authority, Manner::Honest).await;
    let mut cluster = cluster_asking(&responder, 3).await;
    enroll(&cluster.client(), "Central stores").await;
    let certificate = responder.authority().certificate();
    let directory = cluster.directory().to_owned();
    let mut newest = 0;
    for node_id in 1..=3 {
        let client = cluster.client_of_server(node_id);
        let proven = until("the server has a timestamp", async || client.timestamp(None).await.ok()).await;
        let size = proven.sealed.checkpoint.size;
        newest = newest.max(size);

        // As anybody does it who has nothing but curl and openssl.
        let (head, seal) = get(&cluster, node_id, &format!("/checkpoint/{size}/seal")).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(String::from_utf8(seal.clone()).unwrap(), proven.seal);
        let (head, reply) = get(&cluster, node_id, &format!("/checkpoint/{size}/timestamp")).await;
        assert!(head.contains("content-type: application/timestamp-reply"), "{head}");
        let (head, latest) = get(&cluster, node_id, "/timestamp").await;
        assert!(head.contains(&format!("content-location: /checkpoint/{size}/timestamp")), "{head}");
        assert_eq!((&reply, &reply), (&latest, &proven.reply));
        let [data, tsr] = ["seal", "tsr"].map(|name| directory.join(format!("node-{node_id}.{name}")));
        std::fs::write(&data, &seal).unwrap();
        std::fs::write(&tsr, &reply).unwrap();
        assert!(openssl_verifies(&data, &tsr, &certificate));
        assert!(!openssl_verifies(&data, &tsr, &stranger.certificate()));
        std::fs::write(&data, [&seal[..], b"\n"].concat()).unwrap();
        assert!(!openssl_verifies(&data, &tsr, &certificate));
    }
    // Each asked once, and asks no more within the hour, whatever is sealed and however often it is started.
    enroll(&cluster.client(), "Ada Byron").await;
    cluster.kill(2).await;
    cluster.start_server(2).await;
    enroll(&cluster.client(), "Grace Hopper").await;
    assert_eq!(responder.asked(), 3);
    let beyond = cluster.client().timestamp(Some(newest + 1)).await.unwrap_err();
    let ClientError::Refused(problem) = beyond else { panic!("{beyond}") };
    assert_eq!(problem.code, "unknown_timestamp");
    the_program_gets_and_verifies(&cluster, &certificate, &stranger.certificate()).await;
}

/// `bulla timestamp get` and `verify`, with the files that one writes and the other reads.
async fn the_program_gets_and_verifies(cluster: &ProcessCluster, certificate: &Path, strange: &Path) {
    std::fs::write(cluster.directory().join("policy.txt"), cluster.policy().to_text()).unwrap();
    let got =
        cluster.succeed(&["--json", "timestamp", "get", "--from", "1", "--out", "stamps", "--policy", "policy.txt"]);
    let got: serde_json::Value = serde_json::from_str(&got.await).unwrap();
    assert_eq!(got["signature"], "not verified");
    let [seal, reply] = ["seal", "reply"].map(|what| got[what].as_str().unwrap().to_owned());
    let directory = cluster.directory();
    assert!(openssl_verifies(&directory.join(&seal), &directory.join(&reply), certificate));

    let verify = async |certificate: &Path| {
        let certificate = certificate.to_str().unwrap();
        cluster
            .run(&["timestamp", "verify", &seal, &reply, "--certificate", certificate, "--policy", "policy.txt"])
            .await
    };
    let output = verify(certificate).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("signed under the authority's certificate"), "{said}");
    assert_eq!(verify(strange).await.status.code(), Some(1));
    let text = std::fs::read_to_string(directory.join(&seal)).unwrap();
    std::fs::write(directory.join(&seal), format!("{text}— a.stranger AAAAAAAA\n")).unwrap();
    let output = verify(certificate).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.contains("another hash"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_hangs_or_sends_garbage_holds_nothing_up_and_is_named() {
    let Some(authority) = Authority::make(P256) else { return };
    let responder = Responder::start(authority, Manner::Garbage).await;
    let cluster = cluster_asking(&responder, 1).await;
    let client = cluster.client();
    enroll(&client, "Central stores").await;
    let problem = async |said: &str| {
        until("the status says what is wrong", async || {
            let timestamps = client.cluster().await.ok()?.timestamps?;
            assert_eq!(timestamps.stamped_size, None);
            timestamps.problem.filter(|problem| problem.contains(said))
        })
        .await;
    };
    problem("outer structure cannot be read").await;
    let words = cluster.succeed(&["cluster", "status"]).await;
    assert!(words.contains(&responder.url) && words.contains("DOES NOT STAMP"), "{words}");

    responder.behave(Manner::Hangs);
    let asked = responder.asked();
    until("it is asked and hangs", async || (responder.asked() > asked).then_some(())).await;
    enroll(&client, "Ada Byron").await;
    responder.behave(Manner::Honest);
    let proven = until("it stamps again", async || client.timestamp(None).await.ok()).await;
    let newest = client.checkpoint().await.unwrap().sealed.checkpoint.size;
    assert_eq!(proven.sealed.checkpoint.size, newest, "only the newest is stamped, which covers all");
    assert_eq!(client.cluster().await.unwrap().timestamps.unwrap().problem, None);
    let metrics = String::from_utf8(get(&cluster, 1, "/metrics").await.1).unwrap();
    assert!(metrics.contains(&format!("bulla_timestamp_size{{node=\"1\"}} {newest}")), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timestamp_that_was_changed_on_disk_is_not_handed_out_and_a_wrong_certificate_stops_the_server() {
    let Some(authority) = Authority::make(P256) else { return };
    let responder = Responder::start(authority, Manner::Honest).await;
    let mut cluster = cluster_asking(&responder, 1).await;
    let client = cluster.client();
    enroll(&client, "Central stores").await;
    let proven = until("there is a timestamp", async || client.timestamp(None).await.ok()).await;
    let size = proven.sealed.checkpoint.size;
    let path = cluster.config().nodes[0].data.join(format!("timestamps/{size}.tsr"));
    assert_eq!(std::fs::read(&path).unwrap(), proven.reply, "the file is the reply itself");
    for changed in [&proven.reply[..100], &b""[..]] {
        std::fs::write(&path, changed).unwrap();
        assert!(get(&cluster, 1, &format!("/checkpoint/{size}/timestamp")).await.0.starts_with("HTTP/1.1 404"));
    }

    cluster.kill(1).await;
    std::fs::write(cluster.directory().join("authority.pem"), "no certificate\n").unwrap();
    let output = cluster.run(&["serve", "--config", "cluster.toml", "--node", "1"]).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("authority.pem is of no use as `certificate`"), "{said}");
}
