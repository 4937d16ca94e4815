"""A full outbox refuses, says so, and keeps what it has; a signing log in front of it leaves no hole."""

import hashlib
import sqlite3

import pytest

from devices.acknowledgement import Rejection
from devices.device_key import SigningKey
from devices.device_signer import DeviceSigner
from devices.outbox import OVERHEAD_BYTES, Outbox, OutboxFullError
from devices.readings import Reading, Readings
from devices.signing_log import DeviceIdentity, SigningLog
from devices.telemetry import NO_PREVIOUS, decode

NETWORK = "test"
BASE = 1000
KEY = SigningKey.from_seed("eddsa", b"k" * 32)
IDENTITY = DeviceIdentity("dev-1", "met-1", KEY)


def envelopes(count, first):
    first += BASE  # so that every number is as long as the others
    signer = DeviceSigner("dev-1", "met-1", KEY, NETWORK, first_sequence=first)
    return [signer.sign(Readings.of([Reading(10**12 + n, 10**6 + n)])) for n in range(first, first + count)]


SIZE = len(envelopes(1, 1)[0].wire) + OVERHEAD_BYTES
QUOTA = 20 * SIZE


@pytest.fixture
def outbox(tmp_path):
    box = Outbox(tmp_path / "outbox.sqlite", QUOTA)
    yield box
    box.close()


def held(outbox):
    return [decode(wire, network=NETWORK).first_sequence - BASE for _, wire in outbox.after(0, 10**6)]


def ids(outbox):
    return [each for each, _ in outbox.after(0, 10**6)]


def test_what_does_not_fit_is_refused_as_a_whole_and_named(outbox):
    sent = envelopes(20, 1)
    outbox.add(sent[:18])
    with pytest.raises(OutboxFullError) as refused:
        outbox.add([*sent[18:], *envelopes(1, 21)])
    assert (refused.value.held_bytes, refused.value.quota_bytes, refused.value.offered_bytes) == (
        *(18 * SIZE, QUOTA),
        3 * SIZE,
    )
    assert f"{outbox.path} is full: it holds {18 * SIZE} of {QUOTA} bytes" in str(refused.value)
    assert held(outbox) == list(range(1, 19))
    assert (outbox.pending(), outbox.stock().held_bytes) == (18, 18 * SIZE)
    outbox.add(sent[18:])
    assert outbox.stock().held_bytes == QUOTA


def test_an_envelope_that_is_here_already_takes_no_room(outbox):
    sent = envelopes(20, 1)
    outbox.add(sent)
    assert outbox.add(sent) == 0
    assert outbox.stock().held_bytes == QUOTA


def test_full_lasts_until_a_tenth_is_free(outbox):
    outbox.add(envelopes(19, 1))
    assert not outbox.is_full()
    outbox.add(envelopes(1, 20))
    assert outbox.is_full()
    outbox.remove(ids(outbox)[:1])
    assert outbox.is_full()
    outbox.add(envelopes(1, 40))  # whoever offers something that fits is not refused
    outbox.remove(ids(outbox)[:2])
    assert not outbox.is_full()


def test_full_lasts_until_what_was_refused_fits(outbox):
    outbox.add(envelopes(18, 1))
    with pytest.raises(OutboxFullError):
        outbox.add(envelopes(10, 30))
    outbox.remove(ids(outbox)[:7])
    assert outbox.is_full()
    outbox.remove(ids(outbox)[:1])
    assert not outbox.is_full()
    assert outbox.add(envelopes(10, 30)) == 10


def test_a_quota_that_is_used_up_to_the_byte_is_full(outbox):
    outbox.add(envelopes(20, 1))
    assert outbox.is_full()


def test_refused_envelopes_take_room_until_they_are_delivered(outbox):
    sent = envelopes(20, 1)
    outbox.add(sent)
    refusals = [refusal(each) for each in sent[:5]]
    assert outbox.reject("node-1", refusals, tolerated=0) == refusals
    assert outbox.reject("node-1", refusals, tolerated=0) == []
    assert (outbox.stock().pending, outbox.stock().set_aside, outbox.stock().held_bytes) == (15, 5, QUOTA)
    assert outbox.rejections() == {"unknown_meter": 5}
    assert outbox.is_full()
    outbox.remove([1, 2])  # a node may have taken them after all
    assert (outbox.stock().pending, outbox.stock().set_aside) == (15, 3)
    assert outbox.retry_rejected() == 3
    assert (outbox.stock().pending, outbox.stock().set_aside, outbox.stock().held_bytes) == (18, 0, 18 * SIZE)


