"""All meters of one site, settled together: each register by itself, then held against its neighbours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from oracle.metering.by_power import draws
from oracle.metering.collation import Observations
from oracle.metering.meter import MAX_NAMEPLATE_W, Meter
from oracle.metering.reasons import Reason
from oracle.metering.settlement import Settlement, Standing, hold_back, settle_register
from oracle.metering.sum_check import excesses, share_up, stretches


class SiteRole(StrEnum):
    """Where a meter stands."""

    INVERTER = "inverter"
    """It generates."""
    PLANT = "plant"
    """It delivers to the grid, and draws from it."""
    LOAD = "load"
    """It consumes: its import register rises."""


@dataclass(frozen=True, eq=False)
class SiteMeter:
    """One meter of a site and what it reported."""

    meter: Meter
    role: SiteRole
    export: Observations
    imported: Observations | None = None
    """Of the import register, None where it has none."""


@dataclass(frozen=True, eq=False)
class SettledMeter:
    """Both registers of one meter."""

    export: Settlement
    imported: Settlement | None


def settle_site(meters: Sequence[SiteMeter], cutoff_ms: int) -> Mapping[str, Settlement]:
    """Settle the export registers of all meters of one site, by meter id; see `settle_meters`."""
    return {meter_id: settled.export for meter_id, settled in settle_meters(meters, cutoff_ms).items()}


def settle_meters(meters: Sequence[SiteMeter], cutoff_ms: int) -> dict[str, SettledMeter]:
    """Settle all registers of one site up to and including the cutoff.

    Args:
        meters: the meters, each with a name of its own.
        cutoff_ms: readings dated later wait for a later report [ms UTC].

    Returns:
        By meter id, in the given order. What a plant meter claims and its inverters do not confirm, or the other way round, is
        withheld while a meter of the site is silent, and disputed otherwise.

    """
    settled = {one.meter.meter_id: _settle(one, cutoff_ms) for one in meters}
    plants = [one for one in meters if one.role is SiteRole.PLANT]
    inverters = [one for one in meters if one.role is SiteRole.INVERTER]
    if len(plants) == 1 and inverters:
        loads = [one for one in meters if one.role is SiteRole.LOAD]
        _compare(plants[0].meter, inverters, loads, settled, cutoff_ms)
    return settled


def _settle(one: SiteMeter, cutoff_ms: int) -> SettledMeter:
    meter = replace(one.meter, generates_only=one.role is SiteRole.INVERTER)
    if one.imported is None or not one.imported.present.any():
        return SettledMeter(settle_register(meter, one.export, cutoff_ms), None)
    imported = settle_register(import_register(meter), one.imported, cutoff_ms)
    drawing_ms = imported.end_ms[draws(meter, imported.start_ms, imported.end_ms, imported.energy_wh)]
    return SettledMeter(settle_register(meter, one.export, cutoff_ms, drawing_ms), imported)


def import_register(meter: Meter) -> Meter:
    """Return a meter's import register: it has no confirmed baseline, no sun, and no nameplate says how much a site may draw."""
    return Meter(
        meter_id=meter.meter_id,
        nameplate_w=MAX_NAMEPLATE_W,
        rated_overload_ppm=meter.rated_overload_ppm,
        resolution_wh=meter.resolution_wh,
        confirmations=meter.confirmations,
        utc_offset_s=meter.utc_offset_s,
    )


def _compare(
    plant: Meter,
    inverters: Sequence[SiteMeter],
    loads: Sequence[SiteMeter],
    settled: dict[str, SettledMeter],
    cutoff_ms: int,
) -> None:
    """Hold back, in `settled`, what the meters of the site do not confirm of each other."""
    delivering = settled[plant.meter_id]
    supply = [(1, settled[one.meter.meter_id].export) for one in inverters]
    if delivering.imported is not None:
        supply.append((1, delivering.imported))
    for load in loads:
        taking = settled[load.meter.meter_id]
        supply.append((-1, taking.imported or taking.export))
    for excess in excesses(plant, stretches(plant, delivering.export, supply, cutoff_ms)):
        accused = [plant.meter_id] if excess.of_plant else [one.meter.meter_id for one in inverters]
        of_wh = excess.stretch.delivered_wh if excess.of_plant else excess.stretch.supplied_wh
        standing = Standing.DISPUTED if excess.stretch.complete else Standing.WITHHELD
        for meter_id in accused:
            export = settled[meter_id].export
            chosen = (export.end_ms > excess.stretch.start_ms) & (export.end_ms <= excess.stretch.end_ms)
            held_wh = share_up(export, chosen, excess.wh, of_wh)
            settled[meter_id] = replace(
                settled[meter_id], export=hold_back(export, held_wh, standing, Reason.SUM_CHECK)
            )
