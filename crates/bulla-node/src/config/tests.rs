//! What a `cluster.toml` may say, and what it then means.

use expect_test::expect;

use super::*;

const REPOSITORY_FILE: &str = include_str!("../../../../cluster.toml");

/// Three servers on this machine, every setting at its default and written out.
pub(super) fn good() -> ClusterConfig {
    let ports = [1, 2, 3].map(|n| Ports { http: 7600 + n, peer: 7700 + n });
    let mut config = ClusterConfig::local(Path::new("data"), &ports);
    config.ledger.origin = Some("ledger.example.org".to_owned());
    config
}

#[test]
fn the_file_in_the_repository_says_what_the_defaults_say() {
    let mut expected = good();
    expected.peer = PeerSection::default();
    assert_eq!(REPOSITORY_FILE.parse::<ClusterConfig>().unwrap(), expected);
}

/// The file in the repository with the section of this heading, which it has in a comment, and then the section alone.
fn uncommented(heading: &str) -> (ClusterConfig, String) {
    let (before, rest) = REPOSITORY_FILE.split_once(&format!("# {heading}\n")).unwrap();
    let (section, after) = rest.split_once("\n\n").unwrap();
    let section = section.lines().map(|line| line.strip_prefix("# ").unwrap()).collect::<Vec<_>>().join("\n");
    let config = format!("{before}{heading}\n{section}\n\n{after}").parse().unwrap();
    (config, section)
}

#[test]
fn the_witness_that_the_file_in_the_repository_shows_in_a_comment_is_one() {
    let (config, _) = uncommented("[[witness]]");
    assert_eq!(config.witnesses[0].url, "http://127.0.0.1:7900");
    assert_eq!(config.to_toml().parse::<ClusterConfig>().unwrap(), config);
}

#[test]
fn the_timestamps_that_the_file_in_the_repository_shows_in_a_comment_are_asked_for_as_often_as_by_default() {
    let (config, section) = uncommented("[timestamp]");
    let timestamp = config.timestamp.clone().unwrap();
    assert_eq!(timestamp.url, "http://127.0.0.1:7990");
    assert_eq!(timestamp.certificate.as_deref(), Some(Path::new("authority.pem")));
    assert_eq!(config.to_toml().parse::<ClusterConfig>().unwrap(), config);
    let shorter = section.lines().filter(|line| !line.starts_with("every_s")).collect::<Vec<_>>().join("\n");
    assert_ne!(shorter, section);
    let text = format!("{}\n[timestamp]\n{shorter}\n", good().to_toml());
    assert_eq!(text.parse::<ClusterConfig>().unwrap().timestamp, Some(timestamp));
}

#[test]
fn the_file_in_the_repository_names_every_setting_and_its_default_in_a_comment() {
    let written: toml::Table = REPOSITORY_FILE.parse().unwrap();
    let settings: toml::Table = good().to_toml().parse().unwrap();
    for (section, settings) in &settings {
        let Some(settings) = settings.as_table() else {
            continue;
        }; // [[node]]: no defaults.
        for (name, default) in settings {
            assert!(written[section].get(name).is_some(), "[{section}] {name} is not in the file");
            let comment = comment_above(section, name);
            assert!(comment.contains("Default"), "[{section}] {name} names no default: {comment}");
            if default.is_integer() {
                let says_it = comment.split(|c: char| !c.is_ascii_digit());
                let says_it = says_it.into_iter().any(|word| word == default.to_string());
                assert!(says_it, "[{section}] {name} is not {default} by default: {comment}");
                let unit = if name.contains("bytes") { "ytes" } else { "" };
                let unit = if name.contains("ms") { "illiseconds" } else { unit };
                assert!(comment.contains(unit), "[{section}] {name} names no unit: {comment}");
            }
        }
    }
}

/// The comment over a setting of the repository's file, over those beside it if they share one.
fn comment_above(section: &str, name: &str) -> String {
    let (_, text) = REPOSITORY_FILE.split_once(&format!("\n[{section}]\n")).unwrap();
    let lines: Vec<&str> = text.lines().take_while(|line| !line.starts_with('[')).collect();
    let here = lines.iter().position(|line| line.starts_with(&format!("{name} ="))).unwrap();
    let above = lines[..here].iter().rev();
    let comment = above.skip_while(|line| !line.starts_with('#'));
    comment.take_while(|line| line.starts_with('#')).copied().collect()
}

#[test]
fn a_configuration_written_out_means_the_same_when_read() {
    for nodes in [1_u16, 3, 5] {
        let ports: Vec<Ports> = (0..nodes).map(|n| Ports { http: 1000 + n, peer: 2000 + n }).collect();
        let mut config = ClusterConfig::local(Path::new("/tmp/\"odd\" place"), &ports);
        config.seal.age_ms_max = 50;
        config.limits.queue_bytes_max = 1 << 33;
        assert_eq!(config.to_toml().parse::<ClusterConfig>().unwrap(), config);
        config.check().unwrap();
    }
}

#[test]
fn sections_that_are_left_out_have_their_defaults() {
    let text = "[[node]]\nid = 7\nname = 'a'\nhttp = 'h:1'\npeer = 'h:2'\ndata = 'd'";
    let config: ClusterConfig = text.parse().unwrap();
    assert_eq!(config.seal, SealSection::default());
    assert_eq!(config.limits, LimitsSection::default());
    assert_eq!(config.raft, RaftSection::default());
    assert_eq!(config.storage, StorageSection::default());
    assert_eq!(config.peer, PeerSection { insecure: false });
    assert_eq!(config.scrub, ScrubSection::default());
    assert_eq!(config.ledger.origin, None);
    assert_eq!(config.node(7).map(|node| node.name.as_str()), Some("a"));
}

#[test]
fn a_relative_data_directory_starts_at_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cluster.toml");
    let mut config = good();
    config.nodes[1].data = PathBuf::from("/elsewhere");
    std::fs::write(&path, config.to_toml()).unwrap();
    let loaded = ClusterConfig::load(&path).unwrap();
    assert_eq!(loaded.nodes[0].data, dir.path().join("data/node-1"));
    assert_eq!(loaded.nodes[1].data, Path::new("/elsewhere"));
}

#[test]
fn a_missing_file_is_told_from_a_wrong_one() {
    let error = ClusterConfig::load(Path::new("/nowhere/cluster.toml")).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
    expect!["cannot read /nowhere/cluster.toml; name the file with --config, or begin with a copy of the cluster.toml that comes with bulla"]
        .assert_eq(&error.to_string());
}

#[test]
fn servers_on_machines_of_their_own_may_use_equal_directories_and_any_address() {
    let mut config = good();
    config.peer.insecure = false;
    for (node, host) in config.nodes.iter_mut().zip(["a", "b", "c"]) {
        node.data = PathBuf::from("/var/lib/bulla");
        node.http = "0.0.0.0:80".parse().unwrap();
        node.peer = format!("{host}.example.org:7700").parse().unwrap();
    }
    config.check().unwrap();
}
