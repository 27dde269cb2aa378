#!/usr/bin/env python3
"""Verifies proofs of a bulla ledger: written from SPEC.md beside it, sharing no code with the Rust crate.

    python3 verifier.py PROOF POLICY            a receipt, a state proof or a certificate:
                                                0 verified, 1 invalid, 2 cannot verify
    python3 verifier.py --vectors FILE...       judges test vectors; 0 when it judges all as they say

Needs the package `cryptography`, for Ed25519. The numbers in comments are the sections of SPEC.md.
"""

import base64
import binascii
import hashlib
import json
import string
import sys
import unicodedata
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ZERO = bytes(32)
NIL = uuid.UUID(int=0)
NO_LIMIT = 1 << 64


class Refused(Exception):
    """A rule is broken; the name is the specification's."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name

    def cannot_verify(self):
        return self.name.rsplit(".", 1)[-1] in {
            "UnknownFormat", "UnknownExtra", "UnknownMagic", "UnknownKind", "UnknownFlags",
        }


def require(holds, name):
    if not holds:
        raise Refused(name)


class part:
    """Puts the name of a part before the errors found in it."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, Refused):
            raise Refused(f"{self.name}.{error.name}") from None


# --- 1. Notation ---------------------------------------------------------------------------------

WHITE_SPACE = {*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F,
               0x3000}


def is_white(character):
    return ord(character) in WHITE_SPACE


def is_control(character):
    return ord(character) < 0x20 or 0x7F <= ord(character) <= 0x9F


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u(length, number):
    return number.to_bytes(length, "big")


