//! `bulla import` as a process: run to its end, or fed row by row and killed.

use std::process::{Output, Stdio};

use bulla_tests::embedded::PATIENCE;
use bulla_tests::processes::ProcessCluster;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};

use crate::PROGRAM;

/// How an import ended.
#[derive(Debug)]
pub struct Ended {
    pub exit: i32,
    pub report: Value,
    pub complaint: String,
}

impl Ended {
    /// A number of the report.
    pub fn count(&self, name: &str) -> u64 {
        self.report[name].as_u64().unwrap_or_else(|| panic!("the report counts {name}: {self:?}"))
    }

    /// Rows read, recorded, recorded before, and refused.
    pub fn rows(&self) -> [u64; 4] {
        ["rows", "recorded", "repeated", "refused"].map(|name| self.count(name))
    }

    /// The refused rows: line and reason.
    pub fn refused(&self) -> Vec<(u64, &str)> {
        let rows = self.report["refused_rows"].as_array().expect("a list");
        rows.iter().map(|row| (row["line"].as_u64().unwrap(), row["reason"].as_str().unwrap())).collect()
    }
}

/// Imports a file to its end; `arguments` are those of `bulla import`.
pub async fn import(cluster: &ProcessCluster, arguments: &[&str]) -> Ended {
    let arguments = [&["--json", "import"], arguments].concat();
    ended(&cluster.run(&arguments).await)
}

fn ended(output: &Output) -> Ended {
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout);
    Ended {
        exit: output.status.code().expect("it ended by itself"),
        report: report.unwrap_or_else(|error| panic!("{error}; it complained: {complaint}")),
        complaint,
    }
}

/// An import that reads what it is fed. It is killed when it is dropped.
pub struct Fed {
    process: Child,
    input: ChildStdin,
}

impl Fed {
    /// Starts the import of an endless file; `arguments` are those of `bulla import`, less the file.
    pub fn start(cluster: &ProcessCluster, arguments: &[&str]) -> Fed {
        let mut process = Command::new(PROGRAM)
            .args([&["--json", "import", "/dev/stdin"], arguments].concat())
            .env("BULLA_URL", cluster.urls().join(","))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let input = process.stdin.take().expect("a pipe");
        Fed { process, input }
    }

    /// Appends to the file.
    pub async fn feed(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).await.expect("the import reads on");
    }

    /// Kills it as `kill -9` does, while it waits for more.
    pub async fn kill(mut self) {
        assert_eq!(self.process.try_wait().expect("a process"), None, "it waits for more");
        self.process.kill().await.expect("it can be killed");
    }

    /// Appends the rest, and waits until all is imported, or the import has given up.
    pub async fn finish(self, rest: &str) -> Ended {
        let Fed { process, mut input } = self;
        let end = async {
            // An import that gives up reads no further.
            let _ = input.write_all(rest.as_bytes()).await;
            drop(input);
            process.wait_with_output().await.expect("a process")
        };
        ended(&tokio::time::timeout(PATIENCE, end).await.expect("the import ends"))
    }
}
