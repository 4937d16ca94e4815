"""Statements: counters that never fall, and grams and money that are floors of the cumulative energy however it is cut."""

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices.device_key import SigningKey
from devices.telemetry import NO_PREVIOUS, Reading, Readings, encode
from oracle.metering.settlement import Standing
from oracle.reporting.advance import raised
from oracle.reporting.compilation import Basis, compile_report
from oracle.reporting.factors import EmissionFactor, FactorKind, Margins
from oracle.reporting.methodologies import METHODOLOGIES
from oracle.reporting.registry import RegistrySnapshot, meters_root
from oracle.reporting.report import NO_REPORT, Domain
from oracle.reporting.rules import Rules
from oracle.reporting.terms import AssetTerms, Tariff

KEY = SigningKey.from_seed("eddsa", bytes(range(32)))
ACCOUNT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
START_S = 1_735_689_600 - 5 * 3600  # five hours before the New Year of 2025, UTC
FACTOR = EmissionFactor(
    "south", 570_123, FactorKind.COMBINED_MARGIN, 2023, "a source", "a licence", "a grid, CO2", Margins(750_000)
)
TARIFF = Tariff("feed-in", 3_000_001, "a contract")
RULES = Rules({"roof": AssetTerms("roof", TARIFF, FACTOR)})
METER = ListedMeter("roof", "met", "dev", KEY.public.thumbprint, MeterRole.INVERTER, 8000, 1000, START_S * 1000)
PROJECT = Project(
    "village",
    ACCOUNT,
    METHODOLOGIES["AMS-I.D"].on_chain,
    ClaimRight.CREDIT,
    b"\1" * 32,
    Assurance.DEVICE_SIGNED,
    meters_root([METER]),
)
ROOF = Asset("roof", "village", ACCOUNT, 8000, START_S, 8 * 3600, 600_000, 4_000_000, 10**6)
REGISTRY = RegistrySnapshot(1, {"village": PROJECT}, {"roof": ROOF}, {"village": (METER,)})

ROW = st.tuples(st.integers(0, 96), st.none() | st.just(0) | st.integers(900, 60_000), st.none() | st.integers(0, 300))


@st.composite
def batches(draw):
    """Envelopes of anything, contradictions included, and the hours at which reports are made."""
    envelopes = []
    for rows in draw(st.lists(st.lists(ROW, min_size=1, max_size=6), min_size=1, max_size=6)):
        readings = Readings.of(
            [Reading((START_S + hour * 3600) * 1000, export, imported) for hour, export, imported in rows]
        )
        first = draw(st.integers(0, 20))
        envelopes.append(
            encode(
                readings,
                device="dev",
                meter="met",
                boot=1,
                first_sequence=first,
                previous=NO_PREVIOUS,
                key=KEY,
                network="demo",
            )
        )
    return list({envelope.digest: envelope for envelope in envelopes}.values()), sorted(
        draw(st.sets(st.integers(1, 100), min_size=1, max_size=5))
    )


def reports(envelopes, hours):
    """Compile one report an hour given, each with a part of the envelopes, in order."""
    statements, used = {}, []
    for number, hour in enumerate(hours):
        share = envelopes[number :: len(hours)]
        basis = Basis(number + 1, NO_REPORT, START_S + hour * 3600, bytes(32), REGISTRY, RULES, statements)
        compiled = compile_report(basis, used, share)
        used = [*used, *share]
        yield statements, compiled
        statements = compiled.statements


@settings(max_examples=120, deadline=None)
@given(batches())
def test_counters_never_fall_and_no_leaf_is_dropped(case):
    for before, compiled in reports(*case):
        assert set(before) <= set(compiled.statements)
        for key, statement in before.items():
            now = compiled.statements[key]
            for name in ("energy_wh", "credits_g", "revenue_minor"):
                was, is_ = getattr(statement, name), getattr(now, name)
                assert is_.issued >= was.issued
                assert is_.reversed >= was.reversed
                assert is_.net >= 0


