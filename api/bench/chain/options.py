"""What a run of `heliograph bench chain` was asked for."""

from dataclasses import dataclass

from oracle.errors import ConfigError

LARGEST_BATCH = 100
MOST_ASSETS = 2000
MOST_PROJECTS = 100


@dataclass(frozen=True)
class ChainOptions:
    """One run, as asked for.

    Raises:
        ConfigError: the parts do not make a run.

    """

    assets: int
    """Assets of the fleet: each is settled once a day."""
    projects: int
    """Projects that the assets are spread over, in turn."""
    traces: bool
    """Whether to trace transactions for what each feature costs."""

    def __post_init__(self) -> None:
        if not LARGEST_BATCH <= self.assets <= MOST_ASSETS or self.assets % LARGEST_BATCH:
            raise ConfigError(f"--assets {self.assets}: a multiple of {LARGEST_BATCH}, at most {MOST_ASSETS}")
        if not 1 <= self.projects <= MOST_PROJECTS:
            raise ConfigError(f"--projects {self.projects}: 1 to {MOST_PROJECTS}")
