// What the power of the same readings says about the register: it can only take away.
"use strict";
const { closingDay, oftenOn } = require("./calendar");
const { PPM } = require("./meter");
const { NOTICEABLE_PPM } = require("./screening");

const MS_PER_HOUR = 3_600_000n;
const LONGEST_PAIR_MS = 1_800_000n;
const DAY_TOLERANCE_MS = 10_000n;

const delivered = ({ power_w }) => (power_w > 0n ? power_w : 0n);

// Energy between two neighbours by their power [W x ms]; null where it is not known.
function energyBetween(one, other) {
  const span_ms = other.time_ms - one.time_ms;
  if (one.power_w === null || other.power_w === null || span_ms > LONGEST_PAIR_MS) return null;
  return ((delivered(one) + delivered(other)) * span_ms) / 2n;
}

// Energy [W x ms] over a span that is more than rounding, tare or standby.
function noticeable(span_ms, meter) {
  return span_ms * ((meter.nameplate_w * NOTICEABLE_PPM) / PPM) + 3n * meter.resolution_wh * MS_PER_HOUR;
}

// Steps of the import register of something that only generates, on days on which it often drew noticeable energy.
function drawingSteps(meter, steps) {
  if (!meter.generates_only) return [];
  const isMuch = ({ start_ms, end_ms, energy_wh }) => energy_wh > noticeable(end_ms - start_ms, meter) / MS_PER_HOUR;
  const often = oftenOn(steps.filter(isMuch).map(({ end_ms }) => end_ms), meter);
  return steps.filter(({ end_ms, energy_wh }) => energy_wh > 0n && often(end_ms));
}

// Whether each reading has the register of the one before although power was noticeable at both.
function stuck(readings, meter) {
  return readings.map((reading, i) => {
    if (i === 0 || reading.register_wh !== readings[i - 1].register_wh) return false;
    const energy = energyBetween(readings[i - 1], reading);
    if (energy === null || !(readings[i - 1].power_w > 0n && reading.power_w > 0n)) return false;
    const span_ms = reading.time_ms - readings[i - 1].time_ms;
    return energy > noticeable(span_ms, meter);
  });
}

// Whether each step ends on a local day whose register rose far more than the power says.
function overstated(readings, meter) {
  const days = new Map();
  const dayOfStep = readings.slice(1).map((reading, i) => {
    const day = closingDay(reading.time_ms, meter.utc_offset_s);
    const energy = energyBetween(readings[i], reading);
    if (energy !== null) {
      const sums = days.get(day) ?? { rose_wh: 0n, by_power: 0n };
      sums.rose_wh += reading.register_wh - readings[i].register_wh;
      sums.by_power += energy;
      days.set(day, sums);
    }
    return day;
  });
  const tolerance_wh = (meter.nameplate_w * DAY_TOLERANCE_MS) / MS_PER_HOUR + 2n * meter.resolution_wh;
  return dayOfStep.map((day) => {
    const sums = days.get(day);
    return sums !== undefined && 2n * sums.rose_wh > 3n * (sums.by_power / MS_PER_HOUR) + 2n * tolerance_wh;
  });
}

module.exports = { drawingSteps, stuck, overstated };
