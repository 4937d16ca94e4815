// Keccak-256, Solidity's abi.encode, and OpenZeppelin's StandardMerkleTree.
"use strict";
const { Buffer } = require("buffer");
const { sha256: sha256Of } = require("@noble/hashes/sha2");
const { keccak_256 } = require("@noble/hashes/sha3");
const { Impossible } = require("./refusal");

const keccak = (...parts) => Buffer.from(keccak_256(Buffer.concat(parts)));
const sha256 = (...parts) => Buffer.from(sha256Of(Buffer.concat(parts)));
const ZERO = Buffer.alloc(32);

const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,27}$/;

function word(number) {
  return Buffer.from(BigInt.asUintN(256, number).toString(16).padStart(64, "0"), "hex");
}

function staticWord(type, field) {
  const [, kind, bits] = /^(u?int)([0-9]+)$/.exec(type) ?? [];
  if (kind) {
    const size = BigInt(bits);
    const [least, most] = kind === "uint" ? [0n, 2n ** size] : [-(2n ** (size - 1n)), 2n ** (size - 1n)];
    if (field < least || field >= most) throw new Impossible(`${field} is no ${type}`);
    return word(field);
  }
  if (type === "bytes32") {
    if (field.length !== 32) throw new Impossible(`${field.length} bytes are no bytes32`);
    return field;
  }
  if (type === "address") return Buffer.from(field.slice(2).padStart(64, "0"), "hex");
  throw new TypeError(type);
}

const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc((32 - (bytes.length % 32)) % 32)]);

function dynamicTail(type, field) {
  if (type === "string") {
    const bytes = Buffer.from(field, "utf8");
    return Buffer.concat([word(BigInt(bytes.length)), padded(bytes)]);
  }
  const element = type.slice(0, -2);
  return Buffer.concat([word(BigInt(field.length)), ...field.map((one) => staticWord(element, one))]);
}

// abi.encode of [[type, field], ...] of static types, string, and lists of static types. Throws Impossible.
function abi(fields) {
  const heads = [];
  const tails = [];
  let end = 32 * fields.length;
  for (const [type, field] of fields) {
    if (type === "string" || type.endsWith("[]")) {
      const tail = dynamicTail(type, field);
      heads.push(word(BigInt(end)));
      tails.push(tail);
      end += tail.length;
    } else {
      heads.push(staticWord(type, field));
    }
  }
  return Buffer.concat([...heads, ...tails]);
}

// An identifier as bytes32: ASCII, left-aligned, zero-padded. Throws Impossible.
function nameWord(name) {
  if (!IDENTIFIER.test(name)) throw new Impossible(`${JSON.stringify(name)} is not an identifier`);
  return padded(Buffer.from(name, "ascii"));
}

const leafHash = (fields) => keccak(keccak(abi(fields)));
const parentHash = (one, other) => keccak(...[one, other].sort(Buffer.compare));
const rootFromPath = (leaf, path) => path.reduce(parentHash, leaf);

// Root over leaves in any order; 32 zero bytes over none.
function merkleRoot(leaves) {
  if (leaves.length === 0) return ZERO;
  const n = leaves.length;
  const nodes = new Array(2 * n - 1);
  [...leaves].sort(Buffer.compare).forEach((leaf, i) => (nodes[2 * n - 2 - i] = leaf));
  for (let i = n - 2; i >= 0; i--) nodes[i] = parentHash(nodes[2 * i + 1], nodes[2 * i + 2]);
  return nodes[0];
}

module.exports = { ZERO, IDENTIFIER, keccak, sha256, abi, nameWord, leafHash, rootFromPath, merkleRoot };
