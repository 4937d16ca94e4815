// A proof that does not hold: `step` says where on the way of a watt-hour it broke.
"use strict";

class Refusal extends Error {
  constructor(step, what) {
    super(`${step}: ${what}`);
    this.step = step;
    this.what = what;
  }
}

// An impossible number, name or size. Whoever walks the steps says at which of them it was met.
class Impossible extends Error {}

// What the rules or limits of settlement forbid.
class Unsettleable extends Error {}

module.exports = { Refusal, Impossible, Unsettleable };
