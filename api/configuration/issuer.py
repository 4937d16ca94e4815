"""The issuer's file: who issues energy certificates, and what its production devices are called."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from oracle.config import read_toml
from oracle.reporting.granular import Device, Issuer

EXAMPLE = """\
# Who issues energy certificates over an asset's generation. What meters measure and what the registry says comes from the proof.

[issuer]
issuing_body = "Sunny Valley Certificates Ltd"
country_of_issuance = "HK"
connected_grid_identification = "CLP Power grid"
issue_market_zone = "HK-CLP"
registry_configuration = 1             # 1: no other certificates exist over this energy
valid_days = 730
issuance_purpose = "Disclosure"
dissemination_level = "fed into a public grid"
# legal_status, support_received, quality_scheme_reference

[[device]]                             # one for each meter that counts
meter = "met-1"
name = "Sunny Valley, roof of block A"
technology = "rooftop photovoltaic plant"
latitude = 22.38
longitude = 114.19
"""


class IssuerEntry(BaseModel):
    """`[issuer]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    issuing_body: str = Field(min_length=1)
    country_of_issuance: str = Field(min_length=1)
    connected_grid_identification: str = Field(min_length=1)
    issue_market_zone: str = Field(min_length=1)
    registry_configuration: int = Field(ge=1, le=3)
    valid_days: int = Field(gt=0, le=36_500)
    legal_status: str | None = None
    issuance_purpose: str | None = None
    support_received: str | None = None
    quality_scheme_reference: str | None = None
    dissemination_level: str | None = None

    def to_issuer(self, devices: Mapping[str, Device]) -> Issuer:
        """Return the issuer, with production devices by meter."""
        return Issuer(**self.model_dump(), devices=devices)


class DeviceEntry(BaseModel):
    """One `[[device]]`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    meter: str = Field(min_length=1)
    """As the settlement names it: `device/meter` where two devices of an asset call their meter alike."""
    name: str = Field(min_length=1)
    technology: str = Field(min_length=1)
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class IssuerFile(BaseModel):
    """An issuer's file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    issuer: IssuerEntry
    device: list[DeviceEntry] = Field(min_length=1)


def load_issuer(path: Path) -> IssuerFile:
    """Read an issuer's file.

    Raises:
        ConfigError: it cannot be read, is no TOML, or lacks a member; the message names the place.

    """
    return read_toml(path, IssuerFile)
