// Reads the part of CBOR that envelopes use, in its one deterministic encoding (RFC 8949, 4.2.1).
"use strict";
const { IDENTIFIER } = require("./hashing");
const { Refusal } = require("./refusal");

const UINT = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const LEAST = [24n, 2n ** 8n, 2n ** 16n, 2n ** 32n];

const malformed = (what) => new Refusal("envelopes", `malformed: ${what}`);
const secondForm = (what) => new Refusal("envelopes", `non_deterministic: ${what}`);

class Cursor {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  head() {
    if (this.at >= this.bytes.length) throw malformed("the bytes end");
    const major = this.bytes[this.at] >> 5;
    const info = this.bytes[this.at] & 31;
    this.at += 1;
    if (info < 24) return [major, BigInt(info)];
    if (info > 27) throw malformed("indefinite length or ill-formed head");
    const width = 1 << (info - 24);
    if (this.at + width > this.bytes.length) throw malformed("the bytes end within a head");
    const argument = BigInt(`0x${this.bytes.subarray(this.at, this.at + width).toString("hex")}`);
    if (argument < LEAST[info - 24]) throw secondForm("a head is longer than it needs to be");
    this.at += width;
    return [major, argument];
  }

  expect(major) {
    const [found, argument] = this.head();
    if (found !== major) throw malformed(`expected major type ${major}, found ${found}`);
    return argument;
  }

  uint63() {
    const number = this.expect(UINT);
    if (number >= 2n ** 63n) throw malformed(`${number} is not below 2^63`);
    return number;
  }

  integer() {
    const [major, argument] = this.head();
    if (major !== UINT && major !== NEGATIVE) throw malformed("expected an integer");
    return major === UINT ? argument : -1n - argument;
  }

  octets(major = BYTES) {
    const length = this.expect(major);
    if (length > BigInt(this.bytes.length - this.at)) throw malformed("a string is longer than what is left");
    const start = this.at;
    this.at += Number(length);
    return this.bytes.subarray(start, this.at);
  }

  identifier() {
    const name = this.octets(TEXT).toString("latin1");
    if (!IDENTIFIER.test(name)) throw malformed(`${JSON.stringify(name)} is not an identifier`);
    return name;
  }

  // A map key above the one before it.
  key(before) {
    const key = this.expect(UINT);
    if (key === before) throw malformed(`key ${key} occurs twice`);
    if (key < before) throw secondForm(`key ${key} follows key ${before}`);
    return key;
  }

  finish() {
    if (this.at !== this.bytes.length) throw malformed("bytes are left over");
  }
}

module.exports = { Cursor, ARRAY, MAP, TAG, malformed, secondForm };
