"""Keys that live as long as the process."""

import secrets
from typing import Self

from coincurve import PrivateKey

from devices.device_key import SigningKey
from oracle.attestation.signature import address_of, sign_digest


class MemoryKeyring:
    """A keyring over two secrets."""

    def __init__(self, report_secret: bytes, ack_key: SigningKey) -> None:
        if len(report_secret) != 32:
            raise ValueError(f"a report key has 32 bytes, this one {len(report_secret)}")
        self._secret = report_secret
        self._ack_key = ack_key
        self._address = address_of(PrivateKey(report_secret).public_key)

    @classmethod
    def generate(cls) -> Self:
        """Make new keys."""
        return cls(secrets.token_bytes(32), SigningKey.generate("eddsa"))

    @property
    def address(self) -> str:
        """Checksummed address of the report key."""
        return self._address

    @property
    def ack_key(self) -> SigningKey:
        """Key that signs acknowledgements to gateways."""
        return self._ack_key

    def sign_report(self, digest: bytes) -> bytes:
        """Sign a report digest (32 bytes): 65 bytes r || s || v."""
        return sign_digest(self._secret, digest)
