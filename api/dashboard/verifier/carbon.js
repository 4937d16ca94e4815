// Net electricity by vintage and closed local day, what of it may be claimed, and by which factors.
"use strict";
const { Buffer } = require("buffer");
const { closingDay, vintageOf } = require("./calendar");
const { compare, min } = require("./numbers");
const { Impossible } = require("./refusal");

const CREDIT = 1n;
const CERTIFICATE = 2n;

const add = (sums, key, number) => sums.set(key, (sums.get(key) ?? 0n) + number);

// Energy by the year in which each step starts; years between the first and the last are there, with 0.
function byVintage(steps, offset_s) {
  const sums = new Map();
  for (const { start_ms, energy_wh } of steps) add(sums, vintageOf(start_ms, offset_s), energy_wh);
  const years = [...sums.keys()].sort(compare);
  if (years.at(-1) === 9999n) throw new Impossible("year 10000 is out of range");
  for (let year = years[0]; year < years.at(-1); year++) add(sums, year, 0n);
  return sums;
}

class NetEnergy {
  constructor(offset_s) {
    this.offset_s = offset_s;
    this.days = new Map(); // vintage -> local day -> Wh
    this.crossings = []; // {vintage, last, energy_wh} of differences that end in a later vintage
  }

  addExports(steps) {
    this.#add(steps, 1n);
    for (const { start_ms, end_ms, energy_wh } of steps) {
      const vintage = vintageOf(start_ms, this.offset_s);
      if (energy_wh === 0n) continue;
      const last = vintageOf(end_ms - 1n, this.offset_s);
      if (last > vintage) this.crossings.push({ vintage, last, energy_wh });
    }
  }

  addImports(steps) {
    this.#add(steps, -1n);
  }

  #add(steps, sign) {
    byVintage(steps, this.offset_s); // for the years that it refuses
    for (const { start_ms, end_ms, energy_wh } of steps) {
      const vintage = vintageOf(start_ms, this.offset_s);
      if (!this.days.has(vintage)) this.days.set(vintage, new Map());
      add(this.days.get(vintage), closingDay(end_ms, this.offset_s), sign * energy_wh);
    }
  }

  // Highest level that the cumulative net energy of each vintage has reached.
  claimable() {
    const highest = new Map();
    for (const [vintage, days] of this.days) {
      let level = 0n;
      let most = 0n;
      for (const [, wh] of [...days].sort(([one], [other]) => compare(one, other))) {
        level += wh;
        if (level > most) most = level;
      }
      highest.set(vintage, most);
    }
    return highest;
  }
}

// Why an asset gets no credits; "" where it does.
function creditRefusal(asset, project, terms, method) {
  const named = Buffer.concat([Buffer.from(method.name, "ascii"), Buffer.alloc(32 - method.name.length)]);
  if (project.claim_right === CERTIFICATE) return "certificate_right";
  if (project.claim_right !== CREDIT) return "no_right";
  if (project.document_hash.every((byte) => byte === 0)) return "no_document";
  const document = terms.document_sha256;
  if (document !== null && document !== project.document_hash.toString("hex")) return "other_document";
  if (!project.methodology.equals(named)) return "other_methodology";
  if (method.largest_w !== null && asset.nameplate_w > method.largest_w) return "too_large";
  return terms.factor === null ? "no_factor" : "";
}

// gCO2e per MWh of a vintage.
function factorOf(terms, vintage) {
  const since = terms.later.filter(({ from }) => from <= vintage).at(-1);
  return (since ?? terms).factor?.g_per_mwh ?? 0n;
}

// Members of a settlement that say what an asset's energy (vintage -> Wh) comes to.
function comeToTerms(asset, project, terms, method, cutoff_s, energy, net) {
  const carbon = net.claimable();
  const refusal = creditRefusal(asset, project, terms, method);
  const crossing = new Map();
  for (const { vintage, energy_wh } of net.crossings) add(crossing, vintage, energy_wh);
  const factors = new Map();
  const lower = new Map();
  if (refusal === "") {
    const current = vintageOf(cutoff_s * 1000n - 1n, asset.utc_offset_s);
    for (const vintage of [current, ...energy.keys(), ...carbon.keys()]) factors.set(vintage, factorOf(terms, vintage));
    for (const { vintage, last } of net.crossings) {
      for (let year = vintage; year <= last; year++) {
        lower.set(vintage, min(lower.get(vintage) ?? factorOf(terms, year), factorOf(terms, year)));
      }
    }
  }
  return {
    cutoff: cutoff_s,
    energy_wh: named(energy),
    carbon_wh: named(carbon),
    crossing_wh: named(crossing),
    factor_g_per_mwh: named(factors),
    lower_g_per_mwh: named(lower),
    deduction_ppm: terms.deduction_ppm,
    credit_refusal: refusal,
    tariff_minor_per_mwh: terms.tariff.minor_per_mwh,
  };
}

const named = (sums) => Object.fromEntries([...sums].map(([key, number]) => [String(key), number]));

module.exports = { NetEnergy, byVintage, comeToTerms };
