// The corroborated readings of a register between two signed moves, or the ends of its series.
"use strict";
const { stuck } = require("./by_power");
const { closingDay, dayOf, oftenOn } = require("./calendar");
const { allConsistent, longestConsistentChain } = require("./chain");
const { LARGEST } = require("./meter");
const { absorbed, beforeYoungLeap, believed, frozenRuns, names } = require("./off_chain");

// Returns {chain, believed: how many of it, tooFast, overCapacity and byNight: a flag a step}.
function trace(meter, all, since, until, tally) {
  let readings = all.filter(
    ({ time_ms }) => (since === null || time_ms >= since.time_ms) && (until === null || time_ms < until.time_ms),
  );
  if (until !== null) readings.push({ time_ms: until.time_ms, register_wh: until.closing_wh, power_w: null });
  if (meter.modulus_wh !== null) {
    readings = unwrap(tally.sift(readings, ({ register_wh }) => register_wh >= meter.modulus_wh && "jump"), meter);
  }
  const anchor = since ? { time_ms: since.time_ms, register_wh: since.opening_wh } : meter.baseline;
  let onChain;
  if (anchor === null) {
    onChain = longestConsistentChain(readings, meter);
  } else {
    readings = tally.sift(readings, ({ time_ms }) => time_ms < anchor.time_ms && "before_baseline");
    const canFollow = follower(meter, anchor, since ? 0n : meter.tolerance_wh);
    const chained = longestConsistentChain(readings.filter(canFollow), meter);
    let next = 0;
    onChain = [true, ...readings.map((reading) => canFollow(reading) && chained[next++])];
    readings = [{ ...anchor, power_w: null }, ...readings];
  }
  return judge(meter, readings, onChain, { anchored: anchor !== null, closed: until !== null }, tally);
}

// Continue a register past its modulus.
function unwrap(readings, meter) {
  const most = (LARGEST + 1n) / meter.modulus_wh - 1n;
  let turns = 0n;
  return readings.map((reading, i) => {
    if (i > 0 && reading.register_wh < readings[i - 1].register_wh) {
      const following = readings.slice(i - 1, i + 2);
      const continued = following.map(({ time_ms, register_wh }, j) => ({
        time_ms,
        register_wh: register_wh + (j > 0 ? meter.modulus_wh : 0n),
      }));
      if (continued.length === 3 && allConsistent(continued, meter)) turns += 1n;
    }
    return { ...reading, register_wh: reading.register_wh + (turns < most ? turns : most) * meter.modulus_wh };
  });
}

function follower(meter, anchor, tolerance_wh) {
  const then = meter.headroomWh(anchor);
  return (reading) => meter.headroomWh(reading) + tolerance_wh >= then && reading.register_wh >= anchor.register_wh;
}

function judge(meter, readings, chained, { anchored, closed }, tally) {
  const stale = frozenRuns(readings, chained);
  const stuckOnChain = stuck(readings.filter((_, i) => chained[i]), meter);
  let next = 0;
  chained.forEach((is, i) => {
    if (is && stuckOnChain[next++]) stale[i] = true;
  });
  const onChain = chained.map((is, i) => is && !stale[i]);
  const over = readings.map(({ power_w }) => power_w !== null && power_w > meter.largest_power_w);
  names(readings, onChain).forEach((reason, i) => {
    if (over[i]) tally.add("over_capacity");
    else if (reason !== null) tally.add(stale[i] ? "stale" : reason);
  });
  const chain = readings.filter((_, i) => onChain[i]);
  const dark = roseInTheDark(meter, readings);
  const certain = readings.map((_, i) => over[i] || dark[i]);
  const tooFast = absorbed(readings, onChain, meter.confirmations, certain);
  const risen = readings.filter((_, i) => dark[i]);
  const byNight = tooFast.map((is, k) => {
    const [from_ms, to_ms] = [chain[k].time_ms, chain[k + 1].time_ms];
    return is && risen.some(({ time_ms }) => from_ms < time_ms && time_ms <= to_ms);
  });
  if (!anchored && tooFast.length && roseInto(readings, chain[0]) >= meter.confirmations) tooFast[0] = true;
  const isBeyond = oftenOn(readings.filter((_, i) => over[i]).map(({ time_ms }) => time_ms), meter);
  const sure = Math.min(believed(readings, onChain, meter.confirmations), beforeYoungLeap(chain, meter));
  return {
    chain,
    believed: closed ? chain.length : sure,
    tooFast: wholeDays(meter, chain, tooFast),
    overCapacity: chain.slice(1).map(({ time_ms }) => isBeyond(time_ms)),
    byNight: wholeDays(meter, chain, byNight),
  };
}

// Mark all steps that end on a local day which a marked step touches.
function wholeDays(meter, chain, found) {
  const days = found.flatMap((is, k) =>
    is ? [[dayOf(chain[k].time_ms, meter.utc_offset_s), closingDay(chain[k + 1].time_ms, meter.utc_offset_s)]] : [],
  );
  return found.map((_, k) => {
    const day = closingDay(chain[k + 1].time_ms, meter.utc_offset_s);
    return days.some(([first, last]) => first <= day && day <= last);
  });
}

// How many readings before the first of the chain stand below it, and not at zero: the way into it rose too fast.
function roseInto(readings, first) {
  const before = readings.filter(
    ({ time_ms, register_wh }) => time_ms < first.time_ms && register_wh > 0n && register_wh <= first.register_wh,
  );
  return BigInt(before.length);
}

// Whether the register of each reading is above that of the one before, with no sun in between.
// One that stood still since the sun shone may catch up with what was produced since.
function roseInTheDark(meter, readings) {
  if (meter.ceiling === null) return readings.map(() => false);
  const reach = readings.map(({ time_ms }) => meter.reachWh(time_ms));
  let since = 0;
  return readings.map(({ register_wh }, i) => {
    if (i === 0) return false;
    if (i > 1 && readings[i - 1].register_wh !== readings[i - 2].register_wh) since = i - 1;
    const rise_wh = register_wh - readings[i - 1].register_wh;
    const caughtUp = rise_wh <= reach[i] - reach[since] + meter.tolerance_wh;
    return reach[i] === reach[i - 1] && rise_wh > meter.tolerance_wh && !caughtUp;
  });
}

module.exports = { trace };
