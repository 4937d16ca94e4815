"""The plants of a demo: simulated ones in Hong Kong and Hunan, or recorded ones out of files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from api.demo import terms
from api.projection.places import Place
from api.settling.clear_sky import clear_sky_ceiling
from api.settling.recorded_meters import KnownMeter
from contracts.state import (
    Asset,
    ClaimRight,
    Identity,
    InvestorClass,
    ListedMeter,
    MeterRole,
    Project,
    ShareIssue,
)
from devices.device_key import Algorithm, SigningKey
from devices.pv_plant import PvPlant, default_sites
from devices.readings import Readings
from oracle.config import MeterEntry
from oracle.errors import ConfigError
from oracle.metering.ceiling import PPM
from oracle.metering.collation import observe
from oracle.metering.settlement import settle_register
from oracle.reporting.rules import MeterLimits, Rules
from oracle.reporting.terms import AssetTerms

STEP_MS = 300_000
"""Simulated meters are read every five minutes."""
ROLES = {"inverter": MeterRole.INVERTER, "plant": MeterRole.PLANT, "load": MeterRole.LOAD}


class Source(Protocol):
    """Where a plant's readings come from."""

    def between(self, after_ms: int, until_ms: int) -> Readings:
        """Readings dated in (after, until] [ms UTC]."""


@dataclass(frozen=True)
class Plant:
    """One metered plant with the key of its device."""

    asset_id: str
    project_id: str
    device_id: str
    key: SigningKey
    meter: MeterEntry
    utc_offset_s: int
    baseline_wh: int
    baseline_ms: int
    source: Source
    tilt_deg: float | None = None
    """Of the modules; None where it is not known."""
    azimuth_deg: float | None = None
    """Where they look, clockwise from north."""


