// Sums and comparisons of BigInts.
"use strict";

const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
const min = (one, other) => (one < other ? one : other);
const max = (one, other) => (one > other ? one : other);
const sum = (numbers) => [...numbers].reduce((total, number) => total + number, 0n);

module.exports = { compare, min, max, sum };