def from_base64(text):
    """The bytes, or None when an encoder would not have written this."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def from_decimal(text):
    digits = 0 < len(text) <= 20 and all("0" <= c <= "9" for c in text) and (text == "0" or text[0] != "0")
    return int(text) if digits and int(text) < NO_LIMIT else None


def from_uuid(text):
    """The UUID, or None when it is not written as section 1 says."""
    digits = [text[start:end] for start, end in [(0, 8), (9, 13), (14, 18), (19, 23), (24, 36)]]
    right = "-".join(digits) == text and all(digit in "0123456789abcdef" for digit in "".join(digits))
    return uuid.UUID(text) if right and len(text) == 36 else None


def from_utf8(data, name):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(name) from None


class Reader:
    """Reads bytes front to back."""

    def __init__(self, data):
        self.data, self.place = data, 0

    def take(self, length):
        require(self.place + length <= len(self.data), "Truncated")
        self.place += length
        return self.data[self.place - length:self.place]

    def number(self, length):
        return int.from_bytes(self.take(length), "big")

    def uuid(self):
        return uuid.UUID(bytes=self.take(16))

    def end(self):
        require(self.place == len(self.data), "TrailingBytes")


# --- 2. The Merkle log ---------------------------------------------------------------------------

EMPTY_ROOT = sha256()


def leaf_hash(leaf):
    return sha256(b"\x00", leaf)


def node_hash(left, right):
    return sha256(b"\x01", left, right)


def siblings(node, last):
    """On which side the siblings stand, from the leaf up."""
    sides = []
    while last > 0:
        if node % 2 == 1:
            sides.append("left")
        elif node < last:
            sides.append("right")
        node //= 2
        last //= 2
    return sides


def check_length(needed, found):
    require(needed <= 63, "TooLong")
    require(needed == found, "WrongLength")


def verify_inclusion(leaf_index, size, hashed, path, root):
    require(leaf_index < size, "IndexBeyondSize")
    sides = siblings(leaf_index, size - 1)
    check_length(len(sides), len(path))
    for side, sibling in zip(sides, path):
        hashed = node_hash(sibling, hashed) if side == "left" else node_hash(hashed, sibling)
    require(hashed == root, "RootMismatch")


def verify_consistency(size1, size2, proof, root1, root2):
    require(size1 != 0, "SizeZero")
    require(size1 <= size2, "SizesDecrease")
    if size1 == size2:
        require(not proof, "WrongLength")
        require(root1 == root2, "RootMismatch")
        return
    level = (size1 & -size1).bit_length() - 1
    sides = siblings((size1 - 1) >> level, (size2 - 1) >> level)
    whole = size1 & (size1 - 1) == 0
    check_length(len(sides) + (0 if whole else 1), len(proof))
    seed, steps = (root1, proof) if whole else (proof[0], proof[1:])
    earlier = later = seed
    for side, sibling in zip(sides, steps):
        if side == "left":
            earlier = node_hash(sibling, earlier)
            later = node_hash(sibling, later)
        else:
            later = node_hash(later, sibling)
    require(earlier == root1, "EarlierRootMismatch")
    require(later == root2, "RootMismatch")


def root_before_last(path):
    if not path:
        return EMPTY_ROOT
    hashed = path[0]
    for taller in path[1:]:
        hashed = node_hash(taller, hashed)
    return hashed


# --- 3. Leaves -----------------------------------------------------------------------------------

MAGIC = b"BUL\x01"
RECORD_KINDS = {0x01: "register", 0x02: "issue", 0x03: "transfer", 0x04: "retire", 0x05: "redeem", 0x0D: "amend",
                0x12: "incident", 0x20: "erase", 0x30: "enroll", 0x31: "define"}
HEADER_KIND, CONFIG_KIND = 0x10, 0x11


def read_prefix(leaf):
    require(len(leaf) >= 8, "Truncated")
    require(leaf[:4] == MAGIC, "UnknownMagic")
    require(leaf[6:8] == bytes(2), "Invalid.reserved")
    return leaf[4], leaf[5]


def expect_length(leaf, length):
    require(len(leaf) >= length, "Truncated")
    require(len(leaf) == length, "TrailingBytes")


def read_record(leaf):
    kind, flags = read_prefix(leaf)
    require(kind in RECORD_KINDS, "UnknownKind")
    require(flags & 0xF0 == 0, "UnknownFlags")
    expect_length(leaf, 176)
    reader = Reader(leaf[8:])
    record = {
        "kind": RECORD_KINDS[kind],
        "flags": flags,
        "leaf_index": reader.number(8),
        "record_id": reader.uuid(),
        "asset_id": reader.uuid(),
        "asset_seq": reader.number(8),
        "prev_leaf": reader.number(8),
        "prev_leaf_to": reader.number(8),
        "ref_leaf": reader.number(8),
        "from": reader.uuid(),
        "to": reader.uuid(),
        "quantity": reader.number(16),
        "time_us": reader.number(8),
        "event_time_us": reader.number(8),
        "payload_commit": reader.take(32),
    }
    if not flags & 1:
        require(record["payload_commit"] == ZERO, "Invalid.payload_commit")
        record["payload_commit"] = None
    return record


def payload_commit(salt, payload):
    return sha256(b"bulla/payload/v1\0", salt, payload)


def read_header(leaf):
    kind, flags = read_prefix(leaf)
    require(kind == HEADER_KIND, "WrongKind")
    require(flags == 1, "UnknownFlags")
    expect_length(leaf, 296)
    reader = Reader(leaf[8:])
    header = {"ledger_id": reader.uuid(), "table_id": reader.uuid()}
    for field in ["leaf_index", "height", "first_leaf", "record_count", "opened_us", "closed_us", "raft_term",
                  "raft_index"]:
        header[field] = reader.number(8)
    for field in ["records_root", "log_root", "state_root", "prev_header", "config", "reserved_2"]:
        header[field] = reader.take(32)
    require(header.pop("reserved_2") == ZERO, "Invalid.reserved")
    genesis = header["height"] == 0
    derived = table_id(header["ledger_id"], header["height"], header["prev_header"])
    require(header["table_id"] == derived, "Invalid.table_id")
    fits = header["leaf_index"] == header["first_leaf"] + header["record_count"]
    require(fits and header["leaf_index"] < NO_LIMIT - 1, "Invalid.leaf_index")
    require((header["first_leaf"] == 0) == genesis, "Invalid.first_leaf")
    require(header["first_leaf"] >= header["height"], "Invalid.height")
    require(header["opened_us"] <= header["closed_us"], "Invalid.closed_us")
    require(header["record_count"] > 0 or header["records_root"] == EMPTY_ROOT, "Invalid.records_root")
    require(not genesis or header["log_root"] == header["records_root"], "Invalid.log_root")
    require((header["prev_header"] == ZERO) == genesis, "Invalid.prev_header")
    return header


def read_text(reader, field):
    return from_utf8(reader.take(reader.number(2)), f"Invalid.{field}")


def read_config(leaf):
    kind, flags = read_prefix(leaf)
    require(kind == CONFIG_KIND, "WrongKind")
    require(flags == 0, "UnknownFlags")
    reader = Reader(leaf)
    reader.take(8)
    config = {
        "ledger_id": reader.uuid(),
        "config_seq": reader.number(8),
        "first_height": reader.number(8),
        "prev_config": reader.take(32),
    }
    require(reader.number(2) == 0, "Invalid.reserved")
    node_count = reader.number(2)
    config["origin"] = read_text(reader, "origin")
    config["log_key"] = reader.take(32)
    config["nodes"] = []
    for _ in range(node_count):
        name = read_text(reader, "node_name")
        require(reader.number(1) == COSIGNATURE, "Invalid.key_type")
        require(reader.number(2) == 32, "Invalid.public_key")
        config["nodes"].append((name, reader.take(32)))
    reader.end()
    with part("Keys"):
        check_keys(config["origin"], config["log_key"], config["nodes"], [])
    genesis = config["config_seq"] == 0
    require(config["origin"] != f"bulla/{NIL}", "Invalid.origin")
    require((config["first_height"] == 0) == genesis, "Invalid.first_height")
    require((config["prev_config"] == ZERO) == genesis, "Invalid.prev_config")
    if genesis:
        require(config["ledger_id"] == ledger_id(leaf, config["ledger_id"], config["origin"]), "Invalid.ledger_id")
    return config


def uuid8(digest):
    data = bytearray(digest[:16])
    data[6] = data[6] & 0x0F | 0x80
    data[8] = data[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(data))


def ledger_id(genesis, stated, origin):
    hashed = bytearray(genesis)
    hashed[8:24] = NIL.bytes
    if origin == f"bulla/{stated}":
        hashed[78:78 + len(origin)] = f"bulla/{NIL}".encode()
    return uuid8(sha256(b"bulla/ledger/v1\0", bytes(hashed)))


def table_id(ledger, height, prev_header):
    return uuid8(sha256(b"bulla/table/v1\0", ledger.bytes, u(8, height), prev_header))


def named_id(ledger, sort, name):
    name = unicodedata.normalize("NFC", name)
    data = name.encode()
    require(data, "Empty")
    require(len(data) <= 128, "TooLong")
    require(not any(map(is_control, name)), "ControlCharacter")
    require(not is_white(name[0]) and not is_white(name[-1]), "OuterWhiteSpace")
    return uuid8(sha256(b"bulla/name/v1\0", ledger.bytes, u(1, sort), data))


# --- 4. Keys, notes and signatures ---------------------------------------------------------------

LOG, COSIGNATURE = 0x01, 0x04
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
L = 2**252 + 27742317777372353535851937790883648493


def is_key_name(name):
    strange = any(is_white(c) or is_control(c) or c == "+" for c in name)
    return 1 <= len(name.encode()) <= 255 and not strange


def decode_point(data):
    """The point (x, y), or None."""
    number = int.from_bytes(data, "little")
    y = (number & (1 << 255) - 1) % P
    numerator, denominator = (y * y - 1) % P, (D * y * y + 1) % P
    x = numerator * pow(denominator, 3, P) * pow(numerator * pow(denominator, 7, P), (P - 5) // 8, P) % P
    if denominator * x * x % P == -numerator % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if denominator * x * x % P != numerator:
        return None
    return (P - x if x and x % 2 != number >> 255 else x, y)


def of_small_order(point):
    """Whether eight times the point is the neutral element."""
    x, y = point
    for _ in range(3):
        product = D * x * x * y * y % P
        x, y = (2 * x * y * pow(1 + product, -1, P) % P, (y * y + x * x) * pow(1 - product, -1, P) % P)
    return (x, y) == (0, 1)


def is_usable_point(data):
    point = decode_point(data)
    return point is not None and not of_small_order(point)


def check_keys(origin, log_key, nodes, witnesses):
    require(len(nodes) <= 64 and len(witnesses) <= 64, "TooManyNodes")
    require(nodes, "NoNodes")
    require(is_key_name(origin), "BadName")
    require(is_usable_point(log_key), "BadKey")
    names, keys = set(), {log_key}
    for name, key in [*nodes, *witnesses]:
        require(is_key_name(name), "BadName")
        require(is_usable_point(key), "BadKey")
        require(name not in {"none", "voters"}, "ReservedName")
        require(name not in names, "SameName")
        require(key not in keys, "SameKey")
        names.add(name)
        keys.add(key)


def verify_signature(key, message, signature):
    require(len(signature) == 64 and is_usable_point(key) and is_usable_point(signature[:32]), "BadSignature")
    require(int.from_bytes(signature[32:], "little") < L, "BadSignature")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise Refused("BadSignature") from None


def key_id(name, sort, key):
    return sha256(name.encode(), b"\n", u(1, sort), key)[:4]


def read_verifier_key(text):
    name, plus, rest = text.partition("+")
    stated_id, another_plus, material = rest.partition("+")
    require(plus and another_plus and is_key_name(name), "Form")
    material = from_base64(material)
    require(material, "Form")
    sort, key = material[0], material[1:]
    require(sort in {LOG, COSIGNATURE}, "SignatureType")
    require(len(key) == 32, "Form")
    require(stated_id == key_id(name, sort, key).hex(), "KeyId")
    return name, sort, key


def read_checkpoint(text):
    lines = text.split("\n")
    require(len(lines) == 4 and lines[3] == "", "Lines")
    require(is_key_name(lines[0]), "Origin")
    size = from_decimal(lines[1])
    require(size is not None, "Size")
    root = from_base64(lines[2])
    require(root is not None and len(root) == 32, "Root")
    return {"origin": lines[0], "size": size, "root": root}


def read_note(text):
    """The text that is signed, and (name, key id, signature) of each line."""
    require(not any(c < " " and c != "\n" for c in text), "ControlCharacter")
    cut = text.rfind("\n\n")
    require(cut >= 0, "NoEmptyLine")
    signed, lines = text[:cut + 1], text[cut + 2:].split("\n")
    require(len(lines) > 1 and lines.pop() == "", "SignatureLine")
    signatures = []
    for line in lines:
        require(line.startswith("\u2014 "), "SignatureLine")
        name, space, encoded = line[2:].partition(" ")
        require(space and name and not any(is_white(c) or c == "+" for c in name), "SignatureLine")
        data = from_base64(encoded)
        require(data is not None and len(data) >= 5, "SignatureLine")
        signatures.append((name, data[:4], data[4:]))
    require(len(signatures) <= 256, "TooManySignatures")
    return signed, signatures


def verify_log_line(key, text, signature):
    verify_signature(key, text.encode(), signature)


def verify_cosignature(key, text, signature):
    require(len(signature) == 72, "BadSignature")
    time_s = int.from_bytes(signature[:8], "big")
    require(time_s < 1 << 63, "BadSignature")
    verify_signature(key, f"cosignature/v1\ntime {time_s}\n{text}".encode(), signature[8:])
    return time_s


# --- 5. Policy -----------------------------------------------------------------------------------

URN = "urn:uuid:"


def read_ledger_id(text):
    digits = text.translate({ord(sign): None for sign in "-{}"})
    require(len(digits) == 32 and all(digit in string.hexdigits for digit in digits), "Form")
    read = from_uuid(text)
    require(read is not None, "LedgerId")
    return read


class PolicyLines:
    """What the lines of a policy file said so far."""

    def __init__(self):
        self.log = self.quorum = None
        self.witnesses = {}
        self.groups = {}

    def defines(self, word):
        return word == "none" or word in self.witnesses or word in self.groups

    def read(self, line):
        require(not any(c != "\t" and (c < " " or c == "\x7f") for c in line), "ControlCharacter")
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if not words or words[0].startswith("#"):
            return
        first, count = words[0], len(words)
        if first == "log" and count == 3:
            self.read_log(*words[1:])
        elif first == "witness" and count in (3, 4):
            self.read_witness(*words[1:3])
        elif first == "group" and count >= 4:
            self.read_group(words[1], words[2], words[3:])
        elif first == "quorum" and count == 2:
            self.read_quorum(words[1])
        else:
            raise Refused("Form")

    def read_log(self, key, url):
        require(self.log is None, "Twice")
        require(url.startswith(URN), "Form")
        ledger = read_ledger_id(url[len(URN):])
        self.log = (*self.read_key(key, LOG), ledger)

    def read_witness(self, word, key):
        require(not self.defines(word), "Twice")
        self.witnesses[word] = self.read_key(key, COSIGNATURE)

    def read_key(self, text, sort):
        with part("VerifierKey"):
            name, found, key = read_verifier_key(text)
        require(found == sort, "KeyOfWrongType")
        return name, key

    def read_group(self, word, threshold, members):
        require(not self.defines(word), "Twice")
        elsewhere = {member for _, others in self.groups.values() for member in others}
        for place, member in enumerate(members):
            require(member not in elsewhere and member not in members[:place], "Twice")
            require(member in self.witnesses or member in self.groups, "UndefinedName")
        needed = {"all": len(members), "any": 1}.get(threshold, from_decimal(threshold))
        require(needed is not None, "Form")
        require(1 <= needed <= len(members), "Threshold")
        self.groups[word] = (needed, members)

    def read_quorum(self, word):
        require(self.quorum is None, "Twice")
        require(word != "none", "NotAll")
        require(self.defines(word), "UndefinedName")
        self.quorum = word

    def nodes_and_demand(self):
        """The words of the nodes, and that of the demand or None."""
        if self.quorum in self.witnesses:
            return [self.quorum], None
        members = self.all_members(self.quorum)
        if all(member in self.witnesses for member in members):
            return members, None
        require(len(members) == 2, "NotTwo")
        first, demand = members
        if first in self.witnesses:
            return [first], demand
        nodes = self.all_members(first)
        require(all(node in self.witnesses for node in nodes), "NotTwo")
        return nodes, demand

    def all_members(self, word):
        needed, members = self.groups[word]
        require(needed == len(members), "NotAll")
        return members

    def demand(self, word, names):
        """A name, or how many of which demands."""
        if word in self.witnesses:
            return self.witnesses[word][0]
        needed, members = self.groups[word]
        require(word not in names, "Keys.SameName")
        reserved = word in {"none", "voters", "voters+witnesses"} or word.startswith("#")
        require(not reserved, "Keys.ReservedName")
        return (needed, [self.demand(member, names) for member in members])


def read_policy(text):
    lines = PolicyLines()
    for line in text.split("\n"):
        lines.read(line)
    require(lines.log is not None and lines.quorum is not None, "Missing")
    origin, log_key, ledger = lines.log
    words, demand = lines.nodes_and_demand()
    nodes = [lines.witnesses[word] for word in words]
    witnesses = [signer for word, signer in lines.witnesses.items() if word not in words]
    with part("Keys"):
        check_keys(origin, log_key, nodes, witnesses)
    names = {name for name, _ in [*nodes, *witnesses]}
    return {
        "origin": origin,
        "ledger_id": ledger,
        "log_key": log_key,
        "nodes": nodes,
        "witnesses": witnesses,
        "demand": None if demand is None else lines.demand(demand, names),
    }


def is_met(demand, signed):
    if isinstance(demand, str):
        return demand in signed
    needed, members = demand
    return sum(is_met(member, signed) for member in members) >= needed


def verify_seal(note, policy):
    """The checkpoint, and (name, time) of the nodes and of the witnesses that signed."""
    text, signatures = note
    with part("NotACheckpoint"):
        checkpoint = read_checkpoint(text)
    require(checkpoint["origin"] == policy["origin"], "UnknownOrigin")

    def line_of(name, sort, key, verify):
        found = [line for line in signatures if line[:2] == (name, key_id(name, sort, key))]
        require(len(found) <= 1, "RepeatedSignature")
        return (name, verify(key, text, found[0][2])) if found else None

    log = line_of(policy["origin"], LOG, policy["log_key"], verify_log_line)
    nodes = [line_of(name, COSIGNATURE, key, verify_cosignature) for name, key in policy["nodes"]]
    witnesses = [line_of(name, COSIGNATURE, key, verify_cosignature) for name, key in policy["witnesses"]]
    require(log, "LogSignatureMissing")
    require(all(nodes), "NodesMissing")
    witnesses = [witness for witness in witnesses if witness]
    demand = policy["demand"]
    require(demand is None or is_met(demand, [name for name, _ in witnesses]), "WitnessesMissing")
    return checkpoint, nodes, witnesses


# --- 6. Receipt ----------------------------------------------------------------------------------

FIRST_LINE = "c2sp.org/tlog-proof@v1\n"
EXTRA_MAGIC = b"BULR\x01"


def read_extra(data):
    require(data.startswith(EXTRA_MAGIC), "UnknownExtra")
    with part("Extra"):
        reader = Reader(data)
        reader.take(5)
        record = reader.take(reader.number(2))
        flag = reader.number(1)
        require(flag in (0, 1), "Invalid.payload_flag")
        payload = (reader.take(32), reader.take(reader.number(4))) if flag else None
        header = reader.take(reader.number(2))
        header_path = [reader.take(32) for _ in range(reader.number(1))]
        reader.end()
    return record, payload, header, header_path


def read_receipt(data):
    require(len(data) <= 262_144, "TooLong")
    text = from_utf8(data, "NotUtf8")
    require(text.startswith(FIRST_LINE), "UnknownFormat")
    proof, empty, note = text[len(FIRST_LINE):].partition("\n\n")
    require(empty, "NoCheckpoint")
    lines = proof.split("\n")
    extra = from_base64(lines[0][6:]) if lines[0].startswith("extra ") else None
    require(extra is not None and len(extra) <= 48_000, "ExtraLine")
    record, payload, header, header_path = read_extra(extra)
    index = from_decimal(lines[1][6:]) if len(lines) > 1 and lines[1].startswith("index ") else None
    require(index is not None, "IndexLine")
    path = [from_base64(line) for line in lines[2:]]
    require(all(hashed is not None and len(hashed) == 32 for hashed in path), "PathLine")
    require(len(path) <= 63 and len(header_path) <= 63, "PathTooLong")
    with part("Note"):
        note = read_note(note)
    with part("Checkpoint"):
        read_checkpoint(note[0])
    return record, payload, header, header_path, index, path, note


# --- 7. Verification -----------------------------------------------------------------------------


def verify_receipt(data, policy):
    """What the receipt proves, in words; raises Refused."""
    with part("Malformed"):
        record_leaf, payload, header_leaf, header_path, index, path, note = read_receipt(data)
    with part("Seal"):
        checkpoint, nodes, witnesses = verify_seal(note, policy)
    with part("Record"):
        record = read_record(record_leaf)
    require(record["leaf_index"] == index, "RecordIndex")
    with part("RecordPath"):
        verify_inclusion(index, checkpoint["size"], leaf_hash(record_leaf), path, checkpoint["root"])
    with part("Header"):
        header = read_header(header_leaf)
    require(header["ledger_id"] == policy["ledger_id"], "OtherLedger")
    with part("HeaderPath"):
        hashed = leaf_hash(header_leaf)
        verify_inclusion(header["leaf_index"], checkpoint["size"], hashed, header_path, checkpoint["root"])
    require(header["first_leaf"] <= index < header["leaf_index"], "NotInBlock")
    if header["leaf_index"] + 1 == checkpoint["size"]:
        require(root_before_last(header_path) == header["log_root"], "LogRoot")
    if payload is not None:
        require(record["payload_commit"] is not None, "PayloadNotCommitted")
        require(payload_commit(*payload) == record["payload_commit"], "PayloadMismatch")
    return words(record, payload, header, checkpoint, nodes, witnesses)


def words(record, payload, header, checkpoint, nodes, witnesses):
    if payload is not None:
        said = f"{len(payload[1])} bytes, as the record committed to"
    elif record["payload_commit"] is not None:
        said = "committed to by the record, not in this receipt"
    else:
        said = "none"
    signed = [f"           {name} at {utc(time_s)}Z" for name, time_s in nodes]
    witnessed = [f"           {name} at {utc(time_s)}Z" for name, time_s in witnesses]
    lines = [
        "The record is in the ledger, and its block is sealed.",
        f"record     leaf {record['leaf_index']} of the log",
        f"payload    {said}",
        f"block      height {header['height']}",
        f"table      {header['table_id']}",
        f"opened     {utc_us(header['opened_us'])}",
        f"closed     {utc_us(header['closed_us'])}",
        f"ledger     {header['ledger_id']}",
        f"log        {checkpoint['origin']}",
        f"size       {checkpoint['size']} leaves",
        f"root       {checkpoint['root'].hex()}",
        f"signed by  the log, and all {len(nodes)} nodes:",
        *signed,
        f"witnesses  {len(witnesses)}:" if witnesses else "witnesses  none",
        *witnessed,
    ]
    return "".join(f"{line}\n" for line in lines)


def utc_us(time_us):
    return f"{utc(time_us // 1_000_000)}.{time_us % 1_000_000:06}Z"


def utc(time_s):
    # Years beyond 9999 are times too, so not the datetime module.
    days, second = divmod(time_s, 86_400)
    year = 1970 + 400 * (days // 146_097)
    days %= 146_097
    while days >= 365 + is_leap(year):
        days -= 365 + is_leap(year)
        year += 1
    month = 0
    for length in [31, 28 + is_leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]:
        month += 1
        if days < length:
            break
        days -= length
    return f"{year:04}-{month:02}-{days + 1:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def is_leap(year):
    return int(year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))


# --- 11. What is so ------------------------------------------------------------------------------

NO_LEAF = NO_LIMIT - 1


def map_value(state):
    return sha256(b"\x04", state)


def map_leaf(key, value):
    return sha256(b"\x02", key, value)


def map_node(left, right):
    return sha256(b"\x03", left, right)


def asset_key(asset_id):
    return sha256(b"bulla/state/v1\0", asset_id.bytes)


def position_key(asset_id, party_id):
    return sha256(b"bulla/position/v1\0", asset_id.bytes, party_id.bytes)


def read_state(data):
    require(len(data) in {72, 80}, "WrongLength")
    reader = Reader(data)
    state = {"asset_id": reader.uuid()}
    if len(data) == 72:
        state |= {"holder": reader.uuid(), "owner": reader.uuid(), "status": reader.number(1)}
        require(state["status"] <= 1, "UnknownFlag")
        require(reader.take(7) == bytes(7), "ReservedNotZero")
    else:
        state |= {"party_id": reader.uuid(), "available": reader.number(16)}
        require(reader.take(16) == bytes(16), "ReservedNotZero")
    return state | {"seq": reader.number(8), "last_leaf": reader.number(8)}


def is_unique(state):
    return "owner" in state


def state_key(state):
    if is_unique(state):
        return asset_key(state["asset_id"])
    return position_key(state["asset_id"], state["party_id"])


def bit(data, place):
    return data[place // 8] >> (7 - place % 8) & 1


def read_map_proof(data):
    """The siblings, top first, and the key and value of the leaf or None."""
    reader = Reader(data)
    depth = reader.number(2)
    require(depth <= 256, "Invalid.depth")
    bitmap = reader.take((depth + 7) // 8)
    require(not any(bit(bitmap, place) for place in range(depth, 8 * len(bitmap))), "Invalid.bitmap")
    require(depth == 0 or bit(bitmap, depth - 1), "Invalid.bitmap")
    siblings = []
    for place in range(depth):
        siblings.append(reader.take(32) if bit(bitmap, place) else ZERO)
        require(not bit(bitmap, place) or siblings[-1] != ZERO, "Invalid.sibling")
    terminal = reader.number(1)
    require(terminal <= 1, "Invalid.terminal")
    leaf = (reader.take(32), reader.take(32)) if terminal else None
    reader.end()
    return siblings, leaf


def verify_map_proof(proof, key, root):
    """The value under the key, or None."""
    siblings, leaf = proof
    if leaf is not None:
        require(all(bit(leaf[0], place) == bit(key, place) for place in range(len(siblings))), "OtherPlace")
    hashed = ZERO if leaf is None else map_leaf(*leaf)
    for place in reversed(range(len(siblings))):
        pair = (siblings[place], hashed) if bit(key, place) else (hashed, siblings[place])
        hashed = map_node(*pair)
    require(hashed == root, "RootMismatch")
    return leaf[1] if leaf is not None and leaf[0] == key else None


def read_claim(data):
    reader = Reader(data)
    key = reader.take(32)
    state = reader.take(reader.number(2))
    proof = read_map_proof(data[reader.place:])
    require(not state or proof[1] is not None, "Invalid.claim")
    return key, state or None, proof


class ProofLines:
    """The lines of a state proof or certificate, each of which its place calls for."""

    def __init__(self, data, first_line, bytes_max):
        require(len(data) <= bytes_max, "TooLong")
        text = from_utf8(data, "NotUtf8")
        require(text.startswith(first_line), "UnknownFormat")
        lines, empty, note = text[len(first_line):].partition("\n\n")
        require(empty, "NoCheckpoint")
        with part("Note"):
            self.note = read_note(note)
        with part("Checkpoint"):
            read_checkpoint(self.note[0])
        self.lines = lines.split("\n")

    def next_is(self, word):
        return bool(self.lines) and self.lines[0].startswith(f"{word} ")

    def take(self, word):
        require(self.next_is(word), "Line")
        return self.lines.pop(0)[len(word) + 1:]

    def take_bytes(self, word):
        data = from_base64(self.take(word))
        require(data is not None, "Line")
        return data

    def take_claim(self):
        data = self.take_bytes("claim")
        with part("Bytes"):
            return read_claim(data)

    def take_proof(self, claims_max):
        header, path, claims = self.take_bytes("header"), read_path(self.take("path")), [self.take_claim()]
        while len(claims) < claims_max and self.next_is("claim"):
            claims.append(self.take_claim())
        return {"header": header, "path": path, "claims": claims, "note": self.note}

    def take_record(self):
        leaf, space, path = self.take("record").partition(" ")
        leaf = from_base64(leaf)
        require(space and leaf is not None, "Line")
        return leaf, read_path(path)

    def end(self):
        require(not self.lines, "LeftOver")


def read_path(text):
    data = from_base64(text)
    require(data is not None and len(data) % 32 == 0 and len(data) <= 63 * 32, "Line")
    return [data[place:place + 32] for place in range(0, len(data), 32)]


STATE_PROOF_FIRST_LINE, CERTIFICATE_FIRST_LINE = "bulla/state-proof@v1\n", "bulla/certificate@v1\n"


def read_state_proof(data):
    lines = ProofLines(data, STATE_PROOF_FIRST_LINE, 262_144)
    proof = lines.take_proof(8)
    lines.end()
    return proof


def read_certificate(data):
    lines = ProofLines(data, CERTIFICATE_FIRST_LINE, 33_554_432)
    proof = lines.take_proof(1)
    records = [lines.take_record()]
    while len(records) < 10_000 and lines.next_is("record"):
        records.append(lines.take_record())
    lines.end()
    return proof, records


def verify_states(proof, policy):
    """Each key with its state or None, the header, and the checkpoint."""
    with part("Seal"):
        checkpoint, _, _ = verify_seal(proof["note"], policy)
    with part("Header"):
        header = read_header(proof["header"])
    require(header["ledger_id"] == policy["ledger_id"], "OtherLedger")
    require(header["leaf_index"] + 1 == checkpoint["size"], "NotLast")
    with part("HeaderPath"):
        hashed = leaf_hash(proof["header"])
        verify_inclusion(header["leaf_index"], checkpoint["size"], hashed, proof["path"], checkpoint["root"])
    require(root_before_last(proof["path"]) == header["log_root"], "LogRoot")
    states = [verify_claim(claim, header["state_root"]) for claim in proof["claims"]]
    return states, header, checkpoint


def verify_claim(claim, root):
    key, state, proof = claim
    with part("Claim"):
        value = verify_map_proof(proof, key, root)
    if state is not None and value is not None:
        require(map_value(state) == value, "OtherState")
    else:
        require(value is None, "NotAbsent")
        require(state is None, "Absent")
    return key, state


def verify_state_proof(data, policy):
    with part("Malformed"):
        proof = read_state_proof(data)
    return verify_states(proof, policy)


def look_up(states, asset_id, party_id):
    """The state of an asset, or of a party's units of it, or None when there is none."""
    keys = [asset_key(asset_id), position_key(asset_id, party_id or NIL)]
    if states == [(key, None) for key in keys]:
        return None
    (key, data), *others = states
    require(not others and key in keys and data is not None, "OtherKeys")
    with part("State"):
        state = read_state(data)
    require(state_key(state) == key, "OtherKey")
    return state


