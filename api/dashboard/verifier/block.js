// Parts of one block, each led back to the block's hash: event logs by the receipts root, storage by the state root.
"use strict";
const { Buffer } = require("buffer");
const { keccak } = require("./hashing");
const { Impossible } = require("./refusal");
const { decodeRlp, encodeNumber, octets, valueAt } = require("./rlp");
const { isChecksummed, checksummed } = require("./signers");

const STATE_ROOT = 3;
const RECEIPTS_ROOT = 5;
const NUMBER = 8;

function need(condition, what) {
  if (!condition) throw new Impossible(what);
}

const big = (bytes) => BigInt(`0x0${bytes.toString("hex")}`);
const ascending = (list, before) => list.every((one, i) => i === 0 || before(list[i - 1], one));

function listOf(item, count) {
  need(Array.isArray(item) && (count === undefined || item.length === count), "malformed: a list is expected");
  return item;
}

// Returns {number, logs: of each receipt [{contract, topics, data}], storage: contract -> slot (hex) -> word}. Throws Impossible.
function checkBlock({ block_hash, header, receipts, storage }) {
  need(keccak(header).equals(block_hash), "a header hashes to something else than its block");
  const fields = listOf(decodeRlp(header));
  need(fields.length >= 15, "a header has too few fields");
  need(octets(fields[NUMBER]).length <= 8, "a header without block number");
  need(ascending(receipts, (one, other) => one.index < other.index), "receipts are not ascending");
  need(ascending(storage, (one, other) => one.contract < other.contract), "contracts are not ascending");
  const root = (place) => {
    need(octets(fields[place]).length === 32, "a root has not 32 bytes");
    return fields[place];
  };
  return {
    number: big(fields[NUMBER]),
    logs: receipts.map((shown) => logsOf(root(RECEIPTS_ROOT), shown)),
    storage: new Map(storage.map((shown) => [shown.contract, slotsOf(root(STATE_ROOT), shown)])),
  };
}

function logsOf(root, { index, path }) {
  need(index >= 0n && index < 2n ** 64n, "no such transaction");
  const encoded = valueAt(root, encodeNumber(index), path);
  need(encoded !== null, "the block has no such transaction");
  const [status, , , logs] = listOf(decodeRlp(encoded[0] < 0x80 ? encoded.subarray(1) : encoded), 4);
  const found = listOf(logs).map((log) => {
    const [contract, topics, data] = listOf(log, 3);
    need(octets(contract).length === 20, "malformed receipt");
    return { contract: checksummed(contract.toString("hex")), topics: listOf(topics).map(octets), data: octets(data) };
  });
  need(octets(status).equals(Buffer.from([1])), "a transaction that failed");
  return found;
}

function slotsOf(root, { contract, path, slots }) {
  need(isChecksummed(contract), "not a checksummed address");
  const account = valueAt(root, keccak(Buffer.from(contract.slice(2), "hex")), path);
  need(account !== null, "there is no such contract");
  const storageRoot = octets(listOf(decodeRlp(account), 4)[2]);
  need(ascending(slots, (one, other) => Buffer.compare(one.slot, other.slot) < 0), "slots are not ascending");
  return new Map(
    slots.map(({ slot, path: slotPath }) => {
      const encoded = valueAt(storageRoot, keccak(slot), slotPath);
      const word = encoded === null ? Buffer.alloc(0) : octets(decodeRlp(encoded));
      need(word.length <= 32 && slot.length === 32, "malformed slot");
      return [slot.toString("hex"), Buffer.concat([Buffer.alloc(32 - word.length), word])];
    }),
  );
}

module.exports = { checkBlock, big };
