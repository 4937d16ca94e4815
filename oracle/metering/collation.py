"""The readings of one meter, out of all its envelopes.

Envelopes arrive in any order, more than once, and overlap where a gateway batched again. What counts is the reading
under its sequence number: equal readings are one reading; two different readings under one (device, boot epoch,
sequence) are equivocation, and neither is used.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.telemetry import Column, Envelope, Readings, RegisterEvent

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_POWER = -(2**63)
"""Stands for an absent power where readings are compared; no power has more than 32 bits [W]."""


class DatedEvent(NamedTuple):
    """A signed move of the register: it stood at `closing_wh`, then at `opening_wh`."""

    time_ms: int
    """Instant of the first reading after the move [ms UTC]."""
    kind: Literal["reset", "replace"]
    closing_wh: int
    opening_wh: int


@dataclass(frozen=True, eq=False)
class Observations:
    """What one meter reported of one register. Columns have shape (n,); the order means nothing."""

    time_ms: Integers
    """Instants [ms UTC]."""
    register_wh: Integers
    """Register [Wh]; without meaning where `present` is False."""
    present: Flags
    """Whether the reading carries this register."""
    contested: Flags
    """Whether the device signed another reading under the same sequence number."""
    revoked: Flags
    """Whether the key had been revoked from this reading on."""
    events: frozenset[DatedEvent]
    power_w: Integers
    """Power at the instant, positive when delivering [W]; without meaning where `has_power` is False."""
    has_power: Flags

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.time_ms)


def _register(readings: Readings, register: Literal["export", "import"]) -> Column:
    column = readings.export_wh if register == "export" else readings.import_wh
    return _whole(column, len(readings.time_ms))


def _power(readings: Readings) -> Column:
    return _whole(readings.power_w, len(readings.time_ms))


def _whole(column: Column | None, count: int) -> Column:
    """Return a column, or one without numbers where there is none."""
    if column is not None:
        return column
    return Column(numbers=np.zeros(count, dtype=np.int64), present=np.zeros(count, dtype=np.bool_))


def events_of(readings: Readings, register: Literal["export", "import"]) -> tuple[RegisterEvent, ...]:
    """Events of one register: they are the export register's, or the import register's where there is no export column."""
    concerned = "import" if readings.export_wh is None else "export"
    return readings.events if concerned == register else ()


def dated_events(readings: Readings, register: Literal["export", "import"] = "export") -> Iterable[DatedEvent]:
    """Date each event of a register by the reading it stands before."""
    for event in events_of(readings, register):
        yield DatedEvent(int(readings.time_ms[event.index]), event.kind, event.closing_wh, event.opening_wh)


def observe(readings: Readings, register: Literal["export", "import"] = "export") -> Observations:
    """Take recorded readings as they are: a recording has no sequence numbers, so nothing in it can be contested or revoked."""
    column = _register(readings, register)
    nothing = np.zeros(len(readings.time_ms), dtype=np.bool_)
    events = frozenset(dated_events(readings, register))
    power = _power(readings)
    return Observations(
        readings.time_ms, column.numbers, column.present, nothing, nothing, events, power.numbers, power.present
    )


def collate(
    envelopes: Sequence[Envelope],
    register: Literal["export", "import"] = "export",
    revoked_from: tuple[int, int] | None = None,
) -> Observations:
    """Gather one meter's readings from its envelopes, in any order and multiplicity.

    Args:
        envelopes: envelopes of one meter, signatures already verified.
        register: which register to settle.
        revoked_from: (boot epoch, sequence) from which on the key no longer counts.

    """
    if not envelopes:
        none = np.zeros(0, dtype=np.int64)
        no = np.zeros(0, dtype=np.bool_)
        return Observations(none, none, no, no, no, frozenset(), none, no)
    columns = [_register(envelope.readings, register) for envelope in envelopes]
    counts = [len(envelope.readings.time_ms) for envelope in envelopes]
    time_ms = np.concatenate([envelope.readings.time_ms for envelope in envelopes])
    register_wh = np.concatenate([column.numbers for column in columns])
    present = np.concatenate([column.present for column in columns])
    sequence = np.concatenate(
        [e.first_sequence + np.arange(n, dtype=np.int64) for e, n in zip(envelopes, counts, strict=True)]
    )
    devices = {name: rank for rank, name in enumerate(sorted({envelope.device for envelope in envelopes}))}
    device = np.repeat(np.array([devices[e.device] for e in envelopes], dtype=np.int64), counts)
    boot = np.repeat(np.array([e.boot for e in envelopes], dtype=np.int64), counts)
    moves, events = _moves(envelopes, counts, register)
    powers = [_power(envelope.readings) for envelope in envelopes]
    power_w = np.concatenate([power.numbers for power in powers])
    has_power = np.concatenate([power.present for power in powers])
    said = (time_ms, np.where(present, register_wh, -1), np.where(has_power, power_w, NO_POWER), *moves)
    contested = _contested(device, boot, sequence, *said)
    revoked = _revoked(boot, sequence, revoked_from)
    sound = frozenset(event for place, event in events if not contested[place] and not revoked[place])
    return Observations(time_ms, register_wh, present, contested, revoked, sound, power_w, has_power)


def _moves(
    envelopes: Sequence[Envelope], counts: Sequence[int], register: Literal["export", "import"]
) -> tuple[Integers, list[tuple[int, DatedEvent]]]:
    """Return what each reading says of a register event (shape (3, n), -1 where nothing), and the events with their place."""
    moves = np.full((3, sum(counts)), -1, dtype=np.int64)
    events: list[tuple[int, DatedEvent]] = []
    first = 0
    for envelope, how_many in zip(envelopes, counts, strict=True):
        dated = dated_events(envelope.readings, register)
        for event, move in zip(events_of(envelope.readings, register), dated, strict=True):
            place = first + event.index
            moves[:, place] = (event.kind == "replace", event.closing_wh, event.opening_wh)
            events.append((place, move))
        first += how_many
    return moves, events


def _contested(device: Integers, boot: Integers, sequence: Integers, *said: Integers) -> Flags:
    """Mark readings whose (device, boot, sequence) was signed with different content."""
    order = np.lexsort((sequence, boot, device))
    keys = np.stack((device, boot, sequence))[:, order]
    said_in_order = np.stack(said)[:, order]
    same_key = (keys[:, 1:] == keys[:, :-1]).all(axis=0)
    differs = same_key & (said_in_order[:, 1:] != said_in_order[:, :-1]).any(axis=0)
    group = np.concatenate(([0], np.cumsum(~same_key)))
    contested_groups = np.unique(group[1:][differs])
    contested: Flags = np.zeros(len(order), dtype=np.bool_)
    contested[order] = np.isin(group, contested_groups)
    return contested


def _revoked(boot: Integers, sequence: Integers, revoked_from: tuple[int, int] | None) -> Flags:
    if revoked_from is None:
        return np.zeros(len(boot), dtype=np.bool_)
    cut_boot, cut_sequence = revoked_from
    revoked: Flags = (boot > cut_boot) | ((boot == cut_boot) & (sequence >= cut_sequence))
    return revoked
