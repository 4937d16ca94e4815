"""Energy certificates: issued by the hour, out of a proof, over energy that backs nothing else."""

import copy
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from api.configuration.issuer import EXAMPLE, load_issuer
from contracts.state import ClaimRight
from devices.telemetry import Reading
from oracle.attestation.proof import ANCHOR_FORMAT, encode_proof
from oracle.attestation.verification import verify_proof
from oracle.errors import ConfigError, ReportError
from oracle.metering.settlement import Standing
from oracle.reporting.asset_settlement import settle_asset
from oracle.reporting.certificates import certifiable, certificate_refusal
from oracle.reporting.compilation import compile_report
from oracle.reporting.document import canonical_bytes, to_document
from oracle.reporting.granular_chain import read_chain
from oracle.reporting.hourly_factors import read_hourly_factors
from oracle.reporting.registry import meters_root
from oracle.reporting.rules import Rules
from oracle.reporting.terms import AssetTerms

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
ASSET, PROJECT = "rooftop-1", "village"
ISSUER = """
[issuer]
issuing_body = "Village Certificates"
country_of_issuance = "HK"
connected_grid_identification = "village grid"
issue_market_zone = "HK-1"
registry_configuration = 1
valid_days = 730
dissemination_level = "fed into a public grid"

[[device]]
meter = "met-0"
name = "barn roof"
technology = "rooftop photovoltaic plant"
latitude = 22.25
longitude = 114.0
"""


def minutes(start_ms, steps, *, confirmed=6):
    """Readings at (minute, register), the last one confirmed by more of the same in the following hours."""
    last_minute, last_wh = steps[-1]
    later = [(last_minute + 60 * n, last_wh) for n in range(1, confirmed + 1)]
    return [Reading(start_ms + minute * MINUTE_MS, wh) for minute, wh in [*steps, *later]]


STEPS = [(0, 1000), (20, 1300), (40, 1700), (60, 2000), (100, 2400), (140, 3000), (180, 3500)]
"""Hours: 1000 Wh; 400 Wh and 600 that cross the end; 500 Wh."""


@pytest.fixture(name="site")
def site_fixture(fleet):
    return Site(fleet)


class Site:
    """A fleet whose project holds the right to certificates, and proofs of it."""

    def __init__(self, fleet):
        self.fleet, self.start_ms = fleet, fleet.meter(0).baseline_time_ms

    def registry(self, **project):
        meters = (self.fleet.meter(0),)
        registry = self.fleet.registry(*meters)
        right = {"claim_right": ClaimRight.CERTIFICATE, "meters_root": meters_root(meters)}
        return replace(registry, projects={PROJECT: replace(registry.projects[PROJECT], **(right | project))})

    def prove(self, batches, hours, rules=None, **project):
        """A proof after one report each of batches of steps, with its anchor."""
        registry, rules = self.registry(**project), rules or self.fleet.rules
        statements, used, links, compiled = {}, [], [], None
        for epoch, (rows, hour) in enumerate(zip(batches, hours, strict=True), 1):
            envelope = self.fleet.envelope(0, rows, first_sequence=sum(len(e.readings.time_ms) for e in used))
            basis = self.fleet.basis(
                epoch=epoch, cutoff_s=self.start_ms // 1000 + hour * 3600, registry=registry, rules=rules, statements=statements
            )  # fmt: skip
            compiled = compile_report(basis, used, [envelope])
            links.append((compiled, [envelope]))
            used, statements = [*used, envelope], compiled.statements
        proof = self.fleet.prove(compiled, registry, links)
        return replace(proof, rules=rules)


@pytest.fixture(name="call")
def call_fixture(site, tmp_path):
    (tmp_path / "issuer.toml").write_text(ISSUER)
    anchor = canonical_bytes({"format": ANCHOR_FORMAT, **to_document(site.fleet.anchor())})
    (tmp_path / "anchor.json").write_bytes(anchor)

    def call(proof, *options):
        (tmp_path / "proof.json").write_bytes(encode_proof(proof))
        named = ["--trust", str(tmp_path / "anchor.json"), "--issuer", str(tmp_path / "issuer.toml")]
        return CliRunner().invoke(
            heliograph, ["certificates", str(tmp_path / "proof.json"), *named, *map(str, options)]
        )

    return call


