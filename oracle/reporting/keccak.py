"""Keccak-256, as the EVM hashes."""

from sha3 import keccak_256  # type: ignore[import-untyped]  # safe-pysha3: 0.6 us a hash, a seventh of pure wrappers


def keccak256(message: bytes) -> bytes:
    """Hash to 32 bytes (Keccak-256 with the original padding, not SHA3-256)."""
    digest: bytes = keccak_256(message).digest()
    return digest
