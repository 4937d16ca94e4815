"""One asset's settlement: its meters' energy, by vintage, and what of it may claim carbon."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.state import NEVER_REVOKED, Asset, ListedMeter, MeterRole
from devices.telemetry import Envelope
from oracle.metering.collation import collate
from oracle.metering.interval import last_closed_day_end, vintage_of
from oracle.metering.meter import Baseline, Calibration, Meter
from oracle.metering.settlement import Settlement, Standing
from oracle.metering.site import SiteMeter, SiteRole, settle_meters
from oracle.reporting.advance import Settled
from oracle.reporting.carbon import come_to_terms
from oracle.reporting.evidence import settlement_document
from oracle.reporting.methodologies import Methodology
from oracle.reporting.net_energy import NetEnergy, steps_by_vintage
from oracle.reporting.registry import ListedAsset
from oracle.reporting.rules import Rules

SITE_ROLES = {
    MeterRole.INVERTER: SiteRole.INVERTER,
    MeterRole.PLANT: SiteRole.PLANT,
    MeterRole.LOAD: SiteRole.LOAD,
}


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


def metering_meter(listed: ListedMeter, asset: Asset, rules: Rules) -> Meter:
    """Limits under which a listed meter is settled."""
    own = rules.limits.get(listed.meter_id)
    calibration = None
    if own is not None and own.calibration_due_ms is not None:
        calibration = Calibration(own.calibration_due_ms, own.permissible_error_ppm)
    return Meter(
        meter_id=listed.meter_id,
        nameplate_w=listed.nameplate_w,
        rated_overload_ppm=own.rated_overload_ppm if own else rules.rated_overload_ppm,
        resolution_wh=own.resolution_wh if own else 1,
        modulus_wh=own.modulus_wh if own else None,
        baseline=Baseline(listed.baseline_wh, listed.baseline_time_ms),
        ceiling=rules.ceilings.get(asset.asset_id),
        confirmations=rules.confirmations,
        calibration=calibration,
        utc_offset_s=asset.utc_offset_s,
    )


def signs_for(envelope: Envelope, listed: ListedMeter) -> bool:
    """Whether an envelope names a listed meter and is signed by the key listed for it."""
    named = (envelope.device, envelope.meter, envelope.public_key.thumbprint)
    return named == (listed.device_id, listed.meter_id, listed.thumbprint)


def counting_meters(meters: Sequence[ListedMeter], method: Methodology) -> list[ListedMeter]:
    """Meters whose energy is the asset's: the plant meters where there are any, else the inverters; a load meter never produces.

    Where a methodology counts what is used on site too, the inverters come first.
    """
    plant = [meter for meter in meters if meter.role is MeterRole.PLANT]
    inverters = [meter for meter in meters if meter.role is MeterRole.INVERTER]
    return (inverters or plant) if method.counts_own_use else (plant or inverters)


def own_use_meters(counting: Sequence[ListedMeter], listed: ListedAsset, method: Methodology) -> list[ListedMeter]:
    """Load meters whose consumption was not fed in, though the meters that count have seen it as production."""
    if method.counts_own_use or any(meter.role is MeterRole.PLANT for meter in counting):
        return []
    return [meter for meter in listed.meters if meter.role is MeterRole.LOAD]


def settle_asset(listed: ListedAsset, envelopes: Sequence[Envelope], rules: Rules, cutoff_s: int) -> AssetSettlement:
    """Settle an asset from all envelopes of its meters up to a cutoff [s UTC].

    Carbon counts net electricity (export minus import, AMS-I.D) on closed local days only: net export falls at night,
    so a negative day is a deficit that later days repay before anything more is claimed. Import, and the load of a site
    that only its inverters are metered of, is taken at its highest, whatever its standing.
    """
    asset, terms = listed.asset, rules.terms_of(listed.asset.asset_id)
    cutoff_ms = cutoff_s * 1000
    vintage_of(
        cutoff_ms - 1, asset.utc_offset_s
    )  # raises beyond the calendar: else days without end would be gone through
    closed_ms = last_closed_day_end(cutoff_ms, asset.utc_offset_s)
    site = site_meters(listed, envelopes, rules)
    registers = settle_meters(list(site.values()), cutoff_ms)
    counting = counting_meters(listed.meters, terms.method)
    settled: dict[str, Settlement] = {}
    energy_wh: dict[int, int] = {}
    net = NetEnergy(asset.utc_offset_s)
    for one in counting:
        meter_id = site[_key(one)].meter.meter_id
        export = registers[meter_id].export
        settled[meter_id] = export
        attested = export.standing == Standing.ATTESTED
        for vintage, chosen in steps_by_vintage(export, attested, asset.utc_offset_s):
            energy_wh[vintage] = energy_wh.get(vintage, 0) + int(export.energy_wh[chosen].sum())
        net.add_exports(export, attested & (export.end_ms <= closed_ms))
    for one in [*counting, *own_use_meters(counting, listed, terms.method)]:
        imported = registers[site[_key(one)].meter.meter_id].imported
        if imported is not None:
            net.add_imports(imported, imported.end_ms <= closed_ms)
    come_to = come_to_terms(listed, terms, cutoff_s, energy_wh, net)
    return AssetSettlement(asset.asset_id, come_to, settled)


def _key(listed: ListedMeter) -> tuple[str, str]:
    return listed.device_id, listed.meter_id


def site_meters(listed: ListedAsset, envelopes: Sequence[Envelope], rules: Rules) -> dict[tuple[str, str], SiteMeter]:
    """All meters of an asset with what they reported, by device and meter."""
    named = Counter(one.meter_id for one in listed.meters)
    site = {}
    for one in listed.meters:
        meter = metering_meter(one, listed.asset, rules)
        if named[one.meter_id] > 1:
            meter = replace(meter, meter_id=f"{one.device_id}/{one.meter_id}")
        own = [envelope for envelope in envelopes if signs_for(envelope, one)]
        revoked_from = None if one.revoked_boot == NEVER_REVOKED else (one.revoked_boot, one.revoked_sequence)
        export, imported = collate(own, "export", revoked_from), collate(own, "import", revoked_from)
        site[_key(one)] = SiteMeter(meter, SITE_ROLES[one.role], export, imported)
    return site
