//! The config leaf: who a ledger's nodes are, and under which keys they and the log sign.

use uuid::Uuid;

use crate::cursor::{Cursor, put_string};
use crate::derive::ledger_id;
use crate::hash::{Hash, leaf_hash};
use crate::keys::{ConfigNode, KeyError, check_keys};
use crate::leaf::{DecodeError, KIND_CONFIG, LEAF_BYTES_MAX, Prefix, rule};
use crate::vkey::SignatureType;

/// The members of a ledger from some block on. Leaf 0 of the log is the first one, its genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigLeaf {
    /// The ledger; in the genesis leaf derived from everything else in it.
    pub ledger_id: Uuid,
    /// Number of config leaves before this one.
    pub config_seq: u64,
    /// First block under this configuration; 0 for the genesis.
    pub first_height: u64,
    /// Leaf hash of the config leaf before this one, zero for the genesis.
    pub prev_config: Hash,
    /// First line of the ledger's checkpoints, and name of the log's key.
    pub origin: String,
    /// The log's Ed25519 public key.
    pub log_key: [u8; 32],
    /// The nodes, all of whose signatures seal a block, in the order in which they are written.
    pub nodes: Vec<ConfigNode>,
}

impl ConfigLeaf {
    /// The first config leaf of a new ledger, which fixes the ledger's id.
    ///
    /// # Errors
    /// When names or keys are not usable.
    ///
    /// ```
    /// use bulla_sealing::{ConfigLeaf, ConfigNode, SigningKey};
    /// let public = |seed| SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
    /// let node = ConfigNode { name: "alpha".into(), public_key: public(2) };
    /// let genesis = ConfigLeaf::genesis("ledger.example/tools", public(1), vec![node])?;
    /// assert_eq!(ConfigLeaf::decode(&genesis.encode())?, genesis);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn genesis(origin: &str, log_key: [u8; 32], nodes: Vec<ConfigNode>) -> Result<ConfigLeaf, KeyError> {
        if origin == origin_of(Uuid::nil()) {
            return Err(KeyError::ReservedName { name: origin.into() });
        }
        ConfigLeaf::first(origin, log_key, nodes)
    }

    /// As [`ConfigLeaf::genesis`], with the origin `bulla/<ledger id>`.
    ///
    /// The origin stands in the leaf from which the ledger id is derived, so there it is written
    /// with the nil UUID while the id is derived.
    ///
    /// # Errors
    /// When names or keys are not usable.
    pub fn genesis_named_by_id(log_key: [u8; 32], nodes: Vec<ConfigNode>) -> Result<ConfigLeaf, KeyError> {
        let mut config = ConfigLeaf::first(&origin_of(Uuid::nil()), log_key, nodes)?;
        config.origin = origin_of(config.ledger_id);
        Ok(config)
    }

    /// The leaf.
    ///
    /// # Panics
    /// When the config breaks a rule that [`ConfigLeaf::decode`] checks.
    pub fn encode(&self) -> Vec<u8> {
        if let Err(error) = self.check() {
            panic!("a wrong config was about to be encoded: {error}");
        }
        self.bytes()
    }

    /// The inverse of [`ConfigLeaf::encode`].
    ///
    /// # Errors
    /// When the bytes are of an unknown format, break a rule, name a signer twice, or claim a
    /// ledger id that the genesis does not derive.
    pub fn decode(leaf: &[u8]) -> Result<ConfigLeaf, DecodeError> {
        Prefix::expect(leaf, KIND_CONFIG, 0)?;
        let mut cursor = Cursor::new(&leaf[Prefix::BYTES..]);
        let ledger_id = cursor.uuid()?;
        let config_seq = cursor.u64()?;
        let first_height = cursor.u64()?;
        let prev_config = cursor.hash()?;
        rule(cursor.u16()? == 0, "reserved", "is zero")?;
        let node_count = cursor.u16()?;
        let origin = cursor.string("origin")?;
        let log_key = cursor.array()?;
        let nodes = (0..node_count).map(|_| read_node(&mut cursor)).collect::<Result<_, _>>()?;
        cursor.finish()?;
        let config = ConfigLeaf { ledger_id, config_seq, first_height, prev_config, origin, log_key, nodes };
        config.check()?;
        Ok(config)
    }

    /// Hash of this config as a leaf: what headers carry while it is in force.
    ///
    /// # Panics
    /// As [`ConfigLeaf::encode`].
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.encode())
    }

    fn first(origin: &str, log_key: [u8; 32], nodes: Vec<ConfigNode>) -> Result<ConfigLeaf, KeyError> {
        let mut config = ConfigLeaf {
            ledger_id: Uuid::nil(),
            config_seq: 0,
            first_height: 0,
            prev_config: Hash::ZERO,
            origin: origin.to_owned(),
            log_key,
            nodes,
        };
        check_keys(&config.origin, &config.log_key, &config.nodes, &[])?;
        config.ledger_id = config.derived_ledger_id();
        Ok(config)
    }

    fn check(&self) -> Result<(), DecodeError> {
        let genesis = self.config_seq == 0;
        check_keys(&self.origin, &self.log_key, &self.nodes, &[])?;
        rule(self.origin != origin_of(Uuid::nil()), "origin", "does not name the nil ledger")?;
        rule((self.first_height == 0) == genesis, "first_height", "is 0 in the genesis and only there")?;
        rule((self.prev_config == Hash::ZERO) == genesis, "prev_config", "is zero in the genesis and only there")?;
        rule(!genesis || self.ledger_id == self.derived_ledger_id(), "ledger_id", "is derived from the genesis leaf")
    }

    fn derived_ledger_id(&self) -> Uuid {
        let named_by_id = self.origin == origin_of(self.ledger_id);
        let zeroed = ConfigLeaf {
            ledger_id: Uuid::nil(),
            origin: match named_by_id {
                true => origin_of(Uuid::nil()),
                false => self.origin.clone(),
            },
            ..self.clone()
        };
        ledger_id(&zeroed.bytes())
    }

    fn bytes(&self) -> Vec<u8> {
        let node_count = u16::try_from(self.nodes.len()).expect("at most NODES_MAX nodes");
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&Prefix::bytes(KIND_CONFIG, 0));
        bytes.extend_from_slice(self.ledger_id.as_bytes());
        bytes.extend_from_slice(&self.config_seq.to_be_bytes());
        bytes.extend_from_slice(&self.first_height.to_be_bytes());
        bytes.extend_from_slice(&self.prev_config.0);
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&node_count.to_be_bytes());
        put_string(&mut bytes, &self.origin);
        bytes.extend_from_slice(&self.log_key);
        for node in &self.nodes {
            put_string(&mut bytes, &node.name);
            bytes.push(SignatureType::Cosignature as u8);
            bytes.extend_from_slice(&KEY_BYTES.to_be_bytes());
            bytes.extend_from_slice(&node.public_key);
        }
        bytes
    }
}

fn read_node(cursor: &mut Cursor<'_>) -> Result<ConfigNode, DecodeError> {
    let name = cursor.string("node name")?;
    let key_type = cursor.u8()?;
    rule(key_type == SignatureType::Cosignature as u8, "key type", "is 04, cosignature/v1")?;
    rule(cursor.u16()? == KEY_BYTES, "public key", "is 32 bytes long")?;
    Ok(ConfigNode { name, public_key: cursor.array()? })
}

fn origin_of(ledger_id: Uuid) -> String {
    format!("bulla/{ledger_id}")
}

const KEY_BYTES: u16 = 32;

// The longest names and the most nodes that check_keys lets through still fit in a leaf.
const _: () = assert!(128 + 257 + 32 + crate::keys::NODES_MAX * (257 + 3 + 32) <= LEAF_BYTES_MAX);
