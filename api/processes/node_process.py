"""One oracle node from its configuration: put together, kept going, stopped."""

import logging
import shutil
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from web3 import HTTPProvider, Web3

from api.configuration.logs import start_log
from api.configuration.node import NodeConfig
from api.configuration.rules import load_rules
from api.processes.health import health_app
from api.processes.historian_projection import figures as historian_figures
from api.processes.historian_projection import projecting
from api.server import serve
from oracle.errors import ConfigError, OracleError
from oracle.headend.receiver import HeadEnd
from oracle.headend.workers import HeadEndWorkers
from oracle.historian.projection import Projection
from oracle.journal.backup import close_copied_epochs
from oracle.journal.journal import Journal
from oracle.keyring.files import load_keyring
from oracle.node import Node, system_clock_ms
from oracle.peers.in_process import Exchange, InProcessPeers
from oracle.reporter import MOST_SKIPPED_EPOCHS
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
        JournalError: the journal is of another network, or newer than this program, or one of its archives is missing.
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
    journal = Journal.open(settings.journal, settings.network, archives=[settings.archives_folder])
    journal.require_archives()
    _make_own(journal, chain)
    node = Node(
        name=settings.name,
        network=settings.network,
        keyring=load_keyring(settings.keyring),
        journal=journal,
        chain=chain,
        peers=InProcessPeers(Exchange(), settings.name),
        rules=load_rules(settings.rules),
    )
    with projecting(config) as projection:
        NodeProcess(config, node, chain, projection, can_pay=account is not None).run(broker_url, stop)


def _workers(config: NodeConfig, node: Node, broker_url: str) -> HeadEndWorkers | None:
    """Make the head-end's processes; None where the node shall hear by itself."""
    settings = config.node
    if not settings.workers:
        return None
    return HeadEndWorkers(
        node=settings.name,
        network=settings.network,
        journal=settings.journal,
        broker_url=broker_url,
        ack_key=node.keyring.ack_key,
        registry=node.current_registry(),
        clock_ms=system_clock_ms,
        workers=settings.workers,
        set_up=partial(start_log, config.log),
    )


def _make_own(journal: Journal, chain: Web3Chain) -> None:
    """Let a journal that was restored from a copy sign again: nothing that the lost one may have signed."""
    if not journal.is_copy():
        return
    # One less than others would follow: what comes next must not be too far ahead for them.
    first, count = chain.position().epoch + 1, MOST_SKIPPED_EPOCHS - 1
    close_copied_epochs(journal, first, count)
    log.warning(
        "the journal was restored from a copy; no report of epochs %d to %d is signed", first, first + count - 1
    )


