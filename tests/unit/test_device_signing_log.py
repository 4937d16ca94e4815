"""No sequence number ever stands for two different readings, wherever a crash comes."""

import sqlite3

import pytest

from devices.device_key import SigningKey
from devices.durable_file import DurableFileError
from devices.outbox import Outbox
from devices.readings import Reading, Readings
from devices.signing_log import DeviceIdentity, SigningLog, SigningLogError
from devices.telemetry import NO_PREVIOUS, TelemetryError, decode

NETWORK = "test"
IDENTITY = DeviceIdentity("dev-1", "met-1", SigningKey.from_seed("es256", b"k" * 32))
BOOT = 1_750_000_000


class Box:
    """A folder of a gateway that can be left and opened again."""

    def __init__(self, folder):
        self.folder = folder
        self.open()

    def open(self):
        self.outbox = Outbox(self.folder / "outbox.sqlite")
        self.log = SigningLog(self.folder / "signing.sqlite", NETWORK)

    def crash(self):
        self.log.close()
        self.outbox.close()
        self.open()

    def sign(self, registers, *, batch=2, boot=BOOT, identity=IDENTITY, **places):
        place = self.log.place("source")
        rows = Readings.of([Reading(1000 * register, register) for register in registers])
        named = {"source": "source", "place": place, "next_place": str(int(place or 0) + len(registers))} | places
        return self.log.sign([(identity, rows)], self.outbox, batch=batch, first_boot=boot, **named)

    def envelopes(self):
        return [decode(wire, network=NETWORK) for _, wire in self.outbox.after(0, 1000)]

    def close(self):
        self.log.close()
        self.outbox.close()


@pytest.fixture
def box(tmp_path):
    made = Box(tmp_path)
    yield made
    made.close()


def numbered(envelopes):
    """(boot, sequence) -> register, and no number twice."""
    pairs = [((e.boot, e.first_sequence + i), r.export_wh) for e in envelopes for i, r in enumerate(e.readings)]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_numbers_and_chain_go_on_after_a_restart(box):
    assert box.sign([1, 2, 3]) == 2
    box.crash()
    box.sign([4, 5], boot=BOOT + 100)
    envelopes = box.envelopes()
    assert numbered(envelopes) == {(BOOT, n): n + 1 for n in range(5)}
    assert [e.previous for e in envelopes] == [NO_PREVIOUS, *(e.digest for e in envelopes[:-1])]
    assert box.log.place("source") == "5"


class CrashError(Exception):
    pass


@pytest.mark.parametrize(
    "statement", ["BEGIN", "INSERT OR REPLACE INTO device", "INSERT OR REPLACE INTO place", "COMMIT"]
)
def test_a_crash_before_the_commit_signed_nothing(box, statement):
    box.sign([1])
    box.log._db.close()
    box.log._db = Failing(box.folder / "signing.sqlite", statement)
    with pytest.raises(CrashError):
        box.sign([2, 3])
    box.log._db.real.close()
    box.outbox.close()
    box.open()
    box.sign([7])  # the source may say something else now
    assert numbered(box.envelopes()) == {(BOOT, 0): 1, (BOOT, 1): 7}


class Failing:
    """A connection that breaks at its first statement that begins so."""

    def __init__(self, path, statement):
        self.real = sqlite3.connect(path, isolation_level=None)
        self.statement = statement

    def execute(self, sql, *arguments):
        if sql.startswith(self.statement):
            raise CrashError
        return self.real.execute(sql, *arguments)

    def executemany(self, sql, rows):
        return self.real.executemany(sql, rows)

    def __enter__(self):
        return self.real.__enter__()

    def __exit__(self, kind, *rest):
        if kind is None and self.statement == "COMMIT":
            raise CrashError
        return self.real.__exit__(kind, *rest)


@pytest.mark.parametrize("stored", [False, True])
def test_a_crash_after_the_commit_loses_nothing_and_signs_nothing_twice(box, monkeypatch, stored):
    real_add = Outbox.add

    def add(outbox, envelopes):
        if stored:
            real_add(outbox, envelopes)
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr(Outbox, "add", add)
    with pytest.raises(sqlite3.OperationalError):
        box.sign([1, 2, 3])
    monkeypatch.undo()
    box.crash()
    box.sign([4])  # what was left behind goes first
    assert numbered(box.envelopes()) == {(BOOT, n): n + 1 for n in range(4)}
    assert box.log.recover(box.outbox) == 0


def test_what_a_crash_left_behind_goes_out_without_a_new_reading(box, monkeypatch):
    monkeypatch.setattr(Outbox, "add", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("disk full")))
    with pytest.raises(sqlite3.OperationalError):
        box.sign([1, 2, 3])
    monkeypatch.undo()
    box.crash()
    assert box.log.recover(box.outbox) == 2
    assert numbered(box.envelopes()) == {(BOOT, n): n + 1 for n in range(3)}


def test_a_lost_log_begins_a_new_boot_epoch(box):
    box.sign([1, 2])
    box.log.close()
    for path in box.folder.glob("signing.sqlite*"):
        path.unlink()
    box.outbox.close()
    box.open()
    box.sign([9], boot=BOOT + 1)
    assert numbered(box.envelopes()) == {(BOOT, 0): 1, (BOOT, 1): 2, (BOOT + 1, 0): 9}


def test_a_new_key_begins_a_new_boot_epoch(box):
    box.sign([1])
    renewed = DeviceIdentity("dev-1", "met-1", SigningKey.from_seed("es256", b"n" * 32))
    box.sign([2], identity=renewed, boot=BOOT + 1)
    assert numbered(box.envelopes()) == {(BOOT, 0): 1, (BOOT + 1, 0): 2}


def test_a_second_process_on_the_same_folder_signs_nothing(box):
    place = box.log.place("source")
    other = SigningLog(box.folder / "signing.sqlite", NETWORK)
    box.sign([1])
    rows = Readings.of([Reading(5, 5)])
    with pytest.raises(SigningLogError, match="another process"):
        other.sign(
            [(IDENTITY, rows)], box.outbox, batch=1, first_boot=BOOT, source="source", place=place, next_place="9"
        )
    other.close()
    assert numbered(box.envelopes()) == {(BOOT, 0): 1}


def test_readings_that_cannot_be_signed_change_nothing(box):
    rows = Readings.of([Reading(-5, 1)])
    with pytest.raises(TelemetryError):
        box.log.sign([(IDENTITY, rows)], box.outbox, batch=1, first_boot=BOOT, source="s", place=None, next_place="1")
    assert box.log.place("s") is None
    box.sign([1])
    assert numbered(box.envelopes()) == {(BOOT, 0): 1}


def test_another_file_is_no_signing_log(tmp_path):
    Outbox(tmp_path / "o.sqlite").close()
    with pytest.raises(DurableFileError, match="is no signing log"):
        SigningLog(tmp_path / "o.sqlite", NETWORK)
    (tmp_path / "text").write_text("not a database, but long enough to look at" * 100)
    with pytest.raises(DurableFileError, match="cannot be opened"):
        SigningLog(tmp_path / "text", NETWORK)
    newer = sqlite3.connect(tmp_path / "newer.sqlite")
    newer.executescript("CREATE TABLE t (x); PRAGMA application_id = 0x48454C53; PRAGMA user_version = 99;")
    newer.close()
    with pytest.raises(DurableFileError, match="of version 99"):
        SigningLog(tmp_path / "newer.sqlite", NETWORK)
