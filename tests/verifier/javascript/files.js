// The files that a verifier reads: proofs of statements, periods, ranges of credits, and anchors.
"use strict";
const { verifyCredits } = require("./credits");
const json = require("./json");
const { verifyPeriod } = require("./period");
const records = require("./records");
const { Refusal } = require("./refusal");
const { Rules } = require("./rules");
const { verifyProof } = require("./verification");

const PROOF = "heliograph-proof/1";
const PERIOD = "heliograph-period/1";
const CREDITS = "heliograph-credits/1";
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

// Verify a file. Returns the names of the steps that held. Throws Refusal.
function verifyFile(bytes, anchor) {
  const document = json.parseCanonical(bytes);
  if (isOf(document, CREDITS)) return verifyCredits(readCredits(document), anchor);
  if (isOf(document, PERIOD)) return verifyPeriod(readPeriod(document), anchor);
  return verifyProof(readProof(document), anchor).held;
}

module.exports = { readAnchor, verifyFile };
