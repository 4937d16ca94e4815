"""The payload of an envelope: a CBOR map of columns as RFC 8746 typed arrays."""

from dataclasses import dataclass, field
from typing import Any

import cbor2
import numpy as np
from numpy.typing import NDArray

from devices.deterministic_cbor import ARRAY, MAP, TAG, Cursor, malformed, non_deterministic
from devices.readings import Column, EventKind, Readings, RegisterEvent
from devices.rejection import Reason, TelemetryError

MAX_READINGS = 10_000
MAX_EVENTS = 100

_UINT8, _UINT64, _INT32, _INT64 = 64, 71, 78, 79
_DTYPES: dict[int, np.dtype[Any]] = {
    _UINT8: np.dtype("u1"),
    _UINT64: np.dtype("<i8"),
    _INT32: np.dtype("<i4"),
    _INT64: np.dtype("<i8"),
}
_TAGS = {5: _INT64, 6: _UINT64, 7: _UINT64, 8: _INT32, 9: _UINT8}
_ABSENT_BIT = {6: 1, 7: 2, 8: 4}
_NAMES = {5: "time_ms", 6: "export_wh", 7: "import_wh", 8: "power_w", 9: "flags"}
_MANDATORY = {1: "device", 2: "meter", 3: "boot", 4: "first_sequence", 5: "time_ms", 10: "previous"}
_KINDS: dict[int, EventKind] = {1: "reset", 2: "replace"}
_KIND_NUMBER: dict[EventKind, int] = {kind: number for number, kind in _KINDS.items()}


@dataclass
class Payload:
    """What the payload map says, filled key by key."""

    device: str = ""
    meter: str = ""
    boot: int = 0
    first_sequence: int = 0
    previous: bytes = b""
    events: tuple[RegisterEvent, ...] = ()
    readings: Readings = field(default_factory=lambda: Readings.of(()))


def write_payload(readings: Readings) -> dict[int, object]:
    """Return the entries 5 to 9 and 11 of the payload map, with only the columns that are needed.

    Raises:
        TelemetryError: a number does not fit its column.

    """
    columns = {
        key: column
        for key, column in ((6, readings.export_wh), (7, readings.import_wh), (8, readings.power_w))
        if column is not None and column.present.any()
    }
    if 6 not in columns and 7 not in columns:
        nothing = np.zeros(len(readings), dtype=np.int64)
        columns[6] = Column(nothing, nothing.astype(np.bool_))
    flags = np.zeros(len(readings), dtype=np.uint8)
    entries: dict[int, object] = {5: cbor2.CBORTag(_INT64, readings.time_ms.astype("<i8").tobytes())}
    for key, column in columns.items():
        numbers = np.where(column.present, column.numbers, 0)
        dtype = _DTYPES[_TAGS[key]]
        if key == 8 and len(numbers) and (numbers.min() < -(2**31) or numbers.max() >= 2**31):
            raise malformed("power_w: a number is outside int32")
        entries[key] = cbor2.CBORTag(_TAGS[key], numbers.astype(dtype).tobytes())
        flags |= np.where(column.present, 0, _ABSENT_BIT[key]).astype(np.uint8)
    if flags.any():
        entries[9] = cbor2.CBORTag(_UINT8, flags.tobytes())
    if readings.events:
        entries[11] = [
            [event.index, _KIND_NUMBER[event.kind], event.closing_wh, event.opening_wh] for event in readings.events
        ]
    return entries


def read_payload(wire: bytes, start: int, end: int) -> Payload:
    """Parse the payload at `wire[start:end]`.

    Accepted: a map of known keys, ascending, each once; identifiers; numbers below 2^63; 1 to MAX_READINGS readings;
    columns of one length; times in [0, 2^53); at least one register column; flags only where something is absent, 0 as
    the number there; no column in which nothing is present, save an export column alone; events in order and in range.

    Raises:
        TelemetryError: with the reason and the place.

    """
    cursor = Cursor(wire, start, end)
    payload = Payload()
    arrays: dict[int, NDArray[np.int64]] = {}
    missing = dict(_MANDATORY)
    key = -1
    for _ in range(cursor.expect(MAP, "payload")):
        key = cursor.key(key, "payload")
        missing.pop(key, None)
        if key in _TAGS:
            arrays[key] = _typed_array(cursor, _TAGS[key], _NAMES[key])
        else:
            _read_field(cursor, key, payload)
    cursor.finish("payload")
    if missing:
        raise malformed(f"payload: {next(iter(missing.values()))} is missing")
    payload.readings = _readings(arrays, payload.events)
    if (payload.first_sequence + len(payload.readings) - 1) >> 63:
        raise malformed("first_sequence: the last reading's number is not below 2^63")
    return payload


