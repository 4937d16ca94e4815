// Reads [{kind, nonce, before, after}] (hex) and prints for each {key, signature}: Ed25519 signatures over before || key || after
// that a careful signer would never make, by keys and nonces with a part of small order. Libraries differ on them.
"use strict";
const { readFileSync } = require("node:fs");
const { ed25519 } = require("@noble/curves/ed25519");
const { sha512 } = require("@noble/hashes/sha2");

const Point = ed25519.ExtendedPoint;
const L = ed25519.CURVE.n;
const SECRET = 12345678901234567890n;

const little = (number) => Buffer.from(number.toString(16).padStart(64, "0"), "hex").reverse();
const number = (bytes) => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);

function times(point, scalar) {
  let [sum, base] = [Point.ZERO, point];
  for (let left = scalar; left > 0n; left >>= 1n) {
    if (left & 1n) sum = sum.add(base);
    base = base.double();
  }
  return sum;
}

// A point of order 8: what is left of any point once its part of large order is gone.
function ofOrder8() {
  for (let y = 2n; ; y++) {
    try {
      const left = times(Point.fromHex(little(y)), L);
      if (!left.double().double().equals(Point.ZERO)) return left;
    } catch {
      // no point has this y
    }
  }
}

const small = ofOrder8();
const ordinary = Point.BASE.multiply(SECRET);
const KEYS = { honest: ordinary, mixed_key: ordinary.add(small), mixed_nonce: ordinary, small_key: small, small_nonce: ordinary };

function signed({ kind, nonce, before, after }) {
  const key = Buffer.from(KEYS[kind].toRawBytes());
  const secret = kind === "small_key" ? 0n : SECRET;
  const scalar = kind === "small_nonce" ? 0n : BigInt(nonce);
  const plainR = scalar === 0n ? Point.ZERO : Point.BASE.multiply(scalar);
  const r = Buffer.from((kind === "mixed_nonce" ? plainR.add(small) : plainR).toRawBytes());
  const message = Buffer.concat([Buffer.from(before, "hex"), key, Buffer.from(after, "hex")]);
  const challenge = number(sha512(Buffer.concat([r, key, message]))) % L;
  const s = (scalar + challenge * secret) % L;
  return { key: key.toString("hex"), signature: Buffer.concat([r, little(s)]).toString("hex") };
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(signed)));
