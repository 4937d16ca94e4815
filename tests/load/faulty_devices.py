"""Listed devices that sign what is not so, each in its own way, among readings that are true.

A true register gains 2 Wh a second from the baseline on. Whatever else a device signs, no more than that may ever be
settled; and where the fault can be told from the truth, no less.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from contracts.state import NEVER_REVOKED, ListedMeter, MeterRole
from devices.device_key import ALGORITHMS, SigningKey
from devices.device_signer import DeviceSigner
from devices.readings import Reading, Readings
from oracle.metering.collation import Observations, collate
from oracle.metering.meter import Baseline, Meter
from oracle.metering.reasons import Reason
from oracle.metering.settlement import Settlement, settle_register
from oracle.metering.validation import SENTINELS_WH

NAMEPLATE_W = 10_000
BASELINE_WH = 1_000_000
WH_A_SECOND = 2
REVOKED_FROM = 40
"""Sequence number of the devices whose key is revoked, in boot epoch 1."""
BOOT, LATER_BOOT = 1, 5
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Fault:
    """What is wrong with a kind of devices."""

    name: str
    sign: "Callable[[FaultyDevice, Random], list[bytes]]"
    """Signs the next envelopes: some true, some not."""
    noticed: Reason | None = None
    """Under which reason metering counts the false readings; None if there is nothing wrong with the readings as such."""
    exact: bool = True
    """Whether all true energy settles; else some of it may be lost to the fault."""


class FaultyDevice:
    """A device with one fault."""

    def __init__(self, fault: Fault, number: int, network: str, start_ms: int) -> None:
        self.fault = fault
        self.device, self.meter = f"fz-{fault.name}-{number}", f"fm-{fault.name}-{number}"
        seed = hashlib.sha256(self.device.encode()).digest()
        self.key = SigningKey.from_seed(ALGORITHMS[number % 2], seed)
        self.start_ms = start_ms
        self._network = network
        self._signers: dict[int, DeviceSigner] = {}
        self._taken = 0

    def signer(self, boot: int = BOOT) -> DeviceSigner:
        """The signer of one boot epoch."""
        if boot not in self._signers:
            self._signers[boot] = DeviceSigner(self.device, self.meter, self.key, self._network, boot=boot)
        return self._signers[boot]

    def sign(self, rows: list[Reading], boot: int = BOOT) -> bytes:
        """Sign readings under the next sequence numbers."""
        return self.signer(boot).sign(Readings.of(rows)).wire

    def sign_at(self, sequence: int, rows: list[Reading], boot: int = BOOT) -> bytes:
        """Sign readings under numbers that were used before."""
        signer = self.signer(boot)
        resumed = signer.next_sequence
        signer.next_sequence = sequence
        wire = self.sign(rows, boot)
        signer.next_sequence = max(resumed, signer.next_sequence)
        return wire

    def take(self, readings: int) -> list[Reading]:
        """The next true readings, one a second."""
        first = self._taken + 1
        self._taken += readings
        return [Reading(self.start_ms + n * 1000, self.true_wh(n)) for n in range(first, first + readings)]

    @staticmethod
    def true_wh(second: int) -> int:
        """Where the register truly stands so many seconds after the start."""
        return BASELINE_WH + WH_A_SECOND * second

    @property
    def listed(self) -> ListedMeter:
        """The registry's entry."""
        revoked = (BOOT, REVOKED_FROM) if self.fault is REVOKED else (NEVER_REVOKED, NEVER_REVOKED)
        return ListedMeter(
            asset_id="asset", meter_id=self.meter, device_id=self.device, thumbprint=self.key.public.thumbprint,
            role=MeterRole.INVERTER, nameplate_w=NAMEPLATE_W, baseline_wh=BASELINE_WH, baseline_time_ms=self.start_ms,
            revoked_boot=revoked[0], revoked_sequence=revoked[1],
        )  # fmt: skip

    def observed(self, envelopes) -> Observations:
        """What the device's envelopes say, as metering takes it."""
        cut = (BOOT, REVOKED_FROM) if self.fault is REVOKED else None
        return collate([each for each in envelopes if each.device == self.device], revoked_from=cut)

    def settled(self, observed: Observations, cutoff_ms: int) -> Settlement:
        """The register's settlement."""
        meter = Meter(self.meter, NAMEPLATE_W, baseline=Baseline(BASELINE_WH, self.start_ms))
        return settle_register(meter, observed, cutoff_ms)

    def gained_wh(self, observed: Observations, cutoff_ms: int) -> int:
        """What the true register had gained when it was last read and not yet revoked."""
        seconds = (observed.time_ms - self.start_ms) // 1000
        true = observed.present & (observed.register_wh == BASELINE_WH + WH_A_SECOND * seconds)
        true &= (observed.time_ms > self.start_ms) & (observed.time_ms <= cutoff_ms) & ~observed.revoked
        return int(np.max(observed.register_wh[true], initial=BASELINE_WH)) - BASELINE_WH


def _false(device: FaultyDevice, random: Random, register_wh: Callable[[Reading], int]) -> list[bytes]:
    """True readings with a false one among them."""
    rows = device.take(random.randint(4, 8))
    beside = random.choice(rows)
    rows.insert(random.randint(0, len(rows)), Reading(beside.time_ms + 500, register_wh(beside)))
    return [device.sign(rows)]


def _duplicated(device: FaultyDevice, random: Random) -> list[bytes]:
    return [device.sign(device.take(random.randint(1, 8)))] * random.randint(2, 4)


def _rebatched(device: FaultyDevice, random: Random) -> list[bytes]:
    first = device.signer().next_sequence
    rows = device.take(random.randint(4, 9))
    cut, again = random.randint(1, 3), random.randint(0, 3)
    return [device.sign(rows[:cut]), device.sign(rows[cut:]), device.sign_at(first + again, rows[again:])]


