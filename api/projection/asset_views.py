"""Assets with all that stands to their credit, kept ready one by one until something about them changes."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from api.http.problems import NotFoundProblem
from api.projection.instants import instant, local_day
from api.projection.places import Place
from api.projection.registration import project_from_text
from api.projection.schema import ATTESTED_CODE
from api.projection.store import Store
from api.projection.views import AssetView, FactorView, MeterView, Page, TariffView
from contracts.state import Asset, AssetStatus, Assurance, ClaimRight, MeterRole, Project
from oracle.reporting.eligibility import Refusal, credit_refusal
from oracle.reporting.registry import ListedAsset
from oracle.reporting.rules import Rules
from oracle.reporting.terms import AssetTerms

LAGS_MS = 900_000
"""A meter whose newest reading is so much older than its asset's newest does not count into the power that is shown [ms]."""

_ASSET = (
    "SELECT number, asset.project_id, beneficiary, nameplate_w, commissioned_s, utc_offset_s, status, document FROM asset"
    " JOIN project ON project.project_id = asset.project_id WHERE asset_id = ?"
)
_METERS = (
    "SELECT listed_meter.meter_id, device_id, role, thumbprint, nameplate_w, revoked, reading_ms, arrival_ms, power_w,"
    " readings, stale FROM listed_meter LEFT JOIN arrival ON arrival.device = device_id AND arrival.meter = meter_id"
    " WHERE asset_id = ? ORDER BY listed_meter.meter_id, device_id"
)
_TOTALS = "SELECT standing, sum(wh) FROM energy_total JOIN code ON code.number = code WHERE asset = ? GROUP BY standing"
_MARKS = (
    "SELECT coalesce(sum(energy_wh - energy_reversed_wh), 0), coalesce(sum(credits_g - credits_reversed_g), 0),"
    " coalesce(sum(revenue_minor - revenue_reversed_minor), 0) FROM mark WHERE asset = ?"
)
_TODAY = f"SELECT wh FROM energy_day WHERE asset = ? AND day = ? AND code = {ATTESTED_CODE}"  # noqa: S608  our number
_IDS = "SELECT asset_id FROM asset JOIN project USING (project_id) ORDER BY asset_id"


