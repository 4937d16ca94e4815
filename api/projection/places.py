"""Where plants stand: a file that the operator writes. It decides nothing; it is for names and clear skies."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oracle.errors import ConfigError

EXAMPLE = """\
[[place]]
asset_id = "roof-1"
name = "Sham Shui Po rooftop"
latitude = 22.331               # degrees north
longitude = 114.162             # degrees east
# tilt_deg = 15                 # of the modules; about the latitude where it is left out
# azimuth_deg = 180             # where they look, clockwise from north; at the equator where it is left out
"""


@dataclass(frozen=True)
class Place:
    """Where a plant stands, and how its modules look."""

    asset_id: str
    latitude: float
    """Degrees north."""
    longitude: float
    """Degrees east."""
    name: str | None = None
    """What people call the plant."""
    tilt_deg: float | None = None
    """0 is flat; None: about the latitude."""
    azimuth_deg: float | None = None
    """Clockwise from north; None: at the equator."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    asset_id: Annotated[str, Field(min_length=1, max_length=28)]
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    name: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    tilt_deg: Annotated[float, Field(ge=0, le=90)] | None = None
    azimuth_deg: Annotated[float, Field(ge=0, le=360)] | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    place: list[_Entry] = []


def load_places(path: Path) -> Mapping[str, Place]:
    """Read a file of places, by asset id.

    Raises:
        ConfigError: it cannot be read, or says something that is no place.

    """
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = _File.model_validate(document).place
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{path}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
    places = {entry.asset_id: Place(**entry.model_dump()) for entry in entries}
    if len(places) != len(entries):
        raise ConfigError(f"{path}: an asset has two places")
    return places
