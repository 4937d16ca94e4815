"""Signed envelopes for tests of what lies behind the head-end."""

from devices.device_key import SigningKey
from devices.telemetry import NO_PREVIOUS, Reading, Readings, encode

NETWORK = "demo"
START_MS = 1_782_864_000_000  # 1 July 2026, 00:00 UTC
MINUTE_MS = 60_000
KEY = SigningKey.from_seed("eddsa", bytes([7]) * 32)


def envelope(rows, *, meter="roof-1", device="inv-1", boot=1, first_sequence=0):
    return encode(
        Readings.of(rows),
        device=device, meter=meter, boot=boot, first_sequence=first_sequence, previous=NO_PREVIOUS, key=KEY,
        network=NETWORK,
    )  # fmt: skip


def minutes(first, count, *, register_wh=1_000_000):
    """Readings of a plant that gains 10 Wh a minute and says its power on every other one."""
    return [
        Reading(START_MS + n * MINUTE_MS, register_wh + 10 * n, power_w=600 if n % 2 else None)
        for n in range(first, first + count)
    ]


def day(meter="roof-1", *, batch=60, hours=24):
    """A day of readings in envelopes of `batch`."""
    return [
        envelope(minutes(first, batch), meter=meter, device=f"inv-{meter}", first_sequence=first)
        for first in range(0, hours * 60, batch)
    ]
