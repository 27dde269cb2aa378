//! What a node says to a `cluster.toml` that it cannot follow.

use expect_test::{Expect, expect};

use super::ClusterConfig;
use super::tests::good;

/// What is said to a good file in which each of `changes` replaces a text by another.
fn check(changes: &[(&str, &str)], expect: &Expect) {
    let mut text = good().to_toml();
    for (from, to) in changes {
        assert!(text.contains(from), "a good file has no {from:?}:\n{text}");
        text = text.replacen(from, to, 1);
    }
    check_text(&text, expect);
}

/// What is said to `text`.
fn check_text(text: &str, expect: &Expect) {
    let error = text.parse::<ClusterConfig>().expect_err("this should be refused");
    expect.assert_eq(&format!("{error}\n"));
}

#[test]
fn a_mistyped_name_is_answered_with_the_nearest_one() {
    check(
        &[
            ("records_max", "record_max"),
            ("[storage]", "[store]"),
            ("heartbeat_ms = 200", "colour = 'red'"),
            ("http =", "htpp ="),
        ],
        &expect![[r#"
            cluster.toml is refused:
              line 4: this [[node]] has no `http`; add one, like `http = "127.0.0.1:7601"`
              line 7: unknown key `htpp` in [[node]]; did you mean `http`?
              line 26: unknown key `record_max` in [seal]; did you mean `records_max`?
              line 43: unknown key `colour` in [raft]; [raft] has append_bytes_max, append_entries_max, election_ms_max, election_ms_min, entry_bytes_max, heartbeat_ms, in_flight_entries_max, lag_entries_max, snapshot_ms_max
              line 53: unknown section `store`; did you mean `storage`?
        "#]],
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_answered_with_an_example() {
    check(
        &[
            ("age_ms_max = 1000", "age_ms_max = '1s'"),
            ("bytes_max = 33554432", "bytes_max = -1"),
            ("connections_max = 4096", "connections_max = 99999999999"),
            ("insecure = true", "insecure = 'yes'"),
            ("require = \"all-voters\"", "require = 'majority'"),
        ],
        &expect![[r#"
            cluster.toml is refused:
              line 27: `bytes_max`: invalid value: integer `-1`, expected u32; write it like `bytes_max = 33554432`
              line 28: `age_ms_max`: invalid type: string "1s", expected u32; write it like `age_ms_max = 1000`
              line 29: `require`: unknown variant `majority`, expected `all-voters`; write it like `require = "all-voters"`
              line 36: `connections_max`: invalid value: integer `99999999999`, expected u32; write it like `connections_max = 4096`
              line 61: `insecure`: invalid type: string "yes", expected a boolean; write it like `insecure = false`
        "#]],
    );
    check(
        &[("id = 2", "id = '2'"), ("peer = \"127.0.0.1:7701\"\n", "")],
        &expect![[r#"
            cluster.toml is refused:
              line 4: this [[node]] has no `peer`; add one, like `peer = "127.0.0.1:7701"`
              line 11: `id`: invalid type: string "2", expected u64; write it like `id = 1`
        "#]],
    );
}

#[test]
fn a_section_written_as_something_else_is_answered_with_its_heading() {
    check_text(
        "seal = 3\n[node]\nid = 1\n",
        &expect![[r#"
        cluster.toml is refused:
          line 1: `seal` is not written as a section; begin the section with `[seal]`
          line 2: `node` is not written as a section; begin the section with `[[node]]`
    "#]],
    );
    check_text(
        "node = [1]\n",
        &expect![[r#"
            cluster.toml is refused:
              line 1: a node is not written as a section; begin each one with `[[node]]`
        "#]],
    );
}

#[test]
fn text_that_is_not_toml_is_refused_by_line() {
    check(
        &[("id = 1", "id : 1"), ("[raft]", "[raft")],
        &expect![[r#"
        cluster.toml is refused:
          line 5: not TOML: key with no value, expected `=`; write settings as `name = value` under a `[section]`
          line 42: not TOML: unclosed table, expected `]`; write settings as `name = value` under a `[section]`
    "#]],
    );
}

#[test]
fn servers_must_be_an_odd_number() {
    check_text(
        "",
        &expect![[r#"
        cluster.toml is refused:
          line 1: there is no [[node]]; describe at least one server: id, name, http, peer, data
    "#]],
    );
    let mut two = good();
    two.nodes.pop();
    check_text(
        &two.to_toml(),
        &expect![[r#"
        cluster.toml is refused:
          line 4: 2 servers are an even number of voters; have 1 or 3: 2 outlive no more failures than 1
    "#]],
    );
}

#[test]
fn servers_must_be_told_apart() {
    check(
        &[
            ("id = 2", "id = 1"),
            ("node-2", "node-1"),
            ("127.0.0.1:7702", "127.0.0.1:7601"),
            ("data/node-2", "data/../data/./node-1"),
        ],
        &expect![[r#"
            cluster.toml is refused:
              line 12: this node has the same id 1 as the one on line 5; give every server an id that no other ever had
              line 13: this node has the same name "node-1" as the one on line 6; give every server a name of its own
              line 15: peer has the same address 127.0.0.1:7601 as the one on line 7; give every server ports of its own
              line 16: this node has the same data directory data/../data/./node-1 as the one on line 9; give every server on a machine a directory of its own
        "#]],
    );
}

#[test]
fn a_server_must_have_an_id_a_name_a_directory_and_addresses() {
    check(
        &[
            ("id = 1", "id = 0"),
            ("node-2", "Node 2"),
            ("127.0.0.1:7602", "localhost"),
            ("127.0.0.1:7701", "0.0.0.0:7701"),
            ("data/node-3", ""),
            ("127.0.0.1:7703", "10.0.0.300:7703"),
        ],
        &expect![[r#"
            cluster.toml is refused:
              line 5: a node has the id 0; number servers from 1; an id is never used again for another server
              line 8: nobody can connect to the peer address 0.0.0.0:7701; write the address or host name under which the other servers reach it
              line 13: "Node 2" is not a name for a node; use 1 to 64 of a-z, 0-9, dot, hyphen and underscore, beginning with a letter or digit
              line 14: http = "localhost" has no port between 1 and 65535 at its end; write a host and a port, such as 10.0.0.1:7601 or ledger-1.example.org:7601
              line 22: peer = "10.0.0.300:7703" does not begin with an IP address or a host name; write a host and a port, such as 10.0.0.1:7601 or ledger-1.example.org:7601
              line 23: node 3 has no data directory; name the directory that it keeps everything in
              line 61: insecure peers, but others can reach node-1; set insecure = false, or let every peer address be a loopback address
        "#]],
    );
}

#[test]
fn an_origin_must_be_fit_for_a_signed_note() {
    check(
        &[("ledger.example.org", "https://example.org/a+b")],
        &expect![[r#"
            cluster.toml is refused:
              line 2: origin "https://example.org/a+b" cannot name a ledger; write a URL without its scheme, such as ledger.example.org/tools: at most 255 visible ASCII characters, no plus sign
        "#]],
    );
}

#[test]
fn peers_without_tls_must_stay_on_this_machine() {
    check(
        &[("127.0.0.1:7702", "10.0.0.2:7702"), ("127.0.0.1:7703", "[::1]:7703")],
        &expect![[r#"
            cluster.toml is refused:
              line 61: insecure peers, but others can reach node-2; set insecure = false, or let every peer address be a loopback address
        "#]],
    );
}

#[test]
fn witnesses_must_be_written_right_and_told_apart() {
    let vkey = |name: &str, signature_type, byte| {
        let name = name.to_owned();
        bulla_sealing::VerifierKey { name, signature_type, public_key: [byte; 32] }.to_string()
    };
    use bulla_sealing::SignatureType::{Cosignature, Log};
    let sections = [
        ("http://w.example:7900/", vkey("w1", Cosignature, 1)),
        ("http://w.example:7900", vkey("w1", Cosignature, 2)),
        ("http://[::1]/under/here", vkey("w2", Cosignature, 1)),
        ("https://w.example", vkey("w3", Cosignature, 3)),
        ("http://w.example:7901?x", vkey("w4", Log, 4)),
        ("http://w.example:7902", "w5".to_owned()),
        ("http://w.example:7903", vkey("node-2", Cosignature, 6)),
    ];
    let sections = sections.map(|(url, vkey)| format!("[[witness]]\nurl = {url:?}\nvkey = {vkey:?}\n"));
    let text = format!("{}\n{}", good().to_toml(), sections.concat());
    check_text(
        &text,
        &expect![[r#"
            cluster.toml is refused:
              line 71: this witness has the same url as the one on line 68; name each witness once; one that counts twice is no second one
              line 72: this witness has the same name as the one on line 69; name each witness once; one that counts twice is no second one
              line 75: this witness has the same key as the one on line 69; name each witness once; one that counts twice is no second one
              line 77: url = "https://w.example" is no URL of a witness; write http://host:port, or with a path after it; what is sent is public and what is answered is signed, so there is no https
              line 80: url = "http://w.example:7901?x" is no URL of a witness; write http://host:port, or with a path after it; what is sent is public and what is answered is signed, so there is no https
              line 81: vkey = "w4+3f8e23d3+AQQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE" is not the key of a witness: it is the key of a log; a witness's is of signature type 04; copy the whole line that `bulla witness keygen` printed, or that the witness's operator publishes
              line 84: vkey = "w5" is not the key of a witness: a verifier key is written <name>+<8 hexadecimal digits>+<base64>; copy the whole line that `bulla witness keygen` printed, or that the witness's operator publishes
              line 87: this witness has the name of the node "node-2"; let somebody else run it, under another name: servers cannot witness themselves
        "#]],
    );
    check_text(
        &format!("{}\n[[witness]]\nurl = 'http://a'\n", good().to_toml()),
        &expect![[r#"
            cluster.toml is refused:
              line 67: this [[witness]] has no `vkey`; add one, like `vkey = "witness.example.org+e0272042+BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`
        "#]],
    );
}

#[test]
fn timestamps_must_have_an_authority_that_can_be_asked() {
    let with = |section: &str| format!("{}\n[timestamp]\n{section}\n", good().to_toml());
    check_text(
        &with("url = 'https://t.example'\ncertificate = ''\nevery_s = 0"),
        &expect![[r#"
            cluster.toml is refused:
              line 68: url = "https://t.example" is no URL of a timestamping authority; write http://host, perhaps with a port and a path; what is sent is a hash and what is answered is signed, so there is no https
              line 69: certificate is empty; name the file with the certificate of the authority, or leave the setting out
              line 70: timestamp.every_s is 0; choose 1 to 2678400
        "#]],
    );
    check_text(
        &with("every_s = 2678401"),
        &expect![[r#"
            cluster.toml is refused:
              line 67: url = "" is no URL of a timestamping authority; write http://host, perhaps with a port and a path; what is sent is a hash and what is answered is signed, so there is no https
              line 68: timestamp.every_s is 2678401; choose 1 to 2678400
        "#]],
    );
    check_text(
        &with("url = 3\nevry_s = 60"),
        &expect![[r#"
            cluster.toml is refused:
              line 68: `url`: invalid type: integer `3`, expected a string; write it like `url = "http://timestamp.example.org"`
              line 69: unknown key `evry_s` in [timestamp]; did you mean `every_s`?
        "#]],
    );
}

#[test]
fn numbers_must_be_within_their_bounds() {
    check(
        &[
            ("records_max = 65535", "records_max = 0"),
            ("batch_records_max = 8190", "batch_records_max = 8191"),
            ("heartbeat_ms = 200", "heartbeat_ms = 0"),
        ],
        &expect![[r#"
            cluster.toml is refused:
              line 26: seal.records_max is 0; choose 1 to 1048575
              line 32: limits.batch_records_max is 8191; choose 1 to 8190
              line 32: limits.batch_records_max is 8191, seal.records_max only 0; a batch is recorded in one table; lower the one or raise the other
              line 43: raft.heartbeat_ms is 0; choose 1 to 3600000
        "#]],
    );
    check(
        &[("records_max = 65535", "records_max = 1048576")],
        &expect![[r#"
            cluster.toml is refused:
              line 26: seal.records_max is 1048576; choose 1 to 1048575
        "#]],
    );
}

#[test]
fn elections_must_leave_room_for_heartbeats_and_for_each_other() {
    check(
        &[("election_ms_min = 1000", "election_ms_min = 2000")],
        &expect![[r#"
            cluster.toml is refused:
              line 44: election_ms_min is 2000, election_ms_max 2000; leave room between the two, best double: servers that wait equally long stand for election at once and nobody wins
        "#]],
    );
    check(
        &[("heartbeat_ms = 200", "heartbeat_ms = 334")],
        &expect![[r#"
            cluster.toml is refused:
              line 43: heartbeat_ms is 334, election_ms_min only 1000; let three heartbeats fit into election_ms_min, or one lost packet unseats the leader
        "#]],
    );
}

#[test]
fn a_batch_must_fit_into_a_body_an_entry_and_a_table() {
    check(
        &[
            ("batch_bytes_max = 1048320", "batch_bytes_max = 2000000"),
            ("body_bytes_max = 8388608", "body_bytes_max = 1000000"),
            ("records_max = 65535", "records_max = 255"),
            ("bytes_max = 33554432", "bytes_max = 1000000"),
        ],
        &expect![[r#"
            cluster.toml is refused:
              line 27: seal.bytes_max is 1000000, but the records of the largest batch take 2393120 bytes; a batch is recorded in one table; raise it, or lower the limits of a batch
              line 32: limits.batch_records_max is 8190, seal.records_max only 255; a batch is recorded in one table; lower the one or raise the other
              line 33: limits.batch_bytes_max is 2000000, raft.entry_bytes_max only 1048320; a batch travels in one Raft entry; lower the one or raise the other
              line 33: limits.batch_bytes_max is 2000000, limits.body_bytes_max only 1000000; a batch arrives in one request body; lower the one or raise the other
        "#]],
    );
}

#[test]
fn an_entry_must_fit_into_the_queue_a_message_and_the_cache() {
    check(
        &[
            ("append_bytes_max = 4194304", "append_bytes_max = 1000000"),
            ("queue_bytes_max = 67108864", "queue_bytes_max = 1000000"),
        ],
        &expect![[r#"
            cluster.toml is refused:
              line 46: raft.entry_bytes_max is 1048320, raft.append_bytes_max only 1000000; an entry travels in one message; lower the one or raise the other
              line 46: raft.entry_bytes_max is 1048320, limits.queue_bytes_max only 1000000; an entry is gathered from what waits; lower the one or raise the other
        "#]],
    );
    check(
        &[
            ("entry_cache_bytes = 67108864", "entry_cache_bytes = 1048576"),
            ("disk_reserve_bytes = 268435456", "disk_reserve_bytes = 1048576"),
        ],
        &expect![[r#"
            cluster.toml is refused:
              line 27: seal.bytes_max is 33554432, storage.disk_reserve_bytes only 1048576; what is recorded must still find room as a block; lower the one or raise the other
              line 49: raft.append_bytes_max is 4194304, storage.entry_cache_bytes only 1048576; a message is sent from the cache; lower the one or raise the other
        "#]],
    );
}
