// node verify.js [--trust ANCHOR.json] PROOF.json... [--trust OTHER.json PROOF.json...]
// An anchor holds for the proofs after it; one that says null is none. Prints one line of JSON for each proof: {"held": [steps]}, or {"refused": step, "what": why}. Exit 0 if all hold, else 1.
"use strict";
const { readFileSync } = require("node:fs");
const { readAnchor, verifyFile } = require("./files");
const { Refusal } = require("./refusal");

function judge(bytes, anchor) {
  try {
    return { held: verifyFile(bytes, anchor) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { refused: error.step, what: error.what };
  }
}

let trusted = null;
const given = process.argv.slice(2);
while (given.length) {
  const file = given.shift();
  if (file === "--trust") {
    const anchor = readFileSync(given.shift());
    trusted = anchor.equals(Buffer.from("null")) ? null : readAnchor(anchor);
    continue;
  }
  const verdict = judge(readFileSync(file), trusted);
  if (verdict.refused) process.exitCode = 1;
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
}
