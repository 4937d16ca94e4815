"""What the configuration files of all processes share: names, broker, log, health."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from devices.broker_address import BrokerAddress, BrokerUrlError, Tls
from devices.identifier import require_identifier
from oracle.errors import ConfigError

BROKER_URL_VARIABLE = "HELIOGRAPH_BROKER_URL"
"""Environment variable that replaces the broker's URL: the place for a password."""


def _in_folder(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder", Path())
    return Path(folder) / path.expanduser()


PathInFile = Annotated[Path, AfterValidator(_in_folder)]
"""A path; a relative one starts at the folder of the file that names it."""
Identifier = Annotated[str, AfterValidator(lambda name: require_identifier(name, "name"))]


class Section(BaseModel):
    """A part of a configuration file: no unknown keys, nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerSettings(Section):
    """`[broker]`: where it is, and the certificates to enter with."""

    url: str
    """mqtt://host[:port] or mqtts://host[:port]. One with a password comes in HELIOGRAPH_BROKER_URL."""
    ca: PathInFile | None = None
    """Whom to trust; without it, the authorities that the system trusts."""
    certificate: PathInFile | None = None
    key: PathInFile | None = None

    @field_validator("url")
    @classmethod
    def _well_formed(cls, url: str) -> str:
        if BrokerAddress.parse(url).password is not None:
            raise ValueError(f"no password belongs in this file; put the whole URL into {BROKER_URL_VARIABLE}")
        return url

    @model_validator(mode="after")
    def _fitting(self) -> "BrokerSettings":
        BrokerAddress.parse(self.url, self._tls())
        return self

    def _tls(self) -> Tls | None:
        given = any((self.ca, self.certificate, self.key))
        return Tls(self.ca, self.certificate, self.key) if given else None

    def files(self) -> list[Path]:
        """The files that it names."""
        return [path for path in (self.ca, self.certificate, self.key) if path is not None]

    def full_url(self) -> str:
        """The URL to connect to, its TLS files included; the environment goes before the file.

        Raises:
            ConfigError: the URL in the environment is none, or a certificate cannot be used.

        """
        tls = self._tls()
        url = os.environ.get(BROKER_URL_VARIABLE, self.url)
        try:
            address = BrokerAddress.parse(url, tls)
            if address.tls is not None:
                address.tls.context()
        except BrokerUrlError as error:
            raise ConfigError(f"broker: {error}") from error
        return tls.add_to(url) if tls else url


class LogSettings(Section):
    """`[log]`: what goes to stderr."""

    format: Literal["text", "json"] = "text"
    """json: one object a line."""
    level: Literal["debug", "info", "warning", "error"] = "info"


class HealthSettings(Section):
    """`[health]`: /healthz, /readyz and /metrics on 127.0.0.1."""

    port: int = Field(default=0, ge=0, le=65535)
    """0 means a free one, named in the log."""


Check = tuple[Sequence[Path], Callable[[], object]]
"""Files, and what reads them and raises ConfigError."""


def check_files(checks: Iterable[Check]) -> list[str]:
    """Read what is there; return the names of files that are not there yet.

    A file that is missing is no fault of the configuration that names it, so it can be checked before it is installed.

    Raises:
        ConfigError: a file that is there cannot be used.

    """
    missing: list[str] = []
    for paths, use in checks:
        absent = [str(path) for path in paths if not path.exists()]
        if absent:
            missing += absent
        else:
            use()
    return list(dict.fromkeys(missing))
