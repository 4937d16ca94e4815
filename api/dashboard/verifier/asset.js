// One asset's settlement: the energy of its meters by vintage, and what of it may claim carbon.
"use strict";
const { Buffer } = require("buffer");
const { dayOf, dayStart, vintageOf } = require("./calendar");
const { NetEnergy, byVintage, comeToTerms } = require("./carbon");
const { collate } = require("./collation");
const { totalWh, ATTESTED, WITHHELD, DISPUTED } = require("./settlement");
const { settleSite, INVERTER, PLANT, LOAD } = require("./site");

const NEVER_REVOKED = 2n ** 64n - 1n;

// Whether an envelope names a listed meter and is signed by the key listed for it.
function signsFor(envelope, listed) {
  return (
    envelope.device === listed.device_id &&
    envelope.meter === listed.meter_id &&
    envelope.thumbprint.equals(listed.thumbprint)
  );
}

function countingMeters(meters, method) {
  const [plant, inverters] = [PLANT, INVERTER].map((role) => meters.filter((meter) => meter.role === role));
  const [first, second] = method.counts_own_use ? [inverters, plant] : [plant, inverters];
  return first.length ? first : second;
}

// Load meters whose consumption was not fed in, though the meters that count have seen it as production.
function ownUseMeters(counting, meters, method) {
  if (method.counts_own_use || counting.some(({ role }) => role === PLANT)) return [];
  return meters.filter(({ role }) => role === LOAD);
}

// Returns {document, registers: name -> settled export register of each counting meter}. Throws Unsettleable, Impossible.
function settleAsset({ asset, project }, listed, envelopes, rules, cutoff_s) {
  const terms = rules.termsOf(asset.asset_id);
  const method = rules.methodOf(terms);
  const cutoff_ms = cutoff_s * 1000n;
  vintageOf(cutoff_ms - 1n, asset.utc_offset_s); // no calendar, no days to go through
  const closed_ms = dayStart(dayOf(cutoff_ms, asset.utc_offset_s), asset.utc_offset_s);
  const meters = listed.map((one) => siteMeter(one, listed, envelopes, rules, asset));
  const registers = settleSite(meters, cutoff_ms);
  const counting = countingMeters(meters, method);
  const energy = new Map();
  const net = new NetEnergy(asset.utc_offset_s);
  for (const { name } of counting) {
    const attested = registers.get(name).exported.steps.filter(({ standing }) => standing === ATTESTED);
    for (const [vintage, wh] of byVintage(attested, asset.utc_offset_s)) {
      energy.set(vintage, (energy.get(vintage) ?? 0n) + wh);
    }
    net.addExports(attested.filter(({ end_ms }) => end_ms <= closed_ms));
  }
  for (const { name } of [...counting, ...ownUseMeters(counting, meters, method)]) {
    const { imported } = registers.get(name);
    if (imported) net.addImports(imported.steps.filter(({ end_ms }) => end_ms <= closed_ms));
  }
  const names = [...new Set(counting.map(({ name }) => name))].sort(compareCodePoints);
  const document = {
    ...comeToTerms(asset, project, terms, method, cutoff_s, energy, net),
    meters: names.map((name) => meterDocument(name, registers.get(name).exported)),
  };
  return { document, registers: new Map(names.map((name) => [name, registers.get(name).exported])) };
}

function siteMeter(one, listed, envelopes, rules, asset) {
  const own = envelopes.filter((envelope) => signsFor(envelope, one));
  const alike = listed.filter(({ meter_id }) => meter_id === one.meter_id).length > 1;
  const revokedFrom = one.revoked_boot === NEVER_REVOKED ? null : [one.revoked_boot, one.revoked_sequence];
  return {
    name: alike ? `${one.device_id}/${one.meter_id}` : one.meter_id,
    role: one.role,
    limits: {
      ...rules.limitsOf(one.meter_id, asset.asset_id),
      nameplate_w: one.nameplate_w,
      baseline: { register_wh: one.baseline_wh, time_ms: one.baseline_time_ms },
      utc_offset_s: asset.utc_offset_s,
    },
    exported: collate(own, "export", revokedFrom),
    imported: collate(own, "import", revokedFrom),
  };
}

function meterDocument(meter_id, settled) {
  return {
    meter_id,
    last_register_wh: settled.last_register_wh,
    last_time_ms: settled.last_time_ms,
    attested_wh: totalWh(settled, ATTESTED),
    withheld_wh: totalWh(settled, WITHHELD),
    disputed_wh: totalWh(settled, DISPUTED),
    rejected: settled.rejected,
  };
}

const compareCodePoints = (one, other) => Buffer.compare(Buffer.from(one, "utf8"), Buffer.from(other, "utf8"));

module.exports = { settleAsset };
