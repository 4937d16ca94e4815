// The rules that a report pins by digest: method, limits, tariffs and factors.
"use strict";
const { Buffer } = require("buffer");
const { canonicalBytes, isObject } = require("./json");
const { keccak } = require("./hashing");
const { PPM } = require("./meter");
const { Refusal } = require("./refusal");

const METHOD = "heliograph-settlement/2";
const REASONS = [
  "absent",
  "alternating",
  "before_baseline",
  "calibration",
  "conflicting_event",
  "decrease",
  "duplicate",
  "equivocation",
  "future",
  "jump",
  "night",
  "over_capacity",
  "replay",
  "reversed",
  "revoked",
  "scale",
  "sentinel",
  "stale",
  "sum_check",
  "uncorroborated",
  "zero",
];
const METHODOLOGIES = [
  { name: "AMS-I.D", counts_own_use: false, largest_w: 15_000_000n },
  { name: "ACM0002", counts_own_use: false, largest_w: null },
  { name: "AMS-I.F", counts_own_use: true, largest_w: 15_000_000n },
];
const OPERATING_WEIGHT_PPM = 750_000n;
const CEILING_ENTRIES = 24 * 48;
// A character that is no white space, as Unicode and Python count it.
const SAYS_SOMETHING = /[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function expect(condition, what) {
  if (!condition) throw new Refusal("rules", what);
}

const text = (value) => typeof value === "string";
const words = (value) => text(value) && SAYS_SOMETHING.test(value);
const from = (least, most) => (value) =>
  typeof value === "bigint" && value >= least && (most === undefined || value <= most);
const whole = from(0n);
const optional = (kind) => (value) => value === null || kind(value);
const record = (kinds) => (value) =>
  isObject(value) &&
  Object.keys(value).length === Object.keys(kinds).length &&
  Object.entries(kinds).every(([name, kind]) => name in value && kind(value[name]));
const ascending = (kind, follows) => (value) =>
  Array.isArray(value) && value.every(kind) && value.every((one, i) => i === 0 || follows(value[i - 1], one));
const byName = (key) => (one, other) => Buffer.compare(Buffer.from(one[key]), Buffer.from(other[key])) < 0;

const weighed = record({
  operating_weight_ppm: (value) => value === OPERATING_WEIGHT_PPM, // of solar power
  operating_g_per_mwh: optional(whole),
  build_g_per_mwh: optional(whole),
});
const factorShape = record({
  factor_id: words,
  g_per_mwh: whole,
  kind: (value) => value === "combined_margin", // no other kind may be credited with
  year: whole,
  source: words,
  licence: words,
  boundary: words,
  margins: weighed,
  table_sha256: optional(words),
});

function factor(value) {
  if (!factorShape(value)) return false;
  const { operating_weight_ppm: weight, operating_g_per_mwh: operating, build_g_per_mwh: build } = value.margins;
  if (operating === null || build === null) return operating === build;
  return value.g_per_mwh === (operating * weight + build * (PPM - weight)) / PPM;
}

const termsShape = record({
  asset_id: text,
  tariff: record({ tariff_id: text, minor_per_mwh: whole, source: text }),
  factor: optional(factor),
  later: ascending(record({ from: whole, factor }), (one, other) => one.from < other.from),
  methodology: (value) => METHODOLOGIES.some(({ name }) => name === value),
  deduction_ppm: from(0n, PPM),
  document_sha256: optional((value) => text(value) && /^[0-9a-f]{64}$/.test(value)),
});
const terms = (value) => termsShape(value) && (value.factor !== null || value.later.length === 0);

const limits = record({
  meter_id: text,
  rated_overload_ppm: whole,
  resolution_wh: whole,
  modulus_wh: optional(whole),
  calibration_due_ms: optional(whole),
  permissible_error_ppm: whole,
});
const ceiling = (value) => Array.isArray(value) && value.length === CEILING_ENTRIES && value.every(from(0n, 2n * PPM));

const isRules = record({
  method: (value) => value === METHOD,
  reasons: (value) => Array.isArray(value) && value.length === REASONS.length && value.every((one, i) => one === REASONS[i]),
  rated_overload_ppm: whole,
  ledger_interval_ms: from(1n),
  confirmations: from(1n),
  ceilings: (value) => isObject(value) && Object.values(value).every(ceiling),
  limits: ascending(limits, byName("meter_id")),
  terms: ascending(terms, byName("asset_id")),
});

class Rules {
  constructor(document) {
    expect(isRules(document), `are not of method ${METHOD}, or not in its one form`);
    this.document = document;
    this.digest = keccak(canonicalBytes(document));
  }

  termsOf(asset_id) {
    const found = this.document.terms.find((one) => one.asset_id === asset_id);
    expect(found, `there are no terms for asset ${asset_id}`);
    return found;
  }

  methodOf({ methodology }) {
    return METHODOLOGIES.find(({ name }) => name === methodology);
  }

  // What the rules say of one meter, for `makeMeter`.
  limitsOf(meter_id, asset_id) {
    const { limits: listed, confirmations, ceilings, rated_overload_ppm } = this.document;
    const own = listed.find((one) => one.meter_id === meter_id);
    const due_ms = own?.calibration_due_ms ?? null;
    return {
      rated_overload_ppm: own?.rated_overload_ppm ?? rated_overload_ppm,
      resolution_wh: own?.resolution_wh ?? 1n,
      modulus_wh: own?.modulus_wh ?? null,
      calibration: due_ms === null ? null : { due_ms, error_ppm: own.permissible_error_ppm },
      confirmations,
      ceiling: ceilings[asset_id] ?? null,
    };
  }
}

module.exports = { Rules };
