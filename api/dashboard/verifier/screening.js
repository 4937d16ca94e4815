// What is set aside before readings are held against each other: rules that need one reading, or two at one instant.
"use strict";
const { oftenOn } = require("./calendar");
const { LARGEST, PPM } = require("./meter");
const { compare } = require("./numbers");

const SENTINELS_WH = [2n ** 31n - 1n, 2n ** 32n - 1n];
const NOTICEABLE_PPM = 20_000n;

// How many readings and events were not used, by reason.
class Tally {
  constructor() {
    this.counts = Object.create(null);
  }

  add(reason, howMany = 1) {
    if (howMany > 0) this.counts[reason] = (this.counts[reason] ?? 0n) + BigInt(howMany);
  }

  // The readings without those that an objection names a reason for.
  sift(readings, objection) {
    return readings.filter((reading) => {
      const reason = objection(reading);
      if (reason) this.add(reason);
      return !reason;
    });
  }
}

const isSentinel = (register_wh) => SENTINELS_WH.includes(register_wh) || register_wh > LARGEST;

// Usable readings in time order, each instant and register once: of those that differ in power, the lowest.
function usable(meter, points, cutoff_ms, tally) {
  const kept = tally.sift(points, ({ time_ms, register_wh, contested, revoked }) => {
    if (revoked) return "revoked";
    if (time_ms > cutoff_ms) return "future";
    if (contested) return "equivocation";
    if (register_wh === null) return "absent";
    return isSentinel(register_wh) && "sentinel";
  });
  kept.sort(
    (a, b) =>
      compare(a.time_ms, b.time_ms) ||
      compare(a.register_wh, b.register_wh) ||
      compare(a.power_w === null, b.power_w === null) ||
      compare(a.power_w, b.power_w),
  );
  const distinct = kept.filter(
    ({ time_ms, register_wh }, i) =>
      i === 0 || time_ms !== kept[i - 1].time_ms || register_wh !== kept[i - 1].register_wh,
  );
  tally.add("duplicate", kept.length - distinct.length);
  if (!meter.generates_only) return distinct;
  const drawing = distinct.filter(({ power_w }) => power_w !== null && power_w < 0n);
  const much = drawing.filter(({ power_w }) => -power_w * PPM > meter.nameplate_w * NOTICEABLE_PPM);
  const often = oftenOn(much.map(({ time_ms }) => time_ms), meter);
  const reversed = new Set(drawing.filter(({ time_ms }) => often(time_ms)));
  return tally.sift(distinct, (reading) => reversed.has(reading) && "reversed");
}

// Signed moves of the register up to the cutoff, in time order.
function signedMoves(meter, events, cutoff_ms, tally) {
  const due = events.filter(({ time_ms }) => time_ms <= cutoff_ms);
  const later = due.filter(({ time_ms }) => meter.baseline === null || time_ms > meter.baseline.time_ms);
  const possible = later.filter(({ closing_wh, opening_wh }) => closing_wh <= LARGEST && opening_wh <= LARGEST);
  const sound = possible.filter((event) => possible.filter(({ time_ms }) => time_ms === event.time_ms).length === 1);
  tally.add("before_baseline", due.length - later.length);
  tally.add("sentinel", later.length - possible.length);
  tally.add("conflicting_event", possible.length - sound.length);
  return sound.sort((a, b) => compare(a.time_ms, b.time_ms));
}

module.exports = { Tally, usable, signedMoves, NOTICEABLE_PPM };
