// Reads {"network", "wires": [hex]} and prints what the second verifier makes of each envelope:
// {digest, thumbprint, readings: [[time, export, import, power, event]]}, or {refused: reason}.
"use strict";
const { readFileSync } = require("node:fs");
const { openEnvelope } = require("../../../api/dashboard/verifier/envelope");
const { Refusal } = require("../../../api/dashboard/verifier/refusal");

const { network, wires } = JSON.parse(readFileSync(0, "utf8"));
const plain = (number) => (number === null ? null : String(number));

function opened(wire) {
  try {
    const { digest, thumbprint, readings } = openEnvelope(Buffer.from(wire, "hex"), network);
    return {
      digest: digest.toString("hex"),
      thumbprint: thumbprint.toString("hex"),
      readings: readings.map(({ time_ms, export_wh, import_wh, power_w, event }) => [
        ...[time_ms, export_wh, import_wh, power_w].map(plain),
        event && [event.kind, event.closing_wh, event.opening_wh].map(plain),
      ]),
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { refused: error.what.split(":")[0] };
  }
}

process.stdout.write(JSON.stringify(wires.map(opened)));
