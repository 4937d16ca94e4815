// The issuance log of one credit id, from event logs, and what the credit contract keeps in storage.
"use strict";
const { Buffer } = require("buffer");
const { big } = require("./block");
const { IDENTIFIER, keccak, nameWord } = require("./hashing");
const { Impossible } = require("./refusal");
const { checksummed } = require("./signers");

const eventHash = (text) => keccak(Buffer.from(text, "ascii")).toString("hex");
const ISSUED = eventHash("Issued(uint256,uint256,uint256,uint256)");
const SETTLED = eventHash("Settled(uint256,uint256)");
const BATCH_SETTLED = eventHash("BatchSettled(uint64,uint256)");
const ISSUANCES_SLOT = 5n;
const RETIREMENTS_SLOT = 8n;
const LONGEST_TEXT_BYTES = 512n;
const VINTAGE_MASK = 2n ** 16n - 1n;

function need(condition, what) {
  if (!condition) throw new Impossible(what);
}

const creditId = (project_id, vintage) => big(nameWord(project_id)) | vintage;
const bits = (word, shift, count) => (word >> BigInt(shift)) & (2n ** BigInt(count) - 1n);

function wordOf(number) {
  need(number >= 0n && number < 2n ** 256n, `${number} is no uint256`);
  return Buffer.from(number.toString(16).padStart(64, "0"), "hex");
}

// Every issue of an id: [{block, issued_g, reversed_g, offset_g, minted_g, marks}],
// a mark {asset_id, credits_g, cutoff_s, epoch, before_g}.
function readIssues(blocks, contracts, token) {
  need(blocks.every(({ number }, i) => i === 0 || number > blocks[i - 1].number), "blocks are not ascending");
  const before = new Map();
  return blocks.flatMap(({ number, logs }) =>
    logs.flatMap((ofReceipt) => {
      const found = issuesOf(number, ofReceipt, contracts, token, before);
      need(found.length, "a transaction is shown that issued nothing of the id");
      return found;
    }),
  );
}

function issuesOf(block, logs, contracts, token, before) {
  const issues = [];
  let marks = [];
  for (const { contract, topics, data } of logs) {
    const kind = topics.length ? topics[0].toString("hex") : "";
    const topic = () => {
      need(topics.length > 1, "an event lacks a topic");
      return big(topics[1]);
    };
    const words = (count) => {
      need(data.length === 32 * count, "an event of another length");
      return Array.from({ length: count }, (_, i) => big(data.subarray(32 * i, 32 * (i + 1))));
    };
    if (contract === contracts.ledger && kind === SETTLED) {
      const assetVintage = topic();
      const [word] = words(1);
      if ((assetVintage & VINTAGE_MASK) !== (token & VINTAGE_MASK)) continue;
      const asset_id = nameOf(assetVintage - (assetVintage & VINTAGE_MASK));
      const mark = { asset_id, credits_g: bits(word, 48, 56), cutoff_s: bits(word, 168, 32), epoch: bits(word, 200, 32) };
      marks.push({ ...mark, before_g: before.get(asset_id) ?? 0n });
      before.set(asset_id, mark.credits_g);
    } else if (contract === contracts.ledger && kind === BATCH_SETTLED) {
      marks = [];
    } else if (contract === contracts.credit && kind === ISSUED && topic() === token) {
      const [issued_g, reversed_g, offset_g] = words(3);
      need(offset_g <= issued_g, "an issue makes up for more than it is");
      issues.push({ block, issued_g, reversed_g, offset_g, minted_g: issued_g - offset_g, marks: [...marks] });
    }
  }
  return issues;
}

function nameOf(number) {
  const name = wordOf(number).toString("latin1").replace(/\0+$/, "");
  need(IDENTIFIER.test(name), "a mark of an asset without a name");
  return name;
}

function shown(storage, place) {
  const slot = wordOf(place % 2n ** 256n).toString("hex");
  need(storage.has(slot), `storage slot 0x${slot} is not shown`);
  return storage.get(slot);
}

const mapped = (key, slot) => big(keccak(wordOf(key), wordOf(slot)));

// What was issued of one id so far.
function issuanceIn(storage, token) {
  const word = big(shown(storage, mapped(token, ISSUANCES_SLOT)));
  return { issued_g: bits(word, 0, 80), reversed_g: bits(word, 80, 80), offset_g: bits(word, 160, 80) };
}

// A retirement as the contract keeps it.
function retirementIn(storage, number) {
  need(number > 0n && number < 2n ** 256n, "no such retirement");
  const first = mapped(number, RETIREMENTS_SLOT);
  const words = [0n, 1n, 2n, 3n, 4n, 5n].map((place) => shown(storage, first + place));
  need(big(words[1]) > 0n, "no such retirement");
  return {
    number,
    credit_id: big(words[0]),
    grams: big(words[1]),
    first_serial: big(words[2]),
    retired_s: big(words[3].subarray(24)),
    holder: checksummed(words[3].subarray(4, 24).toString("hex")),
    beneficiary: checksummed(words[4].subarray(12).toString("hex")),
    name_hash: words[5],
    name: textIn(storage, first + 6n),
    purpose: textIn(storage, first + 7n),
  };
}

function textIn(storage, place) {
  const word = shown(storage, place);
  let raw = word.subarray(0, word[31] / 2);
  if (word[31] % 2) {
    const length = big(word) / 2n;
    need(length > 31n && length <= LONGEST_TEXT_BYTES, "a text that is longer than any");
    const start = big(keccak(wordOf(place % 2n ** 256n)));
    const parts = Array.from({ length: Math.ceil(Number(length) / 32) }, (_, i) => shown(storage, start + BigInt(i)));
    raw = Buffer.concat(parts).subarray(0, Number(length));
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw new Impossible("a text that is not UTF-8");
  }
}

module.exports = { creditId, readIssues, issuanceIn, retirementIn };
