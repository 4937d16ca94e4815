"""Files that people write: read with pydantic, refused with the place at fault."""

import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from oracle.errors import ConfigError
from oracle.metering.ceiling import PPM, Ceiling
from oracle.metering.meter import CONFIRMATIONS, MAX_CONFIRMATIONS, MAX_NAMEPLATE_W, Calibration, Meter

AnyModel = TypeVar("AnyModel", bound=BaseModel)

_FIXED_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


class MeterEntry(BaseModel):
    """One `[[meter]]` of a meters file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    """Name of the meter in the recorded file."""
    nameplate_w: int = Field(gt=0, le=MAX_NAMEPLATE_W)
    """Rated AC power [W]."""
    site: str | None = None
    """Plant it belongs to; by default a plant of its own."""
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    tz: str = "UTC"
    """IANA zone (its standard time counts the whole year) or a fixed offset such as +08:00."""
    rated_overload: float = Field(default=1.10, ge=1.0, le=2.0)
    """Largest plausible mean power over nameplate."""
    modulus_wh: int | None = Field(default=None, gt=0)
    """Register value at which it starts again from zero [Wh]."""
    resolution_wh: int = Field(default=1, gt=0)
    """Smallest step of the register [Wh]."""
    role: Literal["inverter", "plant", "load"] = "inverter"
    confirmations: int = Field(default=CONFIRMATIONS, ge=1, le=MAX_CONFIRMATIONS)
    """By how many readings a register must be confirmed more often than contradicted."""
    calibration_due: AwareDatetime | None = None
    """When the meter is due for calibration: from then on the permissible error is withheld."""
    permissible_error_ppm: int = Field(default=0, ge=0, le=PPM)
    """Maximum permissible error of the meter's accuracy class [ppm]."""
    class_: Literal["register", "interval", "power"] = Field(default="register", alias="class")
    """What its recording may hold: readings of a register, energy by interval, or power; the later ones no register confirms."""

    @field_validator("tz")
    @classmethod
    def _known_zone(cls, tz: str) -> str:
        standard_offset_minutes(tz)
        return tz

    @property
    def utc_offset_minutes(self) -> int:
        """Local standard time minus UTC [min]."""
        return standard_offset_minutes(self.tz)

    @property
    def place(self) -> tuple[float, float] | None:
        """(latitude, longitude), where both are known."""
        return None if self.latitude is None or self.longitude is None else (self.latitude, self.longitude)

    def to_meter(self, ceiling: Ceiling | None = None) -> Meter:
        """Limits for settlement, without a confirmed baseline, under the sun of its place."""
        calibration = None
        if self.calibration_due is not None:
            calibration = Calibration(int(self.calibration_due.timestamp() * 1000), self.permissible_error_ppm)
        return Meter(
            meter_id=self.id,
            nameplate_w=self.nameplate_w,
            rated_overload_ppm=round(self.rated_overload * PPM),
            resolution_wh=self.resolution_wh,
            modulus_wh=self.modulus_wh,
            ceiling=ceiling,
            confirmations=self.confirmations,
            calibration=calibration,
            utc_offset_s=self.utc_offset_minutes * 60,
        )

    @model_validator(mode="after")
    def _calibration_is_whole(self) -> "MeterEntry":
        if (self.calibration_due is None) != (self.permissible_error_ppm == 0):
            raise ValueError("calibration_due and permissible_error_ppm go together")
        return self


class MetersFile(BaseModel):
    """A meters file: which meters there are, and what each could have produced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    meter: list[MeterEntry] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> "MetersFile":
        ids = [entry.id for entry in self.meter]
        if repeated := {name for name in ids if ids.count(name) > 1}:
            raise ValueError(f"meter {min(repeated)!r} is there more than once")
        return self


def standard_offset_minutes(tz: str) -> int:
    """Offset of a zone's standard time from UTC [min].

    Raises:
        ValueError: the zone is not known, or the offset is not written +HH:MM.

    """
    if fixed := _FIXED_OFFSET.fullmatch(tz):
        sign = -1 if fixed[1] == "-" else 1
        return sign * (int(fixed[2]) * 60 + int(fixed[3]))
    try:
        zone = ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{tz!r} is neither an IANA time zone nor an offset such as +08:00") from error
    seasons = (datetime(2025, month, 1, tzinfo=UTC).astimezone(zone) for month in (1, 7))
    return min(int((local.utcoffset() or timedelta()).total_seconds()) // 60 for local in seasons)


def load_meters(path: Path) -> list[MeterEntry]:
    """Read a meters file.

    Raises:
        ConfigError: it cannot be read, is no TOML, or has a wrong key; the message names the place.

    """
    return read_toml(path, MetersFile).meter


def write_meters(entries: list[MeterEntry]) -> str:
    """Write a meters file that `load_meters` reads back."""
    lines = []
    for entry in entries:
        lines.append("[[meter]]")
        for key, setting in entry.model_dump(exclude_defaults=True, by_alias=True).items():
            written = setting.isoformat() if isinstance(setting, datetime) else setting
            lines.append(f'{key} = "{written}"' if isinstance(setting, str) else f"{key} = {written}")
        lines.append("")
    return "\n".join(lines)


def read_toml(path: Path, model: type[AnyModel]) -> AnyModel:
    """Read a TOML file as a model; the model's validators find the file's folder in their context as `folder`.

    Raises:
        ConfigError: it cannot be read, is no TOML, or does not fit the model; the message names the place.

    """
    try:
        return model.model_validate(tomllib.loads(path.read_text(encoding="utf-8")), context={"folder": path.parent})
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        raise ConfigError(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}") from error
