//! A witness as a real process, which can be killed and started again where it was.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use bulla_sealing::{Policy, VerifierKey};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bulla-under-test");

pub struct WitnessProcess {
    directory: PathBuf,
    pub key: VerifierKey,
    /// `http://host:port`; the same after every start.
    pub url: String,
    policies: Vec<PathBuf>,
    running: Option<Child>,
}

impl WitnessProcess {
    /// Makes the key of a witness of this name in `directory`, and starts it with these policies.
    pub async fn start(directory: &Path, name: &str, policies: &[Policy]) -> WitnessProcess {
        let directory = directory.join(name);
        std::fs::create_dir(&directory).unwrap();
        let policies = policies.iter().enumerate().map(|(place, policy)| {
            let path = directory.join(format!("policy-{place}"));
            std::fs::write(&path, policy.to_text()).unwrap();
            path
        });
        let policies = policies.collect();
        let key_file = directory.join("key");
        let made = bulla(&["witness", "keygen", "--name", name, "--out", key_file.to_str().unwrap()]).await;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let key = String::from_utf8(made.stdout).unwrap().trim_end().parse().unwrap();
        let mut witness = WitnessProcess { directory, key, url: String::new(), policies, running: None };
        witness.start_again().await;
        witness
    }

    /// Starts it on the state and at the address that it had.
    pub async fn start_again(&mut self) {
        let mut child = self.command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.next_line().await.unwrap().expect("the witness starts");
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        assert_eq!(ready["vkey"], self.key.to_string());
        self.url = ready["url"].as_str().unwrap().to_owned();
        self.running = Some(child);
    }

    /// Runs it where it cannot start, and returns what it said.
    pub async fn refuses_to_start(&self) -> String {
        let output = self.command().output().await.unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        let listen = self.url.strip_prefix("http://").unwrap_or("127.0.0.1:0");
        command.args(["--json", "witness", "--listen", listen]).args(["--key".into(), self.directory.join("key")]);
        command.args(["--state".into(), self.state()]);
        command.arg("--policy").args(&self.policies).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Kills it as `kill -9` does.
    pub async fn kill(&mut self) {
        self.running.take().expect("a running witness").kill().await.unwrap();
    }

    pub fn state(&self) -> PathBuf {
        self.directory.join("state")
    }
}

async fn bulla(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().await.unwrap()
}
