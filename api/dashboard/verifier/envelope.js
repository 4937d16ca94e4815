// One signed envelope: COSE_Sign1 over a map of columns, as devices/README.md defines it to the byte.
"use strict";
const { Buffer } = require("buffer");
const { Cursor, ARRAY, MAP, TAG, malformed, secondForm } = require("./cbor");
const { deviceKey } = require("./device_key");
const { IDENTIFIER, sha256 } = require("./hashing");
const { Refusal, Impossible } = require("./refusal");

const MAX_BYTES = 512 * 1024;
const MAX_READINGS = 10_000;
const MAX_EVENTS = 100n;
const CONTEXT = Buffer.from("\x84\x6aSignature1", "latin1");
// key: [name, tag of the typed array, bytes an element, how one is read, flag of absence]
const COLUMNS = new Map([
  [5n, ["time_ms", 79n, 8, (bytes, at) => bytes.readBigInt64LE(at)]],
  [6n, ["export_wh", 71n, 8, (bytes, at) => bytes.readBigUInt64LE(at), 1]],
  [7n, ["import_wh", 71n, 8, (bytes, at) => bytes.readBigUInt64LE(at), 2]],
  [8n, ["power_w", 78n, 4, (bytes, at) => BigInt(bytes.readInt32LE(at)), 4]],
  [9n, ["flags", 64n, 1, (bytes, at) => bytes[at]]],
]);
const FIELDS = new Map([
  [1n, ["device", (cursor) => cursor.identifier()]],
  [2n, ["meter", (cursor) => cursor.identifier()]],
  [3n, ["boot", (cursor) => cursor.uint63()]],
  [4n, ["first_sequence", (cursor) => cursor.uint63()]],
  [10n, ["previous", (cursor) => exactly(cursor.octets(), 32)]],
  [11n, ["events", readEvents]],
]);

function exactly(bytes, length) {
  if (bytes.length !== length) throw malformed(`${bytes.length} bytes, expected ${length}`);
  return bytes;
}

function bstr(bytes) {
  const head = bytes.length < 24 ? [0x40 | bytes.length] : [0x58, bytes.length];
  return Buffer.concat([Buffer.from(head), bytes]);
}

// Decode an envelope and verify its signature under the key that it names. Throws Refusal, Impossible.
function openEnvelope(wire, network) {
  if (wire.length > MAX_BYTES) throw new Refusal("envelopes", "oversize");
  if (wire[0] !== 0xd2 || wire[1] !== 0x84) throw malformed("not tag 18 over an array of 4");
  const cursor = new Cursor(wire);
  cursor.at = 2;
  const header = cursor.octets();
  const protectedPart = wire.subarray(2, cursor.at);
  const key = readHeader(header);
  if (cursor.expect(MAP) !== 0n) throw malformed("the unprotected header is not empty");
  const bodyStart = cursor.at;
  const payload = cursor.octets();
  const body = wire.subarray(bodyStart, cursor.at);
  const signature = exactly(cursor.octets(), 64);
  cursor.finish();
  if (!IDENTIFIER.test(network)) throw new Impossible(`network ${JSON.stringify(network)} is not an identifier`);
  const aad = bstr(Buffer.from(`heliograph/envelope/v1\0${network}`, "ascii"));
  const signed = Buffer.concat([CONTEXT, protectedPart, aad, body]);
  const said = readPayload(payload);
  key.check(signature, signed);
  return { ...said, thumbprint: key.thumbprint, digest: sha256(signed) };
}

function readHeader(header) {
  const cursor = new Cursor(header);
  const only = () => malformed("the protected header holds other labels than 1 (alg) and 4 (kid)");
  if (cursor.expect(MAP) !== 2n || cursor.key(-1n) !== 1n) throw only();
  const algorithm = cursor.integer();
  if (cursor.key(1n) !== 4n) throw only();
  const raw = cursor.octets();
  cursor.finish();
  return deviceKey(algorithm, raw);
}