def _late(device: FaultyDevice, random: Random) -> list[bytes]:
    wires = [device.sign(device.take(random.randint(1, 4))) for _ in range(random.randint(2, 5))]
    random.shuffle(wires)
    return wires


def _gap(device: FaultyDevice, random: Random) -> list[bytes]:
    device.sign(device.take(random.randint(1, 20)))
    return [device.sign(device.take(random.randint(1, 4)))]


def _many(device: FaultyDevice, random: Random) -> list[bytes]:
    return [device.sign(device.take(random.choice((50, 200, 1000))))] if random.random() < 0.1 else _gap(device, random)


def _holes(device: FaultyDevice, random: Random) -> list[bytes]:
    rows = [
        Reading(each.time_ms, None, random.choice((None, random.getrandbits(40))), random.randint(-(2**31), 2**31 - 1))
        if random.random() < 0.4
        else each
        for each in device.take(random.randint(2, 8))
    ]
    return [device.sign([*rows, *device.take(1)])]


def _jump(device: FaultyDevice, random: Random) -> list[bytes]:
    return _false(device, random, lambda beside: (beside.export_wh or 0) + random.randint(10**7, 2**40))


def _backwards(device: FaultyDevice, random: Random) -> list[bytes]:
    return _false(device, random, lambda beside: max(1, (beside.export_wh or 0) - random.choice((500, 10_000, 10**9))))


def _zero(device: FaultyDevice, random: Random) -> list[bytes]:
    return _false(device, random, lambda _: 0)


def _sentinel(device: FaultyDevice, random: Random) -> list[bytes]:
    return _false(device, random, lambda _: random.choice((*SENTINELS_WH, 2**53, 2**63 - 1)))


def _future(device: FaultyDevice, random: Random) -> list[bytes]:
    later_ms = device.start_ms + random.choice((400 * DAY_MS, 2**52)) + random.randrange(DAY_MS)
    return [
        device.sign([*device.take(2), Reading(min(later_ms, 2**53 - 1), random.getrandbits(62))]),
        device.sign(device.take(2)),
    ]


def _early(device: FaultyDevice, random: Random) -> list[bytes]:
    before_ms = device.start_ms - random.randint(1, 300 * DAY_MS)
    return [device.sign([Reading(before_ms, random.getrandbits(30)), *device.take(3)])]


def _old_boot(device: FaultyDevice, random: Random) -> list[bytes]:
    held_back = device.sign(device.take(random.randint(1, 4)))
    return [device.sign(device.take(random.randint(1, 4)), LATER_BOOT), held_back, held_back]


def _equivocation(device: FaultyDevice, random: Random) -> list[bytes]:
    first = device.signer().next_sequence
    rows = device.take(random.randint(1, 4))
    said = random.choice(rows)
    other = [Reading(each.time_ms, (each.export_wh or 0) + (each is said) * random.randint(1, 5)) for each in rows]
    return [device.sign(device.take(2), LATER_BOOT), device.sign(rows), device.sign_at(first, other)]


def _moved(device: FaultyDevice, random: Random) -> list[bytes]:
    """An event whose closing register does not fit the trace, once in a while."""
    row, *rows = device.take(random.randint(2, 6))
    if device.signer().next_sequence > 60 and random.random() < 0.1:
        row = Reading(row.time_ms, row.export_wh, event=("reset", 5 * 10**12, random.choice((0, 10**12))))
    return [device.sign([row, *rows])]


def _conflicting(device: FaultyDevice, random: Random) -> list[bytes]:
    """Two moves of one instant, in one item: one of them alone would be no fault."""
    row = device.take(1)[0]
    moves = [(kind, 7 + random.getrandbits(10), random.getrandbits(10)) for kind in ("reset", "replace")]
    pair = [device.sign([Reading(row.time_ms, row.export_wh, event=move)]) for move in moves]
    return [device.sign(device.take(3)), b"".join(pair)]


def _revoked(device: FaultyDevice, random: Random) -> list[bytes]:
    """Readings up to the cut and beyond it; one envelope, sent again and again, begins before it and ends after it."""
    if not REVOKED_FROM - 8 <= device.signer().next_sequence < REVOKED_FROM:
        return [device.sign(device.take(random.randint(1, 3)))]
    return [device.sign(device.take(9))] * 3


REVOKED = Fault("revoked", _revoked, Reason.REVOKED)
CONFLICTING = Fault("conflicting", _conflicting, Reason.CONFLICTING_EVENT)
FAULTS = (
    Fault("duplicated", _duplicated),
    Fault("rebatched", _rebatched, Reason.DUPLICATE),
    Fault("late", _late),
    Fault("gap", _gap),
    Fault("many", _many),
    Fault("holes", _holes, Reason.ABSENT),
    Fault("jump", _jump, Reason.JUMP),
    Fault("backwards", _backwards, Reason.DECREASE),
    Fault("zero", _zero, Reason.ZERO),
    Fault("sentinel", _sentinel, Reason.SENTINEL),
    Fault("future", _future, Reason.FUTURE),
    Fault("early", _early, Reason.BEFORE_BASELINE),
    Fault("old-boot", _old_boot),
    Fault("equivocation", _equivocation, Reason.EQUIVOCATION, exact=False),
    Fault("moved", _moved, Reason.JUMP, exact=False),
    CONFLICTING,
    REVOKED,
)


def faulty_devices(network: str, start_ms: int) -> list[FaultyDevice]:
    """Two devices of each fault, one for each algorithm."""
    return [FaultyDevice(fault, number, network, start_ms) for fault in FAULTS for number in range(len(ALGORITHMS))]
