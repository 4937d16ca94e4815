// Which readings of a register can be true together: the longest chain, and what only rounding kept off it.
"use strict";
const { compare } = require("./numbers");

// Whether each reading (in time order) could follow all those before it.
function allConsistent(readings, meter) {
  let highest = null;
  return readings.every((reading, i) => {
    const headroom = meter.headroomWh(reading);
    const rises = i === 0 || reading.register_wh >= readings[i - 1].register_wh;
    const possible = rises && (i === 0 || headroom + meter.tolerance_wh >= highest);
    if (highest === null || headroom > highest) highest = headroom;
    return possible;
  });
}

// Membership in the largest mutually consistent set, by place. What stands still says one thing: of readings in a row
// with one register only the first and the last count, and those between them follow.
function longestConsistentChain(readings, meter) {
  if (readings.length < 2 || allConsistent(readings, meter)) return readings.map(() => true);
  const u = readings.map(({ register_wh }) => register_wh);
  const v = readings.map(meter.headroomWh);
  const isEnd = u.map((register_wh, i) => register_wh !== u[i - 1] || register_wh !== u[i + 1]);
  const ends = isEnd.flatMap((is, i) => (is ? [i] : []));
  const member = readings.map(() => false);
  const chosen = longestChain(ends.map((i) => u[i]), ends.map((i) => v[i]));
  for (const place of chosen) member[ends[place]] = true;
  for (let start = 0; start < u.length; ) {
    let end = start;
    while (u[end + 1] === u[start]) end += 1;
    if (member[start] && member[end]) member.fill(true, start, end + 1);
    start = end + 1;
  }
  const chain = member.flatMap((is, i) => (is ? [i] : []));
  for (const i of roundedOff(u, v, chain, meter.tolerance_wh)) member[i] = true;
  return member;
}

// Places of a longest sequence in which neither key falls: patience sorting on v, after sorting by (u, v, place).
function longestChain(u, v) {
  const order = u.map((_, i) => i).sort((i, j) => compare(u[i], u[j]) || compare(v[i], v[j]) || i - j);
  const tails = [];
  const before = new Array(u.length).fill(-1);
  for (const i of order) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (v[tails[middle]] <= v[i]) low = middle + 1;
      else high = middle;
    }
    before[i] = low > 0 ? tails[low - 1] : -1;
    tails[low] = i;
  }
  const chain = [];
  for (let i = tails.at(-1); i >= 0; i = before[i]) chain.push(i);
  return chain.reverse();
}

// Places that are within the tolerance of all counted readings before and of the next one on the chain.
function roundedOff(u, v, chain, tolerance_wh) {
  const taken = [];
  let next = 0;
  let lastU = 0n;
  let highestV = v.reduce((least, one) => (one < least ? one : least));
  for (let i = 0; i < u.length; i++) {
    if (i === chain[next]) {
      next += 1;
    } else {
      const follows = u[i] >= lastU && v[i] + tolerance_wh >= highestV;
      const j = chain[next];
      const isFollowed = j === undefined || (u[i] <= u[j] && v[i] <= v[j] + tolerance_wh);
      if (!(follows && isFollowed)) continue;
      taken.push(i);
    }
    lastU = u[i];
    if (v[i] > highestV) highestV = v[i];
  }
  return taken;
}

module.exports = { allConsistent, longestConsistentChain };