def _read_field(cursor: Cursor, key: int, payload: Payload) -> None:
    match key:
        case 1:
            payload.device = cursor.identifier("device")
        case 2:
            payload.meter = cursor.identifier("meter")
        case 3:
            payload.boot = cursor.uint63("boot")
        case 4:
            payload.first_sequence = cursor.uint63("first_sequence")
        case 10:
            payload.previous = cursor.octets("previous", 32)
        case 11:
            payload.events = _events(cursor)
        case _:
            raise malformed(f"payload: key {key} is unknown")


def _typed_array(cursor: Cursor, tag: int, place: str) -> NDArray[np.int64]:
    found = cursor.expect(TAG, place)
    if found != tag:
        raise malformed(f"{place}: expected a typed array of tag {tag}, found tag {found}")
    start, end = cursor.span(place)
    dtype = _DTYPES[tag]
    count, odd = divmod(end - start, dtype.itemsize)
    if odd:
        raise malformed(f"{place}: {end - start} bytes are no whole number of elements")
    if count > MAX_READINGS:
        raise TelemetryError(Reason.OVERSIZE, f"{place}: {count} readings, at most {MAX_READINGS} are accepted")
    array: NDArray[np.int64] = np.frombuffer(cursor.wire, dtype, count, start)
    return array


def _events(cursor: Cursor) -> tuple[RegisterEvent, ...]:
    count = cursor.expect(ARRAY, "events")
    if not count:
        raise non_deterministic("events: empty, must be left out")
    if count > MAX_EVENTS:
        raise TelemetryError(Reason.OVERSIZE, f"events: {count}, at most {MAX_EVENTS} are accepted")
    events: list[RegisterEvent] = []
    for number in range(count):
        place = f"event {number}"
        cursor.array(place, 4)
        index, kind = cursor.uint63(f"{place}, index"), cursor.uint63(f"{place}, kind")
        if kind not in _KINDS:
            raise malformed(f"{place}: kind {kind} is neither 1 (reset) nor 2 (replace)")
        if events and index <= events[-1].index:
            raise malformed(f"{place}: index {index} does not follow index {events[-1].index}")
        closing_wh, opening_wh = cursor.uint63(f"{place}, closing_wh"), cursor.uint63(f"{place}, opening_wh")
        events.append(RegisterEvent(index, _KINDS[kind], closing_wh, opening_wh))
    return tuple(events)


def _readings(arrays: dict[int, NDArray[np.int64]], events: tuple[RegisterEvent, ...]) -> Readings:
    time_ms = arrays[5]
    count = len(time_ms)
    if not count:
        raise malformed("time_ms: an envelope holds at least one reading")
    for key, array in arrays.items():
        if len(array) != count:
            raise malformed(f"{_NAMES[key]}: {len(array)} readings beside {count} times")
    if time_ms.min() < 0 or time_ms.max() >> 53:
        raise malformed("time_ms: a time is outside [0, 2^53)")
    if 6 not in arrays and 7 not in arrays:
        raise malformed("payload: neither export_wh nor import_wh is there")
    if events and events[-1].index >= count:
        raise malformed(f"events: index {events[-1].index} is beyond the last reading")
    flags = _flags(arrays)
    columns = {key: _column(key, arrays, flags) for key in (6, 7, 8) if key in arrays}
    return Readings(time_ms, columns.get(6), columns.get(7), columns.get(8), events)


def _flags(arrays: dict[int, NDArray[np.int64]]) -> NDArray[np.int64] | None:
    flags = arrays.get(9)
    if flags is None:
        return None
    if not flags.any():
        raise non_deterministic("flags: nothing is absent, must be left out")
    known = sum(bit for key, bit in _ABSENT_BIT.items() if key in arrays)
    if (flags & ~np.uint8(known)).any():
        raise malformed("flags: a bit is set that has no meaning or no column")
    return flags


def _column(key: int, arrays: dict[int, NDArray[np.int64]], flags: NDArray[np.int64] | None) -> Column:
    numbers = arrays[key]
    if key == 8:
        numbers = numbers.astype(np.int64)
        numbers.setflags(write=False)
    elif numbers.min() < 0:
        raise malformed(f"{_NAMES[key]}: a number is not below 2^63")
    if flags is None:
        present = np.ones(len(numbers), dtype=np.bool_)
    else:
        present = (flags & _ABSENT_BIT[key]) == 0
        if numbers[~present].any():
            raise malformed(f"{_NAMES[key]}: an absent number is not 0")
        if not present.any() and not (key == 6 and 7 not in arrays):
            raise non_deterministic(f"{_NAMES[key]}: nothing in it is present, must be left out")
    present.setflags(write=False)
    return Column(numbers, present)
