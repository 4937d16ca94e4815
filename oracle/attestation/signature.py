"""Node signatures: recoverable secp256k1 over a 32-byte digest, in the form the contract takes (r || s || v, low s)."""

import re

from coincurve import PrivateKey, PublicKey

from oracle.errors import ReportError
from oracle.reporting.keccak import keccak256

_ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")
SIGNATURE_BYTES = 65
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half the order of secp256k1: a larger s is the other form of the same signature, and is refused."""


def address_of(public_key: PublicKey) -> str:
    """EIP-55 checksummed address of a public key."""
    return _checksummed(keccak256(public_key.format(compressed=False)[1:])[12:].hex())


def is_checksummed(address: str) -> bool:
    """Tell whether an address is in its one form: 0x and 40 hexadecimal digits with the capitals of EIP-55."""
    return _ADDRESS.fullmatch(address) is not None and address == _checksummed(address[2:].lower())


def checksummed_address(address: bytes) -> str:
    """Write an address of 20 bytes with the capitals of EIP-55. Raises ValueError for another length."""
    if len(address) != 20:
        raise ValueError(f"an address has 20 bytes, this one {len(address)}")
    return _checksummed(address.hex())


def _checksummed(plain: str) -> str:
    """Spell 40 lower-case hexadecimal digits as EIP-55 says (https://eips.ethereum.org/EIPS/eip-55)."""
    shadow = keccak256(plain.encode()).hex()
    return "0x" + "".join(c.upper() if int(s, 16) >= 8 else c for c, s in zip(plain, shadow, strict=False))


def sign_digest(secret: bytes, digest: bytes) -> bytes:
    """Sign a 32-byte digest with a 32-byte secret: 65 bytes r || s || v, v 27 or 28, s low, deterministic (RFC 6979)."""
    signature = PrivateKey(secret).sign_recoverable(digest, hasher=None)
    return signature[:64] + bytes([signature[64] + 27])


def recover_signer(digest: bytes, signature: bytes) -> str:
    """Return the checksummed address that signed the digest.

    Raises:
        ReportError: the signature is not 65 bytes, has a high s, another v than 27 or 28, or recovers to no key.

    """
    if len(signature) != SIGNATURE_BYTES:
        raise ReportError(f"a signature has {SIGNATURE_BYTES} bytes, this one {len(signature)}")
    if int.from_bytes(signature[32:64]) > HALF_ORDER:
        raise ReportError("signature with a high s")
    if signature[64] not in (27, 28):
        raise ReportError(f"signature with v = {signature[64]}, expected 27 or 28")
    try:
        key = PublicKey.from_signature_and_message(signature[:64] + bytes([signature[64] - 27]), digest, hasher=None)
    except Exception as error:  # coincurve raises bare Exception and ValueError for unrecoverable signatures
        raise ReportError(f"signature recovers to no key: {error}") from error
    return address_of(key)