def verify_certificate(data, policy):
    """The state, the records that led to it, newest first, the header, and the checkpoint."""
    with part("Malformed"):
        proof, proven = read_certificate(data)
    with part("State"):
        [(key, state)], header, checkpoint = verify_states(proof, policy)
    records = []
    for leaf, path in proven:
        with part("Record"):
            records.append(read_record(leaf))
        with part("RecordPath"):
            at = records[-1]["leaf_index"]
            verify_inclusion(at, checkpoint["size"], leaf_hash(leaf), path, checkpoint["root"])
    with part("Custody"):
        with part("State"):
            state = read_state(state or b"")
        require(state_key(state) == key, "OtherKey")
        left = state
        for record in records:
            require(left is not None, "Superfluous")
            with part("Undo"):
                left = undone(left, record)
        require(left is None, "Missing")
    return state, records, header, checkpoint


def undone(state, record):
    """The state before the last record that led to it, or None when there was none."""
    require(record["leaf_index"] == state["last_leaf"], "OtherLeaf")
    is_of_asset = record["kind"] in {"register", "issue", "transfer", "retire", "redeem", "amend"}
    require(is_of_asset and record["asset_id"] == state["asset_id"], "OtherChain")
    before, link = (undone_unique if is_unique(state) else undone_position)(state, record)
    if state["seq"] == 0:
        require(link == NO_LEAF and before is None, "Link")
        return None
    require(link < state["last_leaf"] and before is not None, "Link")
    return state | before | {"seq": state["seq"] - 1, "last_leaf": link}


