"""Webhooks' secrets at rest: sealed under a key in a file of its own, so that a copy of the database gives none away.

A secret must be there to sign with, so it cannot be hashed as a password is.
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

_NONCE_BYTES = 12
_KEY_BYTES = 32


class SealError(Exception):
    """The key cannot be used, or something was not sealed under it for this purpose."""


class Seal:
    """Seals small secrets. Nothing of it is ever printed.

    Raises:
        SealError: the key has another length.

    """

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise SealError(f"the key has {len(key)} bytes instead of {_KEY_BYTES}")
        self._cipher = ChaCha20Poly1305(key)

    @classmethod
    def open(cls, path: Path) -> "Seal":
        """Read the key from a file, or make it there, readable by this user alone.

        Raises:
            SealError: it cannot be read or made, others can read it, or it is no key.

        """
        try:
            if not path.exists():
                _write_private(path, ChaCha20Poly1305.generate_key())
            if path.stat().st_mode & 0o077:
                raise SealError(f"{path}: is readable by others; make it private (chmod 600)")
            return cls(path.read_bytes())
        except OSError as error:
            raise SealError(f"{path}: cannot be used: {error.strerror}") from error

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """Seal a secret for one purpose."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, purpose.encode())

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """Give a secret back.

        Raises:
            SealError: it was sealed under another key or for another purpose, or was altered.

        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise SealError("a secret was not sealed under this key for this purpose") from error


def _write_private(path: Path, content: bytes) -> None:
    """Make a file whole or not at all: a key that is half written seals what nobody can read again."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
