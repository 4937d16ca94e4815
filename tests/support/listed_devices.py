"""Devices with their registry and settlement, for tests that need no chain."""

import time

import numpy as np

from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices.device_key import ALGORITHMS, SigningKey
from devices.device_signer import DeviceSigner
from devices.telemetry import Column, Readings
from oracle.metering.collation import collate
from oracle.metering.meter import Baseline, Meter
from oracle.metering.settlement import settle_register
from oracle.reporting.registry import RegistrySnapshot, meters_root

NETWORK = "demo"
ACK_KEY = SigningKey.from_seed("eddsa", bytes([5]) * 32)
START_MS = 1_782_864_000_000  # 1 July 2026, 00:00 UTC
BASELINE_WH = 1_000_000
WH_A_READING = 2
NAMEPLATE_W = 10_000
_ACCOUNT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


class ListedDevice:
    """A device whose register gains 2 Wh every second, and which signs its readings one after the other."""

    def __init__(self, number: int) -> None:
        self.key = SigningKey.from_seed(ALGORITHMS[number % 2], number.to_bytes(32, "big"))
        self.device, self.meter = f"dev-{number}", f"met-{number}"
        self.signer = DeviceSigner(self.device, self.meter, self.key, NETWORK, boot=1)
        self.taken = 0

    def sign(self, readings: int = 1):
        """The next readings as one envelope."""
        n = np.arange(self.taken + 1, self.taken + readings + 1)
        self.taken += readings
        return self.signer.sign(Readings(START_MS + n * 1000, Column.full(BASELINE_WH + n * WH_A_READING)))

    @property
    def gained_wh(self) -> int:
        """What the register gained since the baseline."""
        return self.taken * WH_A_READING

    @property
    def listed(self) -> ListedMeter:
        return ListedMeter(
            asset_id="asset", meter_id=self.meter, device_id=self.device, thumbprint=self.key.public.thumbprint,
            role=MeterRole.INVERTER, nameplate_w=NAMEPLATE_W, baseline_wh=BASELINE_WH, baseline_time_ms=START_MS,
        )  # fmt: skip

    def settled(self, journal):
        """The register's settlement from all that a journal holds of it."""
        envelopes = [e for e in journal.envelopes() if e.device == self.device]
        meter = Meter(self.meter, NAMEPLATE_W, baseline=Baseline(BASELINE_WH, START_MS))
        return settle_register(meter, collate(envelopes), 2**53)


def registry_of(devices) -> RegistrySnapshot:
    """The registry that lists these devices in one project."""
    listed = tuple(device.listed for device in devices)
    project = Project(
        "project", _ACCOUNT, b"AMS-I.D".ljust(32, b"\0"), ClaimRight.CREDIT, bytes(31) + b"\1", Assurance.DEVICE_SIGNED,
        meters_root(listed),
    )  # fmt: skip
    asset = Asset("asset", "project", _ACCOUNT, 16_000, START_MS // 1000, 0, 600_000, 4_000_000, 1_000_000)
    return RegistrySnapshot(7, {"project": project}, {"asset": asset}, {"project": listed})


def wait_until(true, timeout_s=30.0):
    """Wait for something to come true."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)
