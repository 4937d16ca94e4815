"""What is published when: new envelopes at once, old ones at their rate, all of them until they have arrived."""

import pytest

from devices.device_key import SigningKey
from devices.device_signer import DeviceSigner
from devices.outbox import Outbox
from devices.publisher import Publisher
from devices.readings import Reading, Readings
from devices.telemetry import decode, split
from devices.token_bucket import TokenBucket

NETWORK = "test"
KEY = SigningKey.from_seed("eddsa", b"k" * 32)


class Wire:
    """A publisher, its outbox, and what it handed over: (time, sequence number). Everything arrives unless it is held."""

    def __init__(self, outbox, **options):
        self.outbox = outbox
        self.signer = DeviceSigner("dev-1", "met-1", KEY, NETWORK)
        self.sent, self.now_s, self.up, self.arrives = [], 0.0, True, True
        self.publisher = Publisher(outbox, self.take, **{"window": 512, "retry_after_s": 10.0} | options)

    def take(self, message):
        if not self.up:
            return False
        numbers = [decode(item, network=NETWORK).first_sequence for item in split(message).items]
        self.sent += [(self.now_s, number) for number in numbers]
        return True

    def add(self, count):
        self.outbox.add([self.signer.sign(Readings.of([Reading(n, n)])) for n in range(count)])

    def run(self, until_s):
        """Come whenever the publisher asks to, and acknowledge at once."""
        again_s = self.now_s
        while again_s is not None and again_s <= until_s:
            self.now_s = again_s
            again_s = self.publisher.step(self.now_s)
            if self.arrives:
                rows = [each for each, _ in self.outbox.after(0, 10**6) if each - 1 in {n for _, n in self.sent}]
                self.outbox.remove(rows)
                self.publisher.land(rows)
            if again_s is not None:
                again_s = max(again_s, self.now_s + 0.001)
        self.now_s = until_s

    def numbers(self):
        return [number for _, number in self.sent]


@pytest.fixture
def make(tmp_path):
    outbox = Outbox(tmp_path / "outbox.sqlite")
    yield lambda **options: Wire(outbox, **options)
    outbox.close()


def test_a_backlog_goes_out_at_its_rate_in_order(make):
    wire = make(backfill_per_s=40)
    wire.add(200)
    wire.publisher.start_over()
    wire.run(10)
    assert wire.numbers() == list(range(200))
    for seconds in (0.5, 1, 2, 4):
        early = sum(at <= seconds for at, _ in wire.sent)
        assert 40 * seconds * 0.8 <= early <= 40 * (seconds + 0.25) + 1
    assert 4.4 < wire.sent[-1][0] < 5.1


def test_new_envelopes_do_not_wait_for_the_backlog(make):
    wire = make(backfill_per_s=10)
    wire.add(100)
    wire.publisher.start_over()
    wire.run(1)
    assert len(wire.sent) < 15
    wire.add(300)
    wire.run(1)
    assert set(wire.numbers()) >= set(range(100, 400))
    wire.run(12)
    assert sorted(wire.numbers()) == list(range(400))


def test_a_backlog_that_nobody_acknowledges_leaves_the_way_free(make):
    wire = make(window=8)
    wire.arrives = False
    wire.add(20)
    wire.publisher.start_over()
    wire.run(0)
    assert wire.numbers() == [0, 1, 2, 3]
    wire.add(3)
    wire.run(wire.now_s)
    assert wire.numbers() == [0, 1, 2, 3, 20, 21, 22]
    assert wire.publisher.in_flight() == 7


def test_new_envelopes_that_nobody_acknowledges_do_not_stop_the_backlog(make):
    wire = make(window=4)
    wire.arrives = False
    wire.add(2)
    wire.publisher.start_over()
    wire.add(10)
    wire.run(0)
    assert sorted(wire.numbers()) == [0, 1, 2, 3, 4, 5]


def test_what_is_not_acknowledged_comes_again_at_the_rate_of_the_backlog(make):
    wire = make(backfill_per_s=4, retry_after_s=1)
    wire.arrives = False
    wire.publisher.start_over()
    wire.add(40)
    wire.run(0)
    assert wire.numbers() == list(range(40))  # new: at once
    wire.run(5)
    assert 8 <= len(wire.sent) - 40 <= 4 * 5 + 2  # again: at the rate
    wire.arrives = True
    wire.run(12)
    assert wire.publisher.published == len(wire.sent)
    assert wire.publisher.repeated == len(wire.sent) - 40
    assert wire.outbox.pending() == 0
    sent = len(wire.sent)
    wire.run(60)
    assert len(wire.sent) == sent


def test_a_new_connection_begins_with_everything_that_is_there(make):
    wire = make()
    wire.arrives = False
    wire.publisher.start_over()
    wire.add(5)
    wire.run(0)
    wire.up = False
    wire.add(5)
    wire.publisher.step(wire.now_s)
    assert wire.numbers() == list(range(5))
    wire.up = True
    wire.publisher.start_over()
    wire.run(wire.now_s)
    assert wire.numbers() == [*range(5), *range(10)]


def test_a_bucket_gives_its_rate_and_a_burst_and_not_more():
    bucket = TokenBucket(8)
    taken = 0
    for step in range(1000):
        now_s = step * 0.01
        count = bucket.available(now_s)
        bucket.take(count)
        taken += count
        assert taken <= 8 * (now_s + 0.25) + 1
    assert taken >= 8 * 9.99


def test_a_bucket_says_when_it_has_some():
    bucket = TokenBucket(0.5)
    assert (bucket.available(100.0), bucket.ready_s(100.0)) == (1, 100.0)
    bucket.take(1)
    assert bucket.available(100.0) == 0
    assert bucket.ready_s(100.0) == 102.0
    assert bucket.available(99.0) == 0  # a clock that goes back takes nothing away
    assert bucket.available(102.0) >= 0
    assert bucket.available(1000.0) == 1


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_that_lets_nothing_through_is_no_rate(rate):
    with pytest.raises(ValueError, match="lets nothing through"):
        TokenBucket(rate)
