"""Emission factors: where they come from, which of them issue credits, and the table that is shipped."""

import hashlib
from dataclasses import replace
from fractions import Fraction

import pytest

from api.configuration import factor_table as shipping
from api.configuration.factor_table import TABLE_SHA256, shipped_factors
from api.configuration.rules import load_rules
from oracle.errors import ConfigError
from oracle.reporting.factor_table import read_factor_table
from oracle.reporting.factors import EmissionFactor, FactorKind, Margins, combined_margin_down
from oracle.reporting.methodologies import METHODOLOGIES, methodology_named
from oracle.reporting.rules import Rules, rules_from_document
from oracle.reporting.terms import AssetTerms, Tariff

TARIFF = Tariff("t", 1, "a contract")
ENTRY = """
[[factor]]
id = "grid"
g_per_mwh = 570_000
kind = "combined_margin"
year = 2023
source = "a ministry"
licence = "public domain"
boundary = "a grid, CO2"
operating_weight_ppm = 750_000
operating_g_per_mwh = 640_000
build_g_per_mwh = 360_000
"""


@pytest.fixture(name="table")
def table_fixture(repository):
    return (repository / "oracle" / "reporting" / "factors.toml").read_bytes()


def test_each_shipped_factor_has_source_licence_kind_year_and_boundary(table):
    factors = shipped_factors()
    assert len(factors) == table.count(b"[[factor]]") > 5
    for factor in factors.values():
        assert all(len(text) > 10 for text in (factor.source, factor.licence, factor.boundary))
        assert 2000 < factor.year < 2100
        assert 0 < factor.g_per_mwh < 2_000_000
        assert factor.table_sha256 == hashlib.sha256(table).hexdigest() == TABLE_SHA256
    assert {factor.kind for factor in factors.values()} == set(FactorKind)


def test_a_combined_margin_of_the_table_is_the_one_that_its_margins_give():
    factors = shipped_factors()
    operating, build = factors["cn-central-2019-om"].g_per_mwh, factors["cn-central-2019-bm"].g_per_mwh
    combined = factors["cn-central-2019-solar"]
    assert combined.margins == Margins(750_000, operating, build)
    assert combined.g_per_mwh == Fraction(operating * 75 + build * 25, 100) == 715_375


def test_a_figure_changed_in_the_installed_table_is_not_taken(table, monkeypatch):
    monkeypatch.setattr(shipping, "TABLE_SHA256", hashlib.sha256(table + b"\n").hexdigest())
    shipping.shipped_factors.cache_clear()
    with pytest.raises(ConfigError, match="not that of this release"):
        shipping.shipped_factors()
    monkeypatch.undo()
    shipping.shipped_factors.cache_clear()
    assert shipping.shipped_factors()


@pytest.mark.parametrize("factor_id", sorted(shipped_factors()))
@pytest.mark.parametrize("methodology", sorted(METHODOLOGIES))
def test_only_combined_margins_of_the_table_issue_credits(factor_id, methodology):
    factor = shipped_factors()[factor_id]
    if factor.kind is FactorKind.COMBINED_MARGIN:
        assert AssetTerms("a", TARIFF, factor, methodology=methodology).factor_of(2026) is factor
        return
    with pytest.raises(ConfigError, match=f"asset a: factor {factor_id} is of kind {factor.kind}; credits need a comb"):
        AssetTerms("a", TARIFF, factor, methodology=methodology)
    later = shipped_factors()["cn-central-2019-solar"]
    with pytest.raises(ConfigError, match=f"factor {factor_id} is of kind"):
        AssetTerms("a", TARIFF, later, {2027: factor}, methodology)


def test_margins_weighed_for_another_kind_of_plant_issue_no_credits_for_solar():
    half = EmissionFactor("half", 1, FactorKind.COMBINED_MARGIN, 2023, "s", "l", "b", Margins(500_000))
    with pytest.raises(ConfigError, match=r"margin by 500000 ppm; AMS-I\.D takes 750000 ppm"):
        AssetTerms("a", TARIFF, half)


