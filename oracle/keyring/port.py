"""What a node needs of its keys."""

from typing import Protocol

from devices.device_key import SigningKey


class Keyring(Protocol):
    """Two keys of one node: secp256k1 for reports, Ed25519 for acknowledgements. The report key never leaves the keyring."""

    @property
    def address(self) -> str:
        """Checksummed address of the report key."""

    @property
    def ack_key(self) -> SigningKey:
        """Key that signs acknowledgements to gateways."""

    def sign_report(self, digest: bytes) -> bytes:
        """Sign a report digest (32 bytes): 65 bytes r || s || v."""
