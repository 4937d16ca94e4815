"""One asset's settlement: its meters' energy, by vintage, and what of it may claim carbon."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.state import NEVER_REVOKED, Asset, ListedMeter, MeterRole
from devices.telemetry import Envelope
from oracle.metering.collation import collate
from oracle.metering.interval import MS_PER_DAY, closing_interval_start, last_closed_day_end, vintage_of, year_start_ms
from oracle.metering.meter import MAX_NAMEPLATE_W, Baseline, Meter
from oracle.metering.settlement import Settlement, Standing, settle_register
from oracle.reporting.advance import Settled
from oracle.reporting.evidence import settlement_document
from oracle.reporting.rules import Rules

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AssetSettlement:
    """What an asset's meters come to at a cutoff."""

    asset_id: str
    settled: Settled
    """What they come to, by vintage, with the terms that apply."""
    meters: Mapping[str, Settlement]
    """Settlement of the export register, by meter id (`device/meter` where two devices of the asset call their meter alike)."""

    @property
    def document(self) -> dict[str, Any]:
        """The settlement as a JSON object: what the evidence chain hashes."""
        return settlement_document(self.settled, self.meters)


def metering_meter(listed: ListedMeter, rules: Rules) -> Meter:
    """Limits under which a listed meter is settled."""
    own = rules.limits.get(listed.meter_id)
    return Meter(
        meter_id=listed.meter_id,
        nameplate_w=listed.nameplate_w,
        rated_overload_ppm=own.rated_overload_ppm if own else rules.rated_overload_ppm,
        resolution_wh=own.resolution_wh if own else 1,
        modulus_wh=own.modulus_wh if own else None,
        baseline=Baseline(listed.baseline_wh, listed.baseline_time_ms),
    )


def signs_for(envelope: Envelope, listed: ListedMeter) -> bool:
    """Whether an envelope names a listed meter and is signed by the key listed for it."""
    named = (envelope.device, envelope.meter, envelope.public_key.thumbprint)
    return named == (listed.device_id, listed.meter_id, listed.thumbprint)


def counting_meters(meters: Sequence[ListedMeter]) -> list[ListedMeter]:
    """Meters whose energy is the asset's: the plant meters where there are any, else the inverters; a load meter never produces."""
    plant = [meter for meter in meters if meter.role is MeterRole.PLANT]
    return plant or [meter for meter in meters if meter.role is MeterRole.INVERTER]


def settle_asset(
    asset: Asset, meters: Sequence[ListedMeter], envelopes: Sequence[Envelope], rules: Rules, cutoff_s: int
) -> AssetSettlement:
    """Settle an asset from all envelopes of its meters up to a cutoff [s UTC].

    Carbon counts net electricity (export minus import, AMS-I.D) on closed local days only: net export falls at night,
    so a negative day is a deficit that later days repay before anything more is claimed. Import is taken at its
    highest, whatever its standing.
    """
    cutoff_ms = cutoff_s * 1000
    closed_ms = last_closed_day_end(cutoff_ms, asset.utc_offset_s)
    settled: dict[str, Settlement] = {}
    energy_wh: dict[int, int] = {}
    net_wh_of_day: dict[tuple[int, int], int] = {}
    counting = counting_meters(meters)
    named = Counter(listed.meter_id for listed in counting)
    for listed in counting:
        own = [envelope for envelope in envelopes if signs_for(envelope, listed)]
        revoked_from = None if listed.revoked_boot == NEVER_REVOKED else (listed.revoked_boot, listed.revoked_sequence)
        meter = metering_meter(listed, rules)
        if named[listed.meter_id] > 1:
            meter = replace(meter, meter_id=f"{listed.device_id}/{listed.meter_id}")
        export = settle_register(meter, collate(own, "export", revoked_from), cutoff_ms)
        settled[meter.meter_id] = export
        attested = export.standing == Standing.ATTESTED
        for vintage, chosen in _by_vintage(export.start_ms[attested], asset.utc_offset_s):
            energy_wh[vintage] = energy_wh.get(vintage, 0) + int(export.energy_wh[attested][chosen].sum())
        _add_days(net_wh_of_day, export, attested & (export.end_ms <= closed_ms), asset.utc_offset_s, 1)
        imported = settle_register(_import_meter(meter), collate(own, "import", revoked_from), cutoff_ms)
        _add_days(net_wh_of_day, imported, imported.end_ms <= closed_ms, asset.utc_offset_s, -1)
    terms = rules.terms_of(asset.asset_id)
    come_to = Settled(
        cutoff_s=cutoff_s,
        energy_wh=energy_wh,
        carbon_wh=_claimable(net_wh_of_day),
        factor_g_per_mwh=terms.factor.g_per_mwh if terms.factor else 0,
        tariff_minor_per_mwh=terms.tariff.minor_per_mwh,
    )
    return AssetSettlement(asset.asset_id, come_to, settled)


def _import_meter(meter: Meter) -> Meter:
    """Return the meter's import register: it has no confirmed baseline, and no nameplate says how much a site may draw."""
    return Meter(meter.meter_id, MAX_NAMEPLATE_W, meter.rated_overload_ppm, meter.resolution_wh)


def _by_vintage(start_ms: Integers, utc_offset_s: int) -> list[tuple[int, NDArray[np.bool_]]]:
    """Split steps by the year they start in: a difference across New Year belongs to the older vintage."""
    if not len(start_ms):
        return []
    first, last = (vintage_of(int(instant), utc_offset_s) for instant in (start_ms.min(), start_ms.max()))
    years = range(first, last + 1)
    return [
        (year, (start_ms >= year_start_ms(year, utc_offset_s)) & (start_ms < year_start_ms(year + 1, utc_offset_s)))
        for year in years
    ]


def _add_days(
    net_wh: dict[tuple[int, int], int], settled: Settlement, chosen: NDArray[np.bool_], utc_offset_s: int, sign: int
) -> None:
    """Book chosen steps into net energy by (vintage, local day)."""
    day_ms = closing_interval_start(settled.end_ms[chosen], MS_PER_DAY, utc_offset_s * 1000)
    for vintage, of_vintage in _by_vintage(settled.start_ms[chosen], utc_offset_s):
        for day in np.unique(day_ms[of_vintage]):
            energy_wh = int(settled.energy_wh[chosen][of_vintage & (day_ms == day)].sum())
            key = (vintage, int(day))
            net_wh[key] = net_wh.get(key, 0) + sign * energy_wh


def _claimable(net_wh_of_day: Mapping[tuple[int, int], int]) -> dict[int, int]:
    """Highest level that the cumulative net energy of each vintage has reached [Wh]: deficits are repaid before more is claimed."""
    level: dict[int, int] = {}
    highest: dict[int, int] = {}
    for vintage, day in sorted(net_wh_of_day):
        level[vintage] = level.get(vintage, 0) + net_wh_of_day[vintage, day]
        highest[vintage] = max(highest.get(vintage, 0), level[vintage])
    return highest
