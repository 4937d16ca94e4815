"""A gateway whose clock is wrong at first signs no wrong time, and loses no reading."""

from pathlib import Path

import pytest

from api import clocks
from devices.device_key import SigningKey
from devices.meter_source import SourceError
from devices.outbox import Outbox
from devices.polled_meters import PolledMeters, Registers
from devices.readings import Reading, Readings
from devices.signing_log import DeviceIdentity, SigningLog, TimeUnknownError
from devices.telemetry import decode
from devices.trusted_time import RELEASE_MS, TrustedTime

NOON_MS = RELEASE_MS + 200 * 86_400_000


class Clocks:
    """A machine's clocks, and what its kernel says of them."""

    def __init__(self, system_ms=0):
        self.system, self.count, self.synced, self.earlier = system_ms, 5000, False, 0

    def pass_s(self, seconds):
        self.system += seconds * 1000
        self.count += seconds * 1000

    def time(self, **options):
        return TrustedTime(
            lambda: self.system, lambda: self.count, lambda: self.synced, earlier_ms=lambda: self.earlier, **options
        )


def test_a_clock_before_the_release_is_wrong_even_if_it_is_called_synchronised():
    machine = Clocks(RELEASE_MS - 1)
    machine.synced = True
    assert machine.time().now_ms() is None
    machine.pass_s(1)
    assert machine.time().now_ms() == RELEASE_MS + 999


def test_a_clock_behind_what_was_signed_is_wrong_until_it_is_synchronised():
    machine = Clocks(NOON_MS)
    machine.earlier = NOON_MS + 1
    time = machine.time()
    assert time.now_ms() is None
    assert "signed already" in time.doubt()
    machine.synced = True
    assert (time.now_ms(), time.doubt()) == (NOON_MS, None)


def test_a_clock_that_must_be_synchronised_is_not_believed_before():
    machine = Clocks(NOON_MS)
    time = machine.time(require_synchronised=True)
    assert "not synchronised" in time.doubt()
    assert time.at_ms(4000) is None
    machine.synced = True
    assert time.at_ms(4000) == NOON_MS - 1000


def test_the_release_is_not_in_the_future():
    assert clocks.system_ms() > RELEASE_MS


def test_the_counter_of_this_machine_only_goes_forward():
    counts = [clocks.counter_ms() for _ in range(1000)]
    assert counts == sorted(counts)
    assert isinstance(clocks.synchronised(), bool)


class Meter:
    """A meter that gains 10 Wh between two looks."""

    def __init__(self):
        self.looks, self.silent = 0, False

    def __call__(self):
        if self.silent:
            raise SourceError("the meter does not answer")
        self.looks += 1
        return {"met-1": Registers(10 * self.looks)}


def taken(source, place=None):
    """(times, registers) of what is new, and the place after it."""
    found = source.take(place)
    if found is None:
        return None
    rows = list(found.readings["met-1"])
    return [row.time_ms for row in rows], [row.export_wh for row in rows], found.place


@pytest.fixture
def machine():
    return Clocks()


def test_what_is_read_before_the_time_is_known_gets_its_right_time_afterwards(machine):
    source = PolledMeters("meter", Meter(), 60, machine.time())
    for _ in range(3):
        assert taken(source) is None
        machine.pass_s(60)
    assert source.waiting == 3
    machine.system = NOON_MS  # a time server answers
    assert taken(source) == ([NOON_MS - 60_000 * n for n in (3, 2, 1, 0)], [10, 20, 30, 40], "4")
    assert source.waiting == 0
    machine.system += 3600_000  # whatever the clock does later: what has a date keeps it
    assert taken(source)[0][0] == NOON_MS - 180_000
    assert taken(source, "4") is None
    machine.pass_s(60)
    assert taken(source, "4") == ([NOON_MS + 3660_000], [50], "5")


def test_a_clock_that_falls_back_lets_new_readings_wait(machine):
    machine.system = NOON_MS
    source = PolledMeters("meter", Meter(), 60, machine.time())
    assert taken(source)[0] == [NOON_MS]
    machine.pass_s(60)
    machine.system = 0
    assert taken(source) == ([NOON_MS], [10], "1")
    assert taken(source, "1") is None
    machine.pass_s(60)
    machine.system = NOON_MS + 120_000
    assert taken(source, "1") == ([NOON_MS + 60_000, NOON_MS + 120_000], [20, 30], "3")


def test_meters_are_asked_at_even_intervals(machine):
    machine.system = NOON_MS
    meter = Meter()
    source = PolledMeters("meter", meter, 60, machine.time())
    taken(source)
    assert source.pause_s == 60
    machine.pass_s(59)
    taken(source)
    assert (meter.looks, source.pause_s) == (1, 1)
    machine.pass_s(130)  # two are missed, one is made up for
    taken(source)
    assert (meter.looks, source.pause_s) == (2, 51)


