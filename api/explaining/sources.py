"""An explanation put together: the interval as people write it, the meters meant, what settlement and ledger say of them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.explaining.explain import Interval, MeterExplanation, explain_meter, told_share
from api.explaining.history import History, read_history
from api.explaining.registers import Site, load_sites
from api.instants import read_instant_ms
from api.settling.journaled_meters import holds_envelopes
from api.settling.settle import Progress
from oracle.errors import ConfigError
from oracle.journal.archive import is_archive
from oracle.metering.interval import MS_PER_DAY, parse_duration_ms

HOUR_MS = 3_600_000
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LATEST_MS = 253_370_764_800_000  # 9999-01-01: later instants have no date


@dataclass(frozen=True)
class Explanation:
    """All that can be said of an asset's interval."""

    asset: str
    interval: Interval
    meters: tuple[MeterExplanation, ...]
    history: History
    notes: tuple[str, ...]
    """What the explanation rests on."""

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as JSON members."""
        return {
            "asset": self.asset,
            "start": self.interval.told(self.interval.start_ms),
            "end": self.interval.told(self.interval.end_ms),
            "meters": [meter.to_json() for meter in self.meters],
            "booked": [{"meter_id": meter_id, **asdict(share)} for meter_id, share in self.history.balances()],
            "history": [booking.to_json(self.interval) for booking in self.history.bookings],
        }

    def history_sentences(self) -> Iterable[str]:
        """Tell what reports booked, and what of it stands, as lines of plain words."""
        for meter_id, share in self.history.balances():
            for line in told_share(share):
                yield f"{meter_id}: {line}" if not line.startswith(" ") else line
        for one in self.history.bookings:
            reason = f" ({one.share.reason})" if one.share.reason else ""
            yield (
                f"Report {one.epoch} booked {one.share.wh:+} Wh as {one.share.standing}{reason} for {one.meter_id}, in the "
                f"interval of {self.interval.told(one.start_ms)}."
            )


def parse_interval(text: str, utc_offset_s: int = 0) -> Interval:
    """Read START (an hour), START/END, START/1d, or a date; START is RFC 3339 with a zone.

    A date is a day at an offset from UTC [s], in which times are told too.

    Raises:
        ConfigError: it is none of these, or ends before it starts.

    """
    try:
        if _DATE.fullmatch(text):
            midnight = datetime.fromisoformat(text).replace(tzinfo=UTC)
            start_ms = (int(midnight.timestamp()) - utc_offset_s) * 1000
            return _interval(start_ms, start_ms + MS_PER_DAY, utc_offset_s)
        start, slash, end = text.partition("/")
        start_ms = read_instant_ms(start)
        if not slash:
            return _interval(start_ms, start_ms + HOUR_MS, utc_offset_s)
        end_ms = read_instant_ms(end) if "T" in end.upper() else start_ms + parse_duration_ms(end)
        return _interval(start_ms, end_ms, utc_offset_s)
    except (ValueError, OverflowError, ConfigError) as error:
        raise ConfigError(
            f"interval {text[:60]!r}: {error}; write a start such as 2026-05-01T12:00:00Z for one hour, start/end, start/1d, "
            "or a date"
        ) from error


def _interval(start_ms: int, end_ms: int, utc_offset_s: int) -> Interval:
    if not 0 <= start_ms < end_ms <= _LATEST_MS:
        raise ValueError("it must begin after 1970 and before it ends")
    return Interval(start_ms, end_ms, utc_offset_s)


def explain(  # noqa: PLR0913, PLR0917  what is asked, and the files that it is answered from
    asset: str,
    interval: str,
    files: Sequence[Path],
    meters_path: Path | None = None,
    rules_path: Path | None = None,
    on_progress: Progress = lambda *_: None,
) -> Explanation:
    """Explain an interval of an asset, a site or a meter.

    Args:
        asset: a meter's id, `device/meter`, a site of the meters file, or an asset of a journal.
        interval: see `parse_interval`.
        files: recorded files, or journals with their archives.
        meters_path: meters and their limits.
        rules_path: of a journal, the rules of its node: meters and limits are then those of its last report.
        on_progress: told what is being done.

    Raises:
        ConfigError: a file is refused, or nothing is known by that name.

    """
    sites, notes = load_sites(files, meters_path, rules_path, on_progress)
    named = _named(asset, sites)
    offsets = [one.utc_offset_s for site in sites for one in site.registers if one.meter_id in named]
    asked = parse_interval(interval, offsets[0] if offsets else 0)
    journals = [path for path in files if holds_envelopes(path) and not is_archive(path)]
    history = read_history(journals, asset, named, asked)
    named = named or sorted(history.meters)
    if not named:
        known = {name for site in sites for one in site.registers for name in (one.meter_id, *one.groups)}
        raise ConfigError(
            f"{asset!r} is neither a meter nor a site nor an asset in what was given, which names "
            + (", ".join(sorted(known)) or "none")
        )
    return Explanation(asset, asked, tuple(_explained(named, sites, asked, on_progress)), history, tuple(notes))


def _named(asset: str, sites: Sequence[Site]) -> list[str]:
    """Ids of the meters meant: one by its own name, or all of a group."""
    registers = [one for site in sites for one in site.registers]
    exactly = [one.meter_id for one in registers if one.meter_id == asset]
    return exactly or sorted(one.meter_id for one in registers if asset in one.groups)


def _explained(
    named: Sequence[str], sites: Sequence[Site], interval: Interval, on_progress: Progress
) -> Iterable[MeterExplanation]:
    concerned = [site for site in sites if any(one.meter_id in named for one in site.registers)]
    for done, site in enumerate(concerned):
        on_progress("settling sites", done, len(concerned))
        settled = site.settle()
        for one in site.registers:
            if one.meter_id in named:
                yield explain_meter(one.role, one.observations, settled[one.meter_id], interval)
