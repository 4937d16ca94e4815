// Who signed a report: secp256k1 signatures over its EIP-712 digest, held against a signer set.
"use strict";
const { Buffer } = require("buffer");
const { secp256k1 } = require("@noble/curves/secp256k1");
const { abi, keccak } = require("./hashing");
const { Refusal, Impossible } = require("./refusal");

const HALF_ORDER = secp256k1.CURVE.n / 2n;
const REPORT_TYPE =
  "Report(uint64 epoch,bytes32 prev,uint64 cutoff,bytes32 configDigest,bytes32 rulesDigest,uint64 registryBlock," +
  "bytes32 registryHash,bytes32 root,Totals totals,uint32 leafCount,bytes32 dataHash)";
const TOTALS_TYPE = "Totals(uint128 energyWh,uint128 creditsG,uint128 revenueMinor)";
const DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

const typeHash = (text) => keccak(Buffer.from(text, "ascii"));

// EIP-55: a letter is a capital where the hash of the lower-case digits has 8 or more in its place.
function checksummed(digits) {
  const shadow = keccak(Buffer.from(digits, "ascii")).toString("hex");
  return `0x${[...digits].map((c, i) => (parseInt(shadow[i], 16) >= 8 ? c.toUpperCase() : c)).join("")}`;
}

function isChecksummed(address) {
  return /^0x[0-9A-Fa-f]{40}$/.test(address) && address === checksummed(address.slice(2).toLowerCase());
}

// What is wrong with a signer set, or null.
function signerSetObjection({ signers, threshold }) {
  const stray = signers.find((address) => !isChecksummed(address));
  if (stray !== undefined) return `signer ${JSON.stringify(stray)} is not a checksummed address`;
  const numbers = signers.map(BigInt);
  if (numbers.some((number, i) => i > 0 && number <= numbers[i - 1])) return "signers are not distinct and ascending";
  if (threshold < 1n || threshold > BigInt(signers.length)) return `threshold ${threshold} of ${signers.length} signers`;
  return null;
}

function configDigest({ chain_id, oracle }, { signers, threshold, config_count }) {
  return keccak(
    abi([
      ["uint256", chain_id],
      ["address", oracle],
      ["address[]", signers],
      ["uint256", threshold],
      ["uint64", config_count],
    ]),
  );
}

function reportDigest(report, { chain_id, oracle }) {
  const separator = keccak(
    abi([
      ["bytes32", typeHash(DOMAIN_TYPE)],
      ["bytes32", typeHash("Heliograph")],
      ["bytes32", typeHash("1")],
      ["uint256", chain_id],
      ["address", oracle],
    ]),
  );
  const totals = keccak(
    abi([
      ["bytes32", typeHash(TOTALS_TYPE)],
      ["uint128", report.totals.energy_wh],
      ["uint128", report.totals.credits_g],
      ["uint128", report.totals.revenue_minor],
    ]),
  );
  const struct = keccak(
    abi([
      ["bytes32", typeHash(REPORT_TYPE + TOTALS_TYPE)],
      ["uint64", report.epoch],
      ["bytes32", report.prev],
      ["uint64", report.cutoff_s],
      ["bytes32", report.config_digest],
      ["bytes32", report.rules_digest],
      ["uint64", report.registry_block],
      ["bytes32", report.registry_hash],
      ["bytes32", report.root],
      ["bytes32", totals],
      ["uint32", report.leaf_count],
      ["bytes32", report.data_hash],
    ]),
  );
  return keccak(Buffer.from("1901", "hex"), separator, struct);
}

function recover(digest, signature) {
  if (signature.length !== 65) throw new Impossible(`a signature has 65 bytes, this one ${signature.length}`);
  const s = BigInt(`0x${signature.subarray(32, 64).toString("hex")}`);
  const v = signature[64];
  if (s > HALF_ORDER) throw new Impossible("signature with a high s");
  if (v !== 27 && v !== 28) throw new Impossible(`signature with v = ${v}, expected 27 or 28`);
  try {
    const compact = secp256k1.Signature.fromCompact(signature.subarray(0, 64)).addRecoveryBit(v - 27);
    const point = Buffer.from(compact.recoverPublicKey(digest).toRawBytes(false));
    return checksummed(keccak(point.subarray(1)).subarray(12).toString("hex"));
  } catch (error) {
    throw new Impossible(`signature recovers to no key: ${error.message}`);
  }
}

// Hold a report against a signer set, by the contract's rules. Returns the signers.
function checkQuorum(report, signatures, domain, signerSet) {
  const refuse = (what) => new Refusal("quorum", what);
  if (!report.config_digest.equals(configDigest(domain, signerSet))) {
    throw refuse("the report names another signer set, contract or chain");
  }
  if (BigInt(signatures.length) !== signerSet.threshold) {
    throw refuse(`${signatures.length} signatures, the quorum is ${signerSet.threshold}`);
  }
  const digest = reportDigest(report, domain);
  const signers = signatures.map((signature) => recover(digest, signature));
  const stranger = signers.find((signer) => !signerSet.signers.includes(signer));
  if (stranger !== undefined) throw refuse(`${stranger} signed, but is not in the signer set`);
  if (signers.some((signer, i) => i > 0 && BigInt(signer) <= BigInt(signers[i - 1]))) {
    throw refuse("signers are not strictly ascending");
  }
  return signers;
}

module.exports = { checksummed, isChecksummed, signerSetObjection, checkQuorum, reportDigest };
