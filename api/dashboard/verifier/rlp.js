// RLP, strictly (Ethereum Yellow Paper, appendix B), and what a Merkle-Patricia trie holds under a key (appendix D).
"use strict";
const { Buffer } = require("buffer");
const { keccak } = require("./hashing");
const { Impossible } = require("./refusal");

const MAX_DEPTH = 64;
const EMPTY_ROOT = keccak(Buffer.from([0x80]));

const malformed = () => new Impossible("malformed RLP");

// Decode one item and nothing after it: a Buffer, or a list of items. Throws Impossible.
function decodeRlp(bytes) {
  const [item, end] = itemAt(bytes, 0, 0);
  if (end !== bytes.length) throw malformed();
  return item;
}

function itemAt(bytes, at, depth) {
  if (at >= bytes.length || depth > MAX_DEPTH) throw malformed();
  const head = bytes[at];
  if (head < 0x80) return [bytes.subarray(at, at + 1), at + 1];
  const isList = head >= 0xc0;
  const [start, end] = spanAt(bytes, at, head - (isList ? 0xc0 : 0x80));
  if (!isList) {
    if (end - start === 1 && bytes[start] < 0x80) throw malformed();
    return [bytes.subarray(start, end), end];
  }
  const items = [];
  for (let next = start; next < end; ) {
    const [item, after] = itemAt(bytes.subarray(0, end), next, depth + 1);
    items.push(item);
    next = after;
  }
  return [items, end];
}

function spanAt(bytes, at, short) {
  let length = short;
  let start = at + 1;
  if (short > 55) {
    start += short - 55;
    if (start > bytes.length || start - at - 1 > 6 || bytes[at + 1] === 0) throw malformed();
    length = bytes.readUIntBE(at + 1, start - at - 1);
    if (length < 56) throw malformed();
  }
  if (start + length > bytes.length) throw malformed();
  return [start, start + length];
}

const minimal = (number) => {
  const digits = number.toString(16);
  return number === 0n ? Buffer.alloc(0) : Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
};

// RLP of a number below 2^64.
function encodeNumber(number) {
  const bytes = minimal(number);
  return bytes.length === 1 && bytes[0] < 0x80 ? bytes : Buffer.concat([Buffer.from([0x80 + bytes.length]), bytes]);
}

const nibblesOf = (bytes) => [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);

// What a trie holds under a key: a Buffer, or null. `nodes` are exactly those that are referred to by hash. Throws Impossible.
function valueAt(root, key, nodes) {
  if (nodes.length === 0 && root.equals(EMPTY_ROOT)) return null;
  let used = 0;
  const follow = (reference) => {
    if (Array.isArray(reference)) return reference;
    if (used === nodes.length) throw new Impossible("a node of the trie is missing");
    const encoded = nodes[used];
    used += 1;
    if (!keccak(encoded).equals(reference)) throw new Impossible("a node of the trie is not the one referred to");
    const node = decodeRlp(encoded);
    if (!Array.isArray(node)) throw new Impossible("a node of the trie is no list");
    return node;
  };
  const found = descend(follow, root, nibblesOf(key));
  if (used !== nodes.length) throw new Impossible("a node of the trie is left over");
  return found.length ? found : null;
}

const NOTHING = Buffer.alloc(0);

function descend(follow, root, nibbles) {
  let reference = root;
  let left = nibbles;
  for (;;) {
    const node = follow(reference);
    if (node.length === 17) {
      if (left.length === 0) return octets(node[16]);
      reference = node[left[0]];
      left = left.slice(1);
    } else if (node.length === 2) {
      const [path, isLeaf] = unpacked(node[0]);
      if (isLeaf) return path.join() === left.join() ? octets(node[1]) : NOTHING;
      if (path.length === 0 || path.join() !== left.slice(0, path.length).join()) return NOTHING;
      reference = node[1];
      left = left.slice(path.length);
    } else {
      throw new Impossible(`a node of the trie has ${node.length} items`);
    }
    if (!Array.isArray(reference) && reference.length === 0) return NOTHING;
  }
}

function unpacked(packed) {
  if (Array.isArray(packed) || packed.length === 0 || packed[0] >> 4 > 3) {
    throw new Impossible("a path in the trie is malformed");
  }
  const nibbles = nibblesOf(packed);
  return [nibbles.slice(nibbles[0] & 1 ? 1 : 2), (nibbles[0] & 2) !== 0];
}

function octets(item) {
  if (Array.isArray(item)) throw new Impossible("a list where bytes belong");
  return item;
}

module.exports = { decodeRlp, encodeNumber, valueAt, octets };