def test_a_meter_that_is_silent_is_named_and_asked_again(machine):
    machine.system = NOON_MS
    meter = Meter()
    source = PolledMeters("meter", meter, 60, machine.time())
    meter.silent = True
    with pytest.raises(SourceError, match="does not answer"):
        source.take(None)
    meter.silent = False
    machine.pass_s(60)
    assert taken(source)[1] == [10]
    meter.silent = True
    machine.pass_s(60)
    assert taken(source)[1] == [10]  # what was read is handed out first
    with pytest.raises(SourceError):
        source.take("1")


@pytest.mark.parametrize(
    ("shown", "complaint"),
    [
        (lambda: {"met-1": Registers(-1)}, "meter: export_wh -1 is no register"),
        (lambda: {"met-1": Registers(None, 2**63)}, "meter: import_wh 9223372036854775808 is no register"),
        (lambda: {"met-1": Registers(1, None, 2**31)}, "meter: power_w 2147483648 does not fit 32 bits"),
        (Path("/nowhere").read_text, "meter: .*No such file"),
    ],
)
def test_what_a_meter_cannot_mean_is_named(machine, shown, complaint):
    machine.system = NOON_MS
    with pytest.raises(SourceError, match=complaint):
        PolledMeters("meter", shown, 60, machine.time()).take(None)


def test_more_than_can_wait_is_left_in_the_meter(machine):
    meter = Meter()
    source = PolledMeters("meter", meter, 60, machine.time(), most=3)
    for _ in range(10):
        assert taken(source) is None
        machine.pass_s(60)
    assert (meter.looks, source.waiting) == (3, 3)
    assert source.pause_s <= 60
    machine.system = NOON_MS
    times, registers, place = taken(source)
    assert (registers, times[0]) == ([10, 20, 30], NOON_MS - 600_000)
    machine.pass_s(60)
    assert taken(source, place)[1] == [40]


def test_many_readings_are_handed_out_in_parts(machine, monkeypatch):
    monkeypatch.setattr("devices.polled_meters.MAX_ROWS", 2)
    source = PolledMeters("meter", Meter(), 1, machine.time())
    for _ in range(4):
        source.take(None)
        machine.pass_s(1)
    machine.system = NOON_MS
    assert taken(source)[1:] == ([10, 20], "2")
    assert taken(source, "2")[1:] == ([30, 40], "4")


def test_numbers_go_on_after_a_restart(machine):
    machine.system = NOON_MS
    assert taken(PolledMeters("meter", Meter(), 60, machine.time()), "41") == ([NOON_MS], [10], "42")


IDENTITY = DeviceIdentity("dev-1", "met-1", SigningKey.from_seed("eddsa", b"k" * 32))


def test_a_device_begins_only_when_the_time_is_known_and_then_goes_on_without(tmp_path):
    outbox = Outbox(tmp_path / "outbox.sqlite")
    log = SigningLog(tmp_path / "signing.sqlite", "test")

    def sign(place, next_place, now_s):
        rows = Readings.of([Reading(NOON_MS, 5)])
        named = {"source": "table", "place": place, "next_place": next_place}
        return log.sign([(IDENTITY, rows)], outbox, batch=9, first_boot=now_s, **named)

    with pytest.raises(TimeUnknownError, match="device dev-1"):
        sign(None, "1", None)
    assert (outbox.pending(), log.place("table"), log.newest_s()) == (0, None, 0)
    sign(None, "1", 1000)
    sign("1", "2", None)  # the rows carry their own time
    sign("2", "3", 900)
    assert (outbox.pending(), log.newest_s()) == (3, 1000)
    log.close()
    again = SigningLog(tmp_path / "signing.sqlite", "test")
    assert again.newest_s() == 1000
    again.close()
    outbox.close()


def test_readings_that_no_source_keeps_are_numbered_on_after_a_restart(tmp_path):
    outbox = Outbox(tmp_path / "outbox.sqlite")
    for now_s in (2000, 3000):
        log = SigningLog(tmp_path / "signing.sqlite", "test")
        rows = Readings.of([Reading(NOON_MS, n) for n in range(1500)])
        assert log.sign_now(IDENTITY, rows, outbox, now_s=now_s) == 2
        assert log.newest_s() == now_s
        log.close()
    signed = [decode(wire, network="test") for _, wire in outbox.after(0, 10)]
    assert [(each.boot, each.first_sequence) for each in signed] == [(2000, n) for n in (0, 1000, 1500, 2500)]
    assert [each.previous for each in signed[1:]] == [each.digest for each in signed[:-1]]
    outbox.close()
