"""What a run of `heliograph bench api` was asked for."""

import math
import resource
from dataclasses import dataclass

from oracle.errors import ConfigError

HOURS_A_DAY = 24
SPARE_FILES = 100
"""Files that a process opens besides its connections."""


@dataclass(frozen=True)
class ApiOptions:
    """One run, as asked for.

    Raises:
        ConfigError: the parts do not make a run.

    """

    assets: int = 1000
    days: int = 365
    """Days of hourly production of each asset."""
    seconds: float = 10.0
    """How long each figure is measured, in several rounds [s]."""
    clients: int = 32
    """Connections that ask at the same time."""
    listeners: int = 500
    """Connections that listen to events at the same time."""
    rounds: int = 20
    """Into how many parts each measurement is cut, so that a machine that changes its speed changes both alike."""

    def __post_init__(self) -> None:
        for name in ("assets", "days", "clients", "rounds"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name} must be 1 or more")
        if self.listeners < 0:
            raise ConfigError("--listeners must not be below 0")
        if not 1 <= self.seconds < math.inf:
            raise ConfigError(f"--seconds {self.seconds:g}: must be 1 or more")
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if max(self.listeners, self.clients) + SPARE_FILES > files:
            raise ConfigError(f"--listeners {self.listeners}: only {files} files may be open (ulimit -n)")

    @property
    def rows(self) -> int:
        """Hourly rows of all assets."""
        return self.assets * self.days * HOURS_A_DAY
