"""What settlement needs to know of a meter: how much it could have produced."""

from dataclasses import dataclass

from oracle.errors import ConfigError
from oracle.metering.ceiling import PPM, Ceiling

MAX_NAMEPLATE_W = 1_000_000_000
MAX_CONFIRMATIONS = 1000
LARGEST_REGISTER_WH = 2**53 - 1
"""No register reaches more (9 PWh), JSON numbers end here, and below it no sum of settlement leaves 64 bits [Wh]."""
LARGEST_TIME_MS = 2**53 - 1
LARGEST_RESOLUTION_WH = 1_000_000
CONFIRMATIONS = 4
"""With faults in at most three of any nine consecutive readings, four more confirmations than contradictions hold at least one
true reading (see `metering.corroboration`)."""


@dataclass(frozen=True)
class Baseline:
    """The register confirmed at registration: nothing at or below it is ever minted."""

    register_wh: int
    """Register at that instant [Wh]."""
    time_ms: int
    """Instant of confirmation [ms UTC]."""

    def __post_init__(self) -> None:
        """Refuse what no reading could say."""
        if not 0 <= self.register_wh <= LARGEST_REGISTER_WH or not 0 <= self.time_ms <= LARGEST_TIME_MS:
            raise ConfigError(f"baseline of {self.register_wh} Wh at {self.time_ms} ms: both must be below 2^53")


@dataclass(frozen=True)
class Calibration:
    """When a meter has to be calibrated again, and by how much it may be wrong afterwards."""

    due_ms: int
    """Energy produced from this instant on is reduced [ms UTC]."""
    permissible_error_ppm: int
    """Maximum permissible error of its accuracy class [ppm of the energy]."""

    def __post_init__(self) -> None:
        """Refuse what no meter can have."""
        if not 0 <= self.due_ms <= LARGEST_TIME_MS or not 0 <= self.permissible_error_ppm <= PPM:
            raise ConfigError(
                f"calibration due at {self.due_ms} ms with {self.permissible_error_ppm} ppm: expected a time below 2^53"
                f" and 0 to {PPM} ppm"
            )


@dataclass(frozen=True)
class Meter:
    """One register of one generating unit."""

    meter_id: str
    """Name, as the device signs it."""
    nameplate_w: int
    """Rated AC power [W], 1 to 1 GW."""
    rated_overload_ppm: int = 1_100_000
    """Largest plausible mean power over nameplate [ppm]. Real inverters exceed nameplate a little (8016 W of 8000)."""
    resolution_wh: int = 1
    """Smallest step of the register [Wh]: two readings may differ by this much more than was produced."""
    modulus_wh: int | None = None
    """Register value at which it starts again from zero [Wh], or None if it never does."""
    baseline: Baseline | None = None
    """Register confirmed at registration; without one the first corroborated reading is the baseline."""
    ceiling: Ceiling | None = None
    """Largest power by time of year and day, where the site is known."""
    confirmations: int = CONFIRMATIONS
    """By how many readings, itself included, a register must be confirmed more often than contradicted."""
    calibration: Calibration | None = None
    """When the meter is due for calibration; None if it is never."""
    generates_only: bool = False
    """Whether it stands at an inverter, which cannot draw noticeable power."""
    utc_offset_s: int = 0
    """Local time minus UTC [s]: days are local."""

    def __post_init__(self) -> None:
        """Refuse limits under which the integer arithmetic of settlement could overflow or mean nothing."""
        if not 1 <= self.nameplate_w <= MAX_NAMEPLATE_W:
            raise ConfigError(
                f"meter {self.meter_id}: nameplate_w is {self.nameplate_w}, expected 1 to {MAX_NAMEPLATE_W}"
            )
        if not PPM <= self.rated_overload_ppm <= 2 * PPM:
            raise ConfigError(
                f"meter {self.meter_id}: rated_overload is {self.rated_overload_ppm / PPM:g}, expected 1.0 to 2.0 times nameplate"
            )
        if not 1 <= self.resolution_wh <= LARGEST_RESOLUTION_WH:
            raise ConfigError(
                f"meter {self.meter_id}: resolution_wh is {self.resolution_wh}, expected 1 to {LARGEST_RESOLUTION_WH}"
            )
        if not 1 <= self.confirmations <= MAX_CONFIRMATIONS:
            raise ConfigError(
                f"meter {self.meter_id}: confirmations is {self.confirmations}, expected 1 to {MAX_CONFIRMATIONS}"
            )
        if self.modulus_wh is not None and not 1 <= self.modulus_wh <= LARGEST_REGISTER_WH:
            raise ConfigError(
                f"meter {self.meter_id}: modulus_wh is {self.modulus_wh}, expected 1 to {LARGEST_REGISTER_WH}"
            )

    @property
    def largest_power_w(self) -> int:
        """Largest plausible mean power [W]."""
        return self.nameplate_w * self.rated_overload_ppm // PPM

    @property
    def tolerance_wh(self) -> int:
        """By how much a register may seem to rise too far [Wh]: both ends are rounded down, and clocks tell whole seconds."""
        return self.resolution_wh + self.largest_power_w // 3600
