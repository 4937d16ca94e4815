"""Keys of a signer set, and the reports they sign."""

from dataclasses import dataclass

from coincurve import PrivateKey

from oracle.attestation.signature import address_of, sign_digest
from oracle.attestation.signer_set import threshold_for_minting
from oracle.reporting.keccak import keccak256


@dataclass(frozen=True)
class Signers:
    """A quorum of made-up nodes."""

    secrets: tuple[bytes, ...]
    """Ascending by address."""

    @classmethod
    def of(cls, count: int) -> "Signers":
        """Make so many, the same in every run."""
        secrets = (keccak256(f"bench signer {i} of {count}".encode()) for i in range(count))
        return cls(tuple(sorted(secrets, key=lambda secret: int(_address(secret), 16))))

    @property
    def addresses(self) -> list[str]:
        """Ascending."""
        return [_address(secret) for secret in self.secrets]

    @property
    def threshold(self) -> int:
        """How many sign a report."""
        return threshold_for_minting(len(self.secrets))

    def sign(self, digest: bytes) -> bytes:
        """Signatures of as many as needed, in the order that the oracle wants.

        Those that sign are spread over the whole set, first and last included, as they are where any may be absent.
        """
        count, needed = len(self.secrets), self.threshold
        chosen = [i * (count - 1) // max(1, needed - 1) for i in range(needed)]
        return b"".join(sign_digest(self.secrets[i], digest) for i in chosen)


def _address(secret: bytes) -> str:
    return address_of(PrivateKey(secret).public_key)
