"""What a generating unit truly produced, and what its meter is built to show of it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from devices.readings import Column, Readings, RegisterEvent

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Move = tuple[int, Literal["reset", "replace"], int, int]
"""Place of the first reading after it, kind, closing register [Wh], opening register [Wh]."""

MS_PER_DAY = 86_400_000
W_MS_PER_WH = 3_600_000
_MS_PER_MINUTE = 60_000
_TWILIGHT_MS = 3_600_000


@dataclass(frozen=True, eq=False)
class Production:
    """Energy since the first knot, straight between knots. Columns have shape (k,)."""

    time_ms: Integers
    """Instants of the knots, ascending [ms UTC]."""
    energy_w_ms: Integers
    """Energy since the first knot, never falling [W ms]."""

    def w_ms(self, time_ms: Integers) -> Integers:
        """Energy since the first knot [W ms], shape of `time_ms`; level before the first knot and after the last."""
        within = np.clip(time_ms, self.time_ms[0], self.time_ms[-1])
        knot = np.clip(np.searchsorted(self.time_ms, within, side="right") - 1, 0, len(self.time_ms) - 2)
        span_ms = self.time_ms[knot + 1] - self.time_ms[knot]
        rise = self.energy_w_ms[knot + 1] - self.energy_w_ms[knot]
        whole, rest = np.divmod(rise, span_ms)  # so that no product leaves 64 bits
        since_ms = within - self.time_ms[knot]
        energy: Integers = self.energy_w_ms[knot] + whole * since_ms + rest * since_ms // span_ms
        return energy

    def wh(self, time_ms: Integers) -> Integers:
        """Energy since the first knot, rounded down [Wh], shape of `time_ms`."""
        return self.w_ms(time_ms) // W_MS_PER_WH

    def power_w(self, time_ms: Integers) -> Integers:
        """Mean power between the knots around each instant, or that end at it [W], shape of `time_ms`."""
        knot = np.clip(np.searchsorted(self.time_ms, time_ms, side="left") - 1, 0, len(self.time_ms) - 2)
        rise = self.energy_w_ms[knot + 1] - self.energy_w_ms[knot]
        power: Integers = rise // (self.time_ms[knot + 1] - self.time_ms[knot])
        return power


@dataclass(frozen=True, eq=False)
class Unit:
    """One metered unit: an inverter, or the plant meter behind several."""

    meter_id: str
    role: str
    """`inverter` or `plant`."""
    nameplate_w: int
    opening_wh: int
    """What its register shows at the first knot of its production [Wh]."""
    production: Production
    resolution_wh: int = 1
    """Its register moves by this much [Wh]."""
    modulus_wh: int | None = None
    """Its register starts again at zero here [Wh]."""
    baseline: tuple[int, int] | None = None
    """(instant [ms UTC], register [Wh]) confirmed at registration, or None."""
    place_known: bool = True
    """Whether it is known where it stands, and so when it is dark."""

    def true_wh(self, time_ms: Integers) -> Integers:
        """Return the register an exact meter of 1 Wh and no modulus shows [Wh], shape of `time_ms`."""
        return self.opening_wh + self.production.wh(time_ms)

    def is_dark(self, time_ms: Integers) -> Flags:
        """Whether it was surely dark, shape of `time_ms`: no sun within an hour. Nowhere where the place is not known."""
        if not self.place_known:
            return np.zeros(len(time_ms), dtype=np.bool_)
        knots = self.production.time_ms
        lit = knots[np.flatnonzero(self.production.power_w(knots) > 0)]
        after = np.clip(np.searchsorted(lit, time_ms), 0, len(lit) - 1)
        nearest_ms = np.minimum(np.abs(lit[after] - time_ms), np.abs(lit[np.maximum(after - 1, 0)] - time_ms))
        dark: Flags = nearest_ms > _TWILIGHT_MS
        return dark

    def shown_wh(self, time_ms: Integers) -> Integers:
        """Return the register that this meter shows when nothing is wrong with it [Wh], shape of `time_ms`."""
        shown = self.true_wh(time_ms) // self.resolution_wh * self.resolution_wh
        return shown if self.modulus_wh is None else shown % self.modulus_wh


@dataclass(frozen=True, eq=False)
class Record:
    """What was recorded of one unit. Columns have shape (n,), in the order of recording."""

    time_ms: Integers
    """Instants that the readings claim [ms UTC]."""
    known_ms: Integers
    """Instants at which they were truly taken [ms UTC]: another only where a clock is wrong."""
    register_wh: Integers
    """Export register [Wh]; without meaning where `present` is False."""
    present: Flags
    untrue: Flags
    """Which readings are not what a sound meter would have said at that time."""
    faulty: Flags
    """Those of them that are to be found: which something in the record can tell from the truth."""
    power_w: Integers | None = None
    """Power [W], where the device tells it."""
    import_wh: Integers | None = None
    """Import register [Wh], where the device tells it."""
    mirror: Flags | None = None
    """The readings that are wrong if the faulty ones are right: of a register that moved for good, nobody knows which side is."""
    events: tuple[Move, ...] = ()
    """Signed moves of the register."""

    def __len__(self) -> int:
        """Return the number of readings."""
        return len(self.time_ms)

    def to_readings(self) -> Readings:
        """Return what the device says: times, registers, power and moves, without the truth about them."""
        return Readings(
            self.time_ms,
            Column(np.where(self.present, self.register_wh, 0), self.present),
            None if self.import_wh is None else Column.full(self.import_wh),
            None if self.power_w is None else Column.full(self.power_w),
            tuple(RegisterEvent(*move) for move in self.events),
        )

    def taken(self, places: Integers | Flags) -> "Record":
        """Return the readings at `places`, in that order; for records without events."""
        return Record(
            self.time_ms[places],
            self.known_ms[places],
            self.register_wh[places],
            self.present[places],
            self.untrue[places],
            self.faulty[places],
            None if self.power_w is None else self.power_w[places],
            None if self.import_wh is None else self.import_wh[places],
            None if self.mirror is None else self.mirror[places],
        )

    def joined(self, other: "Record") -> "Record":
        """Return the readings of both in the order in which they were taken; for records without events."""
        both = Record(
            np.concatenate((self.time_ms, other.time_ms)),
            np.concatenate((self.known_ms, other.known_ms)),
            np.concatenate((self.register_wh, other.register_wh)),
            np.concatenate((self.present, other.present)),
            np.concatenate((self.untrue, other.untrue)),
            np.concatenate((self.faulty, other.faulty)),
            _both(self.power_w, other.power_w),
            _both(self.import_wh, other.import_wh),
        )
        return both.taken(np.argsort(both.known_ms, kind="stable"))


def _both(one: Integers | None, other: Integers | None) -> Integers | None:
    return None if one is None or other is None else np.concatenate((one, other))


@dataclass(frozen=True)
class Place:
    """Where a plant stands."""

    name: str
    latitude: float | None
    """Degrees north; None where it is not known."""
    longitude: float | None
    """Degrees east; None where it is not known."""
    utc_offset_minutes: int
    """Local time minus UTC, fixed the whole year [min]."""
    altitude_m: float = 0.0

    @property
    def utc_offset_ms(self) -> int:
        """Local time minus UTC [ms]."""
        return self.utc_offset_minutes * _MS_PER_MINUTE

    def day_start_ms(self, instant_ms: int) -> int:
        """Return the local midnight at or before an instant [ms UTC]."""
        return (instant_ms + self.utc_offset_ms) // MS_PER_DAY * MS_PER_DAY - self.utc_offset_ms


@dataclass(frozen=True, eq=False)
class Series:
    """A clean series: the units of one site and what their meters recorded, every reading true."""

    place: Place
    start_ms: int
    """First instant, a local midnight [ms UTC]."""
    end_ms: int
    """Last instant, a local midnight [ms UTC]."""
    units: tuple[Unit, ...]
    records: tuple[Record, ...]
    """One for each unit."""
    note: str
    """What kind of series it is, for whoever reads a figure."""
