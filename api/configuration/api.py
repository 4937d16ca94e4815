"""The configuration file of the HTTP API."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from api.configuration.gateway import KnownNode
from api.configuration.node import ChainSettings
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
from api.projection.places import load_places
from oracle.config import read_toml
from oracle.errors import ConfigError

EXAMPLE = """\
# The HTTP API with its dashboard. Relative paths start at this file's folder.

[api]
name = "api-1"                         # in its metrics
network = "demo"                       # as the node beside it
journal = "state/journal.sqlite"       # of a node on this machine: read, never written
# archives = "state/archives"          # of that node; default: archives beside the journal
rules = "rules.toml"                   # the node's
state = "state/api"                    # what it shows, and who may see it; its folder is made
port = 8080                            # on 127.0.0.1, behind a proxy that ends TLS; 0: a free one
public_url = "https://sun.example"     # as browsers reach it: owners sign in for this host
node_health = "http://127.0.0.1:8081"  # the node's [health]; leave it out and the journal's age is all that is known of it
# places = "places.toml"               # where the plants are, for the clear sky: [[place]] asset_id, latitude, longitude

[chain]
rpc_url = "http://127.0.0.1:8545"      # a URL with a key in it goes into HELIOGRAPH_RPC_URL instead
address_book = "address-book.json"     # where the contracts are
finality = "finalized"                 # "latest" on development chains, which undo nothing

# [broker]                             # only for gateways that send over HTTP what others send over MQTT; with [telemetry]
# url = "mqtts://broker.example:8883"  # a URL with a password goes into HELIOGRAPH_BROKER_URL instead
# ca = "tls/ca.pem"
# certificate = "tls/http-1.pem"
# key = "tls/http-1.key"
# [telemetry]
# gateway = "http-1"                   # as in its certificate: heliograph enrol gateway http-1 ...
# copies = 1                           # so many nodes must have an envelope before the sender is told that it is delivered
# [[telemetry.node]]                   # each node whose acknowledgement counts, as heliograph enrol node told its key
# name = "node-1"
# ack_alg = "eddsa"
# ack_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

[health]
port = 8083                            # /healthz, /readyz and /metrics once more, on 127.0.0.1 alone; 0: a free one

[log]
format = "json"                        # or "text"
level = "info"
"""


def _web_origin(url: str) -> str:
    """Check that a URL is no more than scheme, host and port, and return it without a slash at its end."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not of the form https://host[:port]")
    if parts.username is not None or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise ValueError("only scheme, host and port belong here")  # what else there is may be a password
    return f"{parts.scheme}://{parts.netloc}"


class ApiSettings(Section):
    """`[api]`."""

    name: Identifier
    network: Identifier
    journal: PathInFile
    """Of a node on this machine. It need not be there."""
    archives: PathInFile | None = None
    """Folder of the journal's archives; without it, `archives` beside the journal."""
    rules: PathInFile
    state: PathInFile
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str
    """Scheme, host and port that browsers see. Its host is the domain of every sign-in."""
    node_health: str | None = None
    places: PathInFile | None = None

    @field_validator("public_url", "node_health")
    @classmethod
    def _well_formed(cls, url: str | None) -> str | None:
        return None if url is None else _web_origin(url)

    @property
    def archives_folder(self) -> Path:
        """Where the journal's archives are; it need not be there."""
        return self.archives or self.journal.parent / "archives"

    @property
    def access_file(self) -> Path:
        """Keys, sessions, audit log, owners' details: the one file of the state that cannot be made again."""
        return self.state / "access.sqlite"  # as the assembly calls it, whose libraries take a second to import

    @property
    def domain(self) -> str:
        """What a sign-in message must name: host, and port where it is not the scheme's own."""
        return urlsplit(self.public_url).netloc


class ReadOnlyChainSettings(ChainSettings):
    """`[chain]` of a process that sends nothing."""

    @model_validator(mode="after")
    def _without_key(self) -> Self:
        if self.account_key is not None:
            raise ValueError("account_key does not belong here: the api signs nothing and sends nothing")
        return self


class TelemetrySettings(Section):
    """`[telemetry]`: envelopes that come by HTTP, handed to the broker as a gateway would."""

    gateway: Identifier
    """What the broker knows it as."""
    copies: int = Field(default=1, ge=1)
    """So many nodes must have an envelope."""
    node: list[KnownNode] = Field(min_length=1)

    @model_validator(mode="after")
    def _enough_nodes(self) -> Self:
        if self.copies > len({node.name for node in self.node}):
            raise ValueError(f"copies is {self.copies}, but only {len(self.node)} nodes are named")
        return self


class ApiConfig(Section):
    """The API's whole file."""

    api: ApiSettings
    chain: ReadOnlyChainSettings
    broker: BrokerSettings | None = None
    telemetry: TelemetrySettings | None = None
    health: HealthSettings | None = None
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _broker_and_telemetry(self) -> Self:
        if (self.broker is None) != (self.telemetry is None):
            raise ValueError("[broker] and [telemetry] go together: what comes by HTTP goes to the broker")
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            ConfigError: it cannot be read or a key is wrong; the message names the place.

        """
        config = read_toml(path, cls)
        if config.api.journal.parent.resolve() == config.api.state.resolve():
            raise ConfigError(f"{path}: api.state: must not be the folder of the journal, which is the node's")
        return config

    def check(self) -> list[str]:
        """Read every file that it names and that is there, and return the names of the others. No network.

        The journal is not among them: the api starts without it and says so.

        Raises:
            ConfigError: a file that is there cannot be used.

        """
        places = [] if self.api.places is None else [self.api.places]
        broker = self.broker
        return check_files(
            [
                ([self.api.rules], lambda: load_rules(self.api.rules)),
                ([self.chain.address_book], self.chain.load_address_book),
                (places, lambda: [load_places(place) for place in places]),
                ([] if broker is None else broker.files(), lambda: broker and broker.full_url()),
            ]
        )