def undone_unique(state, record):
    require(not record["flags"] & 2, "OtherChain")
    require(record["asset_seq"] == state["seq"], "OtherSeq")
    kind, giver, receiver = record["kind"], record["from"], record["to"]
    title, custody = bool(record["flags"] & 4), bool(record["flags"] & 8)
    owner, holder, retired = state["owner"], state["holder"], state["status"] == 1
    if kind == "register":
        before, fits = None, not retired and owner == holder == receiver
    elif kind == "transfer":
        before = {"owner": giver if title else owner, "holder": giver if custody else holder}
        moved = (title or custody) and (not title or owner == receiver) and (not custody or holder == receiver)
        fits = not retired and moved
    elif kind == "retire":
        before, fits = {"status": 0}, retired and owner == giver
    else:
        require(kind == "amend", "OtherChain")
        before, fits = {}, not retired
    require(fits, "OtherOutcome")
    return before, record["prev_leaf"]


def undone_position(state, record):
    require(record["flags"] & 2, "OtherChain")
    kind, party = record["kind"], state["party_id"]
    sides = {"register": (NIL, None), "amend": (NIL, None), "retire": (None, None)}
    giver, receiver = sides.get(kind, (record["from"], record["to"]))
    require(party in {giver, receiver}, "OtherChain")
    if party == giver:
        require(record["asset_seq"] == state["seq"], "OtherSeq")
    link = record["prev_leaf"] if party == giver else record["prev_leaf_to"]
    nil = {"register": 0, "amend": 0, "issue": -1, "redeem": 1}
    others = {"issue": 1, "transfer": 1, "redeem": 1} if party == giver else {"issue": -1, "transfer": -1}
    sign = (nil if party == NIL else others).get(kind)
    require(sign is not None, "OtherChain")
    available = state["available"] + sign * record["quantity"]
    require(0 <= available < 1 << 128, "OtherOutcome")
    if kind == "register" if party == NIL else state["seq"] == 0:
        require(available == 0, "OtherOutcome")
        return None, link
    return {"available": available}, link


