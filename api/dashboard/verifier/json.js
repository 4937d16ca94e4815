// JSON as proofs carry it: RFC 8785, whole numbers as BigInt, objects without a prototype.
"use strict";
const { Buffer } = require("buffer");
const { Refusal } = require("./refusal");

const MAX_DEPTH = 64;
const LARGEST = 2n ** 53n - 1n;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const BLANK = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const WORD = /true|false|null/y;

const refuse = (what) => new Refusal("document", what);

// Parse bytes of any spelling. Throws Refusal.
function parse(bytes) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse("is not UTF-8");
  }
  let at = 0;
  const take = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found;
  };
  const next = (wanted) => {
    take(BLANK);
    if (text[at] !== wanted) return false;
    at += 1;
    return true;
  };
  const need = (wanted) => {
    if (!next(wanted)) throw refuse(`is not JSON: expected ${wanted} at character ${at}`);
  };
  const string = () => {
    need('"');
    const start = at - 1;
    do take(PLAIN);
    while (take(ESCAPE));
    if (text[at] !== '"') throw refuse(`is not JSON: a string does not end at character ${at}`);
    at += 1;
    return JSON.parse(text.slice(start, at));
  };
  const value = (depth) => {
    take(BLANK);
    if (text[at] === '"') return string();
    if (text[at] === "{" || text[at] === "[") {
      if (depth === MAX_DEPTH) throw refuse(`is nested deeper than ${MAX_DEPTH}`);
      return text[at] === "{" ? object(depth + 1) : list(depth + 1);
    }
    const word = take(WORD);
    if (word) return JSON.parse(word[0]);
    const number = take(NUMBER);
    if (!number) throw refuse(`is not JSON: character ${at}`);
    return number[1] === undefined && number[2] === undefined ? BigInt(number[0]) : Number(number[0]);
  };
  const object = (depth) => {
    const members = Object.create(null);
    need("{");
    if (next("}")) return members;
    do {
      const name = string();
      need(":");
      members[name] = value(depth);
    } while (next(","));
    need("}");
    return members;
  };
  const list = (depth) => {
    const members = [];
    need("[");
    if (next("]")) return members;
    do members.push(value(depth));
    while (next(","));
    need("]");
    return members;
  };
  const parsed = value(0);
  take(BLANK);
  if (at !== text.length) throw refuse(`is not JSON: more follows at character ${at}`);
  return parsed;
}

// RFC 8785 text of a value. Throws Refusal where it has none.
function canonical(value) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "bigint") {
    if (value > LARGEST || value < -LARGEST) throw refuse(`has no canonical form: ${value} is beyond 2^53 - 1`);
    return String(value);
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw refuse("has no canonical form: a number is not finite");
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw refuse("has no canonical form: half a surrogate pair");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const names = Object.keys(value).sort(); // by UTF-16 code units, as RFC 8785 says
  return `{${names.map((name) => `${canonical(name)}:${canonical(value[name])}`).join(",")}}`;
}

const canonicalBytes = (value) => Buffer.from(canonical(value), "utf8");

// Parse bytes that are in RFC 8785 form already. Throws Refusal.
function parseCanonical(bytes) {
  const value = parse(bytes);
  if (!canonicalBytes(value).equals(bytes)) throw refuse("is not canonical JSON (RFC 8785)");
  return value;
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

module.exports = { parse, parseCanonical, canonical, canonicalBytes, isObject };