def test_a_combined_margin_is_rounded_down():
    assert combined_margin_down(3, 0, 750_000) == 2
    assert combined_margin_down(0, 3, 750_000) == 0
    assert combined_margin_down(858_700, 285_400, 1_000_000) == 858_700


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('licence = "public domain"\n', "", "lacks licence"),
        ('source = "a ministry"', 'source = " "', "source is missing"),
        ('boundary = "a grid, CO2"', 'boundary = ""', "boundary is missing"),
        ("year = 2023", "year = 2023.0", "year is 2023.0, expected a whole number"),
        ("= 570_000", "= 570_001", "its margins give 570000"),
        ("= 570_000", "= 570000.0", "expected a whole number"),
        ("operating_weight_ppm = 750_000\n", "", "need their operating_weight_ppm"),
        ("operating_weight_ppm = 750_000", "operating_weight_ppm = 1_000_001", "at most 1000000"),
        ("build_g_per_mwh = 360_000", "", "are given together, or neither"),
        ('"combined_margin"', '"average_consumption"', "says how it was weighed, and no other kind does"),
        ('"combined_margin"', '"guess"', "is none of"),
        ("year", "years", "lacks year"),
        ("year = 2023", "year = 2023\nnote = 1", "unknown member note"),
        ("[[factor]]", "[[factors]]", "a list of"),
        ("[[factor]]", "[[factor", "not readable"),
    ],
)
def test_a_table_that_nobody_could_trace_is_refused(old, new, complaint):
    assert old in ENTRY
    assert read_factor_table(ENTRY.encode())["grid"].g_per_mwh == 570_000
    with pytest.raises(ConfigError, match=complaint):
        read_factor_table(ENTRY.replace(old, new, 1).encode())


def test_a_factor_is_in_a_table_once():
    with pytest.raises(ConfigError, match="more than once"):
        read_factor_table((ENTRY * 2).encode())


RULES = """
[[tariff]]
id = "feed-in"
minor_per_mwh = 3000000
source = "contract 17 of 2025"

[[asset]]
id = "roof-1"
tariff = "feed-in"
factor = "cn-central-2019-solar"
"""


def test_a_rules_file_may_take_a_shipped_factor_and_its_digest_pins_it(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    rules = load_rules(path)
    factor = rules.terms_of("roof-1").factor
    assert factor == shipped_factors()["cn-central-2019-solar"]
    assert rules_from_document(rules.document()) == rules
    digests = {rules.digest}
    for change in (
        {"g_per_mwh": 1, "margins": Margins(750_000)}, {"year": 2020}, {"source": "x"}, {"licence": "x"}, {"boundary": "x"},
        {"table_sha256": None}, {"factor_id": "x"},
    ):  # fmt: skip
        other = AssetTerms("roof-1", rules.terms_of("roof-1").tariff, replace(factor, **change))
        digests.add(Rules({"roof-1": other}).digest)
    for change in (
        {"methodology": "ACM0002"}, {"deduction_ppm": 1}, {"document_sha256": "ab" * 32}, {"later": {2027: factor}},
    ):  # fmt: skip
        digests.add(Rules({"roof-1": replace(rules.terms_of("roof-1"), **change)}).digest)
    assert len(digests) == 12


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (ENTRY.replace('"grid"', '"cn-2022-average"'), "'cn-2022-average' is in the shipped table already"),
        ('methodology = "VM0000"', "methodology 'VM0000' is none of AMS-I.D, ACM0002, AMS-I.F"),
        ("deduction_ppm = 1000001", "deduction_ppm"),
        ('document_sha256 = "AB"', "document_sha256 is not 64 lower-case"),
        ('[[asset.later]]\nvintage = 2027\nfactor = "cn-2022-average"', "is of kind average_consumption"),
        ('[[asset.later]]\nvintage = 2027\nfactor = "nowhere"', "names factor 'nowhere'"),
        ('[[asset.later]]\nvintage = 2027\nfactor = "in-2023-solar"\n' * 2, "two factors from one vintage on"),
    ],
)
def test_a_rules_file_that_credits_wrongly_is_refused_with_the_reason(tmp_path, more, complaint):
    path = tmp_path / "rules.toml"
    path.write_text(RULES + more)
    with pytest.raises(ConfigError) as refused:
        load_rules(path)
    assert complaint in str(refused.value)


def test_a_methodology_is_known_by_its_name():
    assert methodology_named("AMS-I.D").on_chain == b"AMS-I.D" + bytes(25)
    with pytest.raises(ConfigError, match="none of"):
        methodology_named("AMS-I.E")