def verify_any(data, policy):
    """What the first line says that it is, in words; what says nothing known is no receipt."""
    if data.startswith(STATE_PROOF_FIRST_LINE.encode()):
        states, header, checkpoint = verify_state_proof(data, policy)
        said = [f"{key.hex()}  {'none' if state is None else state.hex()}" for key, state in states]
    elif data.startswith(CERTIFICATE_FIRST_LINE.encode()):
        state, records, header, checkpoint = verify_certificate(data, policy)
        said = [f"{field:<10} {value}" for field, value in state.items()]
        said += [f"record     leaf {record['leaf_index']}: {record['kind']}" for record in records]
    else:
        return verify_receipt(data, policy)
    said += [f"block      height {header['height']}", f"size       {checkpoint['size']} leaves"]
    return "".join(f"{line}\n" for line in said)


# --- 12. Accept promises --------------------------------------------------------------------------

PROMISE_FIRST_LINE = "bulla-accept/v1"


def read_hash(text):
    data = from_base64(text)
    return data if data is not None and len(data) == 32 else None


def read_promise(data):
    """The promise, its text, and the signature lines."""
    require(len(data) <= 1_024, "TooLong")
    with part("Note"):
        text, signatures = read_note(from_utf8(data, "NotUtf8"))
    first, *lines, end = text.split("\n")
    require(first == PROMISE_FIRST_LINE, "UnknownFormat")
    require(len(lines) == 5 and end == "", "Lines")

    def read(line, word, name, meaning):
        value = meaning(line[len(word):]) if line.startswith(word) else None
        require(value is not None, name)
        return value

    origin, leaf, hashed, table, time = lines
    promise = {
        "origin": read(origin, "origin ", "Origin", lambda text: text if is_key_name(text) else None),
        "leaf_index": read(leaf, "leaf ", "Leaf", from_decimal),
        "leaf_hash": read(hashed, "hash ", "Hash", read_hash),
        "table_id": read(table, "table ", "Table", from_uuid),
        "time_ms": read(time, "time ", "Time", from_decimal),
    }
    return promise, text, signatures


