"""Report N as a function: vintages, closed days, evidence, documents."""

from dataclasses import replace

import pytest

from contracts.state import MeterRole
from devices.telemetry import Reading
from oracle.errors import ConfigError, ReportError
from oracle.metering.interval import last_closed_day_end, vintage_of, year_start_ms
from oracle.metering.ledger import accounts, balances, entries_between
from oracle.metering.settlement import Standing
from oracle.reporting.asset_settlement import settle_asset
from oracle.reporting.compilation import compile_report
from oracle.reporting.document import canonical_bytes
from oracle.reporting.emissions import avoided_grams_down, revenue_minor_down
from oracle.reporting.factors import EmissionFactor, FactorKind
from oracle.reporting.rules import Rules, rules_from_document
from oracle.reporting.terms import AssetTerms, Tariff

HOUR_MS = 3_600_000
DAY_S = 86_400
NEW_YEAR_S = 1_735_689_600  # 2025-01-01T00:00:00Z


def settle(fleet, meters, envelopes, cutoff_s, **asset):
    registry = fleet.registry(*meters)
    (known,) = registry.assets.values()
    listed = replace(registry.listed(known.asset_id), asset=replace(known, **asset))
    return settle_asset(listed, envelopes, fleet.rules, cutoff_s)


def around_new_year(hours, registers):
    return [Reading((NEW_YEAR_S + hour * 3600) * 1000, wh) for hour, wh in zip(hours, registers, strict=True)]


def test_a_difference_across_new_year_belongs_to_the_older_vintage(fleet):
    meter = fleet.meter(0, baseline_time_ms=(NEW_YEAR_S - DAY_S) * 1000)
    rows = around_new_year([-2, -1, 1, 2, 3], [1000, 2000, 4000, 5000, 5000])
    settled = settle(fleet, (meter,), [fleet.envelope(0, rows)], NEW_YEAR_S + DAY_S)
    assert settled.settled.energy_wh == {2024: 3000, 2025: 1000}


def test_a_reading_at_midnight_of_new_year_parts_the_vintages(fleet):
    meter = fleet.meter(0, baseline_time_ms=(NEW_YEAR_S - DAY_S) * 1000)
    rows = around_new_year([-1, 0, 1, 2], [1000, 2000, 3500, 3500])
    settled = settle(fleet, (meter,), [fleet.envelope(0, rows)], NEW_YEAR_S + DAY_S)
    assert settled.settled.energy_wh == {2024: 1000, 2025: 1500}


def test_the_year_begins_at_the_assets_own_offset(fleet):
    meter = fleet.meter(0, baseline_time_ms=(NEW_YEAR_S - DAY_S) * 1000)
    rows = around_new_year([-9, -8, -7, -6], [1000, 2000, 3500, 3500])
    settled = settle(fleet, (meter,), [fleet.envelope(0, rows)], NEW_YEAR_S + DAY_S, utc_offset_s=8 * 3600)
    assert settled.settled.energy_wh == {2024: 1000, 2025: 1500}


def test_years_and_days_at_offsets():
    assert vintage_of(year_start_ms(2025, 28_800), 28_800) == 2025
    assert vintage_of(year_start_ms(2025, 28_800) - 1, 28_800) == 2024
    assert last_closed_day_end(NEW_YEAR_S * 1000, 0) == NEW_YEAR_S * 1000
    assert last_closed_day_end(NEW_YEAR_S * 1000 - 1, 0) == (NEW_YEAR_S - DAY_S) * 1000
    assert last_closed_day_end(NEW_YEAR_S * 1000, 28_800) == (NEW_YEAR_S - 8 * 3600) * 1000


def test_carbon_waits_for_the_end_of_the_local_day_and_money_does_not(fleet, steady):
    rows = [*steady(3), Reading(steady(3)[-1].time_ms + 1, 3000)]
    day_end = rows[0].time_ms // 1000 + DAY_S
    for cutoff_s, carbon_wh in ((day_end - 1, 0), (day_end, 2000)):
        settled = settle(fleet, (fleet.meter(0),), [fleet.envelope(0, rows)], cutoff_s)
        assert sum(settled.settled.energy_wh.values()) == 2000
        assert sum(settled.settled.carbon_wh.values()) == carbon_wh


