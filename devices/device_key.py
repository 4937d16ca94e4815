"""Keys that sign: P-256 (ES256, the curve that secure elements speak) and Ed25519 (EdDSA).

A public key is named by its own bytes, 33 bytes of SEC1 compressed point or 32 bytes of Ed25519, and on chain by its
COSE Key Thumbprint (RFC 9679). ES256 signatures are raw r || s with s in the lower half of the group order, so that
nobody can turn one valid signature into another.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, cast, get_args

import cbor2
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

Algorithm = Literal["es256", "eddsa"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
SIGNATURE_LENGTH = 64
KEYS_KEPT = 8192
"""Parsed keys that are kept, at up to 2 KB each: anybody can make up keys."""
GROUP_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order n of the P-256 group (FIPS 186-5)."""

_ORDER, _HALF_ORDER = GROUP_ORDER.to_bytes(32, "big"), (GROUP_ORDER // 2).to_bytes(32, "big")
_ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())
_Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


class DeviceKeyError(ValueError):
    """Bytes or a PEM text that is not a usable device key."""


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies. Equal when algorithm and bytes are equal.

    Raises:
        DeviceKeyError: the bytes are not a key of that algorithm.

    """

    alg: Algorithm
    raw: bytes
    """33 bytes of SEC1 compressed point (es256) or 32 bytes (eddsa)."""
    _loaded: _Public = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_loaded", _load(self.alg, self.raw))

    def __reduce__(self) -> tuple[type["PublicKey"], tuple[Algorithm, bytes]]:
        return PublicKey, (self.alg, self.raw)

    @cached_property
    def thumbprint(self) -> bytes:
        """32 bytes: SHA-256 over the deterministic COSE_Key of the required members (RFC 9679 section 4).

        EC2 keys carry y as a byte string whatever form the point was sent in (section 4.2).
        """
        if isinstance(self._loaded, ec.EllipticCurvePublicKey):
            point = self._loaded.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            members: dict[int, int | bytes] = {1: 2, -1: 1, -2: point[1:33], -3: point[33:]}
        else:
            members = {1: 1, -1: 6, -2: self.raw}
        return hashlib.sha256(cbor2.dumps(members, canonical=True)).digest()

    def verify(self, signature: bytes, signed_bytes: bytes) -> bool:
        """Tell whether `signature` (64 bytes, low s for es256) is this key's over `signed_bytes`. Never raises."""
        if len(signature) != SIGNATURE_LENGTH:
            return False
        if self.alg == "eddsa":
            return _verify_ed25519(self.raw, signature, signed_bytes)
        if not es256_in_range(signature):
            return False
        loaded = cast("ec.EllipticCurvePublicKey", self._loaded)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            loaded.verify(encode_dss_signature(r, s), signed_bytes, _ECDSA_SHA256)
        except InvalidSignature:
            return False
        return True


def es256_in_range(signature: bytes) -> bool:
    """Tell whether r is in [1, n-1] and s in [1, n/2], of 64 bytes r || s."""
    return b"\0" * 32 < signature[:32] < _ORDER and b"\0" * 32 < signature[32:] <= _HALF_ORDER


def _verify_ed25519(key: bytes, signature: bytes, signed_bytes: bytes) -> bool:
    """Verify with libsodium, which takes half as long as OpenSSL and refuses points of small order."""
    try:
        crypto_sign_open(signature + signed_bytes, key)
    except BadSignatureError:
        return False
    return True


@lru_cache(maxsize=KEYS_KEPT)
def public_key(alg: Algorithm, raw: bytes) -> PublicKey:
    """Return the key of these bytes, parsed once however many envelopes name it.

    Raises:
        DeviceKeyError: the bytes are not a key of that algorithm.

    """
    return PublicKey(alg, raw)


def _load(alg: str, raw: bytes) -> _Public:
    try:
        if alg == "es256" and len(raw) == 33:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
        if alg == "eddsa" and len(raw) == 32:
            return ed25519.Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DeviceKeyError(f"{raw.hex()} is not a point of the curve of {alg}") from error
    raise DeviceKeyError(f"{len(raw)} bytes are not a public key of {alg}")


class SigningKey:
    """A private key. It never shows itself in `repr`; `to_pem` is the only way out."""

    def __init__(self, private: _Private) -> None:
        self._private = private
        if isinstance(private, ec.EllipticCurvePrivateKey):
            if not isinstance(private.curve, ec.SECP256R1):
                raise DeviceKeyError(f"curve {private.curve.name} is not P-256")
            point = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
            self.public = public_key("es256", point)
        else:
            raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            self.public = public_key("eddsa", raw)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.alg}, public={self.public.raw.hex()})"

    @classmethod
    def generate(cls, alg: Algorithm = "es256") -> "SigningKey":
        """Make a new key from the system's randomness."""
        return cls(ec.generate_private_key(ec.SECP256R1()) if alg == "es256" else ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, alg: Algorithm, seed: bytes) -> "SigningKey":
        """Derive a key from 32 bytes, for tests and demonstrations.

        Ed25519 takes the seed as its private key (RFC 8032); P-256 takes 1 + seed mod (n - 1) as its scalar.

        Raises:
            DeviceKeyError: the seed is not 32 bytes long.

        """
        if len(seed) != 32:
            raise DeviceKeyError(f"a seed has 32 bytes, not {len(seed)}")
        if alg == "eddsa":
            return cls(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
        return cls(ec.derive_private_key(1 + int.from_bytes(seed, "big") % (GROUP_ORDER - 1), ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: str | bytes) -> "SigningKey":
        """Read an unencrypted PKCS #8 PEM.

        Raises:
            DeviceKeyError: not such a PEM, or a key of another algorithm.

        """
        encoded = pem.encode() if isinstance(pem, str) else pem
        try:
            private = load_pem_private_key(encoded, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise DeviceKeyError("not an unencrypted PKCS #8 private key in PEM") from error
        if not isinstance(private, (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
            raise DeviceKeyError("the key is neither P-256 nor Ed25519")
        return cls(private)

    def to_pem(self) -> str:
        """Write an unencrypted PKCS #8 PEM."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")

    def sign(self, signed_bytes: bytes) -> bytes:
        """Sign: 64 bytes, r || s with low s (es256) or R || S (eddsa)."""
        if isinstance(self._private, ed25519.Ed25519PrivateKey):
            return self._private.sign(signed_bytes)
        r, s = decode_dss_signature(self._private.sign(signed_bytes, _signature_algorithm()))
        return r.to_bytes(32, "big") + min(s, GROUP_ORDER - s).to_bytes(32, "big")


@lru_cache(maxsize=1)
def _signature_algorithm() -> ec.ECDSA:
    """ECDSA with the nonce of RFC 6979 where the linked OpenSSL has it (3.2 and later), else with a random one."""
    try:
        return ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        return _ECDSA_SHA256
