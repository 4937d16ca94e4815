"""Meters that are asked, and say what their registers show now. They tell no time: the gateway dates what they say.

The seam for every protocol: a function that asks once and returns `Registers` by meter. What it talks to (SunSpec over
Modbus, Shelly, Tasmota, OpenDTU, Sparkplug B) is its own business.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devices.meter_source import SourceError, Taken
from devices.readings import Reading, Readings
from devices.trusted_time import TrustedTime

MAX_WAITING = 10_000
"""Looks that wait for the time, or for room, at most: a week of one a minute. Then the meters are not asked until some
have gone. No energy is lost by that, for a register goes on counting."""
MAX_ROWS = 10_000
"""Readings that are handed out at a time, at most, unless one look has more."""


@dataclass(frozen=True)
class Registers:
    """What a meter shows. None is absent, which is neither zero nor a fault.

    Raises:
        ValueError: a register is not from 0 to 2^63 - 1, or power does not fit 32 bits with a sign.

    """

    export_wh: int | None
    """Energy delivered since the register began [Wh]."""
    import_wh: int | None = None
    """Energy drawn since the register began [Wh]."""
    power_w: int | None = None
    """Power at the instant, positive when delivering [W]."""

    def __post_init__(self) -> None:
        for name, register in (("export_wh", self.export_wh), ("import_wh", self.import_wh)):
            if register is not None and not 0 <= register < 2**63:
                raise ValueError(f"{name} {register} is no register")
        if self.power_w is not None and not -(2**31) <= self.power_w < 2**31:
            raise ValueError(f"power_w {self.power_w} does not fit 32 bits")


Ask = Callable[[], Mapping[str, Registers]]
"""Asks meters once, within seconds. Raises SourceError, OSError or ValueError if they do not answer, or say what cannot be."""


@dataclass
class _Look:
    number: int
    count_ms: int
    """When it was taken, by the clock that only counts [ms]."""
    shown: dict[str, Registers]
    time_ms: int | None = None
    """When it was taken [ms since 1970], once that is known; then it does not change any more."""


class PolledMeters:
    """A source that asks meters at even intervals, and keeps what they say until it is signed.

    What is not signed is kept in memory only. A power cut loses it, and no energy: the next reading has the register.

    Args:
        name: what it is, the same after a restart.
        ask: asks them.
        every_s: how often [s].
        time: dates what they say.
        most: looks that are kept at most.

    """

    def __init__(self, name: str, ask: Ask, every_s: float, time: TrustedTime, most: int = MAX_WAITING) -> None:
        self.name = name
        self._ask = ask
        self._every_ms = max(round(every_s * 1000), 1)
        self._time = time
        self._most = most
        self._kept: deque[_Look] = deque()
        self._due_ms: int | None = None
        self._fault: SourceError | None = None
        self._last = 0

    @property
    def pause_s(self) -> float:
        """When to ask again [s]."""
        return 0.0 if self._due_ms is None else max(self._due_ms - self._time.counter_ms(), 0) / 1000

    @property
    def waiting(self) -> int:
        """Looks that wait for the time to be known."""
        return sum(look.time_ms is None for look in tuple(self._kept))

    def take(self, place: str | None) -> Taken | None:
        """Ask if it is time to, and return everything after a place; None if there is nothing, or no time yet."""
        signed = int(place or 0)
        self._refresh(signed)
        rows: dict[str, list[Reading]] = {}
        reached = signed
        left = MAX_ROWS
        for look in self._kept:
            left -= len(look.shown)
            if look.time_ms is None or (left < 0 and reached > signed):
                break
            reached = look.number
            for meter, shown in look.shown.items():
                reading = Reading(look.time_ms, shown.export_wh, shown.import_wh, shown.power_w)
                rows.setdefault(meter, []).append(reading)
        if reached > signed:
            return Taken({meter: Readings.of(listed) for meter, listed in rows.items()}, str(reached))
        if self._fault is not None:
            raise self._fault
        return None

    def _refresh(self, signed: int) -> None:
        """Forget what is signed, ask if it is time to, and date what can be dated."""
        self._last = max(self._last, signed)
        while self._kept and self._kept[0].number <= signed:
            self._kept.popleft()
        count_ms = self._time.counter_ms()
        if self._due_ms is None or count_ms >= self._due_ms:
            self._plan(count_ms)
            if len(self._kept) < self._most:
                self._look()
        for look in self._kept:
            if look.time_ms is None:
                look.time_ms = self._time.at_ms(look.count_ms)

    def _plan(self, count_ms: int) -> None:
        """Set when to ask next. Looks that were missed, because somebody was slow, are not made up for."""
        due_ms = count_ms if self._due_ms is None else self._due_ms
        self._due_ms = due_ms + ((count_ms - due_ms) // self._every_ms + 1) * self._every_ms

    def _look(self) -> None:
        try:
            shown = dict(self._ask())
        except SourceError as error:
            self._fault = error
            return
        except (OSError, ValueError) as error:
            self._fault = SourceError(f"{self.name}: {error}")
            return
        self._fault = None
        self._last += 1
        self._kept.append(_Look(self._last, self._time.counter_ms(), shown))
