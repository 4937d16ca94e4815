"""What a run of `heliograph bench ingest` was asked for."""

import math
from dataclasses import dataclass
from pathlib import Path

from devices.device_key import Algorithm
from devices.telemetry import MAX_ITEMS
from oracle.errors import ConfigError

MESSAGE_BYTES = 128 * 1024
"""Several envelopes of one message may be this long together (devices/README.md)."""
ENVELOPE_BYTES = 320
"""About what an envelope is long without its readings."""
READING_BYTES = 16
MAX_BATCH = 10_000


@dataclass(frozen=True)
class Shares:
    """Faults in the stream, each as a share of the good envelopes in [0, 1]."""

    bad: float = 0.0
    """Further envelopes whose signature does not verify."""
    duplicates: float = 0.0
    """Envelopes that are sent a second time, later."""
    reorder: float = 0.0
    """Envelopes that are overtaken by later ones of their device."""


@dataclass(frozen=True)
class IngestOptions:
    """One run, as asked for.

    Raises:
        ConfigError: the parts do not make a run.

    """

    rate: int
    """Good readings offered per second, each counted once."""
    batch: int
    """Readings an envelope."""
    per_message: int
    """Envelopes a message."""
    seconds: float
    algorithm: Algorithm
    shares: Shares
    workers: int
    """Head-end processes of the node."""
    generators: int
    """Load generator processes, one gateway each."""
    peer_seconds: float
    """How long each variant of the peer is measured; 0 leaves the peer out."""
    search: bool
    """Whether to look for the highest rate."""
    keep: Path | None
    """Folder in which everything is left; None means a temporary one."""

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= MAX_BATCH:
            raise ConfigError(f"--batch {self.batch}: an envelope holds 1 to {MAX_BATCH} readings")
        if not 1 <= self.per_message <= MAX_ITEMS:
            raise ConfigError(f"--per-message {self.per_message}: a message holds 1 to {MAX_ITEMS} envelopes")
        if self.per_message > 1 and self.per_message * (ENVELOPE_BYTES + READING_BYTES * self.batch) > MESSAGE_BYTES:
            raise ConfigError(
                f"--per-message {self.per_message}: that many envelopes of {self.batch} readings exceed the "
                f"{MESSAGE_BYTES // 1024} KiB of a message"
            )
        for name in ("bad", "duplicates", "reorder"):
            if not 0 <= getattr(self.shares, name) <= 1:
                raise ConfigError(f"--{name} {getattr(self.shares, name)}: a share of envelopes is between 0 and 1")
        if self.rate < 1 or not 0 < self.seconds < math.inf:
            raise ConfigError("--rate and --seconds must be above 0")
        if not 0 <= self.peer_seconds < math.inf:
            raise ConfigError(f"--peer-seconds {self.peer_seconds}: must not be below 0")
        if self.workers < 1 or self.generators < 1:
            raise ConfigError("--workers and --generators must be 1 or more")
        if self.good_envelopes(self.rate, self.seconds) < self.generators * self.per_message:
            raise ConfigError(
                f"--rate {self.rate} for {self.seconds} s is less than one message of "
                f"{self.per_message} x {self.batch} readings a generator"
            )

    def good_envelopes(self, rate: float, seconds: float) -> int:
        """How many distinct good envelopes a rate [readings/s] takes for a time."""
        return round(rate * seconds / self.batch)
