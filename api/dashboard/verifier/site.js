// All meters of one site: each register by itself, then the plant meter held against the inverters.
"use strict";
const { drawingSteps } = require("./by_power");
const { dayOf, dayStart, MS_PER_DAY } = require("./calendar");
const { importRegister, makeMeter, PPM } = require("./meter");
const { min, max, sum } = require("./numbers");
const { holdBack, settleRegister, DISPUTED, WITHHELD } = require("./settlement");

const INVERTER = 0n;
const PLANT = 1n;
const LOAD = 2n;

const TOLERANCE_PPM = 10_000n;
const TOLERANCE_MS = 10_000n;
const RUNNING_TOLERANCE_MS = 360_000n;
const MS_PER_HOUR = 3_600_000n;
const FIRST_DAYS = 7;
const DRIFT_PPM = 7_000n;
const DRIFT_DAYS = 3;
const UNKNOWN_SHARE = [95n, 100n];

// Meters are {name, role, limits, exported, imported}: limits of `makeMeter`, and points and events of `collate`.
// Returns name -> {exported, imported (null where none was read)}.
function settleSite(meters, cutoff_ms) {
  const made = meters.map((one) => {
    const limits = { ...one.limits, generates_only: one.role === INVERTER };
    return { ...one, meter: makeMeter(limits), importMeter: importRegister(limits) };
  });
  const settled = new Map(made.map((one) => [one.name, settleBoth(one, cutoff_ms)]));
  const plants = made.filter(({ role }) => role === PLANT);
  const inverters = made.filter(({ role }) => role === INVERTER);
  const loads = made.filter(({ role }) => role === LOAD);
  if (plants.length === 1 && inverters.length > 0) compareMeters(plants[0], inverters, loads, settled, cutoff_ms);
  return settled;
}

// Both registers of one meter.
function settleBoth({ meter, importMeter, exported, imported }, cutoff_ms) {
  if (imported.points.every(({ register_wh }) => register_wh === null)) {
    return { exported: settleRegister(meter, exported, cutoff_ms), imported: null };
  }
  const drawn = settleRegister(importMeter, imported, cutoff_ms);
  const reversed = new Set(drawingSteps(meter, drawn.steps).map(({ end_ms }) => end_ms));
  return { exported: settleRegister(meter, exported, cutoff_ms, reversed), imported: drawn };
}

function compareMeters(plant, inverters, loads, settled, cutoff_ms) {
  const delivering = settled.get(plant.name);
  const supply = inverters.map(({ name }) => [1n, settled.get(name).exported]);
  if (delivering.imported) supply.push([1n, delivering.imported]);
  for (const { name } of loads) supply.push([-1n, settled.get(name).imported ?? settled.get(name).exported]);
  const compared = stretches(plant.meter, delivering.exported, supply, cutoff_ms);
  for (const { stretch, wh, ofPlant } of excesses(plant.meter, compared)) {
    const accused = ofPlant ? [plant] : inverters;
    const of_wh = ofPlant ? stretch.delivered_wh : stretch.supplied_wh;
    for (const { name } of accused) {
      const before = settled.get(name);
      const held = sharesUp(before.exported.steps, stretch, wh, of_wh);
      const steps = holdBack(before.exported.steps, held, stretch.complete ? DISPUTED : WITHHELD, "sum_check");
      settled.set(name, { ...before, exported: { ...before.exported, steps } });
    }
  }
}

// Cut a site's time at the local midnights at which no meter has a register difference under way.
function stretches(plant, delivered, supply, cutoff_ms) {
  const registers = [delivered, ...supply.map(([, register]) => register)];
  const heard = registers.filter(({ steps }) => steps.length > 0);
  if (heard.length < 2 || delivered.steps.length === 0) return [];
  const offset_s = plant.utc_offset_s;
  const firstDay = dayOf(heard.map(({ steps }) => steps[0].start_ms).reduce(min), offset_s);
  const end = heard.map(({ steps }) => steps.at(-1).end_ms).reduce(max);
  const lastDay = min(dayOf(end, offset_s) + 1n, dayOf(cutoff_ms, offset_s)); // later days hold nothing
  const little_wh = (plant.nameplate_w * 24n * 1000n) / PPM + plant.resolution_wh;
  const edges = [dayStart(firstDay, offset_s)];
  for (let day = firstDay + 1n; day <= lastDay; day++) {
    const midnight = dayStart(day, offset_s);
    if (heard.every(({ steps }) => underWay(steps, midnight) <= little_wh)) edges.push(midnight);
  }
  if (edges.at(-1) < cutoff_ms) edges.push(cutoff_ms);
  const heardUntil = registers.map(({ last_time_ms }) => last_time_ms ?? 0n).reduce(min);
  const out = energyBetween(edges, delivered.steps);
  const into = supply.map(([sign, { steps }]) => energyBetween(edges, steps).map((wh) => sign * wh));
  return edges.slice(1).map((end_ms, i) => ({
    start_ms: edges[i],
    end_ms,
    delivered_wh: out[i],
    supplied_wh: max(sum(into.map((sums) => sums[i])), 0n),
    complete: heardUntil >= max(end_ms - MS_PER_DAY / 2n, edges[i]),
  }));
}

