// Keys that devices sign with: P-256 and Ed25519, over the @noble curves, with the rules that libraries leave open.
"use strict";
const { Buffer } = require("buffer");
const { invert } = require("@noble/curves/abstract/modular");
const { ed25519 } = require("@noble/curves/ed25519");
const { p256 } = require("@noble/curves/p256");
const { sha512 } = require("@noble/hashes/sha2");
const { sha256 } = require("./hashing");
const { Refusal } = require("./refusal");

const P256_ORDER = p256.CURVE.n;
const P25519 = 2n ** 255n - 19n;
const ED25519_ORDER = ed25519.CURVE.n;
// y of the points of order 1, 2, 4 and 8 (x differs in sign only).
const ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
const SMALL_ORDER_Y = [0n, 1n, P25519 - 1n, ORDER_8_Y, P25519 - ORDER_8_Y];
// A key that signs more than this gets tables: they take as long as twenty signatures and make the rest five times faster.
const SIGNS_OFTEN = 20;
const WINDOW_BITS = 8;

const big = (bytes) => BigInt(`0x${bytes.toString("hex")}`);
const little = (bytes) => big(Buffer.from(bytes).reverse());
const refuse = (reason, what) => new Refusal("envelopes", `${reason}: ${what}`);

// y of an Ed25519 point: 255 bits, little endian.
const yOf = (raw) => little(raw) & (2n ** 255n - 1n);

// A point that is multiplied once for each signature.
class KeyPoint {
  constructor(point) {
    this.point = point;
    this.uses = 0;
  }

  times(scalar) {
    this.uses += 1;
    if (this.uses === SIGNS_OFTEN) {
      this.point._setWindowSize(WINDOW_BITS);
      this.point.multiply(3n); // makes the tables
    }
    return this.point.multiplyUnsafe(scalar);
  }
}

class Es256 {
  constructor(raw) {
    if (raw.length !== 33 || (raw[0] !== 2 && raw[0] !== 3)) throw refuse("malformed", "not a compressed P-256 point");
    try {
      this.point = new KeyPoint(p256.ProjectivePoint.fromHex(Uint8Array.from(raw)));
    } catch {
      throw refuse("malformed", "not a point of P-256");
    }
    const uncompressed = Buffer.from(this.point.point.toRawBytes(false));
    // {1: 2, -1: 1, -2: x, -3: y}
    this.thumbprint = sha256(
      Buffer.from("a401022001215820", "hex"), uncompressed.subarray(1, 33),
      Buffer.from("225820", "hex"), uncompressed.subarray(33),
    );
  }

  // FIPS 186-5, 6.4.2.
  check(signature, signed) {
    const r = big(signature.subarray(0, 32));
    const s = big(signature.subarray(32));
    if (r < 1n || r >= P256_ORDER || s < 1n || s >= P256_ORDER) throw refuse("bad_signature", "r or s out of range");
    if (s > P256_ORDER / 2n) throw refuse("high_s", "s is above n/2");
    const inverse = invert(s, P256_ORDER);
    const [u, v] = [big(sha256(signed)), r].map((factor) => (factor * inverse) % P256_ORDER);
    const sum = (u ? p256.ProjectivePoint.BASE.multiply(u) : p256.ProjectivePoint.ZERO).add(this.point.times(v));
    const isSame = !sum.equals(p256.ProjectivePoint.ZERO) && sum.toAffine().x % P256_ORDER === r;
    if (!isSame) throw refuse("bad_signature", "does not verify");
  }
}

class EdDsa {
  constructor(raw) {
    if (raw.length !== 32) throw refuse("malformed", "not 32 bytes of Ed25519 key");
    this.raw = Buffer.from(raw);
    this.point = null;
    try {
      if (yOf(raw) < P25519) this.point = new KeyPoint(ed25519.ExtendedPoint.fromHex(Uint8Array.from(raw)));
    } catch {
      // no point has this y: no signature verifies
    }
    // {1: 1, -1: 6, -2: x}
    this.thumbprint = sha256(Buffer.from("a301012006215820", "hex"), raw);
  }

  check(signature, signed) {
    const nonce = signature.subarray(0, 32);
    const isSmall = [this.raw, nonce].some((raw) => SMALL_ORDER_Y.includes(yOf(raw) % P25519));
    if (this.point === null || isSmall || !this.holds(nonce, little(signature.subarray(32)), signed)) {
      throw refuse("bad_signature", "does not verify");
    }
  }

  // Whether the encoding of S B - h A is R, byte by byte (RFC 8032, 5.1.7, without the cofactor).
  holds(nonce, s, signed) {
    if (s >= ED25519_ORDER) return false;
    const challenge = little(sha512(Buffer.concat([nonce, this.raw, signed]))) % ED25519_ORDER;
    const { BASE, ZERO } = ed25519.ExtendedPoint;
    const point = (s ? BASE.multiply(s) : ZERO).subtract(this.point.times(challenge));
    return Buffer.from(point.toRawBytes()).equals(nonce);
  }
}

const KEYS = new Map([
  [-7n, Es256],
  [-8n, EdDsa],
]);
const MOST_KNOWN = 1000;
const known = new Map(); // algorithm and bytes -> key: a device signs many envelopes

// The key of a COSE algorithm and its bytes. Throws Refusal.
function deviceKey(algorithm, raw) {
  const Kind = KEYS.get(algorithm);
  if (Kind === undefined) throw refuse("unsupported_algorithm", `alg ${algorithm}`);
  const name = `${algorithm} ${raw.toString("hex")}`;
  const key = known.get(name) ?? new Kind(raw);
  if (known.size < MOST_KNOWN) known.set(name, key);
  return key;
}

module.exports = { deviceKey };
