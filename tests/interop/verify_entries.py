"""Has the Python package `sigstore` judge entries of a transparency log.

    verify_entries.py TRUSTED_ROOT ENTRIES

TRUSTED_ROOT is a file as sigstore's clients take it, ENTRIES a JSON list of {"name", "entry"}. Prints a line for each:
`<name>: accepted`, or `<name>: refused: <what sigstore says>`. Everything that judges is sigstore's own.
"""

import json
import sys

from sigstore._internal.trust import KeyringPurpose
from sigstore.errors import VerificationError
from sigstore.models import TransparencyLogEntry, TrustedRoot
from sigstore_models.rekor.v1 import TransparencyLogEntry as Entry

root_path, entries_path = sys.argv[1:]
keyring = TrustedRoot.from_file(root_path).rekor_keyring(KeyringPurpose.VERIFY)
with open(entries_path) as entries:
    for one in json.load(entries):
        entry = TransparencyLogEntry(Entry.from_json(json.dumps(one["entry"])))
        try:
            entry._verify(keyring)
            print(f"{one['name']}: accepted")
        except VerificationError as error:
            print(f"{one['name']}: refused: {error}")