// The readings, as rows: {time_ms, export_wh, import_wh, power_w, event}, null where absent.
function readPayload(payload) {
  const cursor = new Cursor(payload);
  const said = { events: [] };
  let key = -1n;
  for (let left = cursor.expect(MAP); left > 0n; left--) {
    key = cursor.key(key);
    const [name, read] = FIELDS.get(key) ?? [];
    if (name) said[name] = read(cursor);
    else said[COLUMNS.get(key)?.[0]] = readColumn(cursor, key);
  }
  cursor.finish();
  for (const name of ["device", "meter", "boot", "first_sequence", "time_ms", "previous"]) {
    if (said[name] === undefined) throw malformed(`${name} is missing`);
  }
  checkColumns(said);
  const { device, meter, boot, first_sequence, previous } = said;
  const readings = rows(said);
  if (first_sequence + BigInt(readings.length) - 1n >= 2n ** 63n) throw malformed("a sequence number is not below 2^63");
  return { device, meter, boot, first_sequence, previous, readings, has_export: said.export_wh !== undefined };
}

function readColumn(cursor, key) {
  const column = COLUMNS.get(key);
  if (column === undefined) throw malformed(`key ${key} is unknown`);
  const [name, tag, size, read] = column;
  if (cursor.expect(TAG) !== tag) throw malformed(`${name} is no typed array of tag ${tag}`);
  const bytes = cursor.octets();
  if (bytes.length % size) throw malformed(`${name} is no whole number of elements`);
  if (bytes.length / size > MAX_READINGS) throw new Refusal("envelopes", "oversize");
  return Array.from({ length: bytes.length / size }, (_, i) => read(bytes, i * size));
}

function readEvents(cursor) {
  const count = cursor.expect(ARRAY);
  if (count === 0n) throw secondForm("an empty list of events");
  if (count > MAX_EVENTS) throw new Refusal("envelopes", "oversize");
  const events = [];
  for (let i = 0; i < count; i++) {
    if (cursor.expect(ARRAY) !== 4n) throw malformed("an event has four parts");
    const [index, kind, closing_wh, opening_wh] = [1, 2, 3, 4].map(() => cursor.uint63());
    if (kind !== 1n && kind !== 2n) throw malformed(`kind ${kind} of an event`);
    if (i > 0 && index <= events[i - 1].index) throw malformed("events are not in order");
    events.push({ index, kind, closing_wh, opening_wh });
  }
  return events;
}

function checkColumns(said) {
  const { time_ms, export_wh, import_wh, flags, events } = said;
  const count = time_ms.length;
  if (count === 0) throw malformed("no readings");
  let known = 0;
  for (const [name, , , , absent] of COLUMNS.values()) {
    if (said[name] === undefined) continue;
    if (said[name].length !== count) throw malformed(`${name}: another length than time_ms`);
    known |= absent ?? 0;
  }
  if (time_ms.some((time) => time < 0n || time >= 2n ** 53n)) throw malformed("a time is outside [0, 2^53)");
  if (!export_wh && !import_wh) throw malformed("neither export_wh nor import_wh is there");
  if (events.length && events.at(-1).index >= count) throw malformed("an event is beyond the last reading");
  if (flags && !flags.some((flag) => flag)) throw secondForm("flags without anything absent");
  if (flags?.some((flag) => flag & ~known)) throw malformed("a flag without meaning or column");
  for (const [name, , , , absent] of COLUMNS.values()) {
    const column = said[name];
    if (!absent || !column) continue;
    if (name !== "power_w" && column.some((wh) => wh >= 2n ** 63n)) throw malformed(`${name} is not below 2^63`);
    const gone = column.map((_, i) => Boolean(flags && flags[i] & absent));
    if (gone.some((is, i) => is && column[i] !== 0n)) throw malformed(`${name}: an absent number is not 0`);
    const alone = name === "export_wh" && !import_wh;
    if (!alone && gone.every((is) => is)) throw secondForm(`${name}: a column in which nothing is present`);
    said[name] = column.map((number, i) => (gone[i] ? null : number));
  }
}

function rows({ time_ms, export_wh, import_wh, power_w, events }) {
  const readings = time_ms.map((time, i) => ({
    time_ms: time,
    export_wh: export_wh?.[i] ?? null,
    import_wh: import_wh?.[i] ?? null,
    power_w: power_w?.[i] ?? null,
    event: null,
  }));
  for (const event of events) readings[Number(event.index)].event = event;
  return readings;
}

module.exports = { openEnvelope };