def attested_wh(compiled):
    return compiled.settlements["roof"].meters["met"].total_wh(Standing.ATTESTED)


def stated(compiled, name):
    return sum(getattr(statement, name).net for statement in compiled.statements.values())


@settings(max_examples=120, deadline=None)
@given(batches())
def test_credits_never_exceed_energy_times_factor_and_money_is_the_floor(case):
    highest_wh = 0
    for _, compiled in reports(*case):
        for statement in compiled.statements.values():
            energy_wh = statement.energy_wh.net
            assert statement.credits_g.net <= energy_wh * FACTOR.g_per_mwh // 10**6
            assert statement.revenue_minor.net == energy_wh * TARIFF.minor_per_mwh // 10**6
        highest_wh = max(highest_wh, attested_wh(compiled))
        assert stated(compiled, "energy_wh") == compiled.report.totals.energy_wh == highest_wh


@settings(max_examples=60, deadline=None)
@given(batches(), st.randoms(use_true_random=False))
def test_what_stands_depends_neither_on_the_split_into_reports_nor_on_order(case, generator):
    """Unless a later reading took energy back: then what earlier reports stated stays, and is never exceeded."""
    envelopes, hours = case
    compiled = [one for _, one in reports(envelopes, hours)]
    mixed = envelopes.copy()
    generator.shuffle(mixed)
    ((_, once),) = reports(mixed, hours[-1:])
    assert once.settlements["roof"].settled == compiled[-1].settlements["roof"].settled
    highest_wh = max(attested_wh(one) for one in compiled)
    assert stated(compiled[-1], "energy_wh") == max(highest_wh, stated(once, "energy_wh"))


@settings(max_examples=40, deadline=None)
@given(batches(), st.randoms(use_true_random=False))
def test_a_report_is_the_same_for_any_order_of_its_envelopes(case, generator):
    envelopes, hours = case
    mixed = envelopes.copy()
    generator.shuffle(mixed)
    ((_, one),) = reports(envelopes, hours[-1:])
    ((_, other),) = reports(mixed, hours[-1:])
    assert one.report == other.report


WILD_WH = st.none() | st.integers(0, 2**63 - 1) | st.integers(0, 10**6)
WILD_ROW = st.builds(
    Reading,
    st.integers(0, 2**53 - 1) | st.integers(START_S * 1000, (START_S + 86_400) * 1000),
    WILD_WH,
    WILD_WH,
    event=st.none()
    | st.tuples(st.sampled_from(["reset", "replace"]), *[st.integers(0, 2**63 - 1) | st.just(2000)] * 2),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(WILD_ROW, min_size=1, max_size=12), st.integers(0, 2**62), st.integers(1, 200))
def test_no_envelope_whatever_stops_a_report(rows, first, hour):
    """One hostile device must not keep the fleet from its report, whatever numbers it signs."""
    wild = encode(
        Readings.of(rows), device="dev", meter="met", boot=first, first_sequence=first, previous=NO_PREVIOUS, key=KEY, network="demo"
    )  # fmt: skip
    ((_, compiled),) = reports([wild], [hour])
    assert 0 <= compiled.report.totals.energy_wh <= 8800 * (hour * 3600 + 1) // 3600 + 20
    assert compiled.report.digest(Domain(1, ACCOUNT))


BY_VINTAGE = st.dictionaries(st.integers(2024, 2027), st.integers(0, 10**6), max_size=4)


@given(st.lists(BY_VINTAGE, max_size=12))
def test_no_vintage_falls_and_the_sum_is_the_highest_total_ever_settled(settled):
    """Whatever later readings move between vintages, no watt-hour is stated twice."""
    stated, highest = {}, 0
    for targets in settled:
        before, stated = stated, raised(stated, targets)
        highest = max(highest, sum(targets.values()))
        assert sum(stated.values()) == highest
        assert all(stated[vintage] >= before.get(vintage, 0) for vintage in stated)