@dataclass(frozen=True)
class SimulatedSource:
    """Readings of a modelled plant."""

    plant: PvPlant

    def between(self, after_ms: int, until_ms: int) -> Readings:
        """Readings every five minutes in (after, until], on the step."""
        first = max(after_ms // STEP_MS * STEP_MS + STEP_MS, self.plant.start_ms)
        return self.plant.readings(first, until_ms + 1, STEP_MS)


@dataclass(frozen=True)
class RecordedSource:
    """Readings out of files, in the order the files have them."""

    readings: Readings

    def between(self, after_ms: int, until_ms: int) -> Readings:
        """Readings dated in (after, until], with their events."""
        chosen = (self.readings.time_ms > after_ms) & (self.readings.time_ms <= until_ms)
        return Readings.of(reading for reading, taken in zip(self.readings, chosen, strict=True) if taken)


def simulated_fleet(count: int, start_ms: int) -> list[Plant]:
    """Plants in Hong Kong and Hunan in turn, commissioned at `start_ms` [ms UTC], with keys of both kinds."""
    algorithms: tuple[Algorithm, Algorithm] = ("es256", "eddsa")
    plants = []
    for number, site in enumerate(default_sites(count)):
        model = PvPlant(site, seed=number, start_ms=start_ms)
        plants.append(
            Plant(
                asset_id=site.name,
                project_id=site.region,
                device_id=f"dev-{number + 1:03}",
                key=SigningKey.generate(algorithms[number // 2 % 2]),
                meter=MeterEntry(
                    id=f"meter-{number + 1:03}",
                    nameplate_w=site.nameplate_w,
                    site=site.name,
                    latitude=site.latitude,
                    longitude=site.longitude,
                    tz="Asia/Hong_Kong" if site.region == "hongkong" else "Asia/Shanghai",
                ),
                utc_offset_s=site.utc_offset_minutes * 60,
                baseline_wh=model.opening_wh,
                baseline_ms=start_ms,
                source=SimulatedSource(model),
                tilt_deg=site.tilt_deg,
                azimuth_deg=site.azimuth_deg,
            )
        )
    return plants


def recorded_fleet(meters: Mapping[str, KnownMeter]) -> list[Plant]:
    """Plants whose meters were recorded; the register confirmed at registration is the first corroborated one.

    Raises:
        ConfigError: a meter's name cannot be used, or no two of its readings corroborate each other.

    """
    plants = []
    for number, (meter_id, known) in enumerate(sorted(meters.items())):
        observations = observe(known.readings)
        last_ms = int(observations.time_ms.max()) if len(observations) else 0
        settled = settle_register(known.entry.to_meter(), observations, last_ms)
        if settled.first_register_wh is None or settled.first_time_ms is None:
            raise ConfigError(f"meter {meter_id}: no reading of its export register can be used")
        plants.append(
            Plant(
                asset_id=known.entry.site or meter_id,
                project_id="recorded",
                device_id=f"replay-{number + 1:03}",
                key=SigningKey.generate("es256"),
                meter=known.entry,
                utc_offset_s=known.entry.utc_offset_minutes * 60,
                baseline_wh=settled.first_register_wh,
                baseline_ms=settled.first_time_ms,
                source=RecordedSource(known.readings),
            )
        )
    return plants


def projects_of(plants: list[Plant], currency: str) -> list[Project]:
    """Projects that the plants belong to."""
    return [
        Project(
            project_id=project_id,
            currency=currency,
            methodology=terms.METHODOLOGY,
            claim_right=terms.CLAIM_RIGHTS[project_id],
            document_hash=terms.document_hash(project_id),
            assurance=terms.ASSURANCES[project_id],
        )
        for project_id in sorted({plant.project_id for plant in plants})
    ]


def assets_of(plants: list[Plant], beneficiaries: list[str]) -> list[Asset]:
    """Assets that the plants' meters make up; owners in turn."""
    by_asset: dict[str, list[Plant]] = {}
    for plant in plants:
        by_asset.setdefault(plant.asset_id, []).append(plant)
    return [
        Asset(
            asset_id=asset_id,
            project_id=group[0].project_id,
            beneficiary=beneficiaries[number % len(beneficiaries)],
            nameplate_w=sum(plant.meter.nameplate_w for plant in group if plant.meter.role != "load"),
            commissioned_s=min(plant.baseline_ms for plant in group) // 1000,
            utc_offset_s=group[0].utc_offset_s,
            factor_ceiling_g_per_mwh=_factor_ceiling(group[0].project_id),
            tariff_ceiling_minor_per_mwh=terms.TARIFFS[group[0].project_id].minor_per_mwh,
            capacity_factor_ceiling_ppm=(
                terms.RECORDED_CAPACITY_CEILING_PPM
                if group[0].project_id == "recorded"
                else terms.SIMULATED_CAPACITY_CEILING_PPM
            ),
        )
        for number, (asset_id, group) in enumerate(sorted(by_asset.items()))
    ]


def _factor_ceiling(project_id: str) -> int:
    factor = terms.FACTORS[project_id]
    return factor.g_per_mwh if factor else 0


def shares_of(assets: list[Asset]) -> list[ShareIssue]:
    """The share of each asset, all of it the owner's."""
    return [
        ShareIssue(asset.asset_id, asset.asset_id, terms.SHARE_SYMBOL, terms.SHARES, asset.beneficiary)
        for asset in assets
    ]


def identities_of(assets: list[Asset], now_s: int) -> list[Identity]:
    """The owners, verified from now [s UTC] on for a while."""
    country = {asset.beneficiary: terms.COUNTRIES[asset.project_id] for asset in assets}
    return [
        Identity(account, code, InvestorClass.PROFESSIONAL_COMPANY, now_s + terms.IDENTITY_VALID_S)
        for account, code in sorted(country.items())
    ]


def rate_limits_of(assets: list[Asset]) -> dict[str, tuple[int, int]]:
    """(Wh a day, Wh at once) of each project: what its rated power gives around the clock."""
    limits: dict[str, tuple[int, int]] = {}
    for asset in assets:
        per_day = limits.get(asset.project_id, (0, 0))[0] + asset.nameplate_w * 24
        limits[asset.project_id] = per_day, per_day * terms.RATE_DAYS_AT_ONCE
    return limits


def buffer_bps_of(projects: list[Project]) -> dict[str, int]:
    """What each project with a right to credits puts aside of them [1/10 000]."""
    return {one.project_id: terms.BUFFER_BPS for one in projects if one.claim_right is ClaimRight.CREDIT}


def meters_of(plants: list[Plant]) -> list[ListedMeter]:
    """Meter list with the thumbprint of each device's key."""
    return [
        ListedMeter(
            asset_id=plant.asset_id,
            meter_id=plant.meter.id,
            device_id=plant.device_id,
            thumbprint=plant.key.public.thumbprint,
            role=ROLES[plant.meter.role],
            nameplate_w=plant.meter.nameplate_w,
            baseline_wh=plant.baseline_wh,
            baseline_time_ms=plant.baseline_ms,
        )
        for plant in plants
    ]


def _limits_of(entry: MeterEntry) -> MeterLimits:
    due_ms = None if entry.calibration_due is None else int(entry.calibration_due.timestamp() * 1000)
    overload_ppm = round(entry.rated_overload * PPM)
    return MeterLimits(
        entry.id, overload_ppm, entry.resolution_wh, entry.modulus_wh, due_ms, entry.permissible_error_ppm
    )


def places_of(plants: list[Plant]) -> dict[str, Place]:
    """Where the plants stand, those of which it is known, for names and clear skies."""
    places = {}
    for plant in plants:
        if plant.meter.place is not None:
            latitude, longitude = plant.meter.place
            places[plant.asset_id] = Place(
                plant.asset_id, latitude, longitude, tilt_deg=plant.tilt_deg, azimuth_deg=plant.azimuth_deg
            )
    return places


def rules_of(plants: list[Plant]) -> Rules:
    """Factor, tariff and sun of each asset, and what its meters are held to."""
    limits = [_limits_of(plant.meter) for plant in plants]
    usual = MeterLimits("", Rules.rated_overload_ppm, 1, None)
    return Rules(
        terms={
            plant.asset_id: AssetTerms(plant.asset_id, terms.TARIFFS[plant.project_id], terms.FACTORS[plant.project_id])
            for plant in plants
        },
        limits={limit.meter_id: limit for limit in limits if replace(limit, meter_id="") != usual},
        confirmations=max(plant.meter.confirmations for plant in plants),
        ceilings={plant.asset_id: clear_sky_ceiling(*plant.meter.place) for plant in plants if plant.meter.place},
    )
