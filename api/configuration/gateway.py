"""The configuration file of a gateway."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from api.configuration.settings import (
    BrokerSettings,
    Check,
    HealthSettings,
    Identifier,
    LogSettings,
    PathInFile,
    Section,
    check_files,
)
from devices.columns import MAX_READINGS
from devices.device_key import ALGORITHMS, Algorithm, DeviceKeyError, PublicKey, SigningKey
from devices.signing_log import DeviceIdentity
from oracle.config import read_toml
from oracle.errors import ConfigError
from oracle.metering.interval import parse_duration_ms

EXAMPLE = """\
# A Heliograph gateway. Relative paths start at this file's folder.

[gateway]
name = "gw-1"                          # as in its certificate: heliograph enrol gateway gw-1 ...
network = "demo"                       # the network that readings are signed for
folder = "state"                       # outbox.sqlite and signing.sqlite: never copy, restore or share these
copies = 1                             # so many nodes must have an envelope before it leaves the outbox
batch = 60                             # readings in one envelope at most

[broker]
url = "mqtts://broker.example:8883"    # a URL with a password goes into HELIOGRAPH_BROKER_URL instead
ca = "tls/ca.pem"
certificate = "tls/gw-1.pem"
key = "tls/gw-1.key"

[source]
kind = "file"                          # a CSV of readings that grows: measured_at, meter_id, export_wh, ...
path = "readings.csv"
poll = "5s"

[[node]]                               # each node whose acknowledgement counts, as heliograph enrol node told its key
name = "node-1"
ack_alg = "eddsa"
ack_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

[[meter]]                              # each meter, with the device that signs for it; others in the file are left out
id = "roof-1"                          # as in the source's meter_id
device = "inv-7"                       # as listed in the registry
key = "keys/inv-7.pem"                 # heliograph enrol device inv-7 ...

[health]
port = 8082                            # /healthz and /readyz on 127.0.0.1; 0: a free one

[log]
format = "json"                        # or "text"
level = "info"
"""


class GatewaySettings(Section):
    """`[gateway]`."""

    name: Identifier
    network: Identifier
    folder: PathInFile
    copies: int = Field(default=1, ge=1)
    batch: int = Field(default=60, ge=1, le=MAX_READINGS)


class SourceSettings(Section):
    """`[source]`."""

    kind: Literal["file"]
    path: PathInFile
    poll: str = "5s"

    @field_validator("poll")
    @classmethod
    def _duration(cls, text: str) -> str:
        parse_duration_ms(text)
        return text

    @property
    def poll_s(self) -> float:
        """Pause between two looks at the source [s]."""
        return parse_duration_ms(self.poll) / 1000


class KnownNode(Section):
    """One `[[node]]`."""

    name: Identifier
    ack_alg: Algorithm = Field(description=f"one of {', '.join(ALGORITHMS)}")
    ack_key: str
    """The public key in hex."""

    @field_validator("ack_key")
    @classmethod
    def _hex(cls, text: str) -> str:
        bytes.fromhex(text)
        return text

    @model_validator(mode="after")
    def _usable(self) -> "KnownNode":
        self.public_key()
        return self

    def public_key(self) -> PublicKey:
        """The key that its acknowledgements are signed with."""
        return PublicKey(self.ack_alg, bytes.fromhex(self.ack_key))


class GatewayMeter(Section):
    """One `[[meter]]`."""

    id: Identifier
    device: Identifier
    key: PathInFile

    def identity(self) -> DeviceIdentity:
        """Read the device's key.

        Raises:
            ConfigError: it cannot be read, is readable by others, or is no device key.

        """
        try:
            if self.key.stat().st_mode & 0o077:
                raise ConfigError(f"{self.key}: is readable by others; make it private (chmod 600)")
            return DeviceIdentity(self.device, self.id, SigningKey.from_pem(self.key.read_bytes()))
        except OSError as error:
            raise ConfigError(f"{self.key}: cannot be read: {error.strerror}") from error
        except DeviceKeyError as error:
            raise ConfigError(f"{self.key}: {error}") from error


class GatewayConfig(Section):
    """A gateway's whole file."""

    gateway: GatewaySettings
    broker: BrokerSettings
    source: SourceSettings
    node: list[KnownNode] = Field(min_length=1)
    meter: list[GatewayMeter] = Field(min_length=1)
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _consistent(self) -> "GatewayConfig":
        for what, names in (("node", [n.name for n in self.node]), ("meter", [m.id for m in self.meter])):
            if repeated := {name for name in names if names.count(name) > 1}:
                raise ValueError(f"{what} {min(repeated)!r} is there more than once")
        keys = {meter.device: meter.key for meter in self.meter}
        if strays := [meter.device for meter in self.meter if keys[meter.device] != meter.key]:
            raise ValueError(f"device {strays[0]!r} has two keys")
        if self.gateway.copies > len(self.node):
            raise ValueError(f"copies is {self.gateway.copies}, but only {len(self.node)} nodes are named")
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            ConfigError: it cannot be read or a key is wrong; the message names the place.

        """
        return read_toml(path, cls)

    def check(self) -> list[str]:
        """Read every file that it names and that is there, and return the names of the others. No network.

        The source may come later: it is waited for.

        Raises:
            ConfigError: a file that is there cannot be used.

        """
        checks: list[Check] = [(self.broker.files(), self.broker.full_url)]
        return check_files([*checks, *(([meter.key], meter.identity) for meter in self.meter)])
