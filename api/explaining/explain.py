"""Why the energy of an interval was attested, withheld or disputed, said from what metering decided. Decides nothing itself."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from api.explaining.words import words_of
from api.settling.settle import rfc3339
from oracle.metering.collation import Observations
from oracle.metering.observed import Flags
from oracle.metering.settlement import Settlement, Standing

STANDING_NAMES = {Standing.ATTESTED: "attested", Standing.WITHHELD: "withheld", Standing.DISPUTED: "disputed"}


@dataclass(frozen=True)
class Interval:
    """A stretch of time, half-open: energy belongs to it when the register difference ends in (start, end]."""

    start_ms: int
    """Start [ms UTC]."""
    end_ms: int
    """End [ms UTC], later than the start."""
    utc_offset_s: int = 0
    """Standard time of whoever asks, minus UTC [s]: times are told in it."""

    def told(self, instant_ms: int) -> str:
        """Write an instant [ms UTC] as RFC 3339 at the offset."""
        if not self.utc_offset_s:
            return rfc3339(instant_ms)
        minutes = abs(self.utc_offset_s) // 60
        offset = f"{'-' if self.utc_offset_s < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
        return rfc3339(instant_ms + self.utc_offset_s * 1000).removesuffix("Z") + offset

    def __str__(self) -> str:
        """Both ends as RFC 3339."""
        return f"{self.told(self.start_ms)} to {self.told(self.end_ms)}"


@dataclass(frozen=True)
class Share:
    """Energy of one standing and reason."""

    standing: str
    reason: str
    """Reason code, empty where attested."""
    wh: int
    """Energy [Wh]."""
    because: str
    remedy: str


@dataclass(frozen=True)
class SetAside:
    """Readings that were not used, of one reason."""

    reason: str
    count: int
    first: str
    """When the first of them is dated (RFC 3339)."""
    register_wh: int
    """What it showed [Wh]."""
    because: str
    remedy: str


@dataclass(frozen=True)
class MeterExplanation:
    """One meter's interval."""

    meter_id: str
    role: str
    readings: int
    """Readings dated in the interval, used or not."""
    shares: tuple[Share, ...]
    set_aside: tuple[SetAside, ...]
    notes: tuple[str, ...]
    """Sentences: where the energy comes from, where it went, or why there is none."""

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as JSON members."""
        return asdict(self)


def explain_meter(role: str, observations: Observations, settled: Settlement, interval: Interval) -> MeterExplanation:
    """Explain one meter's interval.

    Args:
        role: what the meter is on its site: inverter, plant, load.
        observations: everything it reported of the register.
        settled: what metering made of it.
        interval: the time asked for.

    """
    inside = _inside(settled.end_ms, interval)
    shares = tuple(_shares(settled, inside))
    dated = (observations.time_ms > interval.start_ms) & (observations.time_ms <= interval.end_ms)
    return MeterExplanation(
        meter_id=settled.meter_id,
        role=role,
        readings=int(dated.sum()),
        shares=shares,
        set_aside=tuple(_set_aside(settled, interval)),
        notes=tuple(_notes(observations, settled, interval, inside)),
    )


def _inside(time_ms: np.typing.NDArray[np.int64], interval: Interval) -> Flags:
    inside: Flags = (time_ms > interval.start_ms) & (time_ms <= interval.end_ms)
    return inside


def share_of(standing: Standing, reason: str, wh: int) -> Share:
    """Put energy of one standing and reason [Wh] into words."""
    if standing is Standing.ATTESTED:
        because, remedy = "the register rose so far between readings that later readings confirm", ""
    else:
        because, remedy = words_of(reason)
    return Share(STANDING_NAMES[standing], reason, wh, because, remedy)


def _shares(settled: Settlement, inside: Flags) -> Iterable[Share]:
    for standing in Standing:
        chosen = inside & (settled.standing == standing) & (settled.energy_wh > 0)
        for reason in np.unique(settled.reason[chosen]).tolist():
            yield share_of(standing, reason, int(settled.energy_wh[chosen & (settled.reason == reason)].sum()))


def _set_aside(settled: Settlement, interval: Interval) -> Iterable[SetAside]:
    judged = settled.judged
    inside = _inside(judged.time_ms, interval)
    for reason in np.unique(judged.reason[inside]).tolist():
        chosen = np.flatnonzero(inside & (judged.reason == reason))
        first = int(chosen[0])
        because, remedy = words_of(reason)
        yield SetAside(
            reason,
            len(chosen),
            interval.told(int(judged.time_ms[first])),
            int(judged.register_wh[first]),
            because,
            remedy,
        )


def _notes(observations: Observations, settled: Settlement, interval: Interval, inside: Flags) -> Iterable[str]:
    """Say what cannot be seen from the figures alone."""
    if settled.first_time_ms is None or settled.last_time_ms is None:
        if not bool(observations.present.any()):
            yield "The meter has no export register in what was given: it can attest nothing."
        else:
            yield "None of the meter's readings can be used, so nothing is known of its energy."
        return
    if interval.end_ms <= settled.first_time_ms:
        yield (
            f"The meter's accounts begin at {interval.told(settled.first_time_ms)} with {settled.first_register_wh} Wh: "
            "what was before is not accounted for."
        )
        return
    if interval.start_ms >= settled.last_time_ms:
        yield (
            f"The last usable reading is of {interval.told(settled.last_time_ms)} with {settled.last_register_wh} Wh: of later "
            "times nothing is known yet. If readings should have come, look at the logger and its connection."
        )
        return
    energy = inside & (settled.energy_wh > 0)
    if energy.any():
        start_ms = int(settled.start_ms[energy].min())
        if start_ms < interval.start_ms:
            came = energy & (settled.start_ms < interval.start_ms)
            yield (
                f"{int(settled.energy_wh[came].sum())} Wh of it were produced since {interval.told(start_ms)}: no usable reading "
                "lies in between, and energy over a gap is booked whole where the gap ends."
            )
    over = (settled.start_ms < interval.end_ms) & (settled.end_ms > interval.end_ms) & (settled.energy_wh > 0)
    if over.any():
        end_ms = int(settled.end_ms[over].max())
        if end_ms - int(settled.start_ms[over].min()) > interval.end_ms - interval.start_ms or not inside.any():
            yield (
                f"No usable reading lies between {interval.told(int(settled.start_ms[over].min()))} and {interval.told(end_ms)}: the "
                f"{int(settled.energy_wh[over].sum())} Wh of that time are booked in the interval in which it ends."
            )
    elif not energy.any():
        yield "The register did not rise: nothing was produced, and nothing is held back."


def told_share(share: Share) -> Iterable[str]:
    """Tell one share, and what can be done about it."""
    yield f"{share.wh} Wh {share.standing}, because {share.because}."
    if share.remedy:
        yield f"  What to do: {share.remedy}"


def sentences(explained: MeterExplanation) -> Iterable[str]:
    """Tell an explanation as lines of plain words."""
    if explained.role == "load":
        yield "This meter measures consumption: it produces nothing, and is held against the others of its site."
    for share in explained.shares:
        yield from told_share(share)
    yield from explained.notes
    for aside in explained.set_aside:
        many = "1 reading was" if aside.count == 1 else f"{aside.count} readings were"
        shown = "" if aside.reason == "absent" else f", showing {aside.register_wh} Wh"
        yield f"{many} not used, because {aside.because} (first at {aside.first}{shown})."
        yield f"  What to do: {aside.remedy}"
    if not explained.set_aside and explained.readings:
        yield (
            f"All {explained.readings} readings of the interval were used."
            if explained.readings > 1
            else ("The one reading of the interval was used.")
        )
