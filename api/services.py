"""What the HTTP application is put together from. Whoever starts it makes the parts; the routes only take them."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from api.http.answers import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fastapi import APIRouter

    from api.access.access import Access
    from api.depot.depot import Depot
    from api.notices.notices import Notices
    from api.notices.telemetry import TelemetryBridge
    from api.projection.projection import Projection
    from api.proofs.source import ProofSource
    from api.transactions.transactions import Transactions


class DemoPart(Protocol):
    """The demo wallet, as far as the application knows it: `heliograph api` has none and imports none."""

    def routes(self) -> "APIRouter":
        """Its own routes, mounted as they are."""
        ...

    def scripts(self) -> "Sequence[str]":
        """Addresses of the scripts that every page loads for it, on this server."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Services:
    """Parts of one running application. What needs a part that is None is not there, or says so; all else works.

    Route modules are functions `<name>_routes(services) -> APIRouter`. Code that has only the request finds this object at
    `request.app.state.services`.
    """

    projection: "Projection"
    """What journal and chain say, ready to be read."""
    access: "Access"
    """Who may do what: sign-in, keys, permissions, limits, audit, owners' details, idempotency."""
    network: str
    """Name of the network whose envelopes are shown."""
    public_url: str
    """Where people reach the server, without a slash at the end; its host is the domain that owners sign in to."""
    transactions: "Transactions | None" = None
    """Calls prepared for wallets, and what of them is on chain."""
    proofs: "ProofSource | None" = None
    """Proofs and explanations, made of a journal and its chain in worker threads."""
    depot: "Depot | None" = None
    """Documents that owners and operators hand in, by hash."""
    notices: "Notices | None" = None
    """Live events and webhooks."""
    telemetry: "TelemetryBridge | None" = None
    """Envelopes that come by HTTP, carried to the broker, and the acknowledgements back."""
    health: "object | None" = None
    """Whatever routes/health.py needs to know of the process."""
    demo: DemoPart | None = None
    """The marked demo wallet; only in the demo."""
    state: "Path | None" = None
    """Folder of the application's own files, for parts that keep some."""

    @cached_property
    def kept(self) -> Kept:
        """Answers of reads that are still good, for all routes."""
        return Kept(self.projection.version)
