"""What the command line asked of a demo."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Choices:
    """What the command line asked for."""

    once: bool
    days: int
    plants: int
    files: tuple[Path, ...]
    """Recorded files to replay; none means simulated plants."""
    meters_path: Path | None
    out: Path | None
    port: int
    json_path: Path | None
    broker: str
    chain: str
    verbose: bool
    speed: float = 60.0
    """Simulated seconds a second, once the days are settled."""