// Energy of the steps (in time order) that end after each edge and not after the next.
function energyBetween(edges, steps) {
  let next = 0;
  while (next < steps.length && steps[next].end_ms <= edges[0]) next += 1;
  return edges.slice(1).map((end_ms) => {
    let wh = 0n;
    for (; next < steps.length && steps[next].end_ms <= end_ms; next++) wh += steps[next].energy_wh;
    return wh;
  });
}

// Energy of the first step that ends after an instant, if it began before it.
function underWay(steps, instant_ms) {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle].end_ms <= instant_ms) low = middle + 1;
    else high = middle;
  }
  return low < steps.length && steps[low].start_ms < instant_ms ? steps[low].energy_wh : 0n;
}

// What one side claims and the other does not confirm, in the order of time.
function excesses(plant, compared) {
  const usual = [];
  let recent = [];
  return compared.flatMap((stretch) => {
    const { delivered_wh, supplied_wh, complete } = stretch;
    const [usualOut, usualIn] = [sum(usual.map((one) => one.delivered_wh)), sum(usual.map((one) => one.supplied_wh))];
    const share = usualIn > 0n ? [usualOut, usualIn] : UNKNOWN_SHARE;
    const slack_ms = complete ? TOLERANCE_MS : RUNNING_TOLERANCE_MS;
    const slack_wh = (plant.largest_power_w * slack_ms) / MS_PER_HOUR + 2n * plant.resolution_wh;
    let drift = 0;
    if (complete) {
      recent = [...recent, stretch].slice(-DRIFT_DAYS);
      if (usual.length === FIRST_DAYS && usualOut * 100n >= usualIn * 90n) drift = driftOf(recent, share);
    }
    if (drift > 0 || delivered_wh > (supplied_wh * (PPM + TOLERANCE_PPM)) / PPM + slack_wh) {
      const fair_wh = min((supplied_wh * share[0]) / share[1], supplied_wh);
      return delivered_wh > fair_wh ? [{ stretch, wh: delivered_wh - fair_wh, ofPlant: true }] : [];
    }
    if (drift < 0 && delivered_wh * share[1] < supplied_wh * share[0]) {
      return [{ stretch, wh: supplied_wh - (delivered_wh * share[1]) / share[0], ofPlant: false }];
    }
    if (complete && supplied_wh > 0n && usual.length < FIRST_DAYS) usual.push(stretch);
    return [];
  });
}

// 1 if more of what is supplied arrives than usual, -1 if less, else 0.
function driftOf(recent, share) {
  const now = sum(recent.map(({ delivered_wh }) => delivered_wh)) * share[1];
  const then = sum(recent.map(({ supplied_wh }) => supplied_wh)) * share[0];
  if (now * PPM > then * (PPM + DRIFT_PPM)) return 1;
  return now * PPM < then * (PPM - DRIFT_PPM) ? -1 : 0;
}

// Spread a part of a sum over the steps that end in a stretch, by their energy, rounded up.
function sharesUp(steps, { start_ms, end_ms }, wh, of_wh) {
  let total_wh = 0n;
  let before_wh = 0n;
  return steps.map((step) => {
    if (!(start_ms < step.end_ms && step.end_ms <= end_ms)) return 0n;
    if (wh >= of_wh) return step.energy_wh;
    total_wh += step.energy_wh;
    const upTo_wh = (total_wh * wh + of_wh - 1n) / of_wh;
    const share_wh = upTo_wh - before_wh;
    before_wh = upTo_wh;
    return share_wh;
  });
}

module.exports = { settleSite, INVERTER, PLANT, LOAD };
