// node verify.js [--trust ANCHOR.json] FILE... [--trust OTHER.json FILE...]
//
// Prints one line of JSON for each file: {"held": [steps]}, or {"refused": step, "what": why}. An anchor holds for the files
// after it; one that says null is none. Exit 0 if all hold, else 1.
"use strict";
const { readFileSync } = require("node:fs");
const { readAnchor, verifyFile } = require("../../../api/dashboard/verifier/files");
const { Refusal } = require("../../../api/dashboard/verifier/refusal");

function judge(bytes, anchor) {
  try {
    return { held: verifyFile(bytes, anchor) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { refused: error.step, what: error.what };
  }
}

function main(given) {
  let trusted = null;
  while (given.length) {
    const file = given.shift();
    if (file === "--trust") {
      const anchor = readFileSync(given.shift());
      trusted = anchor.equals(Buffer.from("null")) ? null : readAnchor(anchor);
    } else {
      const verdict = judge(readFileSync(file), trusted);
      if (verdict.refused) process.exitCode = 1;
      process.stdout.write(`${JSON.stringify(verdict)}\n`);
    }
  }
}

main(process.argv.slice(2));
