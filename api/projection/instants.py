"""Instants and local days, as they are shown."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def instant(time_ms: int) -> datetime:
    """Name an instant [ms UTC]."""
    if time_ms % 1000 == 0:
        return datetime.fromtimestamp(time_ms // 1000, UTC)
    return _EPOCH + timedelta(milliseconds=time_ms)


def local_day(time_ms: int, utc_offset_s: int) -> int:
    """Local day of an instant [ms UTC], counted from 1970-01-01."""
    return (time_ms + utc_offset_s * 1000) // DAY_MS


def day_start_ms(day: int, utc_offset_s: int) -> int:
    """First instant [ms UTC] of a local day."""
    return day * DAY_MS - utc_offset_s * 1000


def day_number(day: date) -> int:
    """Count a day from 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def day_of(number: int) -> date:
    """Return the day of such a count."""
    return date.fromordinal(number + _EPOCH_ORDINAL)


def month_start_ms(month: int, utc_offset_s: int) -> int:
    """First instant [ms UTC] of a local month, yyyy * 100 + mm."""
    return day_start_ms(day_number(date(month // 100, month % 100, 1)), utc_offset_s)


def month_end_ms(month: int, utc_offset_s: int) -> int:
    """First instant [ms UTC] after a local month, yyyy * 100 + mm."""
    days = monthrange(month // 100, month % 100)[1]
    return month_start_ms(month, utc_offset_s) + days * DAY_MS