class NodeProcess:
    """Keeps one node going: reads the registry again and again, and leads a report for every settlement interval."""

    def __init__(
        self, config: NodeConfig, node: Node, chain: Web3Chain, projection: Projection | None = None, *, can_pay: bool
    ) -> None:
        self._config = config
        self._settings = config.node
        self._health_port = config.health.port
        self._node = node
        self._chain = chain
        self._projection = projection
        self._workers: HeadEndWorkers | None = None
        self._can_pay = can_pay
        self._leading: str | None = None
        """Why this node does not lead; empty if it does, None before the first look."""
        self._chain_fault: str | None = None
        self._last_report = (0, 0)
        """(epoch, cutoff [s UTC]) of the last report."""
        self._settled_s = 0
        """Cutoff up to which nothing is left to lead [s UTC]."""
        self._refresh_at = self._lead_at = 0.0
        self._view = Journal.open(config.node.journal, config.node.network)
        """The journal for figures alone: a connection that waits for no writer."""

    def run(self, broker_url: str, stop: threading.Event) -> None:
        """Run until `stop` is set, then stop within five seconds."""
        worker = threading.Thread(target=self._work, args=(stop,), name="chain", daemon=True)
        self._workers = _workers(self._config, self._node, broker_url)
        with serve(health_app(self.figures, self.hindrances, self.degradations), self._health_port) as address:
            log.info("node %s of network %s; health at %s", self._node.name, self._node.network, address)
            if self._workers is None:
                self._node.headend.start(broker_url)
            else:
                self._workers.start()
            worker.start()
            stop.wait()
            log.info("stopping")
            deadline = time.monotonic() + STOP_S
            if self._projection is not None:
                self._projection.stop(0)  # it ends while the head-end does
            self._headend.stop()
        worker.join(max(deadline - time.monotonic(), 0))
        if worker.is_alive() or not self._node.headend.stopped:
            log.info("left a transaction to itself; it is looked for at the next start")
        else:
            self._node.journal.close()
        self._view.close()
        log.info("stopped")

    @property
    def _headend(self) -> HeadEnd | HeadEndWorkers:
        """What hears for this node."""
        return self._workers or self._node.headend

    def figures(self) -> dict[str, Any]:
        """What passed since the start, and how things stand."""
        tally = self._headend.tally
        epoch, cutoff_s = self._last()
        return {
            "node": self._node.name,
            "network": self._node.network,
            "broker_connected": self._headend.wait_connected(0),
            "chain_fault": self._chain_fault,
            "chain_well": self._chain_fault is None,
            "envelopes": tally.envelopes,
            "readings": tally.readings,
            "duplicates": tally.duplicates,
            "refused": tally.refused,
            "refused_by_reason": dict(tally.reasons),
            "unstored": tally.unstored,
            "shed": tally.shed,
            "journal": self._journal_figures(),
            "historian": None if self._projection is None else historian_figures(self._projection),
            "leads": self._leading == "",
            "last_epoch": epoch,
            "last_cutoff": cutoff_s,
        }

    def _journal_figures(self) -> dict[str, Any]:
        path = self._settings.journal
        return {
            "rows": self._view.last_row(),
            "bytes": _size(path) + _size(path.with_name(f"{path.name}-wal")),
            "free_bytes": shutil.disk_usage(path.parent).free,
            "writable": self._headend.fault is None,
            "fault": self._headend.fault,
        }

    def _last(self) -> tuple[int, int]:
        """(epoch, cutoff [s UTC]) of the last report. The report itself, which may be long, is read once."""
        epoch = self._view.last_epoch()
        if epoch != self._last_report[0]:
            record = self._view.report(epoch)
            self._last_report = (epoch, record.report.cutoff_s if record else 0)
        return self._last_report

    def hindrances(self) -> list[str]:
        """What keeps the node from its work."""
        found = [] if self._headend.wait_connected(0) else ["no connection to the broker"]
        return found + [fault for fault in (self._headend.fault, self._chain_fault) if fault]

    def degradations(self) -> list[str]:
        """What goes wrong beside its work: the time-series database, which nothing waits for."""
        error = self._projection.last_error if self._projection is not None else None
        return [f"historian: {error}"] if error else []

    def _work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                if self._step():
                    self._chain_fault = None
            except OracleError as error:
                if self._chain_fault is None:
                    log.warning("%s; trying again", error)
                self._chain_failed(str(error))
            except Exception as error:
                log.exception("the work on the chain broke off; trying again")
                self._chain_failed(f"the work on the chain broke off: {type(error).__name__}")
            stop.wait(LONGEST_WAIT_S)

    def _chain_failed(self, fault: str) -> None:
        self._chain_fault = fault
        self._lead_at = time.monotonic() + RETRY_S
        self._refresh_at = min(self._refresh_at, self._lead_at)

    def _step(self) -> bool:
        """Do what is due; tell whether the chain was asked."""
        asked = False
        unsettled: OracleError | None = None
        now = time.monotonic()
        if now >= self._refresh_at:
            asked = True
            self._refresh_at = now + self._settings.registry_refresh_s
            registry = self._node.refresh_registry()
            if self._workers is not None:
                self._workers.update_registry(registry)
            self._look_whether_to_lead()
            unsettled = self._settle()
        cutoff_s = last_boundary(time.time() - self._settings.settlement_delay_s, self._settings.settlement_interval_s)
        if self._leading == "" and cutoff_s > self._settled_s and now >= self._lead_at:
            self._lead(cutoff_s)
            asked = True
        if unsettled is not None:  # told after leading, which it must not keep from its turn
            raise unsettled
        return asked

    def _settle(self) -> OracleError | None:
        """Settle what has become active since it was published; return what speaks against it."""
        if self._leading == "":
            try:
                self._node.settle()
            except OracleError as error:
                return error
        return None

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


def _size(path: Path) -> int:
    """Size of a file [bytes], 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def last_boundary(now_s: float, interval_s: int) -> int:
    """Return the end of the last settlement interval that is over [s UTC]; intervals are aligned to the epoch."""
    return int(now_s) // interval_s * interval_s
