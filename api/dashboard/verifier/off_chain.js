// What is wrong with readings that are off the chain, and what they say about those on it.
"use strict";

const { MS_PER_DAY } = require("./calendar");
const { compare } = require("./numbers");

const RETURNS = 3;
const LEAP_MS = 900_000n;
const MS_PER_HOUR = 3_600_000n;

const places = (flags) => flags.flatMap((flag, i) => (flag ? [i] : []));

// Readings of the chain that repeat a register from which others, left out, leapt.
function frozenRuns(readings, onChain) {
  const frozen = new Set();
  let last = null;
  readings.forEach(({ register_wh }, i) => {
    if (onChain[i]) last = register_wh;
    else if (register_wh === last) frozen.add(register_wh);
  });
  const seen = new Set();
  return readings.map(({ register_wh }, i) => {
    if (!onChain[i]) return false;
    const again = seen.has(register_wh);
    seen.add(register_wh);
    return again && frozen.has(register_wh);
  });
}

// The reason of each reading off the chain, null for those on it.
function names(readings, onChain) {
  const chainRegisters = new Set(readings.filter((_, i) => onChain[i]).map(({ register_wh }) => register_wh));
  const visits = new Map(); // register -> how many readings of the chain came before, each time it was seen
  let before = 0;
  readings.forEach(({ register_wh }, i) => {
    if (onChain[i]) before += 1;
    else visits.set(register_wh, (visits.get(register_wh) ?? new Set()).add(before));
  });
  let reached = 0n;
  return readings.map(({ register_wh }, i) => {
    if (onChain[i]) {
      if (register_wh > reached) reached = register_wh;
      return null;
    }
    if (register_wh === 0n) return "zero";
    if (register_wh === reached) return "stale";
    if (visits.get(register_wh).size >= RETURNS) return "alternating";
    if (chainRegisters.has(register_wh)) return "replay";
    return register_wh < reached ? "decrease" : "jump";
  });
}

// How many readings of the chain, from its start, are confirmed clearly more often than contradicted.
function believed(readings, onChain, confirmations) {
  const chain = places(onChain).map((i) => readings[i]);
  if (chain.length === 0) return 0;
  const off = readings.filter(({ register_wh }, i) => !onChain[i] && (chain[0].register_wh === 0n || register_wh !== 0n));
  for (let i = chain.length - 1; i >= 0; i--) {
    const { time_ms, register_wh } = chain[i];
    const contradicting = off.filter((one) => one.time_ms >= time_ms && one.register_wh < register_wh).length;
    if (BigInt(chain.length - i - contradicting) >= confirmations) return i + 1;
  }
  return 0;
}

// How many readings of the chain, from its start, come before a leap across a gap that is younger than a day.
function beforeYoungLeap(chain, meter) {
  if (chain.length < 2) return chain.length;
  const spans = chain.slice(1).map(({ time_ms }, k) => time_ms - chain[k].time_ms);
  const usual_ms = [...spans].sort(compare)[spans.length >> 1];
  const much_wh = (meter.nameplate_w * LEAP_MS) / MS_PER_HOUR + meter.resolution_wh;
  const young = spans.findIndex(
    (span_ms, k) =>
      span_ms > 2n * usual_ms &&
      chain[k + 1].register_wh - chain[k].register_wh > much_wh &&
      chain[k + 1].time_ms > chain.at(-1).time_ms - MS_PER_DAY,
  );
  return young < 0 ? chain.length : young + 1;
}

// Whether over each step of the chain the register rose faster than the plant can produce, and stayed.
// One witness is enough where it is certain.
function absorbed(readings, onChain, least, certain) {
  const chain = places(onChain);
  const off = places(onChain.map((is) => !is));
  return chain.slice(1).map((end, k) => {
    const [from, to] = [readings[chain[k]], readings[end]];
    const witnesses = off.filter((i) => {
      const { time_ms, register_wh } = readings[i];
      const inTime = from.time_ms <= time_ms && time_ms < to.time_ms;
      return inTime && from.register_wh < register_wh && register_wh <= to.register_wh;
    });
    return BigInt(witnesses.length) >= least || witnesses.some((i) => certain[i]);
  });
}

module.exports = { frozenRuns, names, believed, beforeYoungLeap, absorbed };
