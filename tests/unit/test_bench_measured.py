"""When a run counts and when it does not, from what its generators wrote down."""

import hashlib
import mmap

import numpy as np
import pytest

from api.bench import fleet
from api.bench.generator import Script
from api.bench.measured import measure
from api.bench.options import Shares
from api.bench.plan import draw
from api.bench.pool import Pool
from devices import acknowledgement
from devices.acknowledgement import AcceptedRange, Rejection
from devices.device_key import SigningKey

KEY = SigningKey.from_seed("es256", bytes(32))
BATCH, START_NS, MS = 10, 10**12, 1_000_000
BAD_WIRES = [b"bad 0", b"bad 1"]


def bad_pool():
    wires = mmap.mmap(-1, 10)
    wires.write(b"".join(BAD_WIRES))
    column = np.array([0, 0])
    return Pool((wires,), column, np.array([0, 5]), np.array([5, 5]), np.zeros((2, 32), np.uint8))


class Run:
    """Two generators, 100 good envelopes in messages of 2 within a second, all answered 4 ms after they were due."""

    def __init__(self, folder):
        self.plan = draw(100, Shares(bad=0.02, duplicates=0.1), devices=64, per_message=2, seconds=1.0, seed=1)
        self.scripts = [Script(folder, folder, folder / f"{generator}.npz") for generator in range(2)]
        self.samples = [self._samples(generator) for generator in range(2)]

    def _samples(self, generator):
        due_ns = self.plan.due_ns()[generator::2] + START_NS
        answers = [self._ack(generator, message) for message in range(generator, self.plan.messages, 2)]
        return {"due_ns": due_ns, "sent_ns": due_ns + MS, "arrivals_ns": due_ns + 4 * MS, "answers": answers}

    def _ack(self, generator, message, reason="bad_signature"):
        sendings = self.plan.of_message(message).tolist()
        accepted = tuple(
            AcceptedRange(fleet.device_name(e % 64), 1, e // 64 * BATCH, e // 64 * BATCH + BATCH - 1)
            for e in sendings
            if e >= 0
        )
        rejected = tuple(
            Rejection("dev-00", 2, 0, reason, hashlib.sha256(BAD_WIRES[~e]).digest()) for e in sendings if e < 0
        )
        return acknowledgement.encode(
            node=fleet.NODE, gateway=f"gw-{generator}", accepted=accepted, rejected=rejected, key=KEY, network="bench"
        ).wire

    def measured(self):
        for script, samples in zip(self.scripts, self.samples, strict=True):
            answers = samples["answers"]
            np.savez(
                script.samples,
                due_ns=samples["due_ns"],
                sent_ns=samples["sent_ns"],
                arrivals_ns=samples["arrivals_ns"][: len(answers)],
                lengths=np.array([len(answer) for answer in answers]),
                payloads=np.frombuffer(b"".join(answers), np.uint8),
                pubacks=samples.get("pubacks", len(samples["sent_ns"])),
            )
        return measure(self.plan, self.scripts, start_ns=START_NS, key=KEY.public, batch=BATCH, bad=bad_pool())


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_a_run_in_which_all_is_answered_counts(run):
    found = run.measured()
    assert found.failures == ()
    assert (found.offered_per_s, found.readings_per_s) == (1000, 1000)
    assert (found.p50_ms, found.p99_ms, found.late_ms_p99) == (4.0, 4.0, 1.0)
    assert (found.acked_envelopes, found.refused) == (100, 2)


def test_latency_counts_from_the_schedule_even_if_the_message_left_late(run):
    run.samples[0]["sent_ns"] = run.samples[0]["due_ns"] + 3 * MS
    assert run.measured().p99_ms == 4.0


def test_a_generator_that_falls_behind_fails_the_run(run):
    run.samples[1]["sent_ns"] = run.samples[1]["due_ns"] + 21 * MS
    run.samples[1]["arrivals_ns"] = run.samples[1]["due_ns"] + 25 * MS
    assert any("the generator fell behind" in failure for failure in run.measured().failures)


def test_messages_that_never_left_fail_the_run(run):
    run.samples[1]["sent_ns"] = run.samples[1]["sent_ns"][:-1]
    run.samples[1]["answers"] = run.samples[1]["answers"][:-1]
    assert "the generator fell behind: 1 messages never left" in run.measured().failures


def test_a_sending_without_an_answer_fails_the_run(run):
    message = next(m for m in range(0, run.plan.messages, 2) if (run.plan.of_message(m) >= 0).all())
    del run.samples[0]["answers"][message // 2]
    run.samples[0]["arrivals_ns"] = np.delete(run.samples[0]["arrivals_ns"], message // 2)
    found = run.measured()
    assert any("never answered" in failure for failure in found.failures)
    assert found.readings_per_s < 1000


def test_a_bad_envelope_that_is_not_refused_or_for_another_reason_fails_the_run(run):
    message = int(np.flatnonzero(run.plan.envelopes < 0)[0]) // 2
    run.samples[message % 2]["answers"][message // 2] = run._ack(message % 2, message, reason="malformed")
    assert any("1 bad envelopes were not refused as bad_signature" in failure for failure in run.measured().failures)


def test_a_good_item_that_is_refused_fails_the_run(run):
    refused = Rejection("dev-00", 1, 0, "unlisted_key", bytes(32))
    more = acknowledgement.encode(
        node=fleet.NODE, gateway="gw-0", accepted=(), rejected=(refused,), key=KEY, network="bench"
    ).wire
    run.samples[0]["answers"].append(more)
    run.samples[0]["arrivals_ns"] = np.append(run.samples[0]["arrivals_ns"], START_NS + 9 * MS)
    assert "1 items were refused that were not bad: unlisted_key" in run.measured().failures


def test_messages_that_the_broker_did_not_take_fail_the_run(run):
    run.samples[0]["pubacks"] = 3
    assert any("the broker took 3 of" in failure for failure in run.measured().failures)


def test_answers_that_trail_the_load_lower_the_rate(run):
    run.samples[0]["arrivals_ns"] = run.samples[0]["due_ns"] + 1050 * MS
    found = run.measured()
    assert found.readings_per_s == pytest.approx(500, rel=0.02), "the last answer came a second after the load"
