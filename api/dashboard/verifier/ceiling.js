// How much a plant can have produced up to an instant: its largest power, or less where a table of the sun says so.
"use strict";
const { MS_PER_DAY, civil } = require("./calendar");
const { sum } = require("./numbers");

const PPM = 1_000_000n;
const MS_PER_HOUR = 3_600_000n;
const MS_PER_HALF_HOUR = 1_800_000n;
const LAST_TIME_MS = 253_402_300_800_000n;
const HALF_HOURS = 48;
const MONTH_DAYS = [31n, 28n, 31n, 30n, 31n, 30n, 31n, 31n, 30n, 31n, 30n, 31n];

const leapYearsBefore = (year) => (year - 1n) / 4n - (year - 1n) / 100n + (year - 1n) / 400n;
const isLeap = (year) => leapYearsBefore(year + 1n) > leapYearsBefore(year);

// Returns the function from an instant [ms UTC] to the energy of the ceiling since 1970, rounded down [Wh].
function reachOf(ceiling, nameplate_w, largest_power_w) {
  if (ceiling === null) return (time_ms) => (time_ms * largest_power_w) / MS_PER_HOUR;
  const power = ceiling.map((ppm) => {
    const power_w = (ppm * nameplate_w) / PPM;
    return power_w < largest_power_w ? power_w : largest_power_w;
  });
  // One row a half-month: the power of each half-hour, and the sum of the day [W x half-hour].
  const rows = Array.from({ length: 24 }, (_, i) => power.slice(i * HALF_HOURS, (i + 1) * HALF_HOURS));
  const days = rows.map(sum);
  const monthSum = (month, leap) =>
    15n * days[2 * month] + (MONTH_DAYS[month] + (leap && month === 1 ? 1n : 0n) - 15n) * days[2 * month + 1];
  const monthsBefore = (month, leap) => sum(MONTH_DAYS.slice(0, month).map((_, before) => monthSum(before, leap)));
  const [commonYear, leapYear] = [false, true].map((leap) => monthsBefore(12, leap));
  return (instant_ms) => {
    const time_ms = instant_ms < LAST_TIME_MS ? instant_ms : LAST_TIME_MS;
    const { year, month: monthNumber, dayOfMonth } = civil(time_ms / MS_PER_DAY);
    const month = Number(monthNumber) - 1;
    const leaps = leapYearsBefore(year) - leapYearsBefore(1970n);
    const late = dayOfMonth > 15n;
    const row = rows[2 * month + (late ? 1 : 0)];
    const slot = Number((time_ms % MS_PER_DAY) / MS_PER_HALF_HOUR);
    const halfHours =
      (year - 1970n - leaps) * commonYear +
      leaps * leapYear +
      monthsBefore(month, isLeap(year)) +
      (late ? 15n * days[2 * month] + (dayOfMonth - 16n) * days[2 * month + 1] : (dayOfMonth - 1n) * days[2 * month]) +
      sum(row.slice(0, slot));
    return (halfHours * MS_PER_HALF_HOUR + row[slot] * (time_ms % MS_PER_HALF_HOUR)) / MS_PER_HOUR;
  };
}

module.exports = { reachOf };
