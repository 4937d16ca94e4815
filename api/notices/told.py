"""An event as listeners and webhooks are told it. Its bytes are made once, however many hear it. Pure."""

import hashlib
import json
from dataclasses import dataclass
from typing import Self

from api.projection.views import EventView


@dataclass(frozen=True)
class Told:
    """One event, ready to be sent to every listener."""

    number: int
    kind: str
    asset_id: str | None
    """Whose it is; None concerns all."""
    wire: bytes
    """A server-sent event: `id`, `event` and `data` lines, and the empty line that ends it."""

    @classmethod
    def of(cls, event: EventView, instance: str) -> Self:
        """Write an event of one instance of the projection."""
        wire = message(event.kind, event.model_dump_json(), position(instance, event.number))
        return cls(event.number, event.kind, event.asset_id, wire)


def position(instance: str, number: int) -> str:
    """Where a listener is: what it sends back as Last-Event-ID. Numbers begin anew with another instance."""
    return f"{instance}-{number}"


def parse_position(text: str) -> tuple[str, int] | None:
    """Read a position: (instance, number), None if it is none."""
    instance, dash, number = text.strip().rpartition("-")
    if not dash or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return instance, int(number)


def message(kind: str, document: str, at: str | None = None) -> bytes:
    """Write one server-sent event; `document` is JSON of one line."""
    lines = [] if at is None else [f"id: {at}"]
    return "\n".join([*lines, f"event: {kind}", f"data: {document}", "", ""]).encode()


def fingerprint(event: EventView) -> str:
    """Name an event by what it says, 32 hexadecimal digits: the same after the projection was built anew."""
    said = {"kind": event.kind, "asset_id": event.asset_id, "at": event.at.isoformat(), "document": event.document}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]
