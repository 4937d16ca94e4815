"""Local times of recordings as instants.

A clock that is set back shows an hour twice, and the order of the rows tells which is which; a clock that is set forward
skips an hour, and a row in it is a fault of the file.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Zones = str | int | Mapping[str, str] | Mapping[str, int]
"""A zone for all meters or by meter id: IANA name, offset written +08:00, or local time minus UTC [min]."""

_FIXED_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MS_PER_MINUTE = 60_000


def zone_of(zones: Zones | None, *names: str) -> str | int | None:
    """Return the zone of the first of a meter's names that has one, or None."""
    if zones is None or isinstance(zones, str | int):
        return zones
    return next((zones[name] for name in names if name in zones), None)


class LocalClock:
    """A clock on the wall, in a zone with daylight saving or at a fixed offset."""

    def __init__(self, zone: str | int) -> None:
        """Take an IANA zone, an offset such as +08:00, or minutes east of UTC. Raises ValueError for any other."""
        self._zone: ZoneInfo | None = None
        self._offset_ms = 0
        self.name = str(zone)
        if isinstance(zone, int):
            self._offset_ms = zone * _MS_PER_MINUTE
            self.name = f"UTC{'-' if zone < 0 else '+'}{abs(zone) // 60:02d}:{abs(zone) % 60:02d}"
        elif fixed := _FIXED_OFFSET.fullmatch(zone):
            minutes = int(fixed[2]) * 60 + int(fixed[3])
            self._offset_ms = (-minutes if fixed[1] == "-" else minutes) * _MS_PER_MINUTE
        else:
            try:
                self._zone = ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(f"{zone!r} is neither an IANA time zone nor an offset such as +08:00") from error

    @cached_property
    def standard_offset_minutes(self) -> int:
        """Standard time minus UTC [min], which many loggers keep the whole year."""
        if self._zone is None:
            return self._offset_ms // _MS_PER_MINUTE
        seasons = (datetime(2025, month, 1, tzinfo=UTC).astimezone(self._zone) for month in (1, 7))
        return min(int((local.utcoffset() or timedelta()).total_seconds()) // 60 for local in seasons)

    def instant_ms(self, local: datetime, after_ms: int | None) -> int:
        """Return the instant [ms UTC] at which this clock shows `local` (its tzinfo is not read).

        Args:
            local: what the clock shows.
            after_ms: instant of the row before [ms UTC], or None; tells an hour that comes twice.

        Raises:
            ValueError: the clock never shows it, or shows it twice and the row before tells neither.

        """
        as_utc = (local.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
        if self._zone is None:
            return as_utc - self._offset_ms
        first, second = (as_utc - self._utc_offset_ms(local, fold) for fold in (0, 1))
        if first == second:
            return first
        if first > second:
            raise ValueError(f"time {local:%Y-%m-%d %H:%M} does not exist in {self.name}: the clock skips it")
        for instant in (first, second):
            if after_ms is None or instant > after_ms:
                return instant
        raise ValueError(f"time {local:%Y-%m-%d %H:%M} comes twice in {self.name}, and the rows' order tells neither")

    def _utc_offset_ms(self, local: datetime, fold: int) -> int:
        offset = local.replace(tzinfo=self._zone, fold=fold).utcoffset() or timedelta()
        return offset // _MILLISECOND