class AssetViews:
    """Views of assets. Safe to share between threads."""

    def __init__(
        self, store: Store, rules: Rules | None, places: Mapping[str, Place], clock_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._rules = rules
        self._places = places
        self._clock_ms = clock_ms
        self._kept: dict[str, tuple[int, int, AssetView]] = {}
        """(version, local day, view) by asset id."""
        self._ids: tuple[int, list[str]] = (-1, [])

    def ids(self) -> list[str]:
        """All registered assets, by name."""
        version, ids = self._ids
        if version != self._store.all_at:
            version = self._store.all_at
            ids = [asset_id for (asset_id,) in self._store.reader().execute(_IDS)]
            self._ids = (version, ids)
        return ids

    def page(self, ids: frozenset[str] | None, after: str | None, limit: int) -> Page[AssetView]:
        """Assets by name, after one."""
        named = self._names(ids, after, limit)
        items = self.of(named[:limit])
        return Page[AssetView].model_construct(items=items, next=named[limit - 1] if len(named) > limit else None)

    def of(self, ids: Iterable[str]) -> list[AssetView]:
        """Views of assets that are registered, in that order."""
        return [view for asset_id in ids if (view := self._find(asset_id)) is not None]

    def one(self, asset_id: str) -> AssetView:
        """One asset. Raises NotFoundProblem."""
        view = self._find(asset_id)
        if view is None:
            raise NotFoundProblem(f"no asset {asset_id[:40]!r} is registered; GET /v1/assets lists those that are")
        return view

    def of_beneficiary(self, address: str) -> frozenset[str]:
        """Assets whose beneficiary an account is."""
        query = "SELECT asset_id FROM asset WHERE beneficiary = ? AND project_id IS NOT NULL"
        return frozenset(asset_id for (asset_id,) in self._store.reader().execute(query, (address,)))

    def _names(self, ids: frozenset[str] | None, after: str | None, limit: int) -> list[str]:
        """Up to `limit` + 1 names after one."""
        names = self.ids()
        if ids is not None and len(ids) <= limit:
            return [name for name in sorted(ids) if (after is None or name > after) and self._find(name) is not None]
        first = 0 if after is None else bisect_right(names, after)
        return list(islice((name for name in names[first:] if ids is None or name in ids), limit + 1))

    def _find(self, asset_id: str) -> AssetView | None:
        store = self._store
        try:
            number = store.number_of(asset_id)
        except KeyError:
            return None
        now_ms = self._clock_ms()
        kept = self._kept.get(asset_id)
        if kept is not None:
            version, day, view = kept
            changed = max(store.shown_at.get(number, 0), store.all_at)
            if version >= changed and day == local_day(now_ms, view.utc_offset_s):
                return view
        version = store.version
        found = self._make(asset_id, now_ms)
        if found is None:
            self._kept.pop(asset_id, None)
            return None
        self._kept[asset_id] = (version, local_day(now_ms, found.utc_offset_s), found)
        return found

    def _make(self, asset_id: str, now_ms: int) -> AssetView | None:
        reader = self._store.reader()
        row = reader.execute(_ASSET, (asset_id,)).fetchone()
        if row is None:
            return None
        number, project_id, beneficiary, nameplate_w, commissioned_s, utc_offset_s, status, document = row
        project = project_from_text(project_id, document)
        meters = reader.execute(_METERS, (asset_id,)).fetchall()
        terms = self._rules.terms.get(asset_id) if self._rules else None
        held = dict(reader.execute(_TOTALS, (number,)).fetchall())
        minted_wh, credits_g, revenue_minor = reader.execute(_MARKS, (number,)).fetchone()
        today = reader.execute(_TODAY, (number, local_day(now_ms, utc_offset_s))).fetchone()
        asset = Asset(
            asset_id, project_id, beneficiary, nameplate_w, commissioned_s, utc_offset_s, 0, 0, 0, AssetStatus(status)
        )
        place = self._places.get(asset_id)
        return AssetView(
            asset_id=asset_id,
            name=place.name if place else None,
            project_id=project_id,
            beneficiary=beneficiary,
            nameplate_w=nameplate_w,
            commissioned=instant(commissioned_s * 1000),
            utc_offset_s=utc_offset_s,
            claim_right=ClaimRight(project["claim_right"]).name.lower(),
            credit_refusal=self._refusal(asset, project, terms),
            assurance=Assurance(project["assurance"]).name.lower(),
            status=AssetStatus(status).name.lower(),
            methodology=bytes.fromhex(project["methodology"]).rstrip(b"\0").decode("ascii", errors="replace"),
            latitude=place.latitude if place else None,
            longitude=place.longitude if place else None,
            factor=_factor(terms),
            tariff=_tariff(terms),
            meters=[_meter(meter) for meter in meters],
            attested_wh=held.get(0, 0),
            withheld_wh=held.get(1, 0),
            disputed_wh=held.get(2, 0),
            minted_wh=minted_wh,
            credits_g=credits_g,
            revenue_minor=revenue_minor,
            power_w=_power_w(meters, terms),
            today_wh=today[0] if today else 0,
            last_reading_at=max((instant(meter[6]) for meter in meters if meter[6]), default=None),
        )

    def _refusal(self, asset: Asset, project: dict[str, Any], terms: AssetTerms | None) -> str | None:
        """Why the asset gets no credits, by the nodes' own rules."""
        right = ClaimRight(project["claim_right"])
        if terms is None:
            refused = {ClaimRight.NONE: Refusal.NO_RIGHT, ClaimRight.CERTIFICATE: Refusal.CERTIFICATE_RIGHT}
            return refused.get(right, None if self._rules is None else Refusal.NO_FACTOR)
        listed = Project(
            asset.project_id, project["currency"], bytes.fromhex(project["methodology"]), right,
            bytes.fromhex(project["document_hash"]), Assurance(project["assurance"]),
        )  # fmt: skip
        return credit_refusal(ListedAsset(asset, listed, ()), terms)


def counting_roles(roles: Iterable[int], terms: AssetTerms | None) -> set[int]:
    """Roles of the meters whose energy is the asset's, as settlement counts them."""
    there = set(roles)
    own_use = terms is not None and terms.method.counts_own_use
    order = (MeterRole.INVERTER, MeterRole.PLANT) if own_use else (MeterRole.PLANT, MeterRole.INVERTER)
    return next(({int(role)} for role in order if int(role) in there), set())


def _power_w(meters: list[tuple[Any, ...]], terms: AssetTerms | None) -> int | None:
    """Sum of what the meters that count said last; None where none of them said anything lately [W]."""
    counting = counting_roles((meter[2] for meter in meters), terms)
    live = [meter for meter in meters if meter[2] in counting and not meter[5] and not meter[10] and meter[6]]
    newest_ms = max((meter[6] for meter in live), default=0)
    powers = [meter[8] for meter in live if meter[8] is not None and newest_ms - meter[6] <= LAGS_MS]
    return sum(powers) if powers else None


def _meter(row: tuple[Any, ...]) -> MeterView:
    meter_id, device_id, role, thumbprint, nameplate_w, revoked, reading_ms, arrival_ms, power_w, readings, stale = row
    return MeterView(
        meter_id=meter_id,
        device_id=device_id,
        role=MeterRole(role).name.lower(),
        thumbprint=thumbprint.hex(),
        nameplate_w=nameplate_w,
        last_reading_at=instant(reading_ms) if reading_ms else None,
        last_arrival_at=instant(arrival_ms) if arrival_ms else None,
        power_w=power_w,
        readings=readings or 0,
        revoked=bool(revoked),
        stale=bool(stale) or arrival_ms is None,
    )


def _factor(terms: AssetTerms | None) -> FactorView | None:
    factor = terms.factor if terms else None
    if factor is None:
        return None
    return FactorView(
        factor_id=factor.factor_id,
        g_per_mwh=factor.g_per_mwh,
        year=factor.year,
        kind=str(factor.kind),
        source=factor.source,
    )


def _tariff(terms: AssetTerms | None) -> TariffView | None:
    if terms is None:
        return None
    tariff = terms.tariff
    return TariffView(tariff_id=tariff.tariff_id, minor_per_mwh=tariff.minor_per_mwh, source=tariff.source)
