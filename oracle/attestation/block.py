"""Parts of one block, each led back to the block's hash: event logs by the receipts root, storage by the state root.

Whether the block is one of the chain, only an anchor or the chain itself can say.
Source: Ethereum Yellow Paper, section 4.4 (header), 4.3.1 (receipts, EIP-2718 for typed ones), 4.1 (accounts).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import rlp  # type: ignore[import-untyped]

from oracle.attestation.patricia import read_rlp, value_at
from oracle.attestation.signature import checksummed_address
from oracle.errors import ReportError
from oracle.reporting.keccak import keccak256

_STATE_ROOT, _RECEIPTS_ROOT, _NUMBER = 3, 5, 8
_FEWEST_FIELDS = 15
_SUCCESS = b"\x01"
_TYPED_BELOW = 0x80


@dataclass(frozen=True)
class ProvenReceipt:
    """A transaction's receipt in the block's trie of receipts."""

    index: int
    """Which transaction of the block."""
    path: tuple[bytes, ...]
    """RLP of the trie's nodes from the root to the receipt, which the last one holds."""


@dataclass(frozen=True)
class ProvenSlot:
    """A storage slot of a contract; what it holds stands in the last node."""

    slot: bytes
    """32 bytes."""
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class ProvenStorage:
    """Slots of one contract at the end of the block."""

    contract: str
    """Checksummed address."""
    path: tuple[bytes, ...]
    """RLP of the state trie's nodes from the root to the account."""
    slots: tuple[ProvenSlot, ...]


@dataclass(frozen=True)
class ProvenBlock:
    """A block's header with what is shown of the block."""

    block_hash: bytes
    header: bytes
    """RLP of the header."""
    receipts: tuple[ProvenReceipt, ...]
    """Ascending by index."""
    storage: tuple[ProvenStorage, ...]


@dataclass(frozen=True)
class Log:
    """An event as a contract logged it."""

    contract: str
    """Checksummed address."""
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class CheckedBlock:
    """A block whose header is what its hash says, and every part of it under the header's roots."""

    number: int
    logs: tuple[tuple[Log, ...], ...]
    """Of each receipt shown."""
    storage: Mapping[str, Mapping[bytes, bytes]]
    """Contract -> slot -> what it holds (32 bytes)."""


def check_block(block: ProvenBlock) -> CheckedBlock:
    """Lead everything that is shown of a block back to its hash.

    Raises:
        ReportError: something does not lead there.

    """
    if keccak256(block.header) != block.block_hash:
        raise ReportError(f"block 0x{block.block_hash.hex()}: its header hashes to something else")
    header = _Header(block.header)
    if [one.index for one in block.receipts] != sorted({one.index for one in block.receipts}):
        raise ReportError(f"block {header.number}: receipts are not ascending")
    contracts = [one.contract for one in block.storage]
    if contracts != sorted(set(contracts)):
        raise ReportError(f"block {header.number}: contracts are not ascending")
    return CheckedBlock(
        number=header.number,
        logs=tuple(_logs(header, receipt) for receipt in block.receipts),
        storage={one.contract: _slots(header, one) for one in block.storage},
    )


class _Header:
    def __init__(self, encoded: bytes) -> None:
        self._fields = read_rlp(encoded, "header")
        if not isinstance(self._fields, list) or len(self._fields) < _FEWEST_FIELDS:
            raise ReportError("header: has too few fields")

    def root(self, place: int) -> bytes:
        field = self._fields[place]
        if not isinstance(field, bytes) or len(field) != 32:
            raise ReportError("header: a root has not 32 bytes")
        return field

    @cached_property
    def number(self) -> int:
        field = self._fields[_NUMBER]
        if not isinstance(field, bytes) or len(field) > 8:
            raise ReportError("header: no block number")
        return int.from_bytes(field)


def _logs(header: _Header, shown: ProvenReceipt) -> tuple[Log, ...]:
    place = f"block {header.number}, transaction {shown.index}"
    if shown.index < 0:
        raise ReportError(f"{place}: no such transaction")
    encoded = value_at(header.root(_RECEIPTS_ROOT), rlp.encode(shown.index), shown.path)
    if encoded is None:
        raise ReportError(f"{place}: the block has no such transaction")
    receipt = read_rlp(encoded[1:] if encoded[0] < _TYPED_BELOW else encoded, f"{place}: receipt")
    try:
        status, _gas, _bloom, logs = receipt
        found = tuple(Log(checksummed_address(contract), tuple(topics), data) for contract, topics, data in logs)
    except (TypeError, ValueError) as error:
        raise ReportError(f"{place}: malformed receipt") from error
    shapes = [isinstance(logs, list), *(isinstance(part, bytes) for log in found for part in (*log.topics, log.data))]
    if not all(shapes) or not all(isinstance(topics, list) for _, topics, _ in logs):
        raise ReportError(f"{place}: malformed receipt")
    if status != _SUCCESS:
        raise ReportError(f"{place}: failed")
    return found


def _slots(header: _Header, shown: ProvenStorage) -> dict[bytes, bytes]:
    place = f"block {header.number}, contract {shown.contract}"
    address = bytes.fromhex(shown.contract[2:])
    if checksummed_address(address) != shown.contract:
        raise ReportError(f"{place}: not a checksummed address")
    account = value_at(header.root(_STATE_ROOT), keccak256(address), shown.path)
    if account is None:
        raise ReportError(f"{place}: there is none")
    fields: Any = read_rlp(account, f"{place}: account")
    if not isinstance(fields, list) or len(fields) != 4:
        raise ReportError(f"{place}: malformed account")
    keys = [one.slot for one in shown.slots]
    if keys != sorted(set(keys)):
        raise ReportError(f"{place}: slots are not ascending")
    return {one.slot: _word(fields[2], one, place) for one in shown.slots}


def _word(storage_root: bytes, shown: ProvenSlot, place: str) -> bytes:
    encoded = value_at(storage_root, keccak256(shown.slot), shown.path)
    word = b"" if encoded is None else read_rlp(encoded, f"{place}: slot")
    if not isinstance(word, bytes) or len(word) > 32 or len(shown.slot) != 32:
        raise ReportError(f"{place}: malformed slot")
    return word.rjust(32, b"\0")
