// Has the npm package `@sigstore/verify` judge entries of a transparency log.
//
//     node verify_entries.js MODULES TRUSTED_ROOT ENTRIES
//
// MODULES is the node_modules directory with the package, TRUSTED_ROOT a file as sigstore's clients take it, ENTRIES a
// JSON list of {"name", "entry"}. Prints a line for each: `<name>: accepted`, or `<name>: refused: <what sigstore says>`.
// Everything that judges is sigstore's own.

const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const [modules, rootPath, entriesPath] = process.argv.slice(2);
const load = createRequire(path.resolve(modules, "..", "beside.js"));
const { toTrustMaterial, VerificationError } = load("@sigstore/verify");
const { verifyTLogInclusion } = load("@sigstore/verify/dist/tlog");
const { TrustedRoot, TransparencyLogEntry } = load("@sigstore/protobuf-specs");

const read = (file) => JSON.parse(fs.readFileSync(file, "utf8"));
const trusted = toTrustMaterial(TrustedRoot.fromJSON(read(rootPath)));
for (const { name, entry } of read(entriesPath)) {
  try {
    verifyTLogInclusion(TransparencyLogEntry.fromJSON(entry), trusted.tlogs);
    console.log(`${name}: accepted`);
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    console.log(`${name}: refused: ${error.message}`);
  }
}
