// What an asset's settlement books in the ledger intervals of a period.
"use strict";
const { Buffer } = require("buffer");
const { compare } = require("./numbers");
const { Refusal } = require("./refusal");
const { ATTESTED, WITHHELD, DISPUTED } = require("./settlement");
const { verifyProof } = require("./verification");

const STANDINGS = [ATTESTED, WITHHELD, DISPUTED];

function refuseUnless(condition, what) {
  if (!condition) throw new Refusal("period", what);
}

// Check a decoded period. Returns the names of the steps that held. Throws Refusal.
function verifyPeriod({ period, proof }, anchor, watch = () => {}) {
  const { held, registers } = verifyProof(proof, anchor, watch);
  const { asset_id, from_ms, until_ms, booked } = period;
  const interval_ms = proof.rules.document.ledger_interval_ms;
  refuseUnless(asset_id === proof.body.registry.asset.asset_id, "is of another asset than its proof");
  const whole = from_ms % interval_ms === 0n && until_ms % interval_ms === 0n && 0n <= from_ms && from_ms < until_ms;
  refuseUnless(whole, "does not consist of whole intervals");
  const found = accounts(registers, interval_ms).filter(({ start_ms }) => from_ms <= start_ms && start_ms < until_ms);
  const same =
    found.length === booked.length &&
    found.every((account, i) => Object.keys(account).every((name) => account[name] === booked[i][name]));
  refuseUnless(same, "the envelopes do not book what is stated");
  watch({ passed: "period", asset_id, figures: { booked: booked.length } });
  return [...held, "period"];
}

function accounts(registers, interval_ms) {
  const sums = new Map();
  for (const [meter_id, { steps }] of registers) {
    for (const { end_ms, energy_wh, standing, reason } of steps) {
      if (energy_wh === 0n) continue;
      const start_ms = ((end_ms - 1n) / interval_ms) * interval_ms;
      const key = JSON.stringify([meter_id, String(start_ms), standing, reason]);
      const account = sums.get(key) ?? { meter_id, start_ms, standing, reason, energy_wh: 0n };
      sums.set(key, { ...account, energy_wh: account.energy_wh + energy_wh });
    }
  }
  return [...sums.values()].sort(
    (one, other) =>
      Buffer.compare(Buffer.from(one.meter_id), Buffer.from(other.meter_id)) ||
      compare(one.start_ms, other.start_ms) ||
      STANDINGS.indexOf(one.standing) - STANDINGS.indexOf(other.standing) ||
      compare(one.reason, other.reason),
  );
}

module.exports = { verifyPeriod };