def settlement(site, steps, **options):
    registry = site.registry()
    envelope = site.fleet.envelope(0, minutes(site.start_ms, steps, **options))
    return settle_asset(registry.listed(ASSET), [envelope], site.fleet.rules, site.start_ms // 1000 + 86_400)


def test_a_difference_that_crosses_the_end_of_an_hour_is_never_certified(site):
    settled = settlement(site, STEPS)
    assert settled.meters["met-0"].total_wh(Standing.ATTESTED) == 2500
    found = certifiable(settled.meters, HOUR_MS, site.start_ms + 86_400_000)
    hours = {(key.start_ms - site.start_ms) // HOUR_MS: wh for key, wh in found.energy_wh.items()}
    assert (hours, found.crossing_wh, found.open_wh) == ({0: 1000, 1: 400, 2: 500}, 600, 0)


def test_an_hour_that_is_not_over_is_not_certified(site):
    settled = settlement(site, STEPS)
    found = certifiable(settled.meters, HOUR_MS, site.start_ms + 3 * HOUR_MS - 1)
    assert (sum(found.energy_wh.values()), found.crossing_wh, found.open_wh) == (1400, 600, 500)


@pytest.mark.parametrize("interval_ms", [0, -1, 7 * MINUTE_MS, HOUR_MS + 1, 2 * HOUR_MS])
def test_no_certificate_is_of_more_than_an_hour(site, interval_ms):
    with pytest.raises(ReportError, match="an hour, or a whole part of one"):
        certifiable(settlement(site, STEPS).meters, interval_ms, site.start_ms)


def test_certificates_carry_the_fields_of_the_standard(site, call):
    proof = site.prove([minutes(site.start_ms, STEPS)], [24])
    result = call(proof, "--json", "-")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    first = document["bundles"][0]
    assert first == first | {
        "certificate_bundle_id_range_start": 0,
        "certificate_bundle_id_range_end": 999,
        "bundle_quantity": 1000,
        "face_value": 1,
        "issuance_id": "rooftop-1/met-0-2025-06-15T00:00:00Z-2025-06-15T01:00:00Z",
        "energy_carrier": "electricity",
        "energy_source": "solar_pv",
        "device_capacity": 8000,
        "device_location": [22.25, 114.0],
        "production_starting_interval": "2025-06-15T00:00:00Z",
        "production_ending_interval": "2025-06-15T01:00:00Z",
        "issuance_datestamp": "2025-06-16",
        "expiry_datestamp": "2027-06-16",
        "issuing_body": "Village Certificates",
        "is_storage": False,
    }
    assert document["totals"] == {
        "attested_wh": 2500, "certifiable_wh": 1900, "crossing_wh": 600, "open_wh": 0, "issued_before_wh": 0, "issued_wh": 1900,
    }  # fmt: skip
    assert document["origin"]["report_digest"] == proof.body.report.digest(proof.body.domain).hex()
    assert sum(bundle["bundle_quantity"] for bundle in document["bundles"]) == 1900
    (statement,) = (proven.statement for proven in proof.body.statements)
    assert (statement.energy_wh.net, statement.credits_g.net) == (2500, 0)


def test_energy_that_backs_credits_is_refused_certificates_and_the_other_way(site, call):
    """The same Wh cannot back a credit and an energy certificate."""
    rows = minutes(site.start_ms, STEPS)
    for right, reason in ((ClaimRight.CREDIT, "backs carbon credits"), (ClaimRight.NONE, "nobody has assigned")):
        proof = site.prove([rows], [24], claim_right=right)
        credits_g = sum(proven.statement.credits_g.net for proven in proof.body.statements)
        assert (credits_g > 0) == (right is ClaimRight.CREDIT)
        result = call(proof, "--json", "-")
        assert (result.exit_code, result.stdout) == (1, "")
        assert reason in result.stderr
    proof = site.prove([rows], [24])
    assert [proven.statement.credits_g.issued for proven in proof.body.statements] == [0]
    assert '"credit_refusal":"certificate_right"' in proof.body.evidence[-1].settlement
    (step,) = (step for step in verify_proof(proof, site.fleet.anchor()) if step.name == "settlement")
    assert "0 gCO2e, as stated; no credits: certificate_right" in step.finding


def test_certificates_without_their_document_are_refused(site, call):
    result = call(site.prove([minutes(site.start_ms, STEPS)], [24], document_hash=bytes(32)))
    assert result.exit_code == 1
    assert "no_document" in result.stderr
    terms = site.fleet.rules.terms_of(ASSET)
    other = Rules({ASSET: AssetTerms(ASSET, terms.tariff, None, document_sha256="ab" * 32)})
    result = call(site.prove([minutes(site.start_ms, STEPS)], [24], other))
    assert result.exit_code == 1
    assert "other_document" in result.stderr


def test_credits_that_stand_over_a_vintage_refuse_certificates(site):
    listed = site.registry().listed(ASSET)
    proof = site.prove([minutes(site.start_ms, STEPS)], [24], claim_right=ClaimRight.CREDIT)
    statements = [proven.statement for proven in proof.body.statements]
    refusal = certificate_refusal(listed, site.fleet.rules.terms_of(ASSET), statements)
    assert "of credits stand over its vintage 2025" in refusal


def test_energy_corroborated_late_is_certified_late_and_nothing_twice(site, call, tmp_path):
    rows = minutes(site.start_ms, STEPS)
    early, late = rows[:5], rows[5:]
    one = call(site.prove([early], [24]), "--json", tmp_path / "one.json")
    assert one.exit_code == 0, one.output
    both = site.prove([early, late], [24, 25])
    two = call(both, "--after", tmp_path / "one.json", "--json", tmp_path / "two.json")
    assert two.exit_code == 0, two.output
    again = call(
        both, "--after", tmp_path / "one.json", "--after", tmp_path / "two.json", "--json", tmp_path / "three.json"
    )
    files = [(tmp_path / f"{name}.json").read_bytes() for name in ("one", "two", "three")]
    first, second, third = (json.loads(raw) for raw in files)
    assert 0 < first["totals"]["issued_wh"] < 1900
    assert first["totals"]["issued_wh"] + second["totals"]["issued_wh"] == 1900 == second["totals"]["certifiable_wh"]
    assert (third["bundles"], again.stdout) == ([], "rooftop-1: 0 Wh newly certified in 0 bundles\n")
    chain = read_chain(files)
    hours = {(key.start_ms - site.start_ms) // HOUR_MS: wh for key, wh in chain.energy_wh.items()}
    assert hours == {0: 1000, 1: 400, 2: 500}
    for wrong in ([files[1]], [files[0], files[2]], [files[0], files[0]], [b"{}"], [files[0][:-1]]):
        with pytest.raises(ReportError, match="of the chain"):
            read_chain(wrong)


def test_a_chain_that_numbers_certificates_twice_is_refused(site, call, tmp_path):
    assert call(site.prove([minutes(site.start_ms, STEPS)], [24]), "--json", tmp_path / "one.json").exit_code == 0
    document = json.loads((tmp_path / "one.json").read_bytes())
    document["bundles"].append(document["bundles"][0])
    with pytest.raises(ReportError, match="not numbered on"):
        read_chain([canonical_bytes(document)])


def test_a_chain_of_another_interval_or_a_later_report_is_not_continued(site, call, tmp_path):
    rows = minutes(site.start_ms, STEPS)
    both = site.prove([rows[:5], rows[5:]], [24, 25])
    assert call(both, "--json", tmp_path / "one.json").exit_code == 0
    other = call(both, "--after", tmp_path / "one.json", "--interval", "30m")
    assert (other.exit_code, "another asset, contract or interval" in other.stderr) == (2, True)
    older = call(site.prove([rows[:5]], [24]), "--after", tmp_path / "one.json")
    assert (older.exit_code, "follow from report 2" in older.stderr) == (2, True)


def test_what_cannot_be_used_is_named(site, call, tmp_path):
    proof = site.prove([minutes(site.start_ms, STEPS)], [24])
    assert "an hour, or a whole part" in call(proof, "--interval", "2h").stderr
    assert "not a duration" in call(proof, "--interval", "soon").stderr
    (tmp_path / "issuer.toml").write_text(ISSUER.replace("met-0", "met-9"))
    nameless = call(proof)
    assert (nameless.exit_code, "names no production device" in nameless.stderr) == (2, True)
    (tmp_path / "issuer.toml").write_text(ISSUER.replace("valid_days = 730", ""))
    assert "issuer.valid_days" in call(proof).stderr
    (tmp_path / "issuer.toml").write_text(ISSUER)
    assert CliRunner().invoke(heliograph, ["certificates"]).exit_code == 2
    report = replace(proof.body.report, cutoff_s=proof.body.report.cutoff_s + 1)
    broken = call(replace(proof, body=replace(proof.body, report=report)))
    assert (broken.exit_code, "refused at step quorum" in broken.stderr) == (1, True)


def test_the_example_of_the_issuers_file_is_one(tmp_path):
    shown = CliRunner().invoke(heliograph, ["certificates", "--example"])
    assert shown.stdout == EXAMPLE
    (tmp_path / "issuer.toml").write_text(shown.stdout)
    assert load_issuer(tmp_path / "issuer.toml").issuer.registry_configuration == 1


HOURLY = """\
# kind = average_consumption
# source = a grid operator's hourly series
# licence = CC BY 4.0
# boundary = village grid, CO2
start,g_per_mwh
2025-06-15T00:00:00Z,512345
2025-06-15T09:00:00+08:00,400000
"""


def test_hourly_factors_are_shown_beside_and_credit_nothing(site, call, tmp_path):
    (tmp_path / "hourly.csv").write_text(HOURLY)
    proof = site.prove([minutes(site.start_ms, STEPS)], [24])
    shown = json.loads(call(proof, "--factors", tmp_path / "hourly.csv", "--json", "-").stdout)["information"]
    assert (shown["grid_emissions_g"], shown["of_wh"]) == ((1000 * 512_345 + 400 * 400_000) // 10**6, 1400)
    assert shown["factors"]["kind"] == "average_consumption"
    assert "no credit" in shown["note"]


def test_hourly_factors_are_rounded_once_and_quarter_hours_use_their_hours():
    factors = read_hourly_factors(HOURLY)
    start_ms = next(iter(factors.g_per_mwh))
    quarters = {start_ms + n * 15 * MINUTE_MS: 1 for n in range(4)}
    assert factors.grams_down(quarters) == (4 * 512_345 // 10**6, 4) == (2, 4)
    assert factors.grams_down({start_ms - HOUR_MS: 5}) == (0, 0)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("# licence = CC BY 4.0\n", "", "the head lacks licence"),
        ("average_consumption", "guess", "kind 'guess' is none of"),
        ("# source", "# author", "line 2: 'author'"),
        ("start,g_per_mwh", "start,kg", "line 5: expected the header"),
        ("512345", "512345.5", "line 6: '512345.5' is no whole number"),
        ("512345", "-1", "line 6: '-1' is no whole number"),
        ("00:00:00Z", "00:30:00Z", "not the start of an hour"),
        ("2025-06-15T00:00:00Z", "2025-06-15T00:00:00", "does not say its distance from UTC"),
        ("2025-06-15T00:00:00Z", "yesterday", "is no time"),
        ("2025-06-15T09:00:00+08:00", "2025-06-15T00:00:00Z", "line 7: this hour is there already"),
        (",400000", ",400000,1", "line 7: expected two columns"),
    ],
)
def test_a_file_of_hourly_factors_is_refused_with_its_line(old, new, complaint):
    assert old in HOURLY
    with pytest.raises(ConfigError) as refused:
        read_hourly_factors(HOURLY.replace(old, new, 1))
    assert complaint in str(refused.value)


@pytest.fixture(name="issued", params=[STEPS])
def issued_fixture(request, site, call, tmp_path):
    """A file of certificates, and how to check what is written in its place."""
    proof = site.prove([minutes(site.start_ms, request.param)], [24])
    path = tmp_path / "one.json"
    assert call(proof, "--json", path).exit_code == 0
    named = [tmp_path / "proof.json", "--trust", tmp_path / "anchor.json", "--check", path]

    def check(raw=None, *options):
        if raw is not None:
            path.write_bytes(raw)
        return CliRunner().invoke(heliograph, ["certificates", *map(str, [*named, *options])])

    return json.loads(path.read_bytes()), check


def test_anyone_with_the_proof_checks_the_certificates(issued, tmp_path):
    _, check = issued
    good = check()
    assert (good.exit_code, good.stdout) == (0, "rooftop-1: 1900 Wh certified in 3 bundles, as the proof gives\n")
    assert check(None, "--issuer", tmp_path / "issuer.toml").exit_code == 2


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (0, {"bundle_quantity": 1001, "certificate_bundle_id_range_end": 1000}),
        (0, {"production_starting_interval": "2025-06-15T05:00:00Z"}),
        (1, {"account_id": "0x" + "11" * 20}),
        (1, {"issuing_body": "somebody else"}),
        (2, {"device_capacity": 9000}),
        (2, {"face_value": 1000}),
        (2, {"note": "more"}),
    ],
)
def test_a_bundle_that_the_proof_does_not_give_is_found(issued, number, change):
    document, check = issued
    document["bundles"][number] |= change
    bad = check(canonical_bytes(document))
    assert (bad.exit_code, "not those that the proof gives" in bad.stderr) == (1, True)


def paths(member, place=()):
    """Where every value of a JSON document is."""
    if isinstance(member, dict | list):
        items = member.items() if isinstance(member, dict) else enumerate(member)
        for name, inner in items:
            yield from paths(inner, (*place, name))
    yield place


ISSUERS_WORD = {
    "device_name", "device_technology_type", "device_location", "information", "legal_status", "issuance_purpose",
    "support_received", "quality_scheme_reference", "dissemination_level", "country_of_issuance", "issue_market_zone",
    "connected_grid_identification", "registry_configuration", "expiry_datestamp",
}  # fmt: skip
"""Members that nothing signed says."""


@pytest.mark.parametrize("issued", [[(0, 1000), (60, 2000)]], indirect=True)
def test_every_member_of_the_file_but_the_issuers_words_is_checked(issued):
    """And whatever stands in its place, the answer is one line."""
    document, check = issued
    assert (len(document["bundles"]), check().exit_code) == (1, 0)
    tried = 0
    for place in list(paths(document)):
        if not place or ISSUERS_WORD & set(place):
            continue
        for other in (None, 7, "x", [], {}):
            changed = copy.deepcopy(document)
            inner = changed
            for name in place[:-1]:
                inner = inner[name]
            if inner[place[-1]] == other:
                continue
            inner[place[-1]] = other
            bad = check(canonical_bytes(changed))
            assert bad.exit_code in {1, 2}, place
            assert isinstance(bad.exception, SystemExit), place
            tried += 1
    assert tried > 200


def test_a_chain_never_certifies_more_than_is_stated(site, call, tmp_path):
    """An issuer's own file before claims too much: nothing is issued on top of it."""
    rows = minutes(site.start_ms, STEPS)
    assert call(site.prove([rows], [24]), "--json", tmp_path / "one.json").exit_code == 0
    document = json.loads((tmp_path / "one.json").read_bytes())
    document["bundles"][0] |= {"bundle_quantity": 1601, "certificate_bundle_id_range_end": 1600}
    (tmp_path / "one.json").write_bytes(canonical_bytes(document))
    refused = call(site.prove([rows], [24]), "--after", tmp_path / "one.json")
    assert (refused.exit_code, "2501 Wh of certificates over 2500 Wh stated" in refused.stderr) == (1, True)
