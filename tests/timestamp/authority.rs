//! An authority of one directory: keys and certificates made by `openssl`, which also signs its replies.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use tempfile::TempDir;

/// The key of a signer, as `openssl genpkey` and then `openssl ts` take it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub key: &'static [&'static str],
    pub digest: &'static str,
}

pub const RSA: Kind = Kind { key: &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], digest: "sha256" };
pub const RSA_SHA512: Kind = Kind { digest: "sha512", ..RSA };
pub const P256: Kind = Kind { key: &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], digest: "sha256" };
pub const P384: Kind = Kind { key: &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], digest: "sha384" };

/// A root, and a signer under it that may stamp.
pub struct Authority {
    directory: TempDir,
    /// Held while it replies: there is one file for a query.
    replies: Mutex<()>,
}

impl Authority {
    /// Makes one; `None`, saying so, where there is no openssl.
    pub fn make(kind: Kind) -> Option<Authority> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: there is no openssl");
            return None;
        }
        let authority = Authority { directory: TempDir::new().unwrap(), replies: Mutex::default() };
        for who in ["root", "signer"] {
            authority.openssl([&["genpkey", "-out", &format!("{who}.key")], kind.key].concat());
        }
        authority.write("root.cnf", "[req]\ndistinguished_name=name\n[name]\n");
        let root =
            ["-config", "root.cnf", "-subj", "/CN=Root of a test", "-addext", "basicConstraints=critical,CA:TRUE"];
        authority.openssl(
            [&["req", "-x509", "-new", "-key", "root.key", "-out", "root.pem", "-days", "2"][..], &root].concat(),
        );
        let request = ["req", "-new", "-key", "signer.key", "-out", "signer.csr", "-config", "root.cnf"];
        authority.openssl([&request[..], &["-subj", "/CN=Signer of a test"]].concat());
        authority.write("usage", "basicConstraints=CA:FALSE\nextendedKeyUsage=critical,timeStamping\n");
        let sign = ["x509", "-req", "-in", "signer.csr", "-CA", "root.pem", "-CAkey", "root.key", "-set_serial", "2"];
        authority.openssl([&sign[..], &["-days", "2", "-extfile", "usage", "-out", "signer.pem"]].concat());
        let digest = kind.digest;
        let settings = format!(
            "[tsa]\nserial=serial\nsigner_cert=signer.pem\nsigner_key=signer.key\ncerts=root.pem\nsigner_digest={digest}\n\
             default_policy=1.2.3.4\ndigests=sha256\naccuracy=secs:1\nordering=yes\ntsa_name=yes\n"
        );
        authority.write("tsa.cnf", &settings);
        authority.write("serial", "01\n");
        Some(authority)
    }

    /// The file with the root's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("root.pem")
    }

    /// What it answers to a query.
    pub fn reply(&self, query: &[u8]) -> Vec<u8> {
        let _alone = self.replies.lock().unwrap();
        std::fs::write(self.directory.path().join("query"), query).unwrap();
        let arguments =
            ["ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "query", "-out", "reply"];
        self.openssl(arguments);
        std::fs::read(self.directory.path().join("reply")).unwrap()
    }

    fn openssl(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) {
        let output = Command::new("openssl").args(arguments).current_dir(self.directory.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.path().join(name), text).unwrap();
    }
}

/// Whether `openssl` says that the reply in one file stamps the other file, under a certificate.
pub fn openssl_verifies(data: &Path, reply: &Path, certificate: &Path) -> bool {
    let files = [Path::new("-data"), data, Path::new("-in"), reply, Path::new("-CAfile"), certificate];
    let Output { status, stdout, .. } =
        Command::new("openssl").args(["ts", "-verify"]).args(files).output().expect("openssl is there");
    let ok = String::from_utf8_lossy(&stdout).contains("Verification: OK");
    assert_eq!(status.success(), ok);
    ok
}
