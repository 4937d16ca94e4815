"""Two bundles of one asset: what changed, and which input made it so."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from api.proofs.compare import compare_files, comparison_document, comparison_lines
from contracts.state import MeterRole
from oracle.attestation.comparison import compare
from oracle.attestation.period import ProvenPeriod, booked_accounts, encode_period, period_of
from oracle.attestation.proof import encode_anchor, encode_proof
from oracle.attestation.verification import examine_proof
from oracle.errors import ConfigError
from oracle.reporting.compilation import compile_report
from oracle.reporting.report import NO_REPORT

HOUR_MS, HOUR_S = 3_600_000, 3600


class OtherRules:
    """A fleet under other rules."""

    def __init__(self, fleet, **changes):
        self._fleet, self.rules = fleet, replace(fleet.rules, **changes)

    def __getattr__(self, name):
        return getattr(self._fleet, name)

    def prove(self, *arguments):
        return replace(self._fleet.prove(*arguments), rules=self.rules)


def proofs_after(reports):
    """The proof after each report, given (fleet, registry, new envelopes, cutoff) of each."""
    proofs, links, used, prev, statements = [], [], [], NO_REPORT, {}
    for epoch, (fleet, registry, new, cutoff_s) in enumerate(reports, 1):
        basis = fleet.basis(
            epoch=epoch, prev=prev, cutoff_s=cutoff_s, registry=registry, rules=fleet.rules, statements=statements
        )
        compiled = compile_report(basis, used, new)
        used, statements, prev = [*used, *new], compiled.statements, compiled.report.digest(fleet.domain)
        links.append((compiled, new))
        proofs.append(fleet.prove(compiled, registry, links))
    return proofs


@pytest.fixture(name="sent")
def sent_fixture(fleet, steady):
    """Envelopes of one meter: six readings, then six more."""
    first = fleet.envelope(0, steady(6))
    return first, fleet.envelope(0, steady(6, from_hour=6), first_sequence=6, previous=first.digest)


@pytest.fixture(name="start_s")
def start_fixture(fleet):
    return fleet.basis().cutoff_s - 86_400


def compared(one, other):
    return compare((one, examine_proof(one, None)), (other, examine_proof(other, None)))


def moved_wh(effects, standing):
    return sum(
        move.after_wh - move.before_wh for effect in effects for move in effect.moves if move.standing == standing
    )


def assert_moves_are_the_difference(one, other, found):
    """Step by step from the first proof's accounts to the second's."""
    interval_ms = one.rules.ledger_interval_ms
    booked = booked_accounts(examine_proof(one, None).settlement, interval_ms)
    balance = {(k.meter_id, k.start_ms, k.standing.name.lower(), str(k.reason)): wh for k, wh in booked.items()}
    for effect in found.effects:
        for move in effect.moves:
            key = (move.meter_id, move.start_ms, move.standing, move.reason)
            assert balance.pop(key, 0) == move.before_wh
            if move.after_wh:
                balance[key] = move.after_wh
    booked = booked_accounts(examine_proof(other, None).settlement, interval_ms)
    assert balance == {(k.meter_id, k.start_ms, k.standing.name.lower(), str(k.reason)): wh for k, wh in booked.items()}


def test_a_bundle_is_the_same_as_itself(fleet):
    proof, _ = fleet.small_proof()
    found = compared(proof, proof)
    assert found.is_same
    assert comparison_lines(found) == ["rooftop-1: nothing differs"]


def test_energy_that_a_later_envelope_corroborates_is_put_down_to_it(fleet, sent, start_s):
    registry = fleet.registry(fleet.meter(0))
    cutoff_s = start_s + 20 * HOUR_S
    one, other = proofs_after([(fleet, registry, [sent[0]], cutoff_s), (fleet, registry, [sent[1]], cutoff_s)])
    found = compared(one, other)
    assert found.extends
    assert [(shown.first_sequence, shown.last_sequence) for shown in found.added] == [(6, 11)]
    assert not found.withdrawn
    assert [effect.cause for effect in found.effects] == ["evidence"]
    assert moved_wh(found.effects, "attested") == 6000
    assert_moves_are_the_difference(one, other, found)
    assert any(move.standing == "withheld" and move.after_wh == 0 for move in found.effects[0].moves)
    assert [change.place for change in found.statements] == [
        "vintage 2025.energy_wh.issued",
        "vintage 2025.revenue_minor.issued",  # no credits: the day is not closed yet
    ]


def test_readings_that_the_earlier_cutoff_left_out_are_put_down_to_the_cutoff(fleet, sent, start_s):
    registry = fleet.registry(fleet.meter(0))
    one, other = proofs_after(
        [(fleet, registry, list(sent), start_s + 5 * HOUR_S), (fleet, registry, [], start_s + 20 * HOUR_S)]
    )
    found = compared(one, other)
    assert not found.added
    assert [effect.cause for effect in found.effects] == ["cutoff"]
    assert_moves_are_the_difference(one, other, found)


def test_a_meter_that_was_revoked_and_rules_that_were_tightened_are_told_apart(fleet, sent, start_s):
    cutoff_s = start_s + 20 * HOUR_S
    registry = fleet.registry(fleet.meter(0), fleet.meter(1))
    revoked = fleet.registry(fleet.meter(0, revoked_boot=1, revoked_sequence=6), fleet.meter(1))
    tightened = OtherRules(fleet, confirmations=4)
    one, other = proofs_after([(fleet, registry, list(sent), cutoff_s), (tightened, revoked, [], cutoff_s)])
    found = compared(one, other)
    assert [effect.cause for effect in found.effects] == ["registry", "rules"]
    assert_moves_are_the_difference(one, other, found)
    assert {change.place for change in found.registry} >= {"meters.dev-0/met-0.revoked_sequence"}
    assert [change.place for change in found.rules] == ["confirmations"]
    assert [(change.before, change.after) for change in found.rules] == [(2, 4)]
    assert not found.statements, "what was stated stays"
    text = "\n".join(comparison_lines(found))
    for words in ("because of the registry", "because of the rules", "confirmations: 2 -> 4"):
        assert words in text


def test_a_role_that_changes_what_counts_is_put_down_to_the_registry(fleet, sent, start_s):
    cutoff_s = start_s + 20 * HOUR_S
    as_load = fleet.registry(fleet.meter(0, role=MeterRole.LOAD), fleet.meter(1))
    one, other = proofs_after([(fleet, fleet.registry(), list(sent), cutoff_s), (fleet, as_load, [], cutoff_s)])
    found = compared(one, other)
    assert [effect.cause for effect in found.effects] == ["registry"]
    assert_moves_are_the_difference(one, other, found)


def test_evidence_that_was_withdrawn_is_named(fleet, sent, start_s):
    """Two histories: the second exporter leaves out what the first has shown."""
    cutoff_s = start_s + 20 * HOUR_S
    registry = fleet.registry(fleet.meter(0))
    (whole,) = proofs_after([(fleet, registry, list(sent), cutoff_s)])
    (part,) = proofs_after([(fleet, registry, [sent[0]], cutoff_s)])
    found = compared(whole, part)
    assert not found.extends
    assert [shown.first_sequence for shown in found.withdrawn] == [6]
    text = "\n".join(comparison_lines(found))
    assert "does NOT build on the first" in text
    assert "WITHDRAWN" in text
    assert_moves_are_the_difference(whole, part, found)


def test_periods_are_compared_where_both_cover(fleet, sent, start_s):
    registry = fleet.registry(fleet.meter(0))
    cutoff_s = start_s + 20 * HOUR_S
    proofs = proofs_after([(fleet, registry, [sent[0]], cutoff_s), (fleet, registry, [sent[1]], cutoff_s)])

    def bundle(proof, first, last):
        settlement = examine_proof(proof, None).settlement
        span = ((start_s + hour * HOUR_S) * 1000 for hour in (first, last))
        return encode_period(ProvenPeriod(period_of(settlement, HOUR_MS, *span), proof))

    found = compare_files(bundle(proofs[0], 0, 8), bundle(proofs[1], 7, 24), fleet.anchor())
    (effect,) = found.effects
    assert {move.start_ms for move in effect.moves} == {(start_s + 7 * HOUR_S) * 1000}
    with pytest.raises(ConfigError, match="cover no instant both"):
        compare_files(bundle(proofs[0], 0, 8), bundle(proofs[1], 8, 24), None)
    whole = compare_files(encode_proof(proofs[0]), bundle(proofs[1], 7, 8), None)
    assert whole.effects == found.effects


def test_what_cannot_be_compared_is_said(fleet, make_fleet):
    proof, _ = fleet.small_proof()
    elsewhere, _ = make_fleet(domain=replace(fleet.domain, chain_id=1)).small_proof()
    with pytest.raises(ConfigError, match="different networks, contracts or chains"):
        compare_files(encode_proof(proof), encode_proof(elsewhere), None)


def test_the_command_says_what_differs_by_its_exit_code(fleet, sent, start_s, tmp_path):
    registry = fleet.registry(fleet.meter(0))
    cutoff_s = start_s + 20 * HOUR_S
    proofs = proofs_after([(fleet, registry, [sent[0]], cutoff_s), (fleet, registry, [sent[1]], cutoff_s)])
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, proof in zip(paths, proofs, strict=True):
        path.write_bytes(encode_proof(proof))
    (tmp_path / "anchor.json").write_bytes(encode_anchor(fleet.anchor()))

    def run(*arguments):
        return CliRunner().invoke(heliograph, ["compare", *map(str, arguments)])

    assert run(paths[0], paths[0]).exit_code == 0
    differs = run(*paths, "--trust", tmp_path / "anchor.json")
    assert differs.exit_code == 1
    assert "envelopes added: 1" in differs.stdout
    as_json = run(*paths, "--json", "-")
    document = json.loads(as_json.stdout)
    assert document["same"] is False
    assert document["effects"][0]["cause"] == "evidence"
    assert document == json.loads(json.dumps(comparison_document(compared(*proofs))))
    paths[1].write_bytes(encode_proof(proofs[1]).replace(b'"epoch":"2"', b'"epoch":"3"'))
    refused = run(*paths)
    assert (refused.exit_code, "refused at step quorum" in refused.stderr) == (1, True)
    assert run(paths[0], tmp_path / "nowhere.json").exit_code == 2
