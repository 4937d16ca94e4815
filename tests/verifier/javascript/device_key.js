// Keys that devices sign with: P-256 and Ed25519, over OpenSSL, with the rules that OpenSSL leaves open.
"use strict";
const { createPublicKey, verify } = require("node:crypto");
const { sha256 } = require("./hashing");
const { Refusal } = require("./refusal");

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const P25519 = 2n ** 255n - 19n;
// y of the points of order 1, 2, 4 and 8 (x differs in sign only).
const ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
const SMALL_ORDER_Y = [0n, 1n, P25519 - 1n, ORDER_8_Y, P25519 - ORDER_8_Y];
const SPKI_P256 = Buffer.from("3039301306072a8648ce3d020106082a8648ce3d030107032200", "hex");
const SPKI_ED25519 = Buffer.from("302a300506032b6570032100", "hex");

const big = (bytes) => BigInt(`0x${bytes.toString("hex")}`);
const refuse = (reason, what) => new Refusal("envelopes", `${reason}: ${what}`);

const load = (prefix, raw) => createPublicKey({ key: Buffer.concat([prefix, raw]), format: "der", type: "spki" });

// y of an Ed25519 point: 255 bits, little endian.
const yOf = (raw) => big(Buffer.from(raw).reverse()) & (2n ** 255n - 1n);

class Es256 {
  constructor(raw) {
    if (raw.length !== 33 || (raw[0] !== 2 && raw[0] !== 3)) throw refuse("malformed", "not a compressed P-256 point");
    try {
      this.key = load(SPKI_P256, raw);
    } catch {
      throw refuse("malformed", "not a point of P-256");
    }
    const { x, y } = this.key.export({ format: "jwk" });
    const coordinates = [x, y].map((one) => Buffer.from(one, "base64url"));
    // {1: 2, -1: 1, -2: x, -3: y}
    this.thumbprint = sha256(
      Buffer.from("a401022001215820", "hex"), coordinates[0], Buffer.from("225820", "hex"), coordinates[1],
    );
  }

  check(signature, signed) {
    const r = big(signature.subarray(0, 32));
    const s = big(signature.subarray(32));
    if (r < 1n || r >= P256_ORDER || s < 1n || s >= P256_ORDER) throw refuse("bad_signature", "r or s out of range");
    if (s > P256_ORDER / 2n) throw refuse("high_s", "s is above n/2");
    if (!verify("sha256", signed, { key: this.key, dsaEncoding: "ieee-p1363" }, signature)) {
      throw refuse("bad_signature", "does not verify");
    }
  }
}

class EdDsa {
  constructor(raw) {
    if (raw.length !== 32) throw refuse("malformed", "not 32 bytes of Ed25519 key");
    this.raw = raw;
    this.key = load(SPKI_ED25519, raw);
    // {1: 1, -1: 6, -2: x}
    this.thumbprint = sha256(Buffer.from("a301012006215820", "hex"), raw);
  }

  check(signature, signed) {
    const points = [this.raw, signature.subarray(0, 32)].map(yOf);
    const degenerate = points[0] >= P25519 || points.some((y) => SMALL_ORDER_Y.includes(y % P25519));
    if (degenerate || !verify(null, signed, this.key, signature)) throw refuse("bad_signature", "does not verify");
  }
}

const KEYS = new Map([
  [-7n, Es256],
  [-8n, EdDsa],
]);

// The key of a COSE algorithm and its bytes. Throws Refusal.
function deviceKey(algorithm, raw) {
  const Kind = KEYS.get(algorithm);
  if (Kind === undefined) throw refuse("unsupported_algorithm", `alg ${algorithm}`);
  return new Kind(raw);
}

module.exports = { deviceKey };
