"""Everything a demo is made of, put together: contracts, four nodes, gateways, plants."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from api.assembly import Site
from api.books import Books, check_books
from api.clocks import system_ms
from api.demo.chains import RunningChain
from api.demo.fleet import (
    Plant,
    assets_of,
    buffer_bps_of,
    identities_of,
    meters_of,
    places_of,
    projects_of,
    rate_limits_of,
    rules_of,
    shares_of,
)
from contracts.address_book import AddressBook
from contracts.deployment import deploy
from contracts.registration import identity_entries, limit_entries, registry_entries, send_entries, share_entries
from contracts.transaction import ChainRefusalError
from devices.gateway import DeviceSigner, Gateway, Outbox
from oracle.attestation.signer_set import threshold_for_minting
from oracle.errors import ChainError
from oracle.journal.journal import Journal
from oracle.keyring.files import create_keyring
from oracle.node import Node, Published
from oracle.peers.in_process import Exchange, InProcessPeers
from oracle.reporting.registry import meters_root
from oracle.reporting.rules import Rules
from oracle.transmitter.web3_chain import Web3Chain

if TYPE_CHECKING:
    from eth_typing import ChecksumAddress

NETWORK = "demo"
JOURNAL = "journal.sqlite"
NODE_COUNT = 4
THRESHOLD = threshold_for_minting(NODE_COUNT)
READINGS_PER_ENVELOPE = 12
"""An hour of five-minute readings."""
DELIVERY_TIMEOUT_S = 120
FINALITY: Literal["latest"] = "latest"
"""The demo runs on development chains, which undo nothing."""


@dataclass(eq=False)
class World:
    """A running demo."""

    folder: Path
    chain: RunningChain
    book: AddressBook
    rules: Rules
    plants: list[Plant]
    nodes: list[Node]
    gateways: dict[str, Gateway]
    """By project."""
    signers: dict[str, DeviceSigner]
    """By device."""
    outboxes: list[Outbox]
    published: list[Published] = field(default_factory=list)
    settling: threading.Lock = field(default_factory=threading.Lock)

    def send(
        self, plant: Plant, after_ms: int, until_ms: int, readings_per_envelope: int = READINGS_PER_ENVELOPE
    ) -> int:
        """Let a plant's device sign its readings of (after, until] and hand them to its gateway; return how many."""
        readings = plant.source.between(after_ms, until_ms)
        envelopes = self.signers[plant.device_id].sign_in_batches(readings, readings_per_envelope)
        self.gateways[plant.project_id].send_many(list(envelopes))
        return len(readings)

    def wait_delivered(self, stop: threading.Event, on_progress: Callable[[int], None] = lambda _: None) -> bool:
        """Wait until k nodes have journaled everything; False if that takes too long or the demo is being stopped."""
        for gateway in self.gateways.values():
            for _ in range(DELIVERY_TIMEOUT_S):
                if gateway.wait_until_empty(1.0, on_progress):
                    break
                if stop.is_set():
                    return False
            else:
                return False
        return True

    def settle(self, cutoff_s: int) -> Published | None:
        """Publish and settle up to a cutoff; the nodes take turns to lead, and the next steps in where one finds no quorum."""
        with self.settling:
            for turn in range(2 * len(self.nodes)):
                leader = self.nodes[(len(self.published) + turn) % len(self.nodes)]
                published = leader.lead(cutoff_s)
                if published is not None:
                    self.published.append(published)
                    if published.attested.report.cutoff_s >= cutoff_s:
                        return published
            return None

    def fresh_chain(self) -> Web3Chain:
        """Client of the chain that shares nothing with the nodes and can only read."""
        return Web3Chain(self.chain.connect(), self.book, finality=FINALITY)

    def site(self, state: Path, public_url: str, clock_ms: Callable[[], int] = system_ms, idle_s: float = 0.5) -> Site:
        """What the API shows: the first node's journal, and the chain.

        Args:
            state: folder of the application's own files.
            public_url: where it is served.
            clock_ms: the plants' clock [ms UTC].
            idle_s: pause before journal and chain are looked at again [s].

        """
        return Site(
            network=NETWORK,
            journal=self.folder / self.nodes[0].name / JOURNAL,
            connect=self.chain.connect,
            book=self.book,
            finality=FINALITY,
            rules=self.rules,
            state=state,
            public_url=public_url,
            places=places_of(self.plants),
            plants_clock_ms=clock_ms,
            idle_s=idle_s,
            chain_idle_s=idle_s,
        )

    def check_books(self) -> Books:
        """Count both sides anew."""
        return check_books({node.name: node.journal for node in self.nodes}, self.fresh_chain(), self.rules)

    def close(self) -> None:
        """Stop gateways and nodes; everything durable stays in the folder."""
        for gateway in self.gateways.values():
            gateway.close()
        for outbox in self.outboxes:
            outbox.close()
        for node in self.nodes:
            node.headend.stop()
        for node in self.nodes:
            node.journal.close()


