// The members of a proof and of an anchor: what each is called, and the one form in which it is written.
"use strict";
const { Buffer } = require("buffer");
const { isObject } = require("./json");
const { Refusal } = require("./refusal");
const { signerSetObjection } = require("./signers");

const INTEGER = /^(?:0|-?[1-9][0-9]{0,77})$/;
const HEX = /^0x(?:[0-9a-f]{2})*$/;

function expect(condition, place, what) {
  if (!condition) throw new Refusal("document", `${place} is not ${what}`);
}

const text = (value, place) => {
  expect(typeof value === "string", place, "a string");
  return value;
};
const int = (value, place) => {
  expect(typeof value === "string" && INTEGER.test(value), place, "a decimal string");
  return BigInt(value);
};
const bytes = (value, place) => {
  expect(typeof value === "string" && HEX.test(value), place, "lower-case 0x hexadecimal");
  return Buffer.from(value.slice(2), "hex");
};
const list = (kind) => (value, place) => {
  expect(Array.isArray(value), place, "a list");
  return value.map((member, i) => kind(member, `${place}[${i}]`));
};
const orNull = (kind) => (value, place) => (value === null ? null : kind(value, place));
const oneOf = (count) => (value, place) => {
  const number = int(value, place);
  expect(number >= 0n && number < count, place, `a number from 0 to ${count - 1n}`);
  return number;
};
const record = (kinds, objection = () => null) => (value, place) => {
  const names = Object.keys(kinds);
  const fits = isObject(value) && Object.keys(value).length === names.length && names.every((name) => name in value);
  expect(fits, place, `an object of exactly ${names.join(", ")}`);
  const read = Object.fromEntries(names.map((name) => [name, kinds[name](value[name], `${place}.${name}`)]));
  const wrong = objection(read);
  if (wrong) throw new Refusal("document", `${place}: ${wrong}`);
  return read;
};

const domain = record({ chain_id: int, oracle: text });
const signerSet = record({ signers: list(text), threshold: int, config_count: int }, signerSetObjection);
const counter = record({ issued: int, reversed: int });
const path = list(bytes);

const statement = record({
  asset_id: text,
  vintage: int,
  energy_wh: counter,
  credits_g: counter,
  revenue_minor: counter,
  cutoff_s: int,
  evidence_root: bytes,
});

const report = record({
  epoch: int,
  prev: bytes,
  cutoff_s: int,
  config_digest: bytes,
  rules_digest: bytes,
  registry_block: int,
  registry_hash: bytes,
  root: bytes,
  totals: record({ energy_wh: int, credits_g: int, revenue_minor: int }),
  leaf_count: int,
  data_hash: bytes,
});

const asset = record({
  asset_id: text,
  project_id: text,
  beneficiary: text,
  nameplate_w: int,
  commissioned_s: int,
  utc_offset_s: int,
  factor_ceiling_g_per_mwh: int,
  tariff_ceiling_minor_per_mwh: int,
  capacity_factor_ceiling_ppm: int,
  status: oneOf(5n),
});

const project = record({
  project_id: text,
  currency: text,
  methodology: bytes,
  claim_right: oneOf(3n),
  document_hash: bytes,
  assurance: oneOf(3n),
  meters_root: bytes,
});

const meter = record({
  asset_id: text,
  meter_id: text,
  device_id: text,
  thumbprint: bytes,
  role: oneOf(3n),
  nameplate_w: int,
  baseline_wh: int,
  baseline_time_ms: int,
  revoked_boot: int,
  revoked_sequence: int,
});

const attested = {
  network: text,
  domain,
  signer_set: signerSet,
  report,
  signatures: list(bytes),
  statements: list(record({ statement, path })),
  registry: record({ asset, project, path, meters: list(record({ meter, path })) }),
};
const attestation = record(attested);
const proofBody = record({ ...attested, evidence: list(record({ settlement: text, envelopes: list(text) })) });

const contracts = record({ credit: text, ledger: text });
const anchor = record({ domain, signer_set: signerSet, contracts: orNull(contracts), blocks: list(bytes) });

const period = record({
  asset_id: text,
  from_ms: int,
  until_ms: int,
  booked: list(record({ meter_id: text, start_ms: int, standing: text, reason: text, energy_wh: int })),
});

const portion = record({ asset_id: text, first_serial: int, last_serial: int, block: int, epoch: int });
const retirement = record({
  number: int,
  credit_id: int,
  grams: int,
  first_serial: int,
  retired_s: int,
  holder: text,
  beneficiary: text,
  name_hash: bytes,
  name: text,
  purpose: text,
});
const slots = list(record({ slot: bytes, path }));
const block = record({
  block_hash: bytes,
  header: bytes,
  receipts: list(record({ index: int, path })),
  storage: list(record({ contract: text, path, slots })),
});
const creditsBody = record({
  credits: record({
    project_id: text,
    vintage: int,
    first_serial: int,
    last_serial: int,
    portions: list(portion),
    retirement: orNull(retirement),
  }),
  contracts,
  blocks: list(block),
  members: list(record({ asset, project, path })),
});

module.exports = { proofBody, attestation, text, int, list, orNull, anchor, period, creditsBody };
