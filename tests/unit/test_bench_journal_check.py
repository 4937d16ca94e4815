"""What is wrong with a journal after a run is found, and said."""

import sqlite3

import pytest

from api.bench import fleet
from api.bench.journal_check import check_journal
from api.bench.signing import SigningJob, sign_pools
from devices.device_key import Algorithm
from devices.device_signer import DeviceSigner
from devices.telemetry import Reason, TelemetryError, decode, verify_signature
from oracle.journal.journal import Journal

GOOD, BATCH, START_MS = 200, 5, 1_700_000_000_000


@pytest.fixture(scope="module")
def pools(tmp_path_factory):
    told = []
    job = SigningJob(tmp_path_factory.mktemp("pool"), "es256", BATCH, START_MS, GOOD, 7, 2)
    found = sign_pools(job, lambda done, total: told.append((done, total)))
    assert told[-1] == (207, 207)
    return found


def journal_of(path, pool, numbers):
    journal = Journal.open(path, fleet.NETWORK)
    journal.record_envelopes([decode(pool.wire(number), network=fleet.NETWORK) for number in numbers], START_MS)
    journal.close()
    return path


def tamper(path, statement, *arguments):
    connection = sqlite3.connect(path)
    connection.execute(statement, arguments)
    connection.commit()
    connection.close()


def test_inputs_are_chained_listed_envelopes_and_bad_ones_fail_by_their_signature_alone(pools):
    good, bad = pools
    registry = fleet.registry("es256", START_MS)
    assert (len(good), len(bad)) == (GOOD, 7)
    for number in range(GOOD):
        envelope = decode(good.wire(number), network=fleet.NETWORK)
        verify_signature(envelope)
        assert registry.objection(envelope) is None
        assert (envelope.device, envelope.first_sequence) == (f"dev-{number % 64:02}", number // 64 * BATCH)
        assert envelope.digest == good.digests[number].tobytes()
        if number >= 64:
            assert envelope.previous == good.digests[number - 64].tobytes()
    for number in range(7):
        envelope = decode(bad.wire(number), network=fleet.NETWORK)
        assert registry.objection(envelope) is None
        with pytest.raises(TelemetryError) as refused:
            verify_signature(envelope)
        assert refused.value.reason == Reason.BAD_SIGNATURE


@pytest.mark.parametrize("algorithm", Algorithm.__args__)
def test_a_spoilt_signature_is_bad_and_nothing_else_whatever_the_algorithm(algorithm, tmp_path):
    _, bad = sign_pools(SigningJob(tmp_path, algorithm, 1, START_MS, 1, 100, 1), lambda *_: None)
    for number in range(100):
        envelope = decode(bad.wire(number), network=fleet.NETWORK)
        with pytest.raises(TelemetryError) as refused:
            verify_signature(envelope)
        assert refused.value.reason == Reason.BAD_SIGNATURE


def test_a_journal_that_holds_each_envelope_once_in_any_order_is_right(pools, tmp_path):
    found = check_journal(journal_of(tmp_path / "j", pools[0], reversed(range(GOOD))), pools[0], GOOD, BATCH)
    assert (found.lost, found.doubled, found.envelopes, found.failures) == (0, 0, GOOD, ())


def test_missing_envelopes_are_lost_readings(pools, tmp_path):
    kept = [number for number in range(GOOD) if number not in (0, 70, GOOD - 1)]
    found = check_journal(journal_of(tmp_path / "j", pools[0], kept), pools[0], GOOD, BATCH)
    assert (found.lost, found.doubled) == (3 * BATCH, 0)
    assert "15 readings are lost" in found.failures[0]


def test_readings_that_another_envelope_repeats_are_doubled_and_foreign(pools, tmp_path):
    path = journal_of(tmp_path / "j", pools[0], range(GOOD))
    signer = DeviceSigner(
        "dev-03", "met-03", fleet.device_key(3, "es256"), fleet.NETWORK, boot=fleet.BOOT, first_sequence=2
    )
    journal = Journal.open(path, fleet.NETWORK)
    journal.record_envelopes([signer.sign(fleet.readings(3, 2, 4, START_MS))], START_MS)
    journal.close()
    found = check_journal(path, pools[0], GOOD, BATCH)
    assert (found.lost, found.doubled) == (0, 4)
    assert any("not what was signed" in failure for failure in found.failures)


def test_a_bad_envelope_in_the_journal_is_found(pools, tmp_path):
    path = journal_of(tmp_path / "j", pools[0], range(GOOD))
    journal = Journal.open(path, fleet.NETWORK)
    journal.record_envelopes([decode(pools[1].wire(0), network=fleet.NETWORK)], START_MS)
    journal.close()
    found = check_journal(path, pools[0], GOOD, BATCH)
    assert (found.lost, found.doubled) == (0, 0)
    assert any("1 journal rows are not what was signed" in failure for failure in found.failures)
    assert any("bad_signature" in failure for failure in found.failures)


def test_an_altered_row_breaks_its_link(pools, tmp_path):
    path = journal_of(tmp_path / "j", pools[0], range(GOOD))
    tamper(path, "UPDATE envelope SET first_sequence = first_sequence + 1 WHERE seq = 10")
    found = check_journal(path, pools[0], GOOD, BATCH)
    assert (found.lost, found.doubled) == (1, 1)
    assert "journal row 10 does not fit its link" in found.failures


def test_another_form_of_the_same_envelope_is_found(pools, tmp_path):
    path = journal_of(tmp_path / "j", pools[0], range(GOOD))
    tamper(path, "UPDATE envelope SET wire = ? WHERE seq = 1", pools[0].wire(0) + b"\0")
    found = check_journal(path, pools[0], GOOD, BATCH)
    assert any("not what was signed" in failure for failure in found.failures)
