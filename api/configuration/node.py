"""The configuration file of a node."""

import os
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from eth_account.signers.local import LocalAccount
from pydantic import Field, field_validator

from api.configuration.account_key import read_account
from api.configuration.rules import load_rules
from api.configuration.settings import (
    BrokerSettings,
    HealthSettings,
    Identifier,
    LogSettings,
    PathInFile,
    Section,
    check_files,
)
from contracts.address_book import AddressBook
from oracle.config import read_toml
from oracle.errors import ConfigError
from oracle.keyring.files import load_keyring
from oracle.metering.interval import parse_duration_ms

RPC_URL_VARIABLE = "HELIOGRAPH_RPC_URL"
"""Environment variable that replaces the chain's URL: the place for a URL with a key in it."""
INFLUX_TOKEN_VARIABLE = "INFLUX_TOKEN"  # noqa: S105  the variable's name
"""Environment variable that holds the token of the time-series database, where no file is named."""

EXAMPLE = """\
# A Heliograph oracle node. Relative paths start at this file's folder.

[node]
name = "node-1"                        # as in its certificate: heliograph enrol node node-1 ...
network = "demo"                       # as the gateways sign for
journal = "state/journal.sqlite"       # the durable record; its folder is made
# archives = "state/archives"          # what was moved out of the journal; default: archives beside the journal
keyring = "keys"                       # report key and acknowledgement key, made by heliograph enrol node
rules = "rules.toml"                   # factors, tariffs, assets: the same for all nodes
workers = 2                            # head-end processes, as many as cores; 0: none of their own, for brokers without MQTT 5
registry_refresh = "1m"                # how often the registry is read again
settlement_interval = "1h"             # a report for each, led by this node if the signer set lets it
settlement_delay = "2m"                # time for readings to arrive before their interval is settled

[broker]
url = "mqtts://broker.example:8883"    # a URL with a password goes into HELIOGRAPH_BROKER_URL instead
ca = "tls/ca.pem"
certificate = "tls/node-1.pem"
key = "tls/node-1.key"

[chain]
rpc_url = "http://127.0.0.1:8545"      # a URL with a key in it goes into HELIOGRAPH_RPC_URL instead
address_book = "address-book.json"     # where the contracts are
finality = "finalized"                 # "latest" on development chains, which undo nothing
# account_key = "keys/account.hex"     # private key (hex) that pays for transactions; without it the node leads nothing

# [historian]                          # a time-series database to look at; nothing is settled from it
# url = "http://127.0.0.1:8086"        # InfluxDB 1.8 or 2
# bucket = "heliograph"                # in InfluxDB 1 the database
# token_file = "keys/influx.token"     # InfluxDB 1: user:password; or INFLUX_TOKEN; without either, no token
# org = "-"                            # in InfluxDB 2

[health]
port = 8081                            # /healthz, /readyz and /metrics on 127.0.0.1; 0: a free one

[log]
format = "json"                        # or "text"
level = "info"
"""


class NodeSettings(Section):
    """`[node]`."""

    name: Identifier
    network: Identifier
    journal: PathInFile
    archives: PathInFile | None = None
    """Folder of the journal's archives; without it, `archives` beside the journal."""
    keyring: PathInFile
    rules: PathInFile
    workers: int = Field(default=2, ge=0, le=64)
    registry_refresh: str = "1m"
    settlement_interval: str = "1h"
    settlement_delay: str = "2m"

    @field_validator("registry_refresh", "settlement_interval", "settlement_delay")
    @classmethod
    def _duration(cls, text: str) -> str:
        parse_duration_ms(text)
        return text

    @property
    def archives_folder(self) -> Path:
        """Where the journal's archives are; it need not be there."""
        return self.archives or self.journal.parent / "archives"

    @property
    def registry_refresh_s(self) -> float:
        """How often the registry is read [s]."""
        return parse_duration_ms(self.registry_refresh) / 1000

    @property
    def settlement_interval_s(self) -> int:
        """Length of a settlement interval [s], at least one second."""
        return max(parse_duration_ms(self.settlement_interval) // 1000, 1)

    @property
    def settlement_delay_s(self) -> int:
        """How long after its end an interval is settled [s]."""
        return parse_duration_ms(self.settlement_delay) // 1000


class ChainSettings(Section):
    """`[chain]`."""

    rpc_url: str = Field(pattern=r"^https?://[^\s]+$")
    address_book: PathInFile
    finality: Literal["finalized", "latest"] = "finalized"
    account_key: PathInFile | None = None

    def url(self) -> str:
        """Where the chain answers; the environment goes before the file."""
        return os.environ.get(RPC_URL_VARIABLE, self.rpc_url)

    def load_address_book(self) -> AddressBook:
        """Read the address book.

        Raises:
            ConfigError: it cannot be read, or is none.

        """
        try:
            return AddressBook.from_json(self.address_book.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"{self.address_book}: cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise ConfigError(f"{self.address_book}: {error}") from error

    def load_account(self) -> LocalAccount | None:
        """Read the key that pays for transactions; None where there is none.

        Raises:
            ConfigError: the file cannot be read, is readable by others, or holds no key.

        """
        return None if self.account_key is None else read_account(self.account_key)


class HistorianSettings(Section):
    """`[historian]`: a time-series database that readings are written on into."""

    url: str = Field(pattern=r"^https?://[^\s]+$")
    bucket: str = Field(min_length=1)
    """In InfluxDB 1 the database."""
    token_file: PathInFile | None = None
    org: str = "-"

    @field_validator("url")
    @classmethod
    def _without_password(cls, url: str) -> str:
        if urlsplit(url).username is not None:
            raise ValueError(f"no password belongs in this file; use token_file or {INFLUX_TOKEN_VARIABLE}")
        return url

    def load_token(self) -> str | None:
        """Read the API token, of the file or else of the environment; None where there is neither.

        Raises:
            ConfigError: the file cannot be read, or is readable by others.

        """
        if self.token_file is None:
            return os.environ.get(INFLUX_TOKEN_VARIABLE)
        try:
            if self.token_file.stat().st_mode & 0o077:
                raise ConfigError(f"{self.token_file}: is readable by others; make it private (chmod 600)")
            return self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.token_file}: cannot be read: {getattr(error, 'strerror', error)}") from error


class NodeConfig(Section):
    """A node's whole file."""

    node: NodeSettings
    broker: BrokerSettings
    chain: ChainSettings
    historian: HistorianSettings | None = None
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            ConfigError: it cannot be read or a key is wrong; the message names the place.

        """
        return read_toml(path, cls)

    def check(self) -> list[str]:
        """Read every file that it names and that is there, and return the names of the others. No network.

        Raises:
            ConfigError: a file that is there cannot be used.

        """
        account = [] if self.chain.account_key is None else [self.chain.account_key]
        token = [] if self.historian is None or self.historian.token_file is None else [self.historian.token_file]
        return check_files(
            [
                ([self.node.keyring], lambda: load_keyring(self.node.keyring)),
                ([self.node.rules], lambda: load_rules(self.node.rules)),
                (self.broker.files(), self.broker.full_url),
                ([self.chain.address_book], self.chain.load_address_book),
                (account, self.chain.load_account),
                (token, lambda: self.historian and self.historian.load_token()),
            ]
        )
