// From one report's statements to the next: what was stated only rises, for the asset as a whole.
"use strict";
const { vintageOf } = require("./calendar");
const { isObject } = require("./json");
const { PPM } = require("./meter");
const { compare, min, max, sum } = require("./numbers");
const { Impossible } = require("./refusal");

const WH_PER_MWH = 1_000_000n;

const perMwhDown = (wh, each) => (max(wh, 0n) * each) / WH_PER_MWH;

// What a settlement document comes to, its members by vintage as maps. Throws Impossible.
function readSettled(document) {
  const unreadable = () => new Impossible("a settlement is not readable");
  const figure = (name, one = document[name]) => {
    if (typeof one !== "bigint" || one < 0n) throw unreadable();
    return one;
  };
  const byVintage = (name) => {
    if (!isObject(document[name])) throw unreadable();
    return new Map(
      Object.entries(document[name]).map(([year, one]) => {
        if (!/^(?:0|-?[1-9][0-9]*)$/.test(year)) throw unreadable();
        return [BigInt(year), figure(name, one)];
      }),
    );
  };
  if (typeof document.credit_refusal !== "string" || figure("deduction_ppm") > PPM) throw unreadable();
  return {
    cutoff_s: figure("cutoff"),
    energy: byVintage("energy_wh"),
    carbon: byVintage("carbon_wh"),
    crossing: byVintage("crossing_wh"),
    factors: byVintage("factor_g_per_mwh"),
    lower: byVintage("lower_g_per_mwh"),
    deduction_ppm: figure("deduction_ppm"),
    tariff: figure("tariff_minor_per_mwh"),
  };
}

// Credits of a vintage, rounded down once.
function creditsDown({ carbon, crossing, factors, lower, deduction_ppm }, vintage) {
  const wh = carbon.get(vintage) ?? 0n;
  const factor = factors.get(vintage) ?? 0n;
  const crossing_wh = min(crossing.get(vintage) ?? 0n, wh);
  const grams = (wh - crossing_wh) * factor + crossing_wh * min(lower.get(vintage) ?? 0n, factor);
  return (grams * (PPM - deduction_ppm)) / (WH_PER_MWH * PPM);
}

const NOTHING = { energy_wh: 0n, credits_g: 0n, revenue_minor: 0n };

// Move one asset's statements (vintage -> {energy_wh, credits_g, revenue_minor, cutoff_s, evidence_root}) on.
function advance(before, settled, utc_offset_s, evidence_root) {
  const current = vintageOf(settled.cutoff_s * 1000n - 1n, utc_offset_s);
  const vintages = new Set([current, ...before.keys(), ...settled.energy.keys(), ...settled.carbon.keys()]);
  const stated = new Map([...vintages].sort(compare).map((vintage) => [vintage, before.get(vintage) ?? NOTHING]));
  const statedOf = (counter) => new Map([...stated].map(([vintage, statement]) => [vintage, statement[counter]]));
  const energy = raised(statedOf("energy_wh"), settled.energy);
  const claimed = new Map([...settled.carbon.keys()].map((vintage) => [vintage, creditsDown(settled, vintage)]));
  const credits = raised(statedOf("credits_g"), claimed);
  return new Map(
    [...stated].map(([vintage, statement]) => {
      const most_g = perMwhDown(energy.get(vintage), settled.factors.get(vintage) ?? 0n);
      return [
        vintage,
        {
          energy_wh: max(statement.energy_wh, energy.get(vintage)),
          credits_g: max(statement.credits_g, min(credits.get(vintage), most_g)),
          revenue_minor: max(statement.revenue_minor, perMwhDown(energy.get(vintage), settled.tariff)),
          cutoff_s: settled.cutoff_s,
          evidence_root,
        },
      ];
    }),
  );
}

// Raise stated figures towards settled ones by no more than the sum has grown: the oldest vintage first, none falls.
function raised(stated, settled) {
  let growth = sum(settled.values()) - sum(stated.values());
  const figures = new Map(stated);
  for (const vintage of [...new Set([...stated.keys(), ...settled.keys()])].sort(compare)) {
    const now = figures.get(vintage) ?? 0n;
    const rise = min(max((settled.get(vintage) ?? 0n) - now, 0n), max(growth, 0n));
    figures.set(vintage, now + rise);
    growth -= rise;
  }
  return figures;
}

module.exports = { readSettled, advance };