def test_a_negative_day_is_repaid_before_anything_more_is_claimed(fleet):
    start_ms = fleet.meter(0).baseline_time_ms
    rows = [
        Reading(start_ms, 1000, 0),
        Reading(start_ms + HOUR_MS, 2000, 0),
        Reading(start_ms + 30 * HOUR_MS, 2000, 700),
        Reading(start_ms + 60 * HOUR_MS, 2500, 700),
        Reading(start_ms + 61 * HOUR_MS, 2500, 700),
    ]
    envelopes = [fleet.envelope(0, rows)]
    claimed = [
        sum(settle(fleet, (fleet.meter(0),), envelopes, start_ms // 1000 + day * DAY_S).settled.carbon_wh.values())
        for day in (1, 2, 3)
    ]
    assert claimed == [0, 1000, 1000]  # the first reading of a value waits; what was claimed before the deficit stays
    rows[3:] = [Reading(row.time_ms, 2900, 700) for row in rows[3:]]
    assert (
        sum(
            settle(
                fleet, (fleet.meter(0),), [fleet.envelope(0, rows)], start_ms // 1000 + 3 * DAY_S
            ).settled.carbon_wh.values()
        )
        == 1200
    )


def test_a_site_may_draw_more_than_its_plant_gives_and_all_of_it_counts_against_carbon(fleet):
    start_ms = fleet.meter(0).baseline_time_ms
    rows = [Reading(start_ms + hour * HOUR_MS, 1000 + 8000 * min(hour, 3), 40_000 * min(hour, 1)) for hour in range(5)]
    settled = settle(fleet, (fleet.meter(0),), [fleet.envelope(0, rows)], start_ms // 1000 + DAY_S)
    assert sum(settled.settled.energy_wh.values()) == 24_000
    assert sum(settled.settled.carbon_wh.values()) == 0


def test_plant_meters_stand_for_their_inverters_and_loads_for_nothing(fleet, steady):
    envelopes = [fleet.envelope(0, steady(4)), fleet.envelope(1, steady(5))]
    cutoff_s = steady(1)[0].time_ms // 1000 + DAY_S
    both = settle(fleet, (fleet.meter(0), fleet.meter(1)), envelopes, cutoff_s)
    assert set(both.meters) == {"met-0", "met-1"}
    plant = settle(fleet, (fleet.meter(0), fleet.meter(1, role=MeterRole.PLANT)), envelopes, cutoff_s)
    assert set(plant.meters) == {"met-1"}
    load = settle(fleet, (fleet.meter(0, role=MeterRole.LOAD),), envelopes, cutoff_s)
    assert (load.meters, load.settled.energy_wh) == ({}, {})


def test_two_devices_that_call_their_meter_alike_keep_accounts_of_their_own(fleet, steady):
    meters = (fleet.meter(0, meter_id="export"), fleet.meter(1, meter_id="export"))
    envelopes = [fleet.envelope(0, steady(4), meter="export"), fleet.envelope(1, steady(3), meter="export")]
    settled = settle(fleet, meters, envelopes, steady(1)[0].time_ms // 1000 + DAY_S)
    assert set(settled.meters) == {"dev-0/export", "dev-1/export"}
    booked = {}
    for settlement in settled.meters.values():
        booked |= accounts(settlement, HOUR_MS)
    attested = sum(wh for account, wh in booked.items() if account.standing is Standing.ATTESTED)
    assert attested == sum(settled.settled.energy_wh.values()) == 2000 + 1000


def test_an_envelope_counts_in_one_report_and_of_a_listed_meter(fleet, steady):
    envelope = fleet.envelope(0, steady(3))
    for before, new in (([envelope], [envelope]), ([], [envelope, envelope])):
        with pytest.raises(ReportError, match="twice"):
            compile_report(fleet.basis(), before, new)
    with pytest.raises(ReportError, match="does not count"):
        compile_report(fleet.basis(), [], [fleet.envelope(0, steady(3), device="dev-9")])


def test_withheld_energy_moves_by_entries_when_it_is_corroborated(fleet, steady):
    one = settle(fleet, (fleet.meter(0),), [fleet.envelope(0, steady(3))], steady(9)[-1].time_ms // 1000)
    two = settle(fleet, (fleet.meter(0),), [fleet.envelope(0, steady(4))], steady(9)[-1].time_ms // 1000)
    before, after = (accounts(settled.meters["met-0"], HOUR_MS) for settled in (one, two))
    first = entries_between(1, "rooftop-1", {}, before)
    moved = entries_between(2, "rooftop-1", balances(first), after)
    assert balances([*first, *moved]) == after
    assert sorted(entry.energy_wh for entry in moved) == [-1000, 1000, 1000]


def test_a_hostile_register_event_stops_no_report(fleet, steady):
    """Numbers that JSON cannot hold, on one meter, must not keep the fleet from its report."""
    last = steady(3)[-1]
    rows = [*steady(3), Reading(last.time_ms + HOUR_MS, 2**63 - 1, event=("reset", 2**62, 2**63 - 1))]
    compiled = compile_report(fleet.basis(), [], [fleet.envelope(0, rows), fleet.envelope(1, steady(3))])
    assert compiled.report.totals.energy_wh == 2000
    canonical_bytes(compiled.settlements["rooftop-1"].document)


def test_rounding_is_down():
    assert [avoided_grams_down(wh, 999_999) for wh in (-1, 0, 1, 2, 10**6)] == [0, 0, 0, 1, 999_999]
    assert [revenue_minor_down(wh, 1_999_999) for wh in (-1, 0, 1, 2)] == [0, 0, 1, 3]
    assert avoided_grams_down(10**6, 0) == 0


def reports_of(fleet, steps, **asset):
    """One report after the other: (new envelopes, cutoff) each."""
    registry = fleet.registry(fleet.meter(0, baseline_time_ms=(NEW_YEAR_S - DAY_S) * 1000))
    (known,) = registry.assets.values()
    registry = replace(registry, assets={known.asset_id: replace(known, **asset)})
    used, statements, compiled = [], {}, []
    for epoch, (new, cutoff_s) in enumerate(steps, 1):
        basis = fleet.basis(epoch=epoch, cutoff_s=cutoff_s, registry=registry, statements=statements)
        compiled.append(compile_report(basis, used, new))
        used, statements = [*used, *new], compiled[-1].statements
    return compiled


def test_a_late_reading_does_not_mint_its_energy_in_a_second_vintage(fleet):
    """A gateway holds the reading of midnight back: what was booked in the old year stays there, and nothing is stated twice."""
    early = fleet.envelope(0, around_new_year([-1, 6, 13, 20, 27], [1000, 7000, 7000, 7000, 7000]))
    late = fleet.envelope(0, around_new_year([0], [1500]), first_sequence=5, previous=early.digest)
    rows = around_new_year([34, 41, 48, 55], [9000, 9000, 9000, 9000])
    more = fleet.envelope(0, rows, first_sequence=6, previous=late.digest)
    cutoff_s = NEW_YEAR_S + 3 * DAY_S
    first, second, third = reports_of(fleet, [([early], cutoff_s), ([late], cutoff_s + 1), ([more], cutoff_s + 2)])
    energy = [
        {vintage: s.energy_wh.net for (_, vintage), s in compiled.statements.items()}
        for compiled in (first, second, third)
    ]
    assert energy == [{2024: 6000, 2025: 0}, {2024: 6000, 2025: 0}, {2024: 6000, 2025: 2000}]
    assert second.settlements["rooftop-1"].settled.energy_wh == {2024: 500, 2025: 5500}
    grams = [sum(s.credits_g.net for s in compiled.statements.values()) for compiled in (first, second, third)]
    assert grams == [6000 * 570_000 // 10**6] * 2 + [8000 * 570_000 // 10**6]


def test_assets_without_terms_and_meters_that_left_stop_no_report(fleet, steady):
    """The registry may know more than the rules, and less than it once did."""
    registry = fleet.registry()
    (asset,) = registry.assets.values()
    other = replace(asset, asset_id="newcomer")
    wider = replace(registry, assets={asset.asset_id: asset, other.asset_id: other})
    first = [fleet.envelope(0, steady(3)), fleet.envelope(1, steady(3))]
    one = compile_report(fleet.basis(registry=wider), [], first)
    assert {asset_id for asset_id, _ in one.statements} == {asset.asset_id}
    fewer = fleet.registry(fleet.meter(0))
    two = compile_report(fleet.basis(epoch=2, registry=fewer, statements=one.statements), first, [])
    assert two.report.totals == one.report.totals


@pytest.mark.parametrize("kind", [kind for kind in FactorKind if kind is not FactorKind.COMBINED_MARGIN])
def test_only_a_combined_margin_earns_credits(kind):
    with pytest.raises(ConfigError, match="combined_margin"):
        AssetTerms("a", Tariff("t", 1, "s"), EmissionFactor("f", 1, kind, 2023, "s", "l", "b"))


def test_rules_read_back_as_written_and_refuse_anything_else(fleet):
    document = fleet.rules.document()
    assert rules_from_document(document) == fleet.rules
    without_credit = Rules({"a": AssetTerms("a", Tariff("t", 1, "s"), None)})
    assert rules_from_document(without_credit.document()) == without_credit
    for wrong in (
        {}, document | {"method": "other/1"}, document | {"note": 1}, document | {"terms": document["terms"] * 2},
        document | {"rated_overload_ppm": True}, document | {"ledger_interval_ms": 0}, document | {"terms": [None]},
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            rules_from_document(wrong)


def test_the_rules_digest_moves_with_every_figure(fleet):
    other = [
        replace(fleet.rules, rated_overload_ppm=1_100_001),
        replace(fleet.rules, ledger_interval_ms=1),
        Rules({}),
    ]
    assert len({rules.digest for rules in (fleet.rules, *other)}) == 4
