"""The HTTP application's parts, put together from a journal, a chain and a folder of its own. The demo and `heliograph api` share it.

Neither journal nor chain need be there: each is looked for again and again, and what is shown says since when it is stale.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from api.access.access import Access, AccessSettings
from api.access.contract_wallets import ContractWalletsOnChain
from api.access.limits import Limits
from api.clocks import system_ms
from api.depot.depot import Depot
from api.notices.notices import Notices
from api.projection.places import Place
from api.projection.projection import Projection
from api.proofs.source import ProofSource
from api.services import DemoPart, Services
from api.transactions.transactions import Transactions
from contracts.address_book import AddressBook
from oracle.reporting.rules import Rules

if TYPE_CHECKING:
    from web3 import Web3

    from api.notices.telemetry import TelemetryBridge

PROJECTION = "projection.sqlite"
"""Made anew from journal and chain whenever it is missing."""
ACCESS = "access.sqlite"
DEPOT = "documents.sqlite"


@dataclass(frozen=True, kw_only=True)
class Site:
    """What is shown, to whom, and from where."""

    network: str
    """Whose envelopes the journal holds."""
    journal: Path
    """A node's, on this machine; read, never written. It need not be there yet."""
    archives: Path | None = None
    """Folder that the node moves old envelopes to."""
    connect: "Callable[[], Web3]"
    """Makes a client of the chain; called again and again, from any thread."""
    book: AddressBook
    """The contracts."""
    finality: Literal["finalized", "latest"] = "finalized"
    rules: Rules
    """The node's."""
    state: Path
    """Folder of the application's own files; it is made."""
    public_url: str
    """Where people reach the server, without a slash at the end."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Where plants stand, by asset: for names and clear skies."""
    limits: Limits = field(default_factory=Limits)
    plants_clock_ms: Callable[[], int] = system_ms
    """The clock that "today" and "now" of plants are told by [ms UTC]; simulated plants have one of their own."""
    stale_after_s: int = 3 * 3600
    """A meter from which nothing has come for so long has fallen silent [s]."""
    idle_s: float = 0.5
    """Pause before the journal is asked again when there was nothing new [s]."""
    chain_idle_s: float = 2.0
    """The same for the chain [s]."""
    allow_private_targets: bool = False
    """Whether webhooks may go into private networks, and without TLS."""


@contextmanager
def assembled(
    site: Site,
    *,
    telemetry: "TelemetryBridge | None" = None,
    health: object | None = None,
    demo: DemoPart | None = None,
) -> Iterator[Services]:
    """Put the parts together and let them follow journal and chain for as long as the context lasts.

    Args:
        site: what is shown.
        telemetry: carries envelopes that come by HTTP; started and closed by the caller.
        health: what the process knows of itself.
        demo: the demo's wallet.

    Raises:
        ConfigError: a file of the folder cannot be used.

    """
    site.state.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        projection = Projection.open(
            site.state / PROJECTION,
            network=site.network,
            rules=site.rules,
            places=site.places,
            clock_ms=site.plants_clock_ms,
        )
        stack.callback(projection.close)
        settings = AccessSettings(public_url=site.public_url, chain_id=site.book.chain_id, limits=site.limits)
        wallets = ContractWalletsOnChain(site.connect)
        access = Access.open(site.state / ACCESS, settings, projection.assets_of, wallets)
        stack.callback(access.close)
        depot = Depot.open(site.state / DEPOT)
        stack.callback(depot.close)
        notices = Notices.open(site.state, projection, allow_private_targets=site.allow_private_targets)
        stack.callback(notices.close)
        _follow(site, projection)
        notices.start()
        yield Services(
            projection=projection,
            access=access,
            network=site.network,
            public_url=site.public_url,
            transactions=Transactions(site.connect, site.book, finality=site.finality),
            proofs=ProofSource(
                site.journal,
                site.network,
                (site.rules,),
                site.book,
                site.connect,
                finality=site.finality,
                archives=site.archives,
            ),
            depot=depot,
            notices=notices,
            telemetry=telemetry,
            health=health,
            demo=demo,
            state=site.state,
        )


def _follow(site: Site, projection: Projection) -> None:
    """Follow journal and chain, each in a thread of its own, until the projection is closed."""
    archives = () if site.archives is None else (site.archives,)
    journal = projection.follow_journal(site.journal, archives, stale_after_s=site.stale_after_s, idle_s=site.idle_s)
    chain = projection.follow_chain(site.connect, site.book, site.finality, idle_s=site.chain_idle_s)
    journal.start()
    chain.start()
