"""Instants as people write them: RFC 3339 in, RFC 3339 out."""

from datetime import UTC, datetime

from oracle.errors import ConfigError


def read_instant_ms(text: str) -> int:
    """Read an instant such as `2026-11-01T10:00:00Z` [ms UTC].

    Raises:
        ConfigError: it is none, has no offset from UTC, or is before 1970.

    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ConfigError(f"{text[:40]!r} is no instant: write it as 2026-11-01T10:00:00Z, with its offset from UTC")
    since_1970 = instant - datetime.fromtimestamp(0, UTC)
    instant_ms = since_1970.days * 86_400_000 + since_1970.seconds * 1000 + since_1970.microseconds // 1000
    if instant_ms < 0:
        raise ConfigError(f"{text[:40]!r} is before 1970")
    return instant_ms


def write_instant(instant_ms: int) -> str:
    """Write an instant [ms UTC] as RFC 3339; beyond the year 9999, which no date can say, as its number."""
    try:
        return datetime.fromtimestamp(instant_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{instant_ms} ms"
