"""The issuance log of one credit id, read from the chain's own events and storage.

    settling transaction      MarkLedger.Settled (asset A)   mark: 900 g so far      + 400 g     serials 1001 to 1400
                              MarkLedger.Settled (asset B)   mark: 250 g so far      +  50 g     serials 1401 to 1450
                              CarbonCredit.Issued            450 g issued, 0 g offset
                              MarkLedger.BatchSettled

A serial number is a position in this log, counted from 1 over what was minted. Credits of one id are alike; which asset a
serial number leads to is a convention: issues in the chain's order, in an issue the assets in the order in which they were
settled, and what made up for reversals (`offset`) is taken from the first of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from contracts.state import from_bytes32
from oracle.attestation.block import CheckedBlock, Log
from oracle.attestation.proof import Contracts
from oracle.errors import ReportError
from oracle.reporting.keccak import keccak256

ISSUED = keccak256(b"Issued(uint256,uint256,uint256,uint256)")
SETTLED = keccak256(b"Settled(uint256,uint256)")
BATCH_SETTLED = keccak256(b"BatchSettled(uint64,uint256)")
_VINTAGE_MASK = (1 << 16) - 1
_WORD = 32


class Mark(NamedTuple):
    """What the ledger told of one asset and vintage: see `contracts/src/ledger/Marks.sol`."""

    asset_id: str
    credits_g: int
    """Credits settled so far, also those that made up for a reversal [g]."""
    cutoff_s: int
    """Cutoff of the statement that was settled [s UTC]."""
    epoch: int
    """Report that the statement is of."""


@dataclass(frozen=True)
class Issue:
    """One event `Issued` of the id, with the marks of its batch that are of its vintage."""

    block: int
    issued_g: int
    reversed_g: int
    offset_g: int
    marks: tuple[tuple[Mark, int], ...]
    """Each mark with the credits settled of the asset before it [g], in the order of the events."""

    @property
    def minted_g(self) -> int:
        """What it added to the supply [g]."""
        return self.issued_g - self.offset_g


def read_issues(blocks: Sequence[CheckedBlock], contracts: Contracts, credit_id: int) -> list[Issue]:
    """Read every issue of an id from the receipts shown, in the chain's order.

    Raises:
        ReportError: blocks are not ascending, an event is malformed, or a receipt is shown that issued nothing of the id.

    """
    numbers = [block.number for block in blocks]
    if numbers != sorted(set(numbers)):
        raise ReportError("blocks are not ascending")
    credits_before: dict[str, int] = {}
    issues: list[Issue] = []
    for block in blocks:
        for logs in block.logs:
            found = list(_issues(block.number, logs, contracts, credit_id, credits_before))
            if not found:
                raise ReportError(f"block {block.number}: a transaction is shown that issued nothing of the id")
            issues += found
    return issues


def _issues(
    block: int, logs: Iterable[Log], contracts: Contracts, credit_id: int, credits_before: dict[str, int]
) -> Iterable[Issue]:
    batch: list[tuple[Mark, int]] = []
    for log in logs:
        kind = log.topics[0] if log.topics else b""
        if (log.contract, kind) == (contracts.ledger, SETTLED):
            asset_vintage, word = _topic(log, 1), _words(log, 1)[0]
            if asset_vintage & _VINTAGE_MASK == credit_id & _VINTAGE_MASK:
                mark = _mark(asset_vintage, word)
                batch.append((mark, credits_before.get(mark.asset_id, 0)))
                credits_before[mark.asset_id] = mark.credits_g
        elif (log.contract, kind) == (contracts.ledger, BATCH_SETTLED):
            batch = []
        elif (log.contract, kind) == (contracts.credit, ISSUED) and _topic(log, 1) == credit_id:
            issued_g, reversed_g, offset_g = _words(log, 3)
            if offset_g > issued_g:
                raise ReportError(f"block {block}: an issue makes up for more than it is")
            yield Issue(block, issued_g, reversed_g, offset_g, tuple(batch))


def _mark(asset_vintage: int, word: int) -> Mark:
    """Read the word of a mark: 48 bits of Wh, 56 of grams, 64 of money, 32 of cutoff, 32 of epoch, from the lowest on."""
    try:
        asset_id = from_bytes32((asset_vintage - (asset_vintage & _VINTAGE_MASK)).to_bytes(32))
    except ValueError as error:
        raise ReportError(f"a mark of an asset without a name: {error}") from error
    return Mark(asset_id, (word >> 48) & (2**56 - 1), (word >> 168) & (2**32 - 1), (word >> 200) & (2**32 - 1))


def _topic(log: Log, place: int) -> int:
    if len(log.topics) <= place:
        raise ReportError(f"{log.contract}: an event lacks a topic")
    return int.from_bytes(log.topics[place])


def _words(log: Log, count: int) -> list[int]:
    if len(log.data) != count * _WORD:
        raise ReportError(f"{log.contract}: an event has {len(log.data)} bytes, not {count * _WORD}")
    return [int.from_bytes(log.data[at : at + _WORD]) for at in range(0, len(log.data), _WORD)]