def refusal(envelope):
    digest = hashlib.sha256(envelope.wire).digest()
    return Rejection(envelope.device, envelope.boot, envelope.first_sequence, "unknown_meter", digest)


def test_a_file_that_is_opened_again_is_as_full_as_it_was(outbox):
    outbox.add(envelopes(20, 1))
    outbox.close()
    again = Outbox(outbox.path, QUOTA)
    assert again.stock().held_bytes == QUOTA
    assert again.is_full()
    again.close()


def test_a_full_disk_stores_nothing_and_counts_nothing(outbox):
    outbox.quota_bytes = 10**9
    outbox.add(envelopes(20, 1))
    pages = outbox._db.execute("PRAGMA page_count").fetchone()[0]
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")  # then SQLite says what it says on a full disk
    with pytest.raises(sqlite3.OperationalError, match="full"):
        outbox.add(envelopes(500, 100))
    assert held(outbox) == list(range(1, 21))
    assert (outbox.pending(), outbox.stock().held_bytes) == (20, 20 * SIZE)
    assert not outbox.is_full()
    outbox._db.execute("PRAGMA max_page_count = 1000000")
    assert outbox.add(envelopes(500, 100)) == 500


def deliver(outbox, count):
    rows = outbox.after(0, 100)
    assert len(rows) == count
    outbox.remove([each for each, _ in rows])
    return [decode(wire, network=NETWORK) for _, wire in rows]


class Sealed:
    """A signing log in front of an outbox, and a source that counts."""

    def __init__(self, folder, outbox):
        self.outbox, self.path = outbox, folder / "signing.sqlite"
        self.log = SigningLog(self.path, NETWORK)

    def sign(self, count):
        place = int(self.log.place("source") or 0)
        rows = Readings.of([Reading(10**12 + n, 10**6 + n) for n in range(place, place + count)])
        named = {"source": "source", "place": str(place) if place else None, "next_place": str(place + count)}
        return self.log.sign([(IDENTITY, rows)], self.outbox, batch=1, first_boot=7, **named)

    def restart(self):
        self.log.close()
        self.log = SigningLog(self.path, NETWORK)


@pytest.mark.parametrize("restart", [False, True])
def test_envelopes_that_found_no_room_leave_no_hole_and_no_double(tmp_path, outbox, restart):
    sealed = Sealed(tmp_path, outbox)
    sealed.sign(15)
    for _ in range(3):
        with pytest.raises(OutboxFullError):
            sealed.sign(10)  # the first ten are signed, and find room in part; the later calls sign nothing
    assert sealed.log.place("source") == "25"
    assert outbox.pending() < 25
    if restart:
        sealed.restart()
    delivered = deliver(outbox, outbox.pending())
    left = 25 - len(delivered)
    assert (sealed.log.recover(outbox), sealed.log.recover(outbox)) == (left, 0)
    delivered += deliver(outbox, left)
    sealed.sign(5)
    delivered += deliver(outbox, 5)
    by_number = {each.first_sequence: each for each in delivered}
    assert sorted(by_number) == list(range(30))
    assert [by_number[n].readings.time_ms[0] - 10**12 for n in range(30)] == list(range(30))
    chain = [by_number[n] for n in range(30)]
    assert [each.previous for each in chain] == [NO_PREVIOUS, *(each.digest for each in chain[:-1])]
    sealed.log.close()


def test_more_than_a_whole_outbox_passes_through_it_in_parts(tmp_path, outbox):
    sealed = Sealed(tmp_path, outbox)
    with pytest.raises(OutboxFullError):
        sealed.sign(50)
    numbers = []
    while outbox.pending():
        numbers += [each.first_sequence for each in deliver(outbox, outbox.pending())]
        try:
            sealed.log.recover(outbox)
        except OutboxFullError:
            assert outbox.is_full()
    assert numbers == list(range(50))
    assert sealed.sign(1) == 1
    sealed.log.close()
