// Settles one register: every step attested, withheld or disputed, every unused reading counted with its reason.
"use strict";
const { overstated } = require("./by_power");
const { PPM } = require("./meter");
const { Tally, signedMoves, usable } = require("./screening");
const { trace } = require("./trace");

const ATTESTED = "attested";
const WITHHELD = "withheld";
const DISPUTED = "disputed";

// Returns {steps: [{start_ms, end_ms, energy_wh, standing, reason}], rejected, last_register_wh, last_time_ms}.
// `reversed`: instants at which the import register shows that the meter stands the wrong way round.
function settleRegister(meter, { points, events }, cutoff_ms, reversed = new Set()) {
  const tally = new Tally();
  const sound = usable(meter, points, cutoff_ms, tally);
  const readings = tally.sift(sound, ({ time_ms }) => reversed.has(time_ms) && "reversed");
  const moves = signedMoves(meter, events, cutoff_ms, tally);
  const traces = [...moves, null].map((until, i) => trace(meter, readings, moves[i - 1] ?? null, until, tally));
  const contested = points.filter((point) => point.contested && !point.revoked && point.time_ms <= cutoff_ms);
  const contested_ms = contested.map(({ time_ms }) => time_ms);
  const last = traces.at(-1).chain.at(-1) ?? null;
  const steps = traces.flatMap((one) => stepsOf(meter, one, contested_ms));
  return {
    steps: meter.calibration === null ? steps : calibrated(meter.calibration, steps),
    rejected: tally.counts,
    last_register_wh: last && last.register_wh,
    last_time_ms: last && last.time_ms,
  };
}

function stepsOf(meter, { chain, believed, tooFast, overCapacity, byNight }, contested_ms) {
  const scaled = overstated(chain, meter);
  return chain.slice(1).map((end, k) => {
    const step = {
      start_ms: chain[k].time_ms,
      end_ms: end.time_ms,
      energy_wh: end.register_wh - chain[k].register_wh,
      standing: ATTESTED,
      reason: "",
    };
    if (step.energy_wh === 0n) return step;
    const contested = contested_ms.some((time_ms) => step.start_ms < time_ms && time_ms <= step.end_ms);
    const found = [
      [contested, DISPUTED, "equivocation"],
      [byNight[k], DISPUTED, "night"],
      [tooFast[k], DISPUTED, "jump"],
      [overCapacity[k], DISPUTED, "over_capacity"],
      [scaled[k], DISPUTED, "scale"],
      [k + 1 >= believed, WITHHELD, "uncorroborated"],
    ].find(([is]) => is);
    if (found) [, step.standing, step.reason] = found;
    return step;
  });
}

// Withhold the permissible error of all attested energy since the calibration was due, rounded up.
function calibrated({ due_ms, error_ppm }, steps) {
  let overdue_wh = 0n;
  let held_wh = 0n;
  const held = steps.map(({ energy_wh, standing }, i) => {
    const counts = standing === ATTESTED && (i + 1 === steps.length || steps[i + 1].start_ms > due_ms);
    if (counts) overdue_wh += energy_wh;
    const before_wh = held_wh;
    held_wh = (overdue_wh * error_ppm + PPM - 1n) / PPM;
    return held_wh - before_wh;
  });
  return holdBack(steps, held, WITHHELD, "calibration");
}

// Take a part of each attested step out of what is attested; the part becomes a step of its own.
function holdBack(steps, held, standing, reason) {
  return steps.flatMap((step, i) => {
    if (held[i] === 0n || step.standing !== ATTESTED) return [step];
    return [
      { ...step, energy_wh: step.energy_wh - held[i] },
      { ...step, energy_wh: held[i], standing, reason },
    ];
  });
}

function totalWh({ steps }, standing) {
  return steps.reduce((sum, step) => (step.standing === standing ? sum + step.energy_wh : sum), 0n);
}

module.exports = { settleRegister, holdBack, totalWh, ATTESTED, WITHHELD, DISPUTED };
