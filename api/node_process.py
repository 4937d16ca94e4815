"""One oracle node from its configuration: put together, kept going, stopped."""

import logging
import threading
import time
from typing import Any

from web3 import HTTPProvider, Web3

from api.configuration.node import NodeConfig
from api.configuration.rules import load_rules
from api.health import health_app
from api.server import serve
from oracle.errors import ConfigError, OracleError
from oracle.journal.journal import Journal
from oracle.keyring.files import load_keyring
from oracle.node import Node
from oracle.peers.in_process import Exchange, InProcessPeers
from oracle.transmitter.web3_chain import Web3Chain

log = logging.getLogger(__name__)

RPC_TIMEOUT_S = 10
RETRY_S = 15.0
"""After a report that could not be published, it is tried again [s]."""
LONGEST_WAIT_S = 1.0
STOP_S = 4.5
"""The whole stop takes no longer [s]."""


def run_node(config: NodeConfig, stop: threading.Event) -> None:
    """Run a node until `stop` is set.

    Raises:
        ConfigError: a file cannot be used.
        JournalError: the journal is of another network, or newer than this program.
        ChainError: the chain does not answer, or is another one.
        OSError: the port of the health endpoint is taken.

    """
    settings = config.node
    web3 = Web3(HTTPProvider(config.chain.url(), request_kwargs={"timeout": RPC_TIMEOUT_S}))
    account = config.chain.load_account()
    chain = Web3Chain(web3, config.chain.load_address_book(), account, config.chain.finality)
    broker_url = config.broker.full_url()
    try:
        settings.journal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(f"{settings.journal.parent}: cannot be made: {error.strerror}") from error
    journal = Journal.open(settings.journal, settings.network)
    node = Node(
        name=settings.name,
        network=settings.network,
        keyring=load_keyring(settings.keyring),
        journal=journal,
        chain=chain,
        peers=InProcessPeers(Exchange(), settings.name),
        rules=load_rules(settings.rules),
    )
    NodeProcess(config, node, chain, can_pay=account is not None).run(broker_url, stop)


class NodeProcess:
    """Keeps one node going: reads the registry again and again, and leads a report for every settlement interval."""

    def __init__(self, config: NodeConfig, node: Node, chain: Web3Chain, *, can_pay: bool) -> None:
        self._settings = config.node
        self._health_port = config.health.port
        self._node = node
        self._chain = chain
        self._can_pay = can_pay
        self._leading: str | None = None
        """Why this node does not lead; empty if it does, None before the first look."""
        self._chain_fault: str | None = None
        self._settled_s = 0
        """Cutoff up to which nothing is left to lead [s UTC]."""
        self._refresh_at = self._lead_at = 0.0

    def run(self, broker_url: str, stop: threading.Event) -> None:
        """Run until `stop` is set, then stop within five seconds."""
        worker = threading.Thread(target=self._work, args=(stop,), name="chain", daemon=True)
        with serve(health_app(self.figures, self.hindrances), self._health_port) as address:
            log.info("node %s of network %s; health at %s", self._node.name, self._node.network, address)
            self._node.headend.start(broker_url)
            worker.start()
            stop.wait()
            log.info("stopping")
            deadline = time.monotonic() + STOP_S
            self._node.headend.stop()
        worker.join(max(deadline - time.monotonic(), 0))
        if worker.is_alive():
            log.info("left a transaction to itself; it is looked for at the next start")
        else:
            self._node.journal.close()
        log.info("stopped")

    def figures(self) -> dict[str, Any]:
        """What passed since the start, and how things stand."""
        tally = self._node.headend.tally
        last = self._node.journal.last_report()
        return {
            "node": self._node.name,
            "network": self._node.network,
            "broker_connected": self._node.headend.wait_connected(0),
            "chain_fault": self._chain_fault,
            "envelopes": tally.envelopes,
            "duplicates": tally.duplicates,
            "refused": tally.refused,
            "leads": self._leading == "",
            "last_epoch": last.report.epoch if last else 0,
            "last_cutoff": last.report.cutoff_s if last else 0,
        }

    def hindrances(self) -> list[str]:
        """What keeps the node from its work."""
        found = [] if self._node.headend.wait_connected(0) else ["no connection to the broker"]
        return found + ([self._chain_fault] if self._chain_fault else [])

    def _work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._step()
                self._chain_fault = None
            except OracleError as error:
                if self._chain_fault is None:
                    log.warning("%s; trying again", error)
                self._chain_fault = str(error)
                self._lead_at = time.monotonic() + RETRY_S
            except Exception:
                log.exception("the work on the chain broke off; trying again")
                self._lead_at = time.monotonic() + RETRY_S
            stop.wait(LONGEST_WAIT_S)

    def _step(self) -> None:
        now = time.monotonic()
        if now >= self._refresh_at:
            self._refresh_at = now + self._settings.registry_refresh_s
            self._node.refresh_registry()
            self._look_whether_to_lead()
        cutoff_s = last_boundary(time.time() - self._settings.settlement_delay_s, self._settings.settlement_interval_s)
        if self._leading == "" and cutoff_s > self._settled_s and now >= self._lead_at:
            self._lead(cutoff_s)

    def _look_whether_to_lead(self) -> None:
        signers = self._chain.signer_set()
        if self._node.keyring.address not in signers.signers:
            reason = f"{self._node.keyring.address} is not among the signers of the contract"
        elif signers.threshold > 1:
            reason = f"{signers.threshold} signatures make a quorum and this release reaches no peers"
        elif not self._can_pay:
            reason = "there is no account_key to pay for transactions"
        else:
            reason = ""
        if reason != self._leading:
            log.info("leads a report every interval" if not reason else f"hears and journals only: {reason}")
        self._leading = reason

    def _lead(self, cutoff_s: int) -> None:
        """Publish up to a cutoff [s UTC]. A report that was begun before may end earlier: then another follows."""
        if self._chain.position().cutoff_s < cutoff_s:
            published = self._node.lead(cutoff_s)
            if published is None:
                self._lead_at = time.monotonic() + RETRY_S
                return
            report = published.attested.report
            log.info("published epoch %d: %d Wh stand", report.epoch, report.totals.energy_wh)
            if report.cutoff_s < cutoff_s:
                return
        self._settled_s = cutoff_s


def last_boundary(now_s: float, interval_s: int) -> int:
    """Return the end of the last settlement interval that is over [s UTC]; intervals are aligned to the epoch."""
    return int(now_s) // interval_s * interval_s
