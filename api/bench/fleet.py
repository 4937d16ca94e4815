"""The devices of a run: names, keys, readings, and the registry that lists them. Pure: the same everywhere."""

import hashlib

import numpy as np

from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices.device_key import Algorithm, SigningKey
from devices.readings import Column, Readings
from oracle.reporting.registry import RegistrySnapshot, meters_root

NETWORK = "bench"
NODE = "node-1"
DEVICES = 64
BOOT = 1
"""Boot epoch of the good envelopes."""
FORGED_BOOT = 2
"""Boot epoch that the bad envelopes claim."""
BASELINE_WH = 1_000_000
WH_A_READING = 2
"""Registers are read once a second: 7.2 kW, within a nameplate of 10 kW."""
READ_EVERY_MS = 1000
NAMEPLATE_W = 10_000
_PROJECT, _ASSET = "bench", "bench-field"
_ACCOUNT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def device_name(device: int) -> str:
    """Identifier of a device."""
    return f"dev-{device:02}"


def meter_name(device: int) -> str:
    """Identifier of its meter."""
    return f"met-{device:02}"


def gateway_name(generator: int) -> str:
    """Identifier of the gateway that a generator plays."""
    return f"gw-{generator}"


def device_key(device: int, algorithm: Algorithm) -> SigningKey:
    """Key of a device: its own, and the same in each process."""
    return SigningKey.from_seed(algorithm, hashlib.sha256(b"bench device %d" % device).digest())


def readings(device: int, first_sequence: int, batch: int, start_ms: int) -> Readings:
    """`batch` readings of a device from a sequence number on: a register that rises every second.

    Args:
        device: number of the device.
        first_sequence: number of the first reading.
        batch: how many.
        start_ms: when reading 0 was taken [ms UTC].

    """
    sequence = np.arange(first_sequence, first_sequence + batch, dtype=np.int64)
    register_wh = BASELINE_WH * (1 + device) + WH_A_READING * sequence
    return Readings(start_ms + READ_EVERY_MS * sequence, Column.full(register_wh))


def registry(algorithm: Algorithm, start_ms: int) -> RegistrySnapshot:
    """List all devices under one asset."""
    listed = tuple(
        ListedMeter(
            asset_id=_ASSET,
            meter_id=meter_name(device),
            device_id=device_name(device),
            thumbprint=device_key(device, algorithm).public.thumbprint,
            role=MeterRole.INVERTER,
            nameplate_w=NAMEPLATE_W,
            baseline_wh=BASELINE_WH * (1 + device),
            baseline_time_ms=start_ms,
        )
        for device in range(DEVICES)
    )
    project = Project(
        project_id=_PROJECT,
        currency=_ACCOUNT,
        methodology=bytes(32),
        claim_right=ClaimRight.NONE,
        document_hash=bytes(32),
        assurance=Assurance.DEVICE_SIGNED,
        meters_root=meters_root(listed),
    )
    asset = Asset(_ASSET, _PROJECT, _ACCOUNT, NAMEPLATE_W * DEVICES, start_ms // 1000, 0, 0, 0, 1_000_000)
    return RegistrySnapshot(1, {_PROJECT: project}, {_ASSET: asset}, {_PROJECT: listed})
