"""Credits under any terms: never more than energy x factor, less with every deduction, and claimed as a plain walk over days says."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices.device_key import SigningKey
from devices.telemetry import NO_PREVIOUS, Reading, Readings, encode
from oracle.reporting.advance import advance
from oracle.reporting.asset_settlement import settle_asset
from oracle.reporting.emissions import avoided_grams_down, credited_grams_down
from oracle.reporting.factors import EmissionFactor, FactorKind, Margins
from oracle.reporting.methodologies import METHODOLOGIES
from oracle.reporting.net_energy import claimable_wh
from oracle.reporting.registry import ListedAsset
from oracle.reporting.rules import Rules
from oracle.reporting.terms import AssetTerms, Tariff

KEY = SigningKey.from_seed("eddsa", bytes(range(32)))
ACCOUNT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
START_S = 1_735_689_600 - 12 * 3600  # noon before the New Year of 2025, UTC
METER = ListedMeter("roof", "met", "dev", KEY.public.thumbprint, MeterRole.INVERTER, 8000, 1000, START_S * 1000)
PROJECT = Project(
    "village", ACCOUNT, METHODOLOGIES["AMS-I.D"].on_chain, ClaimRight.CREDIT, b"\1" * 32, Assurance.DEVICE_SIGNED
)
ROOF = Asset("roof", "village", ACCOUNT, 8000, START_S, 0, 10**6, 4_000_000, 10**6)
LISTED = ListedAsset(ROOF, PROJECT, (METER,))
DAY_S = 86_400


def factor(g_per_mwh):
    return EmissionFactor(f"f{g_per_mwh}", g_per_mwh, FactorKind.COMBINED_MARGIN, 2023, "s", "l", "b", Margins(750_000))


FACTORS = st.integers(0, 10**6).map(factor)
TERMS = st.builds(
    AssetTerms,
    asset_id=st.just("roof"),
    tariff=st.just(Tariff("t", 1, "c")),
    factor=FACTORS,
    later=st.dictionaries(st.integers(2024, 2026), FACTORS, max_size=3),
    deduction_ppm=st.integers(0, 10**6),
)


@st.composite
def days_of_readings(draw):
    """Readings around New Year that climb as the plant can, with imports, some hours missing."""
    export_wh, import_wh, rows = 1000, 0, []
    for hour in range(60):
        export_wh += draw(st.integers(0, 4000)) if draw(st.booleans()) else 0
        import_wh += draw(st.integers(0, 300)) if draw(st.booleans()) else 0
        if draw(st.integers(0, 4)):
            rows.append(Reading((START_S + hour * 3600) * 1000, export_wh, import_wh))
    rows += [Reading((START_S + (60 + n) * 3600) * 1000, export_wh, import_wh) for n in range(30)]
    names = {"device": "dev", "meter": "met", "boot": 1, "first_sequence": 0, "previous": NO_PREVIOUS}
    return encode(Readings.of(rows), key=KEY, network="demo", **names)


def stated(envelope, terms, listed=LISTED):
    settled = settle_asset(listed, [envelope], Rules({"roof": terms}), START_S + 6 * DAY_S).settled
    return settled, advance("roof", 0, {}, settled, bytes(32))


@settings(max_examples=60, deadline=None)
@given(days_of_readings(), TERMS)
def test_credits_are_energy_times_the_vintages_factor_at_most(envelope, terms):
    settled, statements = stated(envelope, terms)
    moved_wh = int(envelope.readings.export_wh.numbers[-1]) - METER.baseline_wh
    assert sum(statement.energy_wh.net for statement in statements.values()) <= moved_wh
    for vintage, statement in statements.items():
        own = terms.factor_of(vintage).g_per_mwh
        assert statement.credits_g.net <= avoided_grams_down(statement.energy_wh.net, own)
        assert settled.credits_g_down(vintage) <= avoided_grams_down(settled.carbon_wh.get(vintage, 0), own)
        assert settled.crossing_wh.get(vintage, 0) <= settled.energy_wh.get(vintage, 0)


@settings(max_examples=40, deadline=None)
@given(days_of_readings(), TERMS)
def test_neither_deductions_nor_refusals_touch_energy_and_revenue(envelope, terms):
    _, with_terms = stated(envelope, terms)
    _, plain = stated(envelope, replace(terms, deduction_ppm=0))
    refused = replace(LISTED, project=replace(PROJECT, claim_right=ClaimRight.CERTIFICATE))
    settled, certified = stated(envelope, terms, refused)
    assert settled.credit_refusal == "certificate_right"
    for vintage, statement in with_terms.items():
        assert statement.credits_g.net <= plain[vintage].credits_g.net
        assert certified[vintage].credits_g.issued == 0
        for other in (plain[vintage], certified[vintage]):
            assert (statement.energy_wh, statement.revenue_minor) == (other.energy_wh, other.revenue_minor)


NET = st.dictionaries(st.tuples(st.integers(2024, 2026), st.integers(0, 40)), st.integers(-500, 500), max_size=40)


@given(NET)
def test_claims_are_what_a_plain_walk_over_the_days_gives(wh_of_day):
    """Day after day: a deficit is remembered, repaid first, and forgotten at the end of the vintage."""
    claimed, owed = {}, {}
    for vintage, day in sorted(wh_of_day):
        net = wh_of_day[vintage, day] - owed.get(vintage, 0)
        claimed[vintage] = claimed.get(vintage, 0) + max(net, 0)
        owed[vintage] = max(-net, 0)
    assert claimable_wh(wh_of_day) == claimed


@given(
    st.integers(-(10**6), 10**9), st.integers(0, 10**6), st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**6)
)  # fmt: skip
def test_grams_are_rounded_down_once_and_the_lower_factor_is_never_better(energy, own, crossing, lower, deduction):
    grams = credited_grams_down(energy, own, crossing_wh=crossing, lower_g_per_mwh=lower, deduction_ppm=deduction)
    whole = max(energy, 0)
    cheap = min(crossing, whole)
    exact = ((whole - cheap) * own + cheap * min(own, lower)) * (10**6 - deduction)
    assert grams * 10**12 <= exact < (grams + 1) * 10**12
    assert grams <= avoided_grams_down(energy, own)
