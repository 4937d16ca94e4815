// The files that a verifier reads: proofs of statements, periods, ranges of credits, and anchors.
"use strict";
const { verifyCredits } = require("./credits");
const json = require("./json");
const { verifyPeriod } = require("./period");
const records = require("./records");
const { Refusal } = require("./refusal");
const { Rules } = require("./rules");
const { verifyAttestation, verifyProof } = require("./verification");

const PROOF = "heliograph-proof/1";
const PERIOD = "heliograph-period/1";
const CREDITS = "heliograph-credits/1";
const RETIREMENT = "heliograph-retirement/1"; // what a server shows where it cannot or may not show heliograph-credits/1
const ANCHOR = "heliograph-anchor/1";

function refuseUnless(condition, what) {
  if (!condition) throw new Refusal("document", what);
}

const isOf = (document, format) => json.isObject(document) && document.format === format;

function without(document, ...names) {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name)));
}

function readProof(document) {
  refuseUnless(isOf(document, PROOF), `is not a ${PROOF}`);
  refuseUnless(json.isObject(document.rules), "rules is not an object");
  const rules = new Rules(document.rules);
  return { rules, body: records.proofBody(without(document, "format", "rules"), "proof") };
}

function readPeriod(document) {
  const names = Object.keys(document).sort().join();
  refuseUnless(names === "format,period,proof", "has other members than format, period and proof");
  return { period: records.period(document.period, "period"), proof: readProof(document.proof) };
}

function readCredits(document) {
  refuseUnless(Array.isArray(document.proofs), "proofs is not a list");
  const body = records.creditsBody(without(document, "format", "proofs"), "credits");
  return { body, proofs: document.proofs.map(readProof) };
}

// Parse an anchor, in any spelling of JSON. Throws Refusal.
function readAnchor(bytes) {
  const document = json.parse(bytes);
  refuseUnless(isOf(document, ANCHOR), `is not a ${ANCHOR}`);
  return records.anchor({ contracts: null, blocks: [], ...without(document, "format") }, "anchor");
}

// Verify a file. `watch` hears {passed: step, asset_id, figures} at each step, {opened, of} at each envelope in between.
// Returns the names of the steps that held. Throws Refusal.
function verifyFile(bytes, anchor, watch = () => {}) {
  const document = json.parseCanonical(bytes);
  if (isOf(document, CREDITS)) return verifyCredits(readCredits(document), anchor, watch);
  if (isOf(document, PERIOD)) return verifyPeriod(readPeriod(document), anchor, watch);
  return verifyProof(readProof(document), anchor, watch).held;
}

// Verify what a server shows of a retirement, whole or in part. Throws Refusal.
// Returns {held: [steps]}, and where it is shown in part only `part`: {withheld: assets whose readings are not shown, chain: why the
// way from token to plants is not shown, or null}.
function verifyShown(bytes, anchor, watch = () => {}) {
  const document = json.parseCanonical(bytes);
  if (!isOf(document, RETIREMENT)) return { held: verifyFile(bytes, anchor, watch) };
  const { attestations, chain, proofs, withheld } = readShown(document);
  const held = attestations.flatMap((body) => verifyAttestation(body, anchor, watch).held);
  for (const proof of proofs) held.push(...verifyProof(proof, anchor, watch).held);
  return { held, part: { withheld, chain } };
}

function readShown(document) {
  const names = Object.keys(document).sort().join();
  refuseUnless(names === "attestations,chain,format,number,proofs,withheld", "has other members than those of a retirement");
  const { attestations, chain, proofs, withheld } = document;
  refuseUnless(Array.isArray(proofs), "proofs is not a list");
  const read = {
    withheld: records.list(records.text)(withheld, "withheld"),
    chain: records.orNull(records.text)(chain, "chain"),
    attestations: records.list(records.attestation)(attestations, "attestations"),
    proofs: proofs.map(readProof),
  };
  const unseen = read.attestations.map(({ registry }) => registry.asset.asset_id);
  refuseUnless(unseen.join("\0") === read.withheld.join("\0"), "other assets are withheld than those that are attested only");
  refuseUnless(unseen.length || proofs.length, "shows nothing");
  return read;
}

module.exports = { readAnchor, verifyFile, verifyShown };
