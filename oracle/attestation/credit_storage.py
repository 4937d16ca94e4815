"""What CarbonCredit keeps in storage: how much of an id was issued, and retirements.

Slots follow from Solidity's layout (https://docs.soliditylang.org/en/latest/internals/layout_in_storage.html) of
`contracts/src/credits/CarbonCredit.sol`; a test holds them against the contract on a chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from oracle.attestation.signature import checksummed_address
from oracle.errors import ReportError
from oracle.reporting.keccak import keccak256

ISSUANCES_SLOT, RETIREMENTS_SLOT = 5, 8
LONGEST_TEXT_BYTES = 512
"""A purpose; names are shorter."""
_NAME_PLACE, _PURPOSE_PLACE = 6, 7
_INLINE_BYTES = 31

Storage = Mapping[bytes, bytes]
"""Slot -> what it holds (32 bytes each)."""


@dataclass(frozen=True)
class Issuance:
    """What was issued of one id so far [g]."""

    issued_g: int
    reversed_g: int
    offset_g: int


@dataclass(frozen=True)
class Retirement:
    """Credits taken out of circulation for good, as the contract keeps it and the certificate shows it."""

    number: int
    """Also the number of its certificate."""
    credit_id: int
    """projectId | vintage."""
    grams: int
    first_serial: int
    retired_s: int
    """When [s UTC]."""
    holder: str
    """Whose credits they were, checksummed address."""
    beneficiary: str
    """For whom, checksummed address: holds the certificate."""
    name_hash: bytes
    """keccak256(abi.encode(name, salt)) of a beneficiary who is not named; 32 zero bytes if there is none."""
    name: str
    purpose: str


def issuance_slot(credit_id: int) -> bytes:
    """Slot of an id's issuance."""
    return _mapped(credit_id, ISSUANCES_SLOT)


def issuance_in(storage: Storage, credit_id: int) -> Issuance:
    """Read an id's issuance: three numbers of 80 bits, from the lowest bits on.

    Raises:
        ReportError: its slot is not shown.

    """
    word = int.from_bytes(_shown(storage, issuance_slot(credit_id)))
    return Issuance(*((word >> shift) & (2**80 - 1) for shift in (0, 80, 160)))


def retirement_slots(number: int, name_bytes: int, purpose_bytes: int) -> list[bytes]:
    """Slots of a retirement, ascending."""
    first = _retirement_place(number)
    slots = [_slot(first + place) for place in range(_PURPOSE_PLACE + 1)]
    slots += _text_slots(first + _NAME_PLACE, name_bytes) + _text_slots(first + _PURPOSE_PLACE, purpose_bytes)
    return sorted(slots)


def retirement_in(storage: Storage, number: int) -> Retirement:
    """Read a retirement.

    Raises:
        ReportError: there is none of that number, or one of its slots is not shown.

    """
    first = _retirement_place(number)
    words = [_shown(storage, _slot(first + place)) for place in range(_NAME_PLACE)]
    credit_id, grams, first_serial = (int.from_bytes(word) for word in words[:3])
    if grams == 0:
        raise ReportError(f"there is no retirement {number}")
    return Retirement(
        number=number,
        credit_id=credit_id,
        grams=grams,
        first_serial=first_serial,
        retired_s=int.from_bytes(words[3][24:]),
        holder=checksummed_address(words[3][4:24]),
        beneficiary=checksummed_address(words[4][12:]),
        name_hash=words[5],
        name=_text(storage, first + _NAME_PLACE),
        purpose=_text(storage, first + _PURPOSE_PLACE),
    )


def _mapped(key: int, slot: int) -> bytes:
    return keccak256(key.to_bytes(32) + slot.to_bytes(32))


def _retirement_place(number: int) -> int:
    if not 0 < number < 2**256:
        raise ReportError(f"there is no retirement {number}")
    return int.from_bytes(_mapped(number, RETIREMENTS_SLOT))


def _slot(place: int) -> bytes:
    return (place % 2**256).to_bytes(32)


def _text_slots(place: int, length: int) -> list[bytes]:
    """Slots beside its own in which a text of so many bytes goes on."""
    if length <= _INLINE_BYTES:
        return []
    start = int.from_bytes(keccak256(_slot(place)))
    return [_slot(start + part) for part in range(-(-length // 32))]


def _text(storage: Storage, place: int) -> str:
    word = _shown(storage, _slot(place))
    if word[31] % 2 == 0:
        raw = word[: word[31] // 2]
    else:
        length = int.from_bytes(word) // 2
        if not _INLINE_BYTES < length <= LONGEST_TEXT_BYTES:
            raise ReportError(f"a text of {length} bytes is longer than any")
        raw = b"".join(_shown(storage, slot) for slot in _text_slots(place, length))[:length]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReportError("a text of a retirement is not UTF-8") from error


def _shown(storage: Storage, slot: bytes) -> bytes:
    if slot not in storage:
        raise ReportError(f"storage slot 0x{slot.hex()} is not shown")
    return storage[slot]