def build_world(  # noqa: PLR0913, PLR0917  what the world is put together from
    folder: Path,
    chain: RunningChain,
    broker_url: str,
    plants: list[Plant],
    on_step: Callable[[str], None] = lambda _: None,
    activation_delay_s: int = 0,
    owners: Sequence[str] = (),
) -> World:
    """Deploy and register, then start nodes and gateways. A report is pending for `activation_delay_s` before it is settled.

    The plants belong to `owners` in turn; without any, to the chain's own accounts.

    Raises:
        ChainError: the chain has no account to pay with, or refuses a step.

    """
    web3 = chain.connect()
    accounts = web3.eth.accounts
    if not accounts:
        raise ChainError(f"{chain.name} has no unlocked account to deploy with; the demo needs a development chain")
    keyrings = {f"node-{n}": create_keyring(folder / f"node-{n}") for n in range(1, NODE_COUNT + 1)}
    rules = rules_of(plants)
    try:
        report_keys = [keyring.address for keyring in keyrings.values()]
        book = deploy(web3, accounts[0], report_keys, THRESHOLD, on_step, activation_delay_s)
        beneficiaries = list(owners) or list(accounts[1:]) or [accounts[0]]
        _register(chain, book, accounts[0], beneficiaries, plants, on_step)
    except ChainRefusalError as error:
        raise ChainError(str(error)) from error
    exchange = Exchange()
    nodes = []
    for number, (name, keyring) in enumerate(keyrings.items()):
        on_step(f"start {name}")
        node = Node(
            name=name,
            network=NETWORK,
            keyring=keyring,
            journal=Journal.open(folder / name / JOURNAL, NETWORK),
            chain=Web3Chain(chain.connect(), book, accounts[number % len(accounts)], FINALITY),
            peers=InProcessPeers(exchange, name),
            rules=rules,
        )
        exchange.join(name, node)
        node.headend.start(broker_url)
        nodes.append(node)
    for node in nodes:
        if not node.headend.wait_connected(15):
            raise ChainError(f"{node.name} does not reach the broker at {broker_url}")
    outboxes = {
        project_id: Outbox(folder / f"gateway-{project_id}.sqlite") for project_id in {p.project_id for p in plants}
    }
    node_keys = {name: keyring.ack_key.public for name, keyring in keyrings.items()}
    gateways = {
        project_id: Gateway(f"gw-{project_id}", NETWORK, broker_url, outbox, node_keys, THRESHOLD)
        for project_id, outbox in sorted(outboxes.items())
    }
    for gateway in gateways.values():
        gateway.start()
    signers = {plant.device_id: DeviceSigner(plant.device_id, plant.meter.id, plant.key, NETWORK) for plant in plants}
    return World(folder, chain, book, rules, plants, nodes, gateways, signers, list(outboxes.values()))


def _register(  # noqa: PLR0913, PLR0917  what is registered, where, and by whom
    chain: RunningChain,
    book: AddressBook,
    admin: "ChecksumAddress",
    beneficiaries: list[str],
    plants: list[Plant],
    on_step: Callable[[str], None],
) -> None:
    """Register projects, assets and meters; set their limits; verify the owners and issue their shares."""
    web3 = chain.connect()
    assets, meters = assets_of(plants, beneficiaries), meters_of(plants)
    project_of = {asset.asset_id: asset.project_id for asset in assets}
    projects = projects_of(plants, book.addresses["HKDStablecoin"])
    roots = {
        project.project_id: meters_root([meter for meter in meters if project_of[meter.asset_id] == project.project_id])
        for project in projects
    }
    now_s = web3.eth.get_block("latest")["timestamp"]
    entries = [
        *registry_entries(projects, assets, meters, roots),
        *limit_entries(rate_limits_of(assets), buffer_bps_of(projects)),
        *identity_entries(identities_of(assets, now_s)),
        *share_entries(shares_of(assets)),
    ]
    send_entries(web3, admin, book, entries, on_step)