def verify_promise(data, policy):
    with part("Malformed"):
        promise, text, signatures = read_promise(data)
    require(promise["origin"] == policy["origin"], "UnknownOrigin")
    require(len(signatures) == 1, "NotOneSignature")
    name, found_id, signature = signatures[0]
    keys = [key for node, key in policy["nodes"] if (node, key_id(node, LOG, key)) == (name, found_id)]
    require(keys, "UnknownSigner")
    verify_signature(keys[0], text.encode(), signature)
    return {"node": name, **promise}


def fate_of(promise, record_leaf, header_leaf):
    """What a receipt that was verified says to a promise."""
    record, header = read_record(record_leaf), read_header(header_leaf)
    index, hashed = promise["leaf_index"], promise["leaf_hash"]
    if record["leaf_index"] == index:
        if leaf_hash(record_leaf) != hashed:
            return "broken, OtherLeaf"
    elif hashed in (leaf_hash(record_leaf), leaf_hash(record_leaf[:8] + u(8, index) + record_leaf[16:])):
        return "broken, Elsewhere"
    if header["leaf_index"] == index and leaf_hash(header_leaf) != hashed:
        return "broken, OtherLeaf"
    is_here = header["first_leaf"] <= index <= header["leaf_index"]
    is_table = header["table_id"] == promise["table_id"]
    if is_here != is_table:
        return "broken, OtherTable" if is_here else "broken, NotInTable"
    return "kept" if record["leaf_index"] == index else "not comparable"


