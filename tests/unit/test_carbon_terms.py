"""What an asset may claim: right, document, methodology, size; own use, deductions, vintages with other factors."""

from dataclasses import replace

import pytest

from contracts.state import ClaimRight, MeterRole
from devices.telemetry import Reading
from oracle.errors import ReportError
from oracle.reporting.advance import Settled, advance
from oracle.reporting.asset_settlement import settle_asset
from oracle.reporting.eligibility import Refusal, credit_refusal
from oracle.reporting.emissions import credited_grams_down
from oracle.reporting.factors import EmissionFactor, FactorKind, Margins
from oracle.reporting.net_energy import claimable_wh
from oracle.reporting.rules import Rules
from oracle.reporting.terms import AssetTerms, Tariff

ASSET = "rooftop-1"
HOUR_MS = 3_600_000
DAY_S = 86_400
NEW_YEAR_S = 1_735_689_600  # 2025-01-01T00:00:00Z
TARIFF = Tariff("feed-in", 3_000_000, "a contract")


def factor(g_per_mwh, name="grid"):
    return EmissionFactor(name, g_per_mwh, FactorKind.COMBINED_MARGIN, 2023, "s", "l", "b", Margins(750_000))


def terms(**parts):
    return AssetTerms(**({"asset_id": ASSET, "tariff": TARIFF, "factor": factor(570_000)} | parts))


def listed(fleet, *meters, nameplate_w=16_000, **project):
    one = fleet.registry(*meters).listed(ASSET)
    return replace(one, project=replace(one.project, **project), asset=replace(one.asset, nameplate_w=nameplate_w))


def come_to(one, envelopes, cutoff_s, **parts):
    return settle_asset(one, envelopes, Rules({ASSET: terms(**parts)}), cutoff_s).settled


def rows(start_ms, registers, *, imports=None, confirmed=6):
    """Hourly readings; the last is confirmed by more of the same."""
    exports = [*registers, *[registers[-1]] * confirmed]
    drawn = [*imports, *[imports[-1]] * confirmed] if imports else [None] * len(exports)
    return [Reading(start_ms + n * HOUR_MS, wh, up) for n, (wh, up) in enumerate(zip(exports, drawn, strict=True))]


