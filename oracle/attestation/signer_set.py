"""Who may attest, and how many must."""

from dataclasses import dataclass
from typing import Self

from oracle.attestation.signature import is_checksummed
from oracle.errors import ReportError
from oracle.reporting.abi import abi_bytes
from oracle.reporting.keccak import keccak256
from oracle.reporting.report import Domain


def threshold_for_minting(node_count: int) -> int:
    """Signatures needed for anything that mints: two thirds, rounded up.

    With fewer than a third of the nodes faulty, most of those that signed were honest.
    """
    return -(-2 * node_count // 3)


@dataclass(frozen=True)
class SignerSet:
    """Signers of one configuration of the oracle contract."""

    signers: tuple[str, ...]
    """Checksummed addresses, ascending by number, each once."""
    threshold: int
    """How many distinct signers make a quorum."""
    config_count: int
    """How often the contract's signers were changed."""

    def __post_init__(self) -> None:
        """Refuse sets that the contract would refuse."""
        if strays := [address for address in self.signers if not is_checksummed(address)]:
            raise ReportError(f"signer {strays[0]!r} is not a checksummed address")
        ascending = sorted({address.lower() for address in self.signers})
        if [address.lower() for address in self.signers] != ascending:
            raise ReportError("signers are not distinct and ascending")
        if not 1 <= self.threshold <= len(self.signers):
            raise ReportError(f"threshold {self.threshold} of {len(self.signers)} signers")

    @classmethod
    def of(cls, signers: list[str], threshold: int, config_count: int) -> Self:
        """Make a set from addresses in any order."""
        return cls(tuple(sorted(signers, key=str.lower)), threshold, config_count)

    def config_digest(self, domain: Domain) -> bytes:
        """Bind a report to these signers, this contract and this chain (32 bytes)."""
        return keccak256(
            abi_bytes(
                ("uint256", "address", "address[]", "uint256", "uint64"),
                (domain.chain_id, domain.oracle, self.signers, self.threshold, self.config_count),
            )
        )
