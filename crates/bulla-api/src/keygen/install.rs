//! Puts a node's keys into its data directory, `bulla init`, and loads its TLS from there.

use std::path::{Path, PathBuf};

use bulla_node::config::ClusterNode;
use bulla_node::{Identity, StorageError, identity_files};
use bulla_sealing::ConfigLeaf;
use uuid::Uuid;

use super::files::{Access, read, read_text, sync_directory, write_new};
use super::{AUTHORITY_CERTIFICATE, GENESIS, LOG_KEY, NODE_KEY, TLS_CERTIFICATE, TLS_KEY};
use super::{KeyFilesError, node_directory, seed};
use crate::peer::{LocalNode, PeerSecurity, PeerTls};

/// Makes the data directory of `node` that of a new instance, with its keys from `keys`: the directory
/// that [`super::generate`] made for the ledger, or the one in it for this node. Keys that do not belong together, or belong to
/// another node, are refused before anything is written. After a crash it can be called again.
///
/// # Errors
/// [`KeyFilesError::Installed`] when there is nothing left to do; [`KeyFilesError::Missing`],
/// [`KeyFilesError::Wrong`] and [`KeyFilesError::Tls`] when `keys` is not the directory of this node;
/// [`KeyFilesError::Storage`] when the data directory is that of another node.
pub fn install(keys: &Path, node: &ClusterNode) -> Result<Identity, KeyFilesError> {
    let of_ledger = node_directory(keys, node.id);
    let keys = if of_ledger.is_dir() { &of_ledger } else { keys };
    let identity = read_identity(keys, node)?;
    let me = LocalNode { ledger_id: identity.genesis.ledger_id, node_id: node.id };
    let tls = TlsFiles::read(keys, COPY_KEYS)?;
    tls.check(me, keys, COPY_KEYS)?;

    let identity = match identity_files::create(&node.data, &identity) {
        Ok(()) => identity,
        Err(exists @ StorageError::IdentityExists { .. }) => resume(&node.data, &identity, exists)?,
        Err(error) => return Err(error.into()),
    };
    tls.write(&identity_directory(&node.data))?;
    Ok(identity)
}

/// Loads the TLS of the node `me` from its data directory.
///
/// # Errors
/// [`KeyFilesError::Missing`] and [`KeyFilesError::Tls`] when the directory was not made by
/// [`install`], or for another node.
pub fn load_peer_security(data: &Path, me: LocalNode) -> Result<PeerSecurity, KeyFilesError> {
    let directory = identity_directory(data);
    let tls = TlsFiles::read(&directory, INSTALL_KEYS)?;
    Ok(PeerSecurity::Tls(tls.check(me, &directory, INSTALL_KEYS_AGAIN)?))
}

/// The identity that stands in the directory already, if it is of the same keys and its TLS files
/// are not yet there: then an earlier call was cut off between the two.
fn resume(data: &Path, wanted: &Identity, exists: StorageError) -> Result<Identity, KeyFilesError> {
    let found = identity_files::load(data)?;
    let same = Identity { instance_id: found.instance_id, ..wanted.clone() } == found;
    let directory = identity_directory(data);
    match same {
        true if TlsFiles::NAMES.iter().all(|name| directory.join(name).exists()) => {
            Err(KeyFilesError::Installed { path: directory })
        }
        true => Ok(found),
        false => Err(exists.into()),
    }
}

fn read_identity(keys: &Path, node: &ClusterNode) -> Result<Identity, KeyFilesError> {
    let wrong = |file: &str, what: String| KeyFilesError::Wrong { path: keys.join(file), what, advice: COPY_KEYS };
    let genesis = ConfigLeaf::decode(&read(&keys.join(GENESIS), COPY_KEYS)?)
        .map_err(|error| wrong(GENESIS, format!("is not a genesis leaf ({error})")))?;
    let node_key = seed::load(&keys.join(NODE_KEY), COPY_KEYS)?;
    let log_key = seed::load(&keys.join(LOG_KEY), COPY_KEYS)?;

    let Some(member) = genesis.nodes.iter().find(|member| member.name == node.name) else {
        return Err(wrong(GENESIS, format!("does not name {:?}, which the configuration does", node.name)));
    };
    if member.public_key != node_key.verifying_key().to_bytes() {
        return Err(wrong(NODE_KEY, format!("is not the key of {:?} in {GENESIS}", node.name)));
    }
    if genesis.log_key != log_key.verifying_key().to_bytes() {
        return Err(wrong(LOG_KEY, format!("is not the log's key in {GENESIS}")));
    }
    Ok(Identity {
        node_id: node.id,
        node_name: node.name.clone(),
        instance_id: Uuid::new_v4(),
        genesis,
        node_key,
        log_key,
    })
}

/// The three TLS files of a node, as text.
struct TlsFiles {
    key: String,
    certificate: String,
    authority: String,
}

impl TlsFiles {
    const NAMES: [&str; 3] = [TLS_KEY, TLS_CERTIFICATE, AUTHORITY_CERTIFICATE];

    fn read(directory: &Path, advice: &'static str) -> Result<TlsFiles, KeyFilesError> {
        Ok(TlsFiles {
            key: read_text(&directory.join(TLS_KEY), advice)?,
            certificate: read_text(&directory.join(TLS_CERTIFICATE), advice)?,
            authority: read_text(&directory.join(AUTHORITY_CERTIFICATE), advice)?,
        })
    }

    fn check(&self, me: LocalNode, directory: &Path, advice: &'static str) -> Result<PeerTls, KeyFilesError> {
        PeerTls::from_pem(me, &self.certificate, &self.key, &self.authority).map_err(|source| KeyFilesError::Tls {
            path: directory.to_owned(),
            advice,
            source,
        })
    }

    /// Writes the files; those that hold the same already are left as they are.
    fn write(&self, directory: &Path) -> Result<(), KeyFilesError> {
        let contents =
            [(&self.key, Access::Private), (&self.certificate, Access::Public), (&self.authority, Access::Public)];
        for (name, (text, access)) in Self::NAMES.iter().zip(contents) {
            let path = directory.join(name);
            match write_new(&path, text.as_bytes(), access) {
                Err(KeyFilesError::Exists { .. }) if read(&path, INSTALL_KEYS)? == text.as_bytes() => {}
                written => written?,
            }
        }
        sync_directory(directory)
    }
}

fn identity_directory(data: &Path) -> PathBuf {
    data.join("identity")
}

const COPY_KEYS: &str = "copy the whole directory that `bulla keygen` made for this node";
const INSTALL_KEYS: &str = "install this node's keys with `bulla init`";
const INSTALL_KEYS_AGAIN: &str =
    "move tls.key, tls.crt and ca.crt out of it, and install this node's keys again with `bulla init`";
