"""What `heliograph verify` and `prove` say of files: intervals, periods, what an exporter has withheld."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from api.instants import read_instant_ms, write_instant
from api.proofs.findings import printable
from oracle.attestation.period import decode_period
from oracle.attestation.proof import Contracts, decode_anchor, encode_anchor, encode_proof
from oracle.attestation.verification import examine_proof
from oracle.errors import ConfigError, ProofError
from oracle.reporting.compilation import compile_report

HOUR_S = 3600


def run(*arguments):
    return CliRunner().invoke(heliograph, [str(argument) for argument in arguments])


@pytest.fixture(name="files")
def files_fixture(fleet, tmp_path):
    proof, _ = fleet.small_proof()
    (tmp_path / "proof.json").write_bytes(encode_proof(proof))
    (tmp_path / "anchor.json").write_bytes(encode_anchor(fleet.anchor()))
    start = write_instant(proof.body.registry.asset.commissioned_s * 1000)
    return tmp_path, proof, start


def test_an_interval_is_settled_again_from_the_envelopes(files):
    folder, proof, start = files
    asked = run("verify", folder / "proof.json", "--trust", folder / "anchor.json", "--interval", start)
    assert asked.exit_code == 0, asked.stderr
    settlement = examine_proof(proof, None).settlement
    assert settlement.meters
    first_ms = read_instant_ms(start)
    for meter_id, one in settlement.meters.items():
        booked = int(one.energy_wh[(one.end_ms > first_ms) & (one.end_ms <= first_ms + HOUR_S * 1000)].sum())
        assert booked == 1000
        assert f"{start}  {meter_id}: {booked} Wh" in asked.stdout
    assert asked.stdout.splitlines()[-1] == "VERIFIED"


@pytest.mark.parametrize(
    ("start", "complaint"),
    [
        ("2025-06-15T00:30:00Z", "no ledger interval begins there"),
        ("2025-06-15T00:00:00", "with its offset from UTC"),
        ("yesterday", "is no instant"),
        ("1969-12-31T23:00:00Z", "is before 1970"),
    ],
)
def test_an_interval_that_is_none_is_refused_in_one_line(files, start, complaint):
    folder, _, _ = files
    refused = run("verify", folder / "proof.json", "--interval", start)
    assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)
    assert complaint in refused.stderr


def test_an_interval_and_a_period_are_made_of_a_proof_and_verified(files):
    folder, proof, start = files
    asset_id, out = proof.body.registry.asset.asset_id, folder / "period.json"
    end = write_instant(read_instant_ms(start) + 24 * HOUR_S * 1000)
    for arguments in (("interval", asset_id, start), ("period", asset_id, "--from", start, "--until", end)):
        made = run("prove", *arguments, "--proof", folder / "proof.json", "--out", out)
        assert made.exit_code == 0, made.stderr
        verified = run("verify", out, "--trust", folder / "anchor.json")
        assert verified.exit_code == 0, verified.stderr
        assert "ok      period" in verified.stdout
        period = decode_period(out.read_bytes()).period
        attested = sum(one.energy_wh for one in period.booked if one.standing == "attested")
        assert f"{asset_id}, {start} to {write_instant(period.until_ms)}: {attested} Wh attested" in verified.stdout
        assert run("verify", out).exit_code == 3
    changed = out.read_bytes().replace(b'"standing":"attested"', b'"standing":"disputed"', 1)
    out.write_bytes(changed)
    refused = run("verify", out)
    assert (refused.exit_code, "refused at step period" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("another-asset", "{start}", "--proof", "{proof}"), "is of asset rooftop-1"),
        (("rooftop-1", "{start}"), "one of them"),
        (("rooftop-1", "{start}", "--proof", "{anchor}"), "is not a heliograph-proof/1"),
        (("rooftop-1", "{start}", "--proof", "nowhere.json"), "cannot be read"),
        (("rooftop-1", "{start}", "--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_what_nothing_can_be_proven_from_is_said_in_one_line(files, arguments, complaint):
    folder, _, start = files
    places = {"start": start, "proof": folder / "proof.json", "anchor": folder / "anchor.json"}
    refused = run(
        "prove", "interval", *(each.format(**places) for each in arguments), "--out", folder / "interval.json"
    )
    assert refused.exit_code in (1, 2)
    assert len(refused.stderr.splitlines()) == 1
    assert complaint in refused.stderr
    assert not (folder / "interval.json").exists()


def test_evidence_that_was_withheld_is_named(fleet, steady, tmp_path):
    """The device signed three envelopes; the second never came. The third says so, and nobody can take that out."""
    first = fleet.envelope(0, steady(3))
    second = fleet.envelope(0, steady(3, from_hour=3), first_sequence=3, previous=first.digest)
    third = fleet.envelope(0, steady(3, from_hour=6), first_sequence=6, previous=second.digest)
    basis = fleet.basis()
    for name, sent, missing in (
        ("whole", [first, second, third], []),
        ("gap", [first, third], ["sequences 3 to 5", second.digest.hex()]),
        ("no beginning", [second, third], ["sequences 0 to 2", first.digest.hex()]),
    ):
        compiled = compile_report(basis, [], sent)
        path = tmp_path / "proof.json"
        path.write_bytes(encode_proof(fleet.prove(compiled, basis.registry, [(compiled, sent)])))
        verified = run("verify", path)
        told = [line for line in verified.stdout.splitlines() if "MISSING" in line]
        assert len(told) == bool(missing), name
        for words in missing:
            assert words in told[0]
            assert "device dev-0, boot epoch 1" in told[0]


def test_a_gap_over_a_restart_is_named_without_numbers(fleet, steady, tmp_path):
    """Which sequence numbers an earlier boot epoch ended with, nobody knows."""
    first = fleet.envelope(0, steady(3))
    second = fleet.envelope(0, steady(3, from_hour=3), first_sequence=3, previous=first.digest)
    third = fleet.envelope(0, steady(3, from_hour=6), boot=2, first_sequence=0, previous=second.digest)
    basis = fleet.basis()
    compiled = compile_report(basis, [], [first, third])
    (tmp_path / "proof.json").write_bytes(
        encode_proof(fleet.prove(compiled, basis.registry, [(compiled, [first, third])]))
    )
    told = run("verify", tmp_path / "proof.json").stdout
    assert "boot epoch 2: an envelope before sequence 0 is not here (of an earlier boot epoch" in told


def test_an_anchor_may_name_contracts_and_blocks(fleet):
    plain = fleet.anchor()
    assert b"contracts" not in encode_anchor(plain)
    assert decode_anchor(encode_anchor(plain)) == plain
    full = replace(plain, contracts=Contracts(fleet.domain.oracle, fleet.domain.oracle), blocks=(bytes(32), b"\1" * 32))
    assert decode_anchor(encode_anchor(full)) == full
    with pytest.raises(ProofError):
        decode_anchor(encode_anchor(full).replace(b'"credit"', b'"credits"'))


def test_instants_are_read_as_they_are_written():
    for instant_ms in (0, 1_750_003_200_000, 253_402_300_799_000):
        assert read_instant_ms(write_instant(instant_ms)) == instant_ms
    assert read_instant_ms("2026-11-01T08:00:00.5+08:00") == read_instant_ms("2026-11-01T00:00:00.500Z")
    assert write_instant(2**60) == f"{2**60} ms"
    with pytest.raises(ConfigError):
        read_instant_ms("2026-13-01T00:00:00Z")


def test_text_from_strangers_cannot_steer_a_terminal():
    assert printable("Schule am Weg \N{SUN WITH FACE}") == "Schule am Weg \N{SUN WITH FACE}"
    assert printable("a\x1b[2Kb\nVERIFIED\u202e") == r"a\x1b[2Kb\nVERIFIED\u202e"
