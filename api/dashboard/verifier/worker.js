// The verifier in a page: a Web Worker, so that the page stays alive while signatures are checked.
//
// Hears {proof, anchor}: bytes of a proof (any file that `heliograph verify` takes, or what a server shows of a retirement) and of
// an anchor, or null.
// Says {passed: step, asset_id, figures} as each step holds, {opened, of} between them, and at the end
// {held: [steps], part} as `verifyShown` says, {refused: step, what: why}, or {broken: why} where the program itself failed.
"use strict";
const { Buffer } = require("buffer");
const { readAnchor, verifyShown } = require("./files");
const { Refusal } = require("./refusal");

const SAY_EVERY = 20; // envelopes

function watch(event) {
  if (event.opened === undefined || event.opened % SAY_EVERY === 0 || event.opened === event.of) self.postMessage(event);
}

function judge({ proof, anchor }) {
  try {
    const trusted = anchor === null ? null : readAnchor(Buffer.from(anchor));
    return verifyShown(Buffer.from(proof), trusted, watch);
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.step, what: error.what };
    return { broken: String(error) };
  }
}

self.addEventListener("message", ({ data }) => self.postMessage(judge(data)));