@pytest.mark.parametrize(
    ("project", "parts", "refusal"),
    [
        ({}, {}, None),
        ({"claim_right": ClaimRight.NONE}, {}, Refusal.NO_RIGHT),
        ({"claim_right": ClaimRight.CERTIFICATE}, {}, Refusal.CERTIFICATE_RIGHT),
        ({"document_hash": bytes(32)}, {}, Refusal.NO_DOCUMENT),
        ({}, {"document_sha256": "ab" * 32}, Refusal.OTHER_DOCUMENT),
        ({"document_hash": b"\xab" * 32}, {"document_sha256": "ab" * 32}, None),
        ({"methodology": b"ACM0002".ljust(32, b"\0")}, {}, Refusal.OTHER_METHODOLOGY),
        ({"methodology": b"ACM0002".ljust(32, b"\0")}, {"methodology": "ACM0002"}, None),
        ({"methodology": bytes(32)}, {}, Refusal.OTHER_METHODOLOGY),
        ({"nameplate_w": 15_000_001}, {}, Refusal.TOO_LARGE),
        ({"nameplate_w": 15_000_000}, {}, None),
        (
            {"nameplate_w": 15_000_001, "methodology": b"ACM0002".ljust(32, b"\0")},
            {"methodology": "ACM0002"},
            None,
        ),
        ({}, {"factor": None}, Refusal.NO_FACTOR),
    ],
)
def test_a_credit_without_right_document_methodology_or_factor_is_refused_with_the_reason(
    fleet, project, parts, refusal
):
    one = listed(fleet, **project)
    assert credit_refusal(one, terms(**parts)) is refusal
    start_ms = fleet.meter(0).baseline_time_ms
    envelopes = [fleet.envelope(0, rows(start_ms, [1000, 3000]))]
    cutoff_s = start_ms // 1000 + 2 * DAY_S
    settled = come_to(one, envelopes, cutoff_s, **parts)
    assert settled.credit_refusal == (refusal or "")
    (statement,) = advance(ASSET, 0, {}, settled, bytes(32)).values()
    assert statement.energy_wh.net == 2000  # energy and revenue are stated whatever becomes of the credits
    assert statement.revenue_minor.net == 2000 * 3
    assert statement.credits_g.net == (0 if refusal else 2000 * 570_000 // 10**6)
    assert Settled.from_members(settled.members()) == settled


def test_a_deduction_is_taken_before_the_one_rounding(fleet):
    start_ms = fleet.meter(0).baseline_time_ms
    envelopes = [fleet.envelope(0, rows(start_ms, [1000, 2001]))]
    settled = come_to(listed(fleet), envelopes, start_ms // 1000 + 2 * DAY_S, deduction_ppm=123_456)
    (statement,) = advance(ASSET, 0, {}, settled, bytes(32)).values()
    assert statement.credits_g.net == 1001 * 570_000 * (10**6 - 123_456) // 10**12 == 500
    assert credited_grams_down(10**9, 570_000, deduction_ppm=10**6) == 0


def test_what_is_used_on_site_earns_no_credit_by_ams_id_and_does_by_ams_if(fleet):
    """Inverters 3000 Wh, of which the house used 800: 2200 fed in, as the load meter shows."""
    start_ms = fleet.meter(0).baseline_time_ms
    meters = (fleet.meter(0), fleet.meter(1, role=MeterRole.LOAD))
    envelopes = [
        fleet.envelope(0, rows(start_ms, [1000, 4000])),
        fleet.envelope(1, rows(start_ms, [None, None], imports=[50_000, 50_800])),
    ]
    cutoff_s = start_ms // 1000 + 2 * DAY_S
    captive = {"methodology": b"AMS-I.F".ljust(32, b"\0")}
    fed_in = come_to(listed(fleet, *meters), envelopes, cutoff_s)
    used = come_to(listed(fleet, *meters, **captive), envelopes, cutoff_s, methodology="AMS-I.F")
    assert (sum(fed_in.energy_wh.values()), sum(fed_in.carbon_wh.values())) == (3000, 2200)
    assert (sum(used.energy_wh.values()), sum(used.carbon_wh.values())) == (3000, 3000)


def test_by_ams_if_the_inverters_count_and_by_ams_id_the_plant_meter(fleet):
    start_ms = fleet.meter(0).baseline_time_ms
    meters = (fleet.meter(0), fleet.meter(1, role=MeterRole.PLANT))
    envelopes = [fleet.envelope(0, rows(start_ms, [1000, 4000])), fleet.envelope(1, rows(start_ms, [1000, 3100]))]
    cutoff_s = start_ms // 1000 + 2 * DAY_S
    captive = {"methodology": b"AMS-I.F".ljust(32, b"\0")}
    fed_in = come_to(listed(fleet, *meters), envelopes, cutoff_s)
    used = come_to(listed(fleet, *meters, **captive), envelopes, cutoff_s, methodology="AMS-I.F")
    assert sum(fed_in.carbon_wh.values()) == 2100
    assert sum(used.carbon_wh.values()) == 3000


def around_new_year(fleet, hours, registers, *, later=None, last_year=None):
    """A settlement with a factor of 500 000 up to 2024 and others later."""
    meter = fleet.meter(0, baseline_time_ms=(NEW_YEAR_S - 2 * DAY_S) * 1000)
    readings = [Reading((NEW_YEAR_S + hour * 3600) * 1000, wh) for hour, wh in zip(hours, registers, strict=True)]
    last = readings[-1]
    readings += [Reading(last.time_ms + n * HOUR_MS, last.export_wh) for n in range(1, 31)]
    others = {2025: factor(later, "later")} if later else {}
    if last_year:
        others[2026] = factor(last_year, "last")
    return come_to(
        listed(fleet, meter),
        [fleet.envelope(0, readings)],
        last.time_ms // 1000 + 3 * DAY_S,
        factor=factor(500_000),
        later=others,
    )


@pytest.mark.parametrize(("later", "lower"), [(400_000, 400_000), (600_000, 500_000)])
def test_a_difference_across_new_year_counts_in_the_older_vintage_at_the_lower_factor(fleet, later, lower):
    settled = around_new_year(fleet, [-3, -1, 2, 3], [1000, 3000, 6001, 8002], later=later)
    assert settled.carbon_wh == {2024: 5001, 2025: 2001}
    assert settled.crossing_wh == {2024: 3001}
    stated = advance(ASSET, 0, {}, settled, bytes(32))
    assert stated[2024].credits_g.net == (2000 * 500_000 + 3001 * lower) // 10**6
    assert stated[2025].credits_g.net == 2001 * later // 10**6


def test_a_reading_at_new_year_leaves_nothing_to_cross(fleet):
    settled = around_new_year(fleet, [-3, 0, 3], [1000, 3000, 6000], later=400_000)
    assert (settled.carbon_wh, settled.crossing_wh) == ({2024: 2000, 2025: 3000}, {})
    stated = advance(ASSET, 0, {}, settled, bytes(32))
    assert [stated[year].credits_g.net for year in (2024, 2025)] == [1000, 1200]


def test_a_gap_over_two_new_years_counts_at_the_lowest_of_three_factors(fleet):
    settled = around_new_year(
        fleet, [-3, -1, 366 * 24, 366 * 24 + 1], [1000, 2000, 9000, 9500], later=450_000, last_year=300_000
    )
    assert settled.crossing_wh == {2024: 7000}
    assert settled.lower_g_per_mwh == {2024: 300_000}
    assert settled.credits_g_down(2024) == (1000 * 500_000 + 7000 * 300_000) // 10**6


def test_a_crossing_difference_never_claims_more_than_the_vintage_may():
    assert credited_grams_down(1000, 500_000, crossing_wh=5000, lower_g_per_mwh=400_000) == 400
    assert credited_grams_down(-5, 500_000, crossing_wh=5000, lower_g_per_mwh=400_000) == 0
    assert credited_grams_down(1000, 400_000, crossing_wh=1000, lower_g_per_mwh=500_000) == 400


def test_a_deficit_is_repaid_before_more_is_claimed_and_not_carried_into_a_vintage():
    days = {(2025, 1): 900, (2025, 2): -200, (2025, 3): 100, (2025, 4): 300, (2025, 5): -700, (2026, 6): 50}
    assert claimable_wh(days) == {2025: 1100, 2026: 50}
    assert claimable_wh({(2025, 1): -5}) == {2025: 0}
    assert claimable_wh({}) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"deduction_ppm": 1_000_001}, {"deduction_ppm": -1}, {"deduction_ppm": True}, {"credit_refusal": None},
        {"carbon_wh": {"2025": -1}}, {"factor_g_per_mwh": 5}, {"factor_g_per_mwh": {"2025": 1.0}}, {"lower_g_per_mwh": {"x": 1}},
        {"crossing_wh": {"02025": 1}},
    ],
)  # fmt: skip
def test_a_settlement_that_is_no_settlement_is_refused(wrong):
    good = Settled(1, {2025: 1}, {2025: 1}, {}, {2025: 1}, {}, 0, "", 1).members()
    assert Settled.from_members(good).members() == good
    with pytest.raises(ReportError):
        Settled.from_members(good | wrong)