# --- The test vectors ----------------------------------------------------------------------------


def piece(case, field):
    """Bytes that a vector gives as text, as runs of text, or in hexadecimal."""
    if f"{field}_hex" in case:
        return bytes.fromhex(case[f"{field}_hex"])
    given = case[field]
    runs = [[given, 1]] if isinstance(given, str) else given
    return "".join(text * times for text, times in runs).encode()


def hashes(texts):
    return [bytes.fromhex(text) for text in texts]


def judge_id(case, _):
    ledger = uuid.UUID(case["ledger_id"])
    if case["sort"] == "ledger":
        genesis = bytes.fromhex(case["genesis"])
        return {"id": ledger_id(genesis, ledger, read_config(genesis)["origin"])}
    if case["sort"] == "table":
        return {"id": table_id(ledger, int(case["height"]), bytes.fromhex(case["prev_header"]))}
    return {"id": named_id(ledger, {"asset": 1, "party": 2, "class": 3}[case["sort"]], case["text"])}


def judge_verifier_key(case, _):
    name, sort, key = read_verifier_key(case["text"])
    return {"name": name, "type": sort, "public_key": key, "key_id": key_id(name, sort, key)}


def judge_note(case, _):
    text, signatures = read_note(from_utf8(piece(case, "note"), "NotUtf8"))
    return {"text": text, "signatures": signatures}


