"""Settlement behind the corpus: the only module here that knows how Heliograph settles."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from api.bench.metering.corpus.cases import Case
from api.bench.metering.corpus.truth import Place, Record, Unit
from api.bench.metering.verdict import Verdict
from api.settling.clear_sky import clear_sky_ceiling
from oracle.metering.collation import observe
from oracle.metering.meter import Baseline, Meter
from oracle.metering.reasons import Reason
from oracle.metering.settlement import Settlement, Standing
from oracle.metering.site import SiteMeter, SiteRole, settle_site

_SECONDS_PER_MINUTE = 60
_NO_JUDGEMENT = (Reason.ABSENT, Reason.DUPLICATE, Reason.FUTURE)
"""Readings that say nothing, nothing new, or nothing yet: nobody is told that they are wrong."""
_NO_DOUBT = (Reason.UNCORROBORATED, Reason.CALIBRATION)
"""Reasons of steps that hold nothing against their readings."""


def verdicts(case: Case, cutoff_ms: int) -> Mapping[str, Verdict]:
    """Settle all meters of a case, from what was known at the cutoff [ms UTC]; by meter id."""
    meters = [
        _site_meter(case.place, unit, _known(record, cutoff_ms))
        for unit, record in zip(case.units, case.records, strict=True)
    ]
    return {meter_id: _verdict(settled) for meter_id, settled in settle_site(meters, cutoff_ms).items()}


def _known(record: Record, cutoff_ms: int) -> Record:
    known = record.known_ms <= cutoff_ms
    if bool(known.all()):
        return record
    some = replace(record, events=()).taken(known)
    place_in_some = np.cumsum(known) - 1
    events = tuple((int(place_in_some[move[0]]), *move[1:]) for move in record.events if known[move[0]])
    return replace(some, events=events)


def _verdict(settled: Settlement) -> Verdict:
    """Take a settlement as one row a step: a step of which a part is held back stands there twice."""
    same = np.zeros(len(settled.end_ms), dtype=np.bool_)
    same[1:] = (np.diff(settled.end_ms) == 0) & (np.diff(settled.start_ms) == 0)
    step = np.cumsum(~same) - 1
    energy_wh, attested_wh, withheld_wh = np.zeros((3, int((~same).sum())), dtype=np.int64)
    np.add.at(energy_wh, step, settled.energy_wh)
    np.add.at(attested_wh, step, np.where(settled.standing == Standing.ATTESTED, settled.energy_wh, 0))
    np.add.at(withheld_wh, step, np.where(settled.standing == Standing.WITHHELD, settled.energy_wh, 0))
    held = (settled.standing != Standing.ATTESTED) & ~np.isin(settled.reason, [str(reason) for reason in _NO_DOUBT])
    doubted = np.zeros(len(energy_wh), dtype=np.bool_)
    doubted[step[held]] = True
    judged = settled.judged
    told = ~np.isin(judged.reason, [str(reason) for reason in _NO_JUDGEMENT])
    reasons = Counter([*judged.reason[told].tolist(), *settled.reason[held].tolist()])
    return Verdict(
        settled.start_ms[~same],
        settled.end_ms[~same],
        energy_wh,
        attested_wh,
        withheld_wh,
        doubted,
        settled.first_time_ms,
        settled.first_register_wh,
        frozenset(zip(judged.time_ms[told].tolist(), judged.register_wh[told].tolist(), strict=True)),
        dict(reasons),
    )


def _site_meter(place: Place, unit: Unit, record: Record) -> SiteMeter:
    readings = record.to_readings()
    imported = None if record.import_wh is None else observe(readings, "import")
    return SiteMeter(_meter(place, unit), SiteRole(unit.role), observe(readings), imported)


def _meter(place: Place, unit: Unit) -> Meter:
    known = place.latitude is not None and place.longitude is not None
    return Meter(
        unit.meter_id,
        unit.nameplate_w,
        resolution_wh=unit.resolution_wh,
        modulus_wh=unit.modulus_wh,
        baseline=None if unit.baseline is None else Baseline(register_wh=unit.baseline[1], time_ms=unit.baseline[0]),
        ceiling=clear_sky_ceiling(place.latitude, place.longitude) if known else None,
        utc_offset_s=place.utc_offset_minutes * _SECONDS_PER_MINUTE,
    )
