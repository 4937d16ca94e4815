"""What the API's process knows of itself: figures, what is in its way, what is stale."""

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from api.processes.metrics import CONTENT_TYPE, exposition
from api.processes.node_watch import NodeWatch
from api.processes.traffic import Tally
from api.projection.views import Source
from api.services import Services

LEAST_FREE_BYTES = 16 * 2**20
"""With less room than this on its disk the process can do no more than read."""
KEPT_S = 1.0
"""Counts over the whole fleet are made no more often than this [s]."""


class ApiHealth:
    """Figures of one process. Safe to ask from any thread."""

    def __init__(self, name: str, state: Path, tally: Tally, watch: Callable[[], NodeWatch | None]) -> None:
        """Describe a process; `serve` tells it what it serves.

        Args:
            name: of the process.
            state: folder of its files.
            tally: what it answered.
            watch: who watches the node, if anybody does.

        """
        self._name = name
        self._state = state
        self._tally = tally
        self._watch = watch
        self._services: Services | None = None
        self._fleet: tuple[float, dict[str, Any]] = (0.0, {})

    def serve(self, services: Services) -> None:
        """Say what is served from now on."""
        self._services = services

    def figures(self) -> Mapping[str, Any]:
        """What passed since the start, and how things stand."""
        found: dict[str, Any] = {"api": self._name, **self._tally.figures(), "projection": self._file_figures()}
        services = self._services
        if services is None:
            return {**found, "network": ""}
        sources = self._sources(services)
        now_s = time.time()
        return {
            **found,
            "network": services.network,
            "sources": {name: source.model_dump(mode="json") for name, source in sources.items()},
            "source_well": {name: source.stale_since is None for name, source in sources.items()},
            "source_age_s": {
                name: round(max(now_s - source.fresh_at.timestamp(), 0), 1)
                for name, source in sources.items()
                if source.fresh_at is not None
            },
            **(services.notices.figures() if services.notices is not None else {}),
            **(services.telemetry.figures() if services.telemetry is not None else {}),
            **({} if services.telemetry is None else {"broker_connected": services.telemetry.connected}),
            **self._fleet_figures(services),
        }

    def hindrances(self) -> list[str]:
        """What keeps the process from its work. A source that is away does not: reads go on."""
        if self._services is None:
            return ["is starting"]
        try:
            free = shutil.disk_usage(self._state).free
        except OSError as error:
            return [f"the folder of its files cannot be used: {error.strerror}"]
        if free < LEAST_FREE_BYTES:
            return [
                f"the disk of its files is full: {free} bytes are free, so nobody can sign in and no write is taken"
            ]
        return []

    def degradations(self) -> list[str]:
        """What is stale and since when, and what the node says of itself."""
        services = self._services
        if services is None:
            return []
        found = [
            f"{name}: stale since {source.stale_since:%Y-%m-%dT%H:%M:%SZ}: {source.fault or 'it does not answer'}"
            for name, source in self._sources(services).items()
            if source.stale_since is not None
        ]
        watch = self._watch()
        if services.telemetry is not None and not services.telemetry.connected:
            found.append("broker: not connected, so telemetry by HTTP is refused")
        return found + ([f"node: {each}" for each in watch.hindrances] if watch is not None else [])

    def exposition(self) -> tuple[bytes, str]:
        """The figures in Prometheus's text format, and its media type."""
        shown = {**self.figures(), "ready": not self.hindrances(), "degradations": len(self.degradations())}
        return exposition(shown), CONTENT_TYPE

    @staticmethod
    def _sources(services: Services) -> dict[str, Source]:
        freshness = services.projection.freshness()
        named = {"journal": freshness.journal, "chain": freshness.chain, "node": freshness.node}
        return {name: source for name, source in named.items() if source is not None}

    def _file_figures(self) -> dict[str, Any]:
        from api.assembly import PROJECTION  # noqa: PLC0415  the assembly's name for it

        files = [self._state / f"{PROJECTION}{tail}" for tail in ("", "-wal")]
        sizes = [file.stat().st_size for file in files if file.exists()]
        try:
            free: int | None = shutil.disk_usage(self._state).free
        except OSError:
            free = None
        version = None if self._services is None else self._services.projection.version()
        return {"version": version, "bytes": sum(sizes), "free_bytes": free}

    def _fleet_figures(self, services: Services) -> dict[str, Any]:
        """Counts over all assets, kept for a moment: whoever asks often does not cost more."""
        at, found = self._fleet
        if time.monotonic() - at >= KEPT_S or not found:
            stations = {station.name: station for station in services.projection.status().stations}
            held = services.projection.standings()
            found = {
                "meters": {"listed": stations["meters"].of, "reporting": stations["meters"].reporting},
                "energy_wh": held,
                "awaited_minor": stations["paid"].awaited_minor,
            }
            self._fleet = (time.monotonic(), found)
        return found