def judge_seal(case, file):
    policy = read_policy(file["policies"][case["policy"]])
    checkpoint, nodes, witnesses = verify_seal(read_note(from_utf8(piece(case, "note"), "NotUtf8")), policy)
    return {**checkpoint, "nodes": nodes, "witnesses": witnesses}


def judge_leaf(read):
    def judge(case, _):
        leaf = bytes.fromhex(case["leaf"])
        return {**read(leaf), "leaf_hash": leaf_hash(leaf)}

    return judge


def judge_inclusion(case, _):
    numbers = [int(case[field]) for field in ["leaf_index", "size"]]
    verify_inclusion(*numbers, bytes.fromhex(case["leaf_hash"]), hashes(case["path"]), bytes.fromhex(case["root"]))
    return {}


def judge_consistency(case, _):
    numbers = [int(case[field]) for field in ["size1", "size2"]]
    verify_consistency(*numbers, hashes(case["proof"]), bytes.fromhex(case["root1"]), bytes.fromhex(case["root2"]))
    return {}


def judge_promise(case, file):
    policy = read_policy(file["policies"][case["policy"]])
    promise = verify_promise(piece(case, "promise"), policy)
    if "receipt" not in case:
        return {**promise, "fate": None}
    verify_receipt(piece(case, "receipt"), policy)
    record, _, header, *_ = read_receipt(piece(case, "receipt"))
    return {**promise, "fate": fate_of(promise, record, header)}


def judge_signature(case, _):
    verify_signature(*(bytes.fromhex(case[field]) for field in ["public_key", "message", "signature"]))
    return {}


def judge_state(case, _):
    state = read_state(bytes.fromhex(case["state"]))
    return {"state": state, "key": state_key(state)}


def judge_map_proof(case, _):
    proof = read_map_proof(bytes.fromhex(case["proof"]))
    return {"value": verify_map_proof(proof, bytes.fromhex(case["key"]), bytes.fromhex(case["root"]))}


def judge_state_proof(case, file):
    policy = read_policy(file["policies"][case["policy"]])
    states, header, checkpoint = verify_state_proof(piece(case, "proof"), policy)
    found = {"height": header["height"], "size": checkpoint["size"]}
    if "asset" not in case:
        return {"states": states, **found}
    with part("Lookup"):
        state = look_up(states, uuid.UUID(case["asset"]), uuid.UUID(case["party"]) if "party" in case else None)
    return {"state": state, **found}


def judge_certificate(case, file):
    policy = read_policy(file["policies"][case["policy"]])
    state, records, header, checkpoint = verify_certificate(piece(case, "certificate"), policy)
    leaves = [record["leaf_index"] for record in records]
    return {"state": state, "records": leaves, "height": header["height"], "size": checkpoint["size"]}


JUDGES = {
    "receipts": lambda case, file: {
        "words": verify_receipt(piece(case, "receipt"), read_policy(file["policies"][case["policy"]])),
    },
    "policies": lambda case, _: read_policy(case["text"]),
    "seals": judge_seal,
    "notes": judge_note,
    "checkpoints": lambda case, _: read_checkpoint(case["text"]),
    "verifier keys": judge_verifier_key,
    "records": judge_leaf(read_record),
    "headers": judge_leaf(read_header),
    "configs": judge_leaf(read_config),
    "ids": judge_id,
    "payload commitments": lambda case, _: {
        "payload_commit": payload_commit(bytes.fromhex(case["salt"]), piece(case, "payload")),
    },
    "inclusion": judge_inclusion,
    "consistency": judge_consistency,
    "signatures": judge_signature,
    "promises": judge_promise,
    "states": judge_state,
    "map proofs": judge_map_proof,
    "state proofs": judge_state_proof,
    "certificates": judge_certificate,
}


def as_vector(value):
    """A value as the vectors write it: numbers in decimal, bytes in hexadecimal, both as text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: as_vector(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_vector(held) for held in value]
    return None if value is None else str(value)


def judge_vectors(paths):
    right, wrong = 0, 0
    for path in paths:
        with open(path, encoding="utf-8") as opened:
            file = json.load(opened)
        for case in file["cases"]:
            try:
                found = {"holds": as_vector(JUDGES[file["sort"]](case, file))}
            except Refused as refused:
                found = {"error": refused.name, "cannot_verify": refused.cannot_verify()}
            expected = {key: case[key] for key in ["holds", "error", "cannot_verify"] if key in case}
            if found == expected:
                right += 1
            else:
                wrong += 1
                print(f"{path}: {case['name']}: expected {expected}, found {found}")
    print(f"{right} as expected, {wrong} not")
    return 1 if wrong or not right else 0


def main(arguments):
    if len(arguments) > 1 and arguments[0] == "--vectors":
        return judge_vectors(arguments[1:])
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(arguments[0], "rb") as opened:
            proof = opened.read()
        with open(arguments[1], "rb") as opened:
            policy = read_policy(from_utf8(opened.read(), "NotUtf8"))
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    except Refused as refused:
        print(f"{arguments[1]} is not a policy: {refused.name}", file=sys.stderr)
        return 2
    try:
        said = verify_any(proof, policy)
    except Refused as refused:
        print(f"{'cannot verify' if refused.cannot_verify() else 'invalid'} {refused.name}")
        return 2 if refused.cannot_verify() else 1
    print(f"verified\n{said}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
