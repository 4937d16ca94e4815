"""The configuration file of a gateway."""

from pathlib import Path
from typing import Literal, Self

from pydantic import ByteSize, Field, ValidationInfo, field_validator, model_validator

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
from devices.meter_command import MeterCommand
from devices.meter_source import MeterSource, TailedTable
from devices.outbox import DEFAULT_QUOTA_BYTES
from devices.polled_meters import PolledMeters
from devices.signing_log import DeviceIdentity
from devices.trusted_time import TrustedTime
from oracle.config import read_toml
from oracle.errors import ConfigError
from oracle.metering.interval import parse_duration_ms

MIN_QUOTA_BYTES = 64_000_000
"""What one look at a table may turn into, one reading an envelope, fits several times [B]."""
COMMAND_TIMEOUT_S = 4.0
"""Less than a process may take to stop [s]."""

EXAMPLE = """\
# A Heliograph gateway. Relative paths start at this file's folder.

[gateway]
name = "gw-1"                          # as in its certificate: heliograph enrol gateway gw-1 ...
network = "demo"                       # the network that readings are signed for
folder = "state"                       # outbox.sqlite and signing.sqlite: never copy, restore or share these
copies = 1                             # so many nodes must have an envelope before it leaves the outbox
batch = 60                             # readings in one envelope at most
outbox_quota = "1GB"                   # room for what is not delivered; once it is used up, no more readings are taken
backfill_rate = 200                    # envelopes a second, after an outage, beside what is new; 0: without limit

[broker]
url = "mqtts://broker.example:8883"    # a URL with a password goes into HELIOGRAPH_BROKER_URL instead
ca = "tls/ca.pem"
certificate = "tls/gw-1.pem"
key = "tls/gw-1.key"

[source]
kind = "file"                          # a CSV of readings that grows: measured_at, meter_id, export_wh, ...
path = "readings.csv"
poll = "5s"                            # kind = "command" runs a program instead that prints what the meters show:
# command = ["./read-meters"]          #   meter_id,export_wh,...

[clock]
require_synchronised = false           # true where no battery keeps the clock: until it is synchronised, nothing is dated

[[node]]                               # each node whose acknowledgement counts, as heliograph enrol node told its key
name = "node-1"
ack_alg = "eddsa"
ack_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

[[meter]]                              # each meter, with the device that signs for it; others in the file are left out
id = "roof-1"                          # as in the source's meter_id
device = "inv-7"                       # as listed in the registry
key = "keys/inv-7.pem"                 # heliograph enrol device inv-7 ...

[health]
port = 8082                            # /healthz, /readyz and /metrics on 127.0.0.1; 0: a free one

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
    outbox_quota: ByteSize = Field(default=ByteSize(DEFAULT_QUOTA_BYTES), ge=MIN_QUOTA_BYTES)
    """Room for undelivered envelopes: a number of bytes, or with a unit, "500MB", "2GiB"."""
    backfill_rate: float = Field(default=200.0, ge=0, allow_inf_nan=False)
    """Envelopes published a second at most of what is not new; 0 for no limit."""

    @property
    def backfill_per_s(self) -> float | None:
        """The same, None for no limit."""
        return self.backfill_rate or None


class SourceSettings(Section):
    """`[source]`."""

    kind: Literal["file", "command"]
    path: PathInFile | None = None
    """file: the table that grows."""
    command: list[str] | None = Field(default=None, min_length=1)
    """command: program and arguments; a relative path of the program starts at the folder of the file."""
    poll: str = "5s"

    @field_validator("poll")
    @classmethod
    def _duration(cls, text: str) -> str:
        parse_duration_ms(text)
        return text

    @field_validator("command")
    @classmethod
    def _program(cls, command: list[str] | None, info: ValidationInfo) -> list[str] | None:
        """Resolve a program that is named by a path; one that is only a name is looked for on the PATH."""
        if command is None or "/" not in command[0]:
            return command
        folder = Path((info.context or {}).get("folder", Path()))
        return [str((folder / Path(command[0]).expanduser()).absolute()), *command[1:]]

    @model_validator(mode="after")
    def _fitting(self) -> "SourceSettings":
        wanted, other = ("path", "command") if self.kind == "file" else ("command", "path")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"a source of kind {self.kind!r} takes {wanted}, not {other}")
        return self

    @property
    def poll_s(self) -> float:
        """Pause between two looks at the source [s]."""
        return parse_duration_ms(self.poll) / 1000

    def open(self, time: TrustedTime) -> MeterSource:
        """Make the source."""
        if self.command is not None:
            name = "command:" + " ".join(self.command)
            return PolledMeters(name, MeterCommand(self.command, COMMAND_TIMEOUT_S), self.poll_s, time)
        if self.path is None:
            raise ValueError("a source without a path")
        return TailedTable(self.path, self.poll_s)


class ClockSettings(Section):
    """`[clock]`: when the time is known."""

    require_synchronised: bool = False
    """Only when the kernel says that the clock is synchronised."""


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
    clock: ClockSettings = ClockSettings()
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
