"""Envelopes as InfluxDB line protocol. Pure.

    meter_reading,device=inv-7,meter=roof-1 export_wh=41919016i,power_w=1204i 1782864000000732000
                                                                              ms           ^ six digits of the registers

InfluxDB knows a point by measurement, tags and time, and what comes later replaces what was there. Two different readings
of one instant would then leave whichever came last. So the digits below the millisecond, which no meter of ours has, are
a digest of the registers: equal readings are one point however often they are written, different ones are different
points, in any order. (Two of one instant fall together once in a million such pairs.)
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from devices.telemetry import Column, Envelope, Readings
from oracle.historian.port import END_MS

MEASUREMENT = "meter_reading"
"""Name of the series in the database."""
ABSENT = "absent"
"""Field of a reading that has no number at all: a line needs a field, and the meter did report."""
NS_PER_MS = 1_000_000

_NAME = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def lines(envelope: Envelope) -> Iterator[str]:
    """Yield a line for each reading, in nanoseconds. Readings from END_MS on are left out: InfluxDB has no such time."""
    readings = envelope.readings
    head = f"{MEASUREMENT},device={escaped(envelope.device)},meter={escaped(envelope.meter)} "
    columns = [
        _fields(name, column)
        for name, column in (
            ("export_wh", readings.export_wh),
            ("import_wh", readings.import_wh),
            ("power_w", readings.power_w),
        )
        if column is not None
    ]
    within = readings.time_ms < END_MS
    time_ns = np.where(within, readings.time_ms, 0) * NS_PER_MS + digits(readings)
    for known, instant, *fields in zip(within.tolist(), time_ns.tolist(), *columns, strict=True):
        if known:
            yield f"{head}{','.join(filter(None, fields)) or ABSENT + '=true'} {instant}"


def digits(readings: Readings) -> NDArray[np.int64]:
    """Digest the registers of each reading to a number below 10^6. Shape (n,).

    The finalizer of SplitMix64 over export, import and power in turn, each with whether it is there.
    """
    mixed = np.zeros(len(readings), dtype=np.uint64)
    for column in (readings.export_wh, readings.import_wh, readings.power_w):
        if column is not None:
            numbers = np.where(column.present, column.numbers, 0).astype(np.int64).view(np.uint64)
            mixed = _mix(_mix(mixed ^ numbers) + column.present.astype(np.uint64))
        else:
            mixed = _mix(_mix(mixed))
    return (mixed % np.uint64(NS_PER_MS)).astype(np.int64)


def escaped(name: str) -> str:
    """Write a tag's value. Identifiers need no escape; what would is escaped all the same."""
    return name.translate(_NAME)


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _MULTIPLIERS[0]
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _MULTIPLIERS[1]
    return numbers ^ (numbers >> np.uint64(31))


def _fields(name: str, column: Column) -> list[str]:
    return [f"{name}={number}i" if number is not None else "" for number in column.to_list()]
