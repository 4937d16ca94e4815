// Local days and years at a fixed offset from UTC.
"use strict";
const { Impossible } = require("./refusal");

const MS_PER_DAY = 86_400_000n;
const floorDiv = (number, by) => (number - (((number % by) + by) % by)) / by;

// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
function civil(day) {
  const since = day + 719_468n; // from 0000-03-01 on, in eras of 400 years
  const era = floorDiv(since, 146_097n);
  const ofEra = since - era * 146_097n;
  const yearOfEra = (ofEra - ofEra / 1460n + ofEra / 36_524n - ofEra / 146_096n) / 365n;
  const dayOfYear = ofEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const monthFromMarch = (5n * dayOfYear + 2n) / 153n;
  const dayOfMonth = dayOfYear - (153n * monthFromMarch + 2n) / 5n + 1n;
  const month = monthFromMarch < 10n ? monthFromMarch + 3n : monthFromMarch - 9n;
  return { year: yearOfEra + era * 400n + (month <= 2n ? 1n : 0n), month, dayOfMonth };
}

// Calendar year of an instant [ms UTC] at an offset [s]. Throws Impossible beyond the year 9999 and before the year 1.
function vintageOf(instant_ms, utc_offset_s) {
  const { year } = civil(floorDiv(instant_ms + utc_offset_s * 1000n, MS_PER_DAY));
  if (year < 1n || year > 9999n) throw new Impossible(`year ${year} is out of range`);
  return year;
}

// Local day, counted from 1970-01-01, that holds the instant just before one.
const closingDay = (end_ms, utc_offset_s) => floorDiv(end_ms - 1n + utc_offset_s * 1000n, MS_PER_DAY);

// First instant [ms UTC] of a local day.
const dayStart = (day, utc_offset_s) => day * MS_PER_DAY - utc_offset_s * 1000n;

// Local day that holds an instant.
const dayOf = (instant_ms, utc_offset_s) => closingDay(instant_ms + 1n, utc_offset_s);

// Returns whether an instant falls on a local day on which as many of these instants fall as confirm a register.
function oftenOn(marked_ms, { utc_offset_s, confirmations }) {
  const counts = new Map();
  for (const instant_ms of marked_ms) {
    const day = closingDay(instant_ms, utc_offset_s);
    counts.set(day, (counts.get(day) ?? 0n) + 1n);
  }
  return (instant_ms) => (counts.get(closingDay(instant_ms, utc_offset_s)) ?? 0n) >= confirmations;
}

module.exports = { MS_PER_DAY, civil, vintageOf, closingDay, dayStart, dayOf, oftenOn };
