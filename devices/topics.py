"""MQTT topics: one grammar, formatted and parsed here only.

    heliograph/v1/{network}/telemetry/{gateway}      envelopes, gateway to nodes
    heliograph/v1/{network}/ack/{gateway}/{node}     signed acknowledgements, node to gateway
    heliograph/v1/{network}/status/{gateway}         retained: is the gateway there

Every name is an identifier, so no name holds a slash or a wildcard.
"""

from dataclasses import dataclass
from functools import lru_cache

from devices.identifier import is_identifier

PREFIX = "heliograph/v1"


class TopicError(ValueError):
    """A topic, or a name that was to go into one, does not follow the grammar."""


@dataclass(frozen=True)
class TelemetryTopic:
    """Where a gateway publishes envelopes."""

    network: str
    gateway: str


@dataclass(frozen=True)
class AckTopic:
    """Where a node acknowledges to a gateway."""

    network: str
    gateway: str
    node: str


@dataclass(frozen=True)
class StatusTopic:
    """Where a gateway says whether it is there."""

    network: str
    gateway: str


Topic = TelemetryTopic | AckTopic | StatusTopic


def format_telemetry(network: str, gateway: str) -> str:
    """Return the topic on which `gateway` publishes. Raises TopicError."""
    return f"{PREFIX}/{_name(network)}/telemetry/{_name(gateway)}"


def format_ack(network: str, gateway: str, node: str) -> str:
    """Return the topic on which `node` acknowledges to `gateway`. Raises TopicError."""
    return f"{PREFIX}/{_name(network)}/ack/{_name(gateway)}/{_name(node)}"


def format_status(network: str, gateway: str) -> str:
    """Return the topic of `gateway`'s birth and will. Raises TopicError."""
    return f"{PREFIX}/{_name(network)}/status/{_name(gateway)}"


def format_telemetry_filter(network: str, share: str | None = None) -> str:
    """Return the filter of all telemetry in a network: what a head-end subscribes to. Raises TopicError.

    It matches deeper topics too, so that telemetry under a wrong one is refused with a reason instead of lost. Clients
    that name one `share` get each message once between them (MQTT 5, shared subscription).
    """
    group = "" if share is None else f"$share/{_name(share)}/"
    return f"{group}{PREFIX}/{_name(network)}/telemetry/#"


def format_ack_filter(network: str, gateway: str) -> str:
    """Return the filter of all acknowledgements to `gateway`. Raises TopicError."""
    return f"{PREFIX}/{_name(network)}/ack/{_name(gateway)}/+"


@lru_cache(maxsize=4096)
def parse(topic: str) -> Topic:
    """Parse a topic.

    Raises:
        TopicError: not a topic of this grammar.

    """
    parts = topic.split("/")
    if parts[:2] == PREFIX.split("/") and all(is_identifier(part) for part in parts[2:]):
        match parts[2:]:
            case [network, "telemetry", gateway]:
                return TelemetryTopic(network, gateway)
            case [network, "ack", gateway, node]:
                return AckTopic(network, gateway, node)
            case [network, "status", gateway]:
                return StatusTopic(network, gateway)
            case _:
                pass
    raise TopicError(f"{topic[:200]!r} is not a Heliograph topic")


def _name(name: str) -> str:
    if not is_identifier(name):
        raise TopicError(f"{name!r} cannot stand in a topic: it is not an identifier")
    return name
